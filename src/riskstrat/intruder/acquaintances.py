"""Linkage: find the row of somebody of whom one knows what an acquaintance knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from time import perf_counter

import numpy as np

from riskstrat.intruder.findings import Attack, Progress, not_tried, silent
from riskstrat.intruder.judge import Judge, Person
from riskstrat.intruder.releases import PSEUDONYMISED, Release
from riskstrat.release.anonymity import WITHHELD

CODE, TITLE = "RS3110", "Linkage: acquaintances"
HOW = (
    "for a seeded sample of everybody scored: is there exactly one row with their attributes "
    "and any one or two things that happened to them? Confirmed if the row is theirs"
)
MOST = 20_000
"""people, or rows, of a release that are tried; a seeded sample where there are more"""


@dataclass(slots=True)
class Score:
    """Claims of one kind of attack, judged."""

    tried: int = 0
    claimed: int = 0
    right: int = 0
    unjudged: int = 0
    where: list[str] = field(default_factory=list)

    def take(self, name: str, claims: int, right: int | None) -> None:
        """Count the claims about one release; ``right`` is None if nobody could judge them."""
        self.claimed += claims
        if right is None:
            self.unjudged += claims
        else:
            self.right += right
        if found := claims if right is None else right:
            said = "that nobody could judge" if right is None else "right"
            self.where.append(f"{name}: {claims:,} claims, {found:,} {said}")

    @property
    def confirmed(self) -> int:
        """Claims that are right; a claim that nobody can judge has to count as well."""
        return self.right + self.unjudged


def find_acquaintances(
    releases: Sequence[Release],
    judge: Judge,
    rng: np.random.Generator,
    *,
    most: int = MOST,
    progress: Progress = silent,
) -> Attack:
    """Look for the rows of people of whom attributes and one or two events are known.

    A claim is a row that alone fits. Events count as remembered if a list could name them: that
    there was one, and how long ago at most, never how many.
    """
    lists = [each for each in releases if each.kind == PSEUDONYMISED]
    if not lists:
        return not_tried(CODE, TITLE, "there is no pseudonymised list")
    started, score, missing = perf_counter(), Score(), []
    for done, release in enumerate(lists):
        progress(done / len(lists), release.name)
        people = judge.people(release, most, rng)
        if people is None:
            missing.append(f"{release.name}: not tried, the store has no tables of those scored")
            continue
        claims = list(_fitting(release, people))
        owners = judge.owners(release)
        right = None if owners is None else {p for p, row in claims if owners[row] == p}
        score.tried += len(people)
        score.take(release.name, len({p for p, _ in claims}), None if right is None else len(right))
    if not score.tried:
        return not_tried(CODE, TITLE, "the store has no tables of those who were scored")
    return Attack(
        CODE,
        TITLE,
        f"{len(lists)} pseudonymised lists",
        "people",
        score.tried,
        score.claimed,
        score.confirmed,
        HOW,
        perf_counter() - started,
        notes=(*score.where, *missing),
    )


def _fitting(release: Release, people: Sequence[Person]) -> Iterator[tuple[str, int]]:
    """(person, row) for each person of whom some knowledge fits one row alone."""
    rows = _Rows(release)
    for person in people:
        known = tuple(person.attributes[name] for name in rows.names)
        about = [rows.naming(known, topics) for topics in person.happened.values()]
        found = {rows.only(rows.fitting(known))}
        found |= {rows.only(each) for each in about}
        found |= {rows.only(one & other) for one, other in combinations(about, 2)}
        yield from ((person.pseudonym, row) for row in found if row is not None)


class _Rows:
    """The rows of a list, asked again and again for those that fit."""

    def __init__(self, release: Release) -> None:
        self.names = release.attributes
        self._shown: dict[tuple[str, ...], set[int]] = {}
        self._topics: dict[str, set[int]] = {}
        for at, row in enumerate(release.rows):
            self._shown.setdefault(tuple(row[name] for name in self.names), set()).add(at)
            for topic in row.get("reasons", "").split("; "):
                self._topics.setdefault(topic, set()).add(at)
        self._fitting: dict[tuple[str, ...], frozenset[int]] = {}
        self._naming: dict[tuple[tuple[str, ...], frozenset[str]], frozenset[int]] = {}

    def fitting(self, known: tuple[str, ...]) -> frozenset[int]:
        """Rows with these attributes, as far as they show them."""
        if known not in self._fitting:
            parts = [
                rows for shown, rows in self._shown.items()
                if all(s in (WITHHELD, k) for s, k in zip(shown, known, strict=True))
            ]  # fmt: skip
            self._fitting[known] = frozenset().union(*parts)
        return self._fitting[known]

    def naming(self, known: tuple[str, ...], topics: frozenset[str]) -> frozenset[int]:
        """Those of them that name one of these topics."""
        if (known, topics) not in self._naming:
            named = set().union(*(self._topics.get(topic, set()) for topic in topics))
            self._naming[known, topics] = self.fitting(known) & named
        return self._naming[known, topics]

    @staticmethod
    def only(rows: frozenset[int]) -> int | None:
        """The row, if there is exactly one."""
        return next(iter(rows)) if len(rows) == 1 else None
