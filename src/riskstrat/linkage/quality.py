"""How good a linkage is, against truth: precision, recall, missed and false links, by group.

Counts are of pairs of records. Each pair belongs half to each of its two records, so that a group
of records has its own numbers: of the links that its records have, how many are right; of the
links that they should have, how many are there. Intervals resample whole people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np

from riskstrat.asof import quoted
from riskstrat.errors import LinkageError
from riskstrat.linkage.clusters import FloatArray, IntArray
from riskstrat.linkage.workspace import Workspace, workspace
from riskstrat.statistics import Estimate, percentile_estimate

REPLICATES = 1000
ALL = "all"


@dataclass(frozen=True, slots=True)
class LinkageQuality:
    """The quality of the links of one group of records.

    Attributes:
        group, level: such as ``ethnicity`` and ``asian``; both ``all`` for everybody.
        records, people: how many.
        right, missed, wrong: pairs of records that are rightly together, wrongly apart, wrongly
            together; halves where one record of a pair lies outside the group.
        precision: right over all that are together; n is those pairs, rounded.
        recall: right over all that should be; n is those pairs, rounded.
        f1: of both; n is ``records``.
    """

    group: str
    level: str
    records: int
    people: int
    right: float
    missed: float
    wrong: float
    precision: Estimate
    recall: Estimate
    f1: Estimate

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        told: dict[str, Any] = {}
        for name in self.__slots__:
            value = getattr(self, name)
            told[name] = value.as_dict() if isinstance(value, Estimate) else value
        return told


def linkage_quality(
    con: duckdb.DuckDBPyConnection,
    records: str,
    *,
    groups: Sequence[str] = (),
    only_open: bool = False,
    seed: int = 1,
    replicates: int = REPLICATES,
) -> tuple[LinkageQuality, ...]:
    """Hold links against truth, for everybody and for each level of each group.

    Args:
        con: a connection; what is made in it is dropped.
        records: a table or view with one row for each record: entity (whom it was linked to),
            person (who it truly is), the group columns, and with ``only_open`` the bool ``open``.
        groups: columns; empty values are the level ``not recorded``.
        only_open: count only pairs of which at least one record is open: it carried no number
            that would have linked it, so that linkage had to find it.
        seed: of the resampling.
        replicates: resamples of people; 0 gives no intervals.

    Raises:
        LinkageError: RS1308, a record has no entity or no true person.
    """
    with workspace(con) as work:
        _refuse_unknown(work, records)
        _count_partners(work, records, groups, only_open=only_open)
        rng = np.random.default_rng(seed)
        found = [_quality(work, ALL, ALL, "true", rng, replicates)]
        for group in groups:
            column = quoted(group)
            levels = work.rows(
                f"SELECT DISTINCT {column} FROM {work.name('counted')} ORDER BY {column} NULLS LAST"
            )
            for (level,) in levels:
                where = f"{column} IS NOT DISTINCT FROM ?"
                name = "not recorded" if level is None else str(level)
                found.append(_quality(work, group, name, where, rng, replicates, level))
    return tuple(found)


def _refuse_unknown(work: Workspace, records: str) -> None:
    entity, person = work.rows(
        f"SELECT count(*) - count(entity), count(*) - count(person) FROM {records}"
    )[0]
    if entity or person:
        raise LinkageError(
            f"quality of linkage: {entity:,} records have no entity and {person:,} no true person",
            fix="evaluate the links of exactly those records whose truth is known",
            code="RS1308",
        )


def _count_partners(
    work: Workspace, records: str, groups: Sequence[str], *, only_open: bool
) -> None:
    """``counted``: for each record, its right, linked and true partners.

    An open record may have any partner; another one only an open one.
    """
    is_open = "open" if only_open else "true"
    columns = "".join(f", {quoted(group)}" for group in groups)
    work.table(
        "asked",
        f"SELECT entity, person, {is_open} AS open{columns} FROM {records}",
    )
    counts = []
    for name, by in (("right", "entity, person"), ("linked", "entity"), ("due", "person")):
        window = f"OVER (PARTITION BY {by})"
        counts.append(
            f"CASE WHEN open THEN count(*) {window} - 1 "
            f"ELSE count(*) FILTER (open) {window} END AS {quoted(name)}"
        )
    work.table("counted", f"SELECT *, {', '.join(counts)} FROM {work.name('asked')}")
    work.drop("asked")


def _quality(
    work: Workspace,
    group: str,
    level: str,
    where: str,
    rng: np.random.Generator,
    replicates: int,
    value: object = None,
) -> LinkageQuality:
    """One level. People of equal counts are resampled together: their number is multinomial."""
    given = [value] if "?" in where else []
    found = work.con.execute(
        f'SELECT "right", "linked", "due", count(*) AS people, sum(records) AS records FROM '
        f'(SELECT person, sum("right")::BIGINT AS "right", sum("linked")::BIGINT AS "linked", '
        f'sum("due")::BIGINT AS "due", count(*) AS records FROM {work.name("counted")} '
        f'WHERE {where} GROUP BY person) GROUP BY "right", "linked", "due" '
        f'ORDER BY "right", "linked", "due"',
        given,
    ).fetchnumpy()
    counts = np.stack([found[name].astype(np.float64) for name in ("right", "linked", "due")])
    people = found["people"].astype(np.int64)
    right, linked, due = (counts @ people).tolist()
    records = int(found["records"].sum())
    precision, recall, f1 = resampled(counts, people, rng, replicates)
    return LinkageQuality(
        group=group,
        level=level,
        records=records,
        people=int(people.sum()),
        right=right / 2,
        missed=(due - right) / 2,
        wrong=(linked - right) / 2,
        precision=percentile_estimate(*precision, round(linked / 2)),
        recall=percentile_estimate(*recall, round(due / 2)),
        f1=percentile_estimate(*f1, records),
    )


def resampled(
    counts: FloatArray, people: IntArray, rng: np.random.Generator, replicates: int
) -> tuple[tuple[float, FloatArray], ...]:
    """Precision, recall and F1: the value, and one for each resample of the people.

    Args:
        counts: float (3, k): right, linked and due of each kind of person.
        people: int (k,), how many there are of each kind; their number is multinomial.
        rng: source of the resamples.
        replicates: how many.
    """
    total = int(people.sum())
    weights = np.concatenate(
        [people[None, :], rng.multinomial(total, people / max(total, 1), size=replicates)]
    )
    right, linked, due = (weights @ counts[row] for row in range(3))
    with np.errstate(divide="ignore", invalid="ignore"):
        draws = (right / linked, right / due, 2 * right / (linked + due))
    return tuple((float(each[0]), each[1:]) for each in draws)
