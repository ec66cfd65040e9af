"""Tokens of what is common give people away; tokens of what is rare do not."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from intruder.outputs import truth
from riskstrat.errors import UsageError
from riskstrat.intruder.frequency import Handed, guess_column, guess_tokens, single_people
from riskstrat.intruder.handed import over

LINKAGE = Path(__file__).parents[2] / "configs" / "linkage" / "mid_county_tokens.yaml"
PEOPLE = 4_000
SHARES = {"surname": (0.3, 0.2, 0.1), "sector": (0.4, 0.25, 0.15), "sex": (0.55,)}


def token(text: object) -> str:
    return hashlib.sha256(str(text).encode()).hexdigest()[:32]


def county(rng: np.random.Generator, people: int = PEOPLE) -> dict[str, list[str]]:
    """Some common names and places, and for everybody else one of their own."""
    found = {}
    for column, shares in SHARES.items():
        edges = np.cumsum(shares)
        place = np.searchsorted(edges, rng.random(people))
        found[column] = [
            f"{column} {p}" if p < len(shares) else f"{column} of {n % 700}"
            for n, p in enumerate(place)
        ]
    return found


def handed(told: dict[str, list[str]], *, salt: str = "") -> Handed:
    """What a linker sees of everybody, and what the public knows: the same tokens as labels."""
    keys = [f"P{n}" for n in range(len(told["sex"]))]
    tokens = {
        name: [token(f"{name}|{value}|{salt and n % 997}") for n, value in enumerate(values)]
        for name, values in told.items()
    }
    table = pa.table({"record_key": keys, **tokens})
    return Handed("icb", table, table, {key: key for key in keys})


def test_people_with_common_names_are_found_by_how_common_they_are():
    one = handed(county(np.random.default_rng(1)))
    found = guess_tokens([one])
    assert found.confirmed == 0  # everybody with guessed tokens shares them with many
    rare = county(np.random.default_rng(1))
    rare["sex"][0], rare["surname"][0], rare["sector"][0] = "sex 0", "surname 2", "nowhere else"
    for n in range(1, PEOPLE):
        if rare["surname"][n] == "surname 2" and rare["sector"][n] == "sector 2":
            rare["sector"][n] = "sector 0"
    rare["sector"][0] = "sector 2"
    found = guess_tokens([handed(rare)])
    assert found.confirmed == 1 and found.code == "RS3120"
    assert any("surname: 3 of 3 guesses right" in note for note in found.notes)


def test_a_wrong_guess_is_not_confirmed():
    one = handed(county(np.random.default_rng(1)))
    swapped = {name: one.owners[name] for name in one.owners}
    keys = list(swapped)
    mixed = dict(zip(keys, keys[1:] + keys[:1], strict=True))
    assert guess_tokens([Handed("icb", one.seen, one.public, mixed)]).confirmed == 0


def test_salted_tokens_are_too_rare_to_be_told_apart():
    one = handed(county(np.random.default_rng(1)), salt="year of birth")
    assert guess_tokens([one]).claimed == 0


def test_a_guess_needs_to_be_nearer_than_any_other():
    public = {"smith": 500, "jones": 495, "brown": 200}
    seen = {"a": 505, "b": 490, "c": 200}
    assert guess_column("surname", seen, public).guessed == {"c": "brown"}
    assert guess_column("surname", {"a": 4}, public).guessed == {}
    assert guess_column("surname", {}, public).guessed == {}


def test_two_tokens_are_not_guessed_to_be_one_name():
    guesses = guess_column(
        "surname", {"a": 1000, "b": 990, "c": 2010}, {"smith": 1000, "brown": 3000}
    )
    assert guesses.guessed == {"a": "smith"}


def test_one_guessed_token_is_not_enough_to_look_for_somebody():
    told = {"sex": ["sex 0"] * 60 + ["sex 1"] * 20, "code": [f"c{n}" for n in range(80)]}
    one = handed(told)
    guess = guess_column("sex", {token("sex|sex 0|"): 60}, {token("sex|sex 0|"): 60, "x": 20})
    assert single_people(one, [guess]) == {}


def test_without_a_linkage_file_it_is_not_tried(tmp_path):
    assert over(None, tmp_path, tmp_path, np.random.default_rng(1)) == []
    assert guess_tokens([]).verdict == "not tried"
    with pytest.raises(UsageError, match="sealed truth"):
        over(LINKAGE, tmp_path, None, np.random.default_rng(1))


def without_salt(folder: Path) -> Path:
    """The county's file, but names are not mixed with anything."""
    plain = yaml.safe_load(LINKAGE.read_text(encoding="utf-8"))
    del plain["tokens"]["salt"], plain["tokens"]["salted"]
    plain["nicknames"] = str(LINKAGE.with_name(plain["nicknames"]))
    path = folder / "unsalted.yaml"
    path.write_text(yaml.safe_dump(plain), encoding="utf-8")
    return path


def test_the_tokens_of_a_linkage_file_are_attacked(tmp_path):
    people = [
        {
            "person_id": f"P{n:04d}",
            "local_id": f"C{n:08d}",
            "nhs_number": "",
            "forename": ("Anna", "Ben", "Carla")[n % 3 if n % 2 else 0],
            "surname": "Rarename" if n == 7 else ("Smith" if n % 4 else "Jones"),
            "date_of_birth": f"19{n % 80 + 10}-0{n % 9 + 1}-1{n % 10}",
            "sex": "female" if n % 3 else "male",
            "postcode": f"MC{n % 2 + 1} 3LU",
        }
        for n in range(300)
    ]
    sealed = truth(tmp_path / "truth", people)
    raw = tmp_path / "raw" / "icb"
    raw.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(people), raw / "people.parquet")
    [one] = over(without_salt(tmp_path), tmp_path, sealed, np.random.default_rng(1))
    assert one.name == "icb" and one.seen.num_rows == 300
    names = set(one.seen.column_names) - {"record_key"}
    assert {"surname_token", "sex_token"} <= names
    same = one.seen["surname_token"].to_pylist()
    assert len(set(same)) == 3 and "Smith" not in same
    found = guess_tokens([one])
    assert found.tried == 300
    assert any("surname_token: 2 of 2 guesses right" in note for note in found.notes)
    [salted] = over(LINKAGE, tmp_path, sealed, np.random.default_rng(1))
    assert len(set(salted.seen["surname_token"].to_pylist())) > 80
    assert not any("surname_token" in note for note in guess_tokens([salted]).notes)
