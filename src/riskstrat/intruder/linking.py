"""Linkage: find the same person's row in two releases, by what the rows show."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from time import perf_counter

import numpy as np
import numpy.typing as npt

from riskstrat.intruder.acquaintances import MOST, Score
from riskstrat.intruder.findings import Attack, Progress, not_tried, silent
from riskstrat.intruder.judge import Judge
from riskstrat.intruder.releases import OWN_PATIENTS, PSEUDONYMISED, Release
from riskstrat.release.anonymity import WITHHELD
from riskstrat.release.wording import plain_reason

CODE, TITLE = "RS3112", "Linkage: rows in two releases"
HOW = (
    "is there exactly one row in the other list most alike in bands, attributes and reasons, "
    "as far as both show them, and it to one row here? Confirmed if both rows are "
    "one person's"
)
FEWEST = 100
"""rows of each list that are tried, however many lists there are"""
ROUNDED, TOUCH = 0.05, 1e-3
"""by how many points a risk of three digits may be off; less than any step of a range"""
Integers = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def link_rows(
    releases: Sequence[Release],
    judge: Judge,
    rng: np.random.Generator,
    *,
    most: int = MOST,
    progress: Progress = silent,
) -> Attack:
    """Look for rows of one release that fit exactly one row of another, and it them alone.

    Pairs are pseudonymised lists of one study, of two days or two recipients, and each with the
    lists of own patients of its day: whoever holds one may come by the other.
    """
    meetings = _meetings(releases)
    pairs = sum(len(ones) for _, ones in meetings)
    if not pairs:
        return not_tried(CODE, TITLE, "there are no two lists of one study to compare")
    started, score, done = perf_counter(), Score(), 0
    each_tries = max(FEWEST, most // pairs)
    for other, ones in meetings:
        theirs = judge.owners(other)
        for one, claims in links(ones, other, rng, each_tries):
            done += 1
            progress(done / pairs, one.name)
            mine = judge.owners(one)
            right = None
            if mine is not None and theirs is not None:
                right = sum(mine[a] is not None and mine[a] == theirs[b] for a, b in claims)
            score.tried += min(len(one.rows), each_tries)
            score.take(f"{one.name} with {other.name}", len(claims), right)
    return Attack(
        CODE,
        TITLE,
        f"{pairs} pairs of lists",
        "rows",
        score.tried,
        score.claimed,
        score.confirmed,
        HOW,
        perf_counter() - started,
        notes=tuple(score.where),
    )


def _meetings(releases: Sequence[Release]) -> list[tuple[Release, list[Release]]]:
    """Each pseudonymised list, with the lists of like columns and days that may meet it."""
    lists = [each for each in releases if each.kind in (OWN_PATIENTS, PSEUDONYMISED)]
    found: dict[Hashable, tuple[Release, list[Release]]] = {}
    for first, second in combinations(lists, 2):
        one, other = (second, first) if second.kind == OWN_PATIENTS else (first, second)
        # A list of own patients names them by a pseudonym that lasts: two of them need no linking.
        same_day = one.as_of == other.as_of
        comparable = other.kind == PSEUDONYMISED and (one.kind == PSEUDONYMISED or same_day)
        if one.study == other.study and comparable:
            key = (other.name, _shared(one, other), same_day)
            found.setdefault(key, (other, []))[1].append(one)
    return list(found.values())


def _shared(one: Release, other: Release) -> tuple[str, ...]:
    return tuple(sorted(set(one.attributes) & set(other.attributes)))


def links(
    ones: Sequence[Release], other: Release, rng: np.random.Generator, most: int
) -> Iterator[tuple[Release, list[tuple[int, int]]]]:
    """For each list, the pairs of its rows and the other's that fit each other and nothing else.

    Args:
        ones: lists that share the same attributes with the other, all of its day or none.
        rng: draws the rows of each that are tried, where there are more than ``most``.
    """
    there = [_shown(row) for row in other.rows]
    here = [[_shown(row) for row in one.rows] for one in ones]
    words = _Words([*there, *chain.from_iterable(here)], _shared(ones[0], other))
    same_day = ones[0].as_of == other.as_of
    index = _Index(there, words, same_day)
    for one, rows in zip(ones, here, strict=True):
        back, found = _Index(rows, words, same_day), []
        for at in np.sort(rng.permutation(len(rows))[:most]).tolist():
            fits = index.fitting(rows[at])
            if len(fits) == 1 and back.fitting(there[fits[0]]).tolist() == [at]:
                found.append((at, int(fits[0])))
        yield one, found


# -- what fits -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shown:
    """What a row tells, in words that lists of different kinds share."""

    band: str
    risk: tuple[float, float]
    attributes: Mapping[str, str]
    topics: tuple[str, ...]


class _Words:
    """Numbers for the attributes and topics of some lists."""

    def __init__(self, rows: Sequence[Shown], names: tuple[str, ...]) -> None:
        self.names = names
        topics = dict.fromkeys(topic for row in rows for topic in row.topics)
        self._topics = {topic: at for at, topic in enumerate(topics)}
        levels = dict.fromkeys(row.attributes[name] for row in rows for name in names)
        self._levels = {level: at for at, level in enumerate(levels)} | {WITHHELD: -1}

    def topics(self, row: Shown) -> Bools:
        """Which topics a row names: bool (topics,)."""
        found = np.zeros(len(self._topics), np.bool_)
        found[[self._topics[topic] for topic in row.topics]] = True
        return found

    def levels(self, row: Shown) -> Integers:
        """Its attributes: int (names,), -1 where one is withheld."""
        return np.array([self._levels[row.attributes[name]] for name in self.names], np.int64)


class _Index:
    """Rows by what must be the same, for looking up those that fit another row."""

    def __init__(self, rows: Sequence[Shown], words: _Words, same_day: bool) -> None:
        self._words, self._same_day = words, same_day
        self._topics = np.packbits([words.topics(row) for row in rows], axis=1)
        self._levels = np.array([words.levels(row) for row in rows])
        self._low, self._high = np.array([row.risk for row in rows]).T
        places: dict[Hashable, list[int]] = {}
        for at, row in enumerate(rows):
            places.setdefault(self._key(row), []).append(at)
        self._places = {key: np.array(found) for key, found in places.items()}

    def _key(self, row: Shown) -> Hashable:
        # Within a day the score is the same in every list. From day to day it moves, and whoever
        # still has the same reasons stands out by these.
        return row.band if self._same_day else row.topics

    def fitting(self, row: Shown) -> Integers:
        """The places of rows that can be the same person's; of several, those most alike."""
        near = self._places.get(self._key(row), np.empty(0, np.int64))
        levels, theirs = self._words.levels(row), self._levels[near]
        fits = ((theirs == levels) | (theirs < 0) | (levels < 0)).all(axis=1)
        if self._same_day:
            low, high = row.risk
            fits &= (self._low[near] <= high) & (low <= self._high[near])
        # A recipient may not be told of some sources, and rare reasons are withheld: so the
        # shorter list of reasons has to be part of the longer.
        mine, theirs = np.packbits(self._words.topics(row)), self._topics[near]
        both = mine & theirs
        fits &= (both == mine).all(axis=1) | (both == theirs).all(axis=1)
        shared = np.where(fits, np.bitwise_count(both).sum(axis=1, dtype=np.int64), -1)
        return np.asarray(near[fits & (shared == shared.max(initial=-1))])


def _shown(row: Mapping[str, str]) -> Shown:
    reasons = [each for each in row.get("reasons", "").split("; ") if each]
    told = dict.fromkeys(about for each in reasons for about in topics(each))
    return Shown(row.get("band", ""), _risk(row), row, tuple(told))


_POINTS = re.compile(r"(?:under |(?P<low>\d+)-)(?P<high>\d+)%")


def _risk(row: Mapping[str, str]) -> tuple[float, float]:
    """Between what a row says that the risk is, in points; 0 to 100 where it says nothing.

    Ranges are open at both ends here, so that two which only touch are not one another's.
    """
    if row.get("risk"):
        points = float(row["risk"]) * 100
        return points - ROUNDED, points + ROUNDED
    told = _POINTS.fullmatch(row.get("risk_band", ""))
    if told is None:
        return 0.0, 100.0
    return float(told["low"] or 0) + TOUCH, float(told["high"]) - TOUCH


_NUMBER = re.compile(r"^(?:no |[-+£]*\d[\d,.]*%? )|\s+[-+£]*\d[\d,.]*%?$")
_AGO = re.compile(
    r"^(last|first) (.*) (?:\d[\d,.]* (?:day|month|year)s? ago|on \d{1,2} \w+ \d{4}|in \w+ \d{4})$"
)
_KNOWN = " on record"


def topics(reason: str) -> tuple[str, ...]:
    """What a reason may be about: of an agency that tells several facts, each of them.

    Whether the words before a colon name an agency cannot be told: both readings count.

    Examples:
        >>> topics("Hospital: 4 stays in the last year, last stay on 2 May 2024")[1:]
        ('time since the last stay', 'stay in the last year')
        >>> topics("Council: claims on record")
        ('Council', 'claim on record', 'known to Council: claim')
    """
    plain = plain_reason(reason).removesuffix(" (lowers the risk)")
    if plain.startswith(("known to ", "not known to ")):
        return (topic(plain),)
    facts = plain.split(", ")
    found = [topic(fact) for fact in facts]
    agency, named, first = facts[0].partition(": ")
    if named:
        found.append(topic(first))
        for fact in (first, *facts[1:]):
            if fact.endswith(_KNOWN):
                word = "not known" if fact.startswith("no ") else "known"
                found.append(topic(f"{word} to {agency}: {fact.removesuffix(_KNOWN)}"))
    return tuple(dict.fromkeys(found))


def topic(reason: str) -> str:
    """What a reason is about, without how much, how often or when, alike in all lists.

    Examples:
        >>> topic("last emergency admission 42 days ago"), topic("age 85")
        ('time since the last emergency admission', 'age')
        >>> topic("1 admission in the last year") == topic("admissions in the last year")
        True
    """
    plain = plain_reason(reason).removesuffix(" (lowers the risk)")
    if told := _AGO.match(plain):
        plain = f"time since the {told[1]} {told[2]}"
    if not plain.startswith(("known to ", "not known to ")):
        plain = plain.partition(": ")[0]
    return " ".join(word.rstrip("s") for word in _NUMBER.sub("", plain).split())
