"""Pseudonyms made without a secret fall; those made with one do not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from riskstrat.custody.keyspec import Domain
from riskstrat.custody.pseudonyms import pseudonym
from riskstrat.intruder.enumeration import Effort, enumerate_identifiers
from riskstrat.intruder.findings import Attack
from riskstrat.intruder.numbers import numbers_for_tests
from riskstrat.intruder.recipes import Recipe, guesses, unusual, usual
from riskstrat.intruder.targets import make_target, readable

LITTLE = Effort(of_tests=3_000, of_all=500, for_unusual=400, known=50, workers=1)
NUMBERS = [f"{number:010d}" for number in numbers_for_tests()[:3_000:3].tolist()]


def attacked(
    values: Sequence[str], known: dict[str, list[bytes]] | None = None, names: Sequence[str] = ()
) -> Attack:
    [found] = enumerate_identifiers(
        [make_target("person_id", "1 extract", values)],
        known=known or {},
        guesses=guesses(names),
        rng=np.random.default_rng(1),
        effort=LITTLE,
    )
    return found


def sha(text: str) -> str:
    return "P" + hashlib.sha256(text.encode()).hexdigest()[:32]


def test_our_own_pseudonyms_do_not_fall():
    key = os.urandom(32)
    found = attacked([pseudonym(key, Domain.PERSON, f"nhs|{n}") for n in NUMBERS])
    assert (found.claimed, found.confirmed, found.verdict) == (0, 0, "nothing")
    assert found.tried > 100_000


@pytest.mark.parametrize(
    "make",
    {
        "a plain hash": lambda n: hashlib.sha256(n.encode()).hexdigest(),
        "a hash cut short, with a prefix": lambda n: sha(n),
        "our own text without a key": lambda n: sha(f"person|nhs|{n}"),
        "md5": lambda n: hashlib.md5(f"nhs|{n}".encode()).hexdigest(),
        "sha1 in capitals": lambda n: hashlib.sha1(n.encode()).hexdigest().upper(),
        "the end of a sha512": lambda n: hashlib.sha512(n.encode()).hexdigest()[-32:],
        "base64": lambda n: base64.b64encode(hashlib.sha256(n.encode()).digest()).decode(),
        "base64 for an address, cut": lambda n: base64.urlsafe_b64encode(
            hashlib.sha1(n.encode()).digest()[:15]
        ).decode(),
        "an empty key": lambda n: hmac.digest(b"", f"nhs|{n}".encode(), "sha256").hex(),
    }.values(),
)
def test_a_pseudonym_without_a_key_falls(make: Callable[[str], str]):
    found = attacked([make(number) for number in NUMBERS])
    assert found.confirmed == len(NUMBERS)
    assert found.code == "RS3101" and found.verdict == "found"


@pytest.mark.parametrize(
    "make",
    {
        "a common word": lambda n: hmac.digest(b"password", n.encode(), "sha256").hex(),
        "the project's name": lambda n: hmac.digest(b"mid_county", f"nhs|{n}".encode(), "sha256")
        .hex()[:32],
        "a salt before": lambda n: hashlib.sha256(b"salt" + n.encode()).hexdigest(),
        "a pepper after": lambda n: hashlib.md5(n.encode() + b"pepper").hexdigest(),
        "as it is written": lambda n: sha(f"{n[:3]} {n[3:6]} {n[6:]}"),
        "zeros": lambda n: hmac.digest(bytes(32), n.encode(), "sha256").hex()[:32],
        "twice": lambda n: hashlib.sha256(hashlib.sha256(n.encode()).hexdigest().encode())
        .hexdigest(),
    }.values(),
)  # fmt: skip
def test_a_guessable_key_or_spelling_is_found_on_a_sample_and_then_tried_on_all(
    make: Callable[[str], str],
):
    found = attacked([make(number) for number in NUMBERS], names=["mid-county"])
    assert found.confirmed == len(NUMBERS)


def test_the_words_of_a_guess_never_quote_it():
    found = attacked([hmac.digest(b"letmein", n.encode(), "sha256").hex() for n in NUMBERS])
    assert found.confirmed == len(NUMBERS)
    assert "a common word" in " ".join(found.notes) and "letmein" not in repr(found)


def test_numbers_outside_what_is_tried_do_not_count_as_found():
    beyond = [f"{number:010d}" for number in numbers_for_tests()[-500:].tolist()]
    found = attacked([sha(each) for each in (*NUMBERS[:10], *beyond)])
    assert found.confirmed == 10


def test_known_identifiers_are_tried_as_well():
    known = {
        "pupil numbers": [f"upn|G99025485{n:04d}".encode() for n in range(40)],
        "names and birthdays": [f"ada|lovelace|1815-12-{n:02d}".encode() for n in range(10, 30)],
    }
    made = [sha(text.decode()) for texts in known.values() for text in texts]
    assert attacked(made, known).confirmed == len(made)


@pytest.mark.parametrize("worn", ["{n}", "P{n}", "NHS-{n}"])
def test_a_number_in_the_open_is_read_without_guessing(worn: str):
    found = attacked([worn.format(n=number) for number in NUMBERS])
    assert found.confirmed == len(NUMBERS)
    assert any("without guessing" in note for note in found.notes)


def test_a_number_in_disguise_is_read():
    number = NUMBERS[5]
    for worn in (
        number[::-1],
        "P" + number.encode().hex(),
        f"{int(number):032x}",
        base64.b64encode(number.encode()).decode(),
    ):
        assert readable(worn), worn
    assert not readable(sha(number)) and not readable("P12")


def test_a_match_of_few_bits_counts_only_beyond_chance():
    nothing = [os.urandom(4).hex() for _ in range(2_000)]
    assert attacked(nothing).confirmed == 0
    hashed = [hashlib.sha256(n.encode()).hexdigest()[:8] for n in NUMBERS]
    assert attacked(hashed).confirmed >= len(NUMBERS)


def test_it_says_how_fast_it_was_and_what_it_would_miss():
    said = " ".join(attacked([sha("x")]).notes)
    assert "hashes a second" in said and "909,090,909" in said and "hours" in said
    assert "were not tried" in said


def test_there_may_be_nothing_to_attack():
    [found] = enumerate_identifiers([], known={}, guesses=[], rng=np.random.default_rng(1))
    assert found.skipped and found.verdict == "not tried"


def test_processes_find_what_one_finds():
    target = make_target("person_id", "", [sha(number) for number in NUMBERS])
    effort = Effort(of_tests=3_000, of_all=10, for_unusual=5, known=0, workers=2)
    [found] = enumerate_identifiers(
        [target], known={}, guesses=[], rng=np.random.default_rng(1), effort=effort
    )
    assert found.confirmed == len(NUMBERS)


@pytest.mark.parametrize("recipe", [*usual()[:4], *usual()[-3:], *unusual(guesses(["x"]))[::97]])
def test_a_recipe_does_what_its_words_say(recipe: Recipe):
    text = {"plain": "9990000042", "spaced": "999 000 0042", "dashed": "999-000-0042"}[recipe.form]
    whole, key = (recipe.prefix + text).encode(), recipe.guess.key
    slow = {
        "none": lambda: hashlib.new(recipe.algorithm, whole).digest(),
        "hmac": lambda: hmac.new(key, whole, recipe.algorithm).digest(),
        "before": lambda: hashlib.new(recipe.algorithm, key + whole).digest(),
        "after": lambda: hashlib.new(recipe.algorithm, whole + key).digest(),
    }[recipe.use]()
    if recipe.twice:
        slow = hashlib.new(recipe.algorithm, slow.hex().encode()).digest()
    assert recipe.digests([b"9990000042"]) == [slow]
    assert recipe.words
