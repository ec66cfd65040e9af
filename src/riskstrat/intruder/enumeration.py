"""Enumeration: hash every identifier there can be, and look whether a pseudonym comes out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter, process_time
from typing import TypeVar

import numpy as np

from riskstrat.intruder.findings import Attack, Progress, not_tried, silent
from riskstrat.intruder.numbers import Integers, numbers_for_tests, sampled, whole_space
from riskstrat.intruder.recipes import Guess, Recipe, unusual, usual
from riskstrat.intruder.spread import spread
from riskstrat.intruder.targets import PROOF_BITS, SHORT, Starts, Target, Wanted, wanted

CODE, TITLE = "RS3101", "Enumeration"
HOW = (
    "every number of the range for tests and a sample of all numbers are hashed without a key, a "
    "smaller sample and the identifiers of known people in all other ways and under guessable keys"
)
CHUNK = 100_000
SURE = 6.9
"""-log(0.001): so many expected matches make a miss one in a thousand"""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is tried. The defaults take about half a minute on two cores.

    Attributes:
        of_tests: numbers of the range for tests for each usual recipe; all there are.
        of_all: numbers from the whole space for each usual recipe.
        for_unusual: numbers of the range for tests for each unusual one.
        known: identifiers of known people for each unusual one, of each kind.
        workers: processes; 1 for none but this.
    """

    of_tests: int = 1_000_000
    of_all: int = 1_000_000
    for_unusual: int = 4_000
    known: int = 300
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class Batch:
    """Texts to try in some ways."""

    recipes: Sequence[Recipe]
    texts: Sequence[bytes]
    numbers: Integers | None = None

    def spelled(self) -> Sequence[bytes]:
        """The texts, or the numbers as texts; numbers travel to a worker more cheaply."""
        if self.numbers is None:
            return self.texts
        return [b"%010d" % number for number in self.numbers.tolist()]

    @property
    def guesses(self) -> int:
        """How many hashes that is."""
        texts = len(self.texts) if self.numbers is None else len(self.numbers)
        return texts * len(self.recipes)


Hits = Mapping[tuple[int, int], Starts]
"""(size in bytes, place of the recipe) -> pseudonyms that came out"""


@dataclass(slots=True)
class Tally:
    """What came out so far.

    Attributes:
        found: size of pseudonyms -> those that came out.
        recipes: how they were made -> how many of them.
        guesses: how many hashes were tried.
        busy: seconds of processor that they took.
    """

    found: dict[int, set[int]] = field(default_factory=dict)
    recipes: dict[Recipe, int] = field(default_factory=dict)
    guesses: int = 0
    busy: float = 0.0

    def take(self, batch: Batch, hits: Hits, seconds: float) -> None:
        """Count what a batch gave."""
        self.guesses += batch.guesses
        self.busy += seconds
        for (size, place), starts in hits.items():
            self.found.setdefault(size, set()).update(starts.tolist())
            made = batch.recipes[place]
            self.recipes[made] = self.recipes.get(made, 0) + len(starts)

    def of(self, target: Target) -> int:
        """How many pseudonyms of a target came out."""
        found = np.array(sorted(self.found.get(target.size, ())), np.uint64)
        return int(np.isin(target.starts, found).sum())


def enumerate_identifiers(
    targets: Sequence[Target],
    *,
    known: Mapping[str, Sequence[bytes]],
    guesses: Iterable[Guess],
    rng: np.random.Generator,
    effort: Effort | None = None,
    progress: Progress = silent,
) -> list[Attack]:
    """Try to make pseudonyms from identifiers, without any key of ours.

    Args:
        targets: pseudonyms, by column.
        known: kind of identifier -> texts that an intruder may know: of people they know, or of
            homes, whose property numbers are public.
        guesses: keys worth a try.
        rng: draws the numbers that are sampled.

    Returns:
        One attack for each target. Claims are pseudonyms that came out; on 64 bits or more each
        is its own proof, on fewer they count when there are more than chance gives.
    """
    if not targets:
        return [not_tried(CODE, TITLE, "there are no pseudonyms")]
    effort = effort or Effort()
    started = perf_counter()
    odd = unusual(guesses)
    tally = Tally()
    _try(list(_batches(known, odd, rng, effort)), targets, tally, effort.workers, progress)
    if lucky := [each for each in tally.recipes if each in set(odd)]:
        # What a sample was enough to find is tried on all, to know how many fall.
        parts = _parts(numbers_for_tests()[: effort.of_tests])
        everything = [Batch(lucky, (), part) for part in parts]
        _try(everything, targets, tally, effort.workers, progress)
    seconds = perf_counter() - started
    general = tuple(_about_the_effort(tally, effort, known))
    return [
        _result(each, tally, seconds, () if place else general)
        for place, each in enumerate(targets)
    ]


def _batches(
    known: Mapping[str, Sequence[bytes]],
    odd: Sequence[Recipe],
    rng: np.random.Generator,
    effort: Effort,
) -> Iterator[Batch]:
    numbers = numbers_for_tests()[: effort.of_tests]
    for part in (*_parts(numbers), *_parts(sampled(effort.of_all, rng))):
        yield Batch(usual(), (), part)
    few = rng.choice(numbers, min(effort.for_unusual, len(numbers)), replace=False)
    plain = [each for each in odd if each.form == "plain"]
    for some in _parts(odd, 200):
        yield Batch(some, (), few)
    for texts in known.values():
        yield Batch(usual(), texts)
        chosen = rng.permutation(len(texts))[: effort.known]
        for some in _parts(plain, 400):
            yield Batch(some, [texts[at] for at in chosen])


Whole = TypeVar("Whole", Sequence[Recipe], Integers)


def _parts(whole: Whole, size: int = CHUNK) -> list[Whole]:
    return [whole[at : at + size] for at in range(0, len(whole), size)]


# -- the work, in processes ----------------------------------------------------------------------

_WANTED: list[Wanted] = []
"""of a worker process"""


def _take_targets(targets: Sequence[Target]) -> None:
    _WANTED[:] = wanted(targets)


def _try_here(batch: Batch) -> tuple[Hits, float]:
    """What comes out of a batch, and the seconds of processor it took."""
    started = process_time()
    texts, hits = batch.spelled(), {}
    for place, recipe in enumerate(batch.recipes):
        digests = recipe.digests(texts)
        table = np.frombuffer(b"".join(digests), np.uint8).reshape(len(digests), -1)
        for each in _WANTED:
            if len(matched := each.among(table)):
                hits[each.size, place] = matched
    return hits, process_time() - started


def _try(
    batches: Sequence[Batch],
    targets: Sequence[Target],
    tally: Tally,
    workers: int,
    progress: Progress,
) -> None:
    batches = [batch for batch in batches if batch.guesses]
    total = sum(batch.guesses for batch in batches) or 1
    done = 0
    answers = spread(
        _try_here, batches, workers=workers, prepare=_take_targets, given=(list(targets),)
    )
    for batch, (hits, seconds) in answers:
        tally.take(batch, hits, seconds)
        done += batch.guesses
        progress(done / total, f"{done:,} hashes")


# -- what it means -------------------------------------------------------------------------------


def _result(target: Target, tally: Tally, seconds: float, more: tuple[str, ...]) -> Attack:
    claimed = max(tally.of(target), target.readable)
    # Both ends of each digest are compared.
    by_chance = 2 * tally.guesses * target.count / 2.0**target.bits if target.size else 0.0
    proof = target.bits >= PROOF_BITS or claimed > by_chance + 5 * (by_chance**0.5 + 1)
    return Attack(
        CODE,
        f"{TITLE}: {target.name}",
        f"{target.count:,} different ones in {target.where}",
        "guesses",
        tally.guesses if target.size else target.count,
        claimed,
        claimed if proof or target.readable else 0,
        HOW,
        seconds,
        notes=(*_about(target, tally), *more),
    )


def _about(target: Target, tally: Tally) -> Iterator[str]:
    if not target.size:
        yield "these ids are no digests of one length, so they were read, and not guessed at"
    elif target.size < SHORT:
        yield f"they have {target.size * 8} bits; a pseudonym should have 128"
    if target.readable:
        yield f"{target.readable:,} can be read as an NHS number without guessing"
    if tally.of(target):
        made = sorted(tally.recipes.items(), key=lambda each: (-each[1], each[0].words))
        yield "; ".join(f"{count:,} by {recipe.words}" for recipe, count in made[:5])


def _about_the_effort(
    tally: Tally, effort: Effort, known: Mapping[str, Sequence[bytes]]
) -> Iterator[str]:
    rate = effort.workers * tally.guesses / max(tally.busy, 1e-9)
    hours = whole_space() / rate / 3600
    yield (
        f"{rate:,.0f} hashes a second on {effort.workers} processors: the whole space of "
        f"{whole_space():,} numbers would take {hours:.2g} hours for each way to hash"
    )
    yield (
        f"a usual hash of real numbers is found if about {_least(effort.of_all, whole_space()):,} "
        f"people have one, an unusual one of test numbers if "
        f"{_least(effort.for_unusual, len(numbers_for_tests())):,} have"
    )
    if not known:
        yield "nobody's identifiers were known, so ids made of names and addresses were not tried"


def _least(tried: int, space: int) -> int:
    """How many must have been hashed in a way for a sample to show it, but once in a thousand."""
    return round(SURE * space / max(tried, 1))
