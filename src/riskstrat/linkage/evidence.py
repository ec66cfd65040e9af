"""How good a linkage is, as rates with intervals: counted, estimated by the weights, or known.

The *register* is the population's records: a study asks about the people in it, so what counts of
another agency's record is whether it found the right person there.

Four measures, over the records of agencies other than the register:

- ``on_register``: share of records linked to somebody on the register. Not being there may be
  right: an agency knows people whom the register does not.
- ``sure``: share of those whose link is exact or high.
- ``precision``: share of records linked to the register that are linked to the right person.
- ``recall``: share of records of people on the register that are linked to the right person.

And two of pairs of records, of which at least one carried no number that would have linked it:
``pair_precision`` and ``pair_recall``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from types import MappingProxyType
from typing import Any, Literal

import duckdb
import numpy as np

from riskstrat.asof import literal, quoted
from riskstrat.linkage.quality import ALL, REPLICATES, linkage_quality, resampled
from riskstrat.linkage.workspace import Workspace, workspace
from riskstrat.statistics import Estimate, percentile_estimate, wilson_interval
from riskstrat.statistics.estimate import NORMAL_QUANTILE

Basis = Literal["counted", "estimated", "truth"]
NOT_RECORDED = "not recorded"
NO_GROUPS: Mapping[str, str] = MappingProxyType({})
Slice = tuple[str, str, bool]
"""a group, its column ('' for everybody), and whether agencies are told apart"""


@dataclass(frozen=True, slots=True)
class LinkRate:
    """One rate of one group of records.

    Attributes:
        measure: see the module.
        basis: ``counted`` needs neither truth nor weights; ``estimated`` takes the weights at
            their word; ``truth`` was held against who the records are truly about.
        agency: whose records; ``all`` for every agency but the register.
        group, level: such as ``sex`` and ``female``; both ``all`` for everybody.
        estimate: the rate; n is its denominator in records (or pairs).
    """

    measure: str
    basis: Basis
    agency: str
    group: str
    level: str
    estimate: Estimate

    def as_dict(self) -> dict[str, Any]:
        """For JSON: one flat row."""
        names = ("measure", "basis", "agency", "group", "level")
        return {name: getattr(self, name) for name in names} | self.estimate.as_dict()


def link_rates(
    con: duckdb.DuckDBPyConnection,
    records: str,
    register: str,
    *,
    groups: Mapping[str, str] = NO_GROUPS,
    estimated: Sequence[str] = (),
    truth: Mapping[str, str] | None = None,
    seed: int = 1,
    replicates: int = REPLICATES,
) -> tuple[LinkRate, ...]:
    """Every rate that can be told of a linkage, by agency and by group.

    Args:
        con: a connection; what is made in it is dropped.
        records: a table or view, one row for each record: agency, entity, band, probability (of
            the link; 1 where a number made it), lost and blind (see ``doubts``; NULL where
            unknown), the columns of ``groups``, and with ``truth`` also person (NULL where nobody
            knows), the columns of ``truth``, and the bool open (it carried no number that would
            have linked it).
        register: the agency of the population.
        groups: group -> its column, to tell counted and estimated rates by; empty cells are
            ``not recorded``.
        estimated: agencies whose records were all weighed now, so that estimates hold.
        truth: group -> its column, to tell true rates by; None where nobody knows the truth.
        seed: of the resampling of people.
        replicates: resamples.
    """
    found: list[LinkRate] = []
    with workspace(con) as work:
        _place(work, records, register)
        for part in _slices(groups):
            found += _counted(work, register, part)
            found += _estimated(work, register, part, estimated)
        if truth is not None:
            rng = np.random.default_rng(seed)
            _hold_against_truth(work, register, tuple(truth.values()))
            for part in _slices(truth):
                found += _true(work, part, rng, replicates)
            found += _pairs(work, truth, seed, replicates)
    return tuple(found)


def _slices(groups: Mapping[str, str]) -> Iterator[Slice]:
    for group, column in ((ALL, ""), *groups.items()):
        yield from ((group, column, True), (group, column, False))


def _keys(part: Slice) -> str:
    _, column, by_agency = part
    level = literal(ALL)
    if column:
        level = f"coalesce(CAST({quoted(column)} AS VARCHAR), {literal(NOT_RECORDED)})"
    return f"{'agency' if by_agency else literal(ALL)} AS whose, {level} AS level"


def _place(work: Workspace, records: str, register: str) -> None:
    """``placed``: every record with whether its entity is on the register.

    ``gone``: the probability that its person is there and was not found; ``weight``: one over the
    entity's records elsewhere, so that the weights of a group add up to its people.
    """
    ours = f"agency = {literal(register)}"
    work.table(
        "placed",
        f"SELECT r.*, bool_or({ours}) OVER one AS on_register, "
        f"CASE WHEN bool_or({ours}) OVER one THEN 0.0 ELSE max(lost) OVER one END AS gone, "
        f"coalesce(blind, false) AND NOT bool_or({ours}) OVER one AS unseen, "
        f"1.0 / nullif(count(*) FILTER (NOT ({ours})) OVER one, 0) AS weight "
        f"FROM {records} AS r WINDOW one AS (PARTITION BY entity)",
    )


def _sums(
    work: Workspace, register: str, part: Slice, sums: str, where: str = "true"
) -> list[tuple[Any, ...]]:
    return work.rows(
        f"SELECT {_keys(part)}, {sums} FROM {work.name('placed')} "
        f"WHERE agency <> {literal(register)} AND {where} GROUP BY 1, 2 ORDER BY 1, 2"
    )


def _counted(work: Workspace, register: str, part: Slice) -> Iterator[LinkRate]:
    sums = (
        "count(*), sum(weight), count(*) FILTER (on_register), "
        "sum(weight) FILTER (on_register), "
        "count(*) FILTER (on_register AND band IN ('exact', 'high'))"
    )
    for agency, level, n, people, there, people_there, sure in _sums(work, register, part, sums):
        rates = {
            "on_register": _share(there, n, people, alone=part[2]),
            "sure": _share(sure, there, people_there or 0, alone=part[2]),
        }
        for measure, rate in rates.items():
            yield LinkRate(measure, "counted", agency, part[0], level, rate)


def _share(k: int, n: int, people: float, *, alone: bool) -> Estimate:
    """A share with Wilson's interval: as if the records of one person erred together.

    Within one agency a person has one record, nearly always.
    """
    independent = n if alone else min(n, max(round(people), 1)) if n else 0
    found = wilson_interval(k / n * independent if n else 0, independent)
    return Estimate(found.value, found.low, found.high, n)


def _estimated(
    work: Workspace, register: str, part: Slice, agencies: Sequence[str]
) -> Iterator[LinkRate]:
    """Precision and recall if the weights are right.

    Expected false links are the sum of ``1 - p`` over the links that were made, expected missed
    ones the sum of ``p`` over those that were not. The interval is that of so many independent
    chances, and its lower limit takes records that hold too little to be linked for missed. It
    says nothing of wrong weights, of a wrong number that is somebody else's, and of pairs that
    were never compared.
    """
    if not agencies:
        return
    only = f"agency IN ({', '.join(map(literal, agencies))})"
    sums = (
        "count(*) FILTER (on_register), sum(1 - probability) FILTER (on_register), "
        "sum(probability * (1 - probability)) FILTER (on_register), "
        "sum(gone), sum(gone * (1 - gone)), sum(1 - gone) FILTER (unseen), "
        "count(*) - count(lost), count(*), sum(weight)"
    )
    for agency, level, there, *found, unknown, n, people in _sums(work, register, part, sums, only):
        wrong, wrong_spread, gone, gone_spread, unseen = (float(each or 0.0) for each in found)
        design = 1.0 if part[2] else sqrt(n / max(people, 1.0))
        told = {"precision": _expected_precision(there, wrong, sqrt(wrong_spread) * design)}
        if not unknown:
            far = sqrt(gone_spread) * design
            told["recall"] = _expected_recall(there - wrong, gone, far, unseen)
        for measure, rate in told.items():
            yield LinkRate(measure, "estimated", agency, part[0], level, rate)


def _expected_precision(links: int, wrong: float, spread: float) -> Estimate:
    if not links:
        return Estimate.unknown(0)
    far = NORMAL_QUANTILE * spread
    low, high = (1 - min(max(w, 0.0), links) / links for w in (wrong + far, wrong - far))
    return Estimate(1 - wrong / links, low, high, links)


def _expected_recall(right: float, gone: float, spread: float, unseen: float) -> Estimate:
    there_are = right + gone
    if there_are <= 0:
        return Estimate.unknown(0)
    far = NORMAL_QUANTILE * spread
    most, least = gone + far + unseen, max(gone - far, 0.0)
    high = right / (right + least) if right + least else 1.0
    return Estimate(right / there_are, right / (right + most), high, round(there_are))


# -- against truth -------------------------------------------------------------------------------


def _hold_against_truth(work: Workspace, register: str, columns: Sequence[str]) -> None:
    """``judged``: each record elsewhere whose person is known, with right, linked and due.

    An entity of the register is taken to be the person whom most of its records there are about.
    """
    placed = work.name("placed")
    ours = f"agency = {literal(register)} AND person IS NOT NULL"
    also = "".join(f", p.{quoted(column)}" for column in columns)
    owners = work.table(
        "owners",
        f"SELECT entity, person AS owner FROM (SELECT entity, person, count(*) AS n "
        f"FROM {placed} WHERE {ours} GROUP BY ALL) "
        f"QUALIFY row_number() OVER (PARTITION BY entity ORDER BY n DESC, person) = 1",
    )
    work.table(
        "judged",
        f"SELECT p.agency, p.person{also}, o.owner IS NOT NULL AS found, "
        f"coalesce(o.owner = p.person, false) AS found_right, "
        f"p.person IN (SELECT person FROM {placed} WHERE {ours}) AS due "
        f"FROM {placed} AS p LEFT JOIN {owners} AS o USING (entity) "
        f"WHERE p.agency <> {literal(register)} AND p.person IS NOT NULL",
    )


def _true(
    work: Workspace, part: Slice, rng: np.random.Generator, replicates: int
) -> Iterator[LinkRate]:
    """Precision and recall of the register's links; intervals resample whole people."""
    rows = work.arrays(
        f'SELECT whose, level, "right", linked, due, count(*) AS people FROM ('
        f'SELECT {_keys(part)}, sum(found_right::INT) AS "right", sum(found::INT) AS linked, '
        f"sum(due::INT) AS due FROM {work.name('judged')} GROUP BY person, 1, 2) "
        f"GROUP BY ALL ORDER BY ALL"
    )
    counts = np.stack([rows[name].astype(np.float64) for name in ("right", "linked", "due")])
    people = rows["people"].astype(np.int64)
    places = [(str(a), str(b)) for a, b in zip(rows["whose"], rows["level"], strict=True)]
    for place in dict.fromkeys(places):
        chosen = np.array([each == place for each in places])
        mine, many = counts[:, chosen], people[chosen]
        draws = resampled(mine, many, rng, replicates)
        for measure, row, of in (("precision", 0, 1), ("recall", 1, 2)):
            n = round(float(mine[of] @ many))
            rate = certain(*draws[row], n)
            yield LinkRate(measure, "truth", place[0], part[0], place[1], rate)


def certain(value: float, draws: Any, n: int) -> Estimate:
    """The percentile interval; Wilson's where no resample could differ, for nobody erred (or all).

    Resampling people without an error never gives one, which is no proof that none can happen.
    """
    if n and value in (0.0, 1.0):
        return wilson_interval(value * n, n)
    return percentile_estimate(value, draws, n)


def _pairs(
    work: Workspace, groups: Mapping[str, str], seed: int, replicates: int
) -> Iterator[LinkRate]:
    named = "".join(f", {quoted(column)} AS {quoted(f'of {g}')}" for g, column in groups.items())
    known = work.view(
        "known",
        f"SELECT entity, person, open{named} FROM {work.name('placed')} WHERE person IS NOT NULL",
    )
    by = [f"of {group}" for group in groups]
    found = linkage_quality(
        work.con, known, groups=by, only_open=True, seed=seed, replicates=replicates
    )
    for each in found:
        for measure, rate in (("pair_precision", each.precision), ("pair_recall", each.recall)):
            group = each.group.removeprefix("of ")
            yield LinkRate(measure, "truth", ALL, group, each.level, rate)
