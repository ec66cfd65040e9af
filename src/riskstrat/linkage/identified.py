"""Deterministic links: records that carry the same valid number are one person.

A number may be right by its check digit and still be somebody else's. A record whose name and
date of birth both disagree with the records that the number belongs to loses it: it is counted,
and looked for by its name like a record that never had one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from riskstrat.asof import quoted
from riskstrat.linkage.clusters import Clusters, IntArray
from riskstrat.linkage.keys import Key, agrees_sql
from riskstrat.linkage.parts import Guard
from riskstrat.linkage.spec import LinkageSpec
from riskstrat.linkage.standardise import Broken
from riskstrat.linkage.workspace import Workspace


@dataclass(slots=True)
class Identified:
    """Profiles grouped by their numbers.

    Attributes:
        clusters: over profiles; constraints know each exclusive number.
        conflicts: joins refused because they would have given one person two numbers.
    """

    clusters: Clusters
    conflicts: int


def identify(work: Workspace, spec: LinkageSpec, broken: Broken) -> Identified:
    """Group the table ``profiles``: by what was linked before, by equal content, by numbers.

    Makes ``grouped``: unique_id, grp (a root of the clusters).

    Args:
        work: holds ``profiles`` and ``records``; wrong numbers are taken out of ``profiles``.
        spec: identifiers, in order of trust.
        broken: receives the records with a wrong number.
    """
    for identifier in spec.identifiers:
        if identifier.guard:
            _drop_wrong_numbers(work, identifier.field, identifier.guard, broken)
    members = work.number(f"SELECT count(*) FROM {work.name('profiles')}")
    clusters = Clusters.of(members, [_values(work, field, members) for field in spec.exclusive])
    before = [_pairs(work, column) for column in ("entity", "complete")]
    conflicts = sum(clusters.join_all(*pairs) for pairs in before)
    for place, rule in enumerate(spec.identifiers):
        first, other = _pairs(work, rule.field)
        fresh = not place and not any(len(pairs[0]) for pairs in before)
        if fresh and spec.exclusive in ((), (rule.field,)):
            clusters.join_unbound(first, other)
        else:
            conflicts += clusters.join_all(first, other)
    if spec.one_to_one:
        clusters.agencies = _agency_bits(work)
    work.keep("grouped", pa.table({"unique_id": np.arange(members), "grp": clusters.roots()}))
    return Identified(clusters, conflicts)


def _values(work: Workspace, field: str, members: int) -> IntArray:
    """int (profiles,): a number for each value of a field, 0 where there is none."""
    column = quoted(field)
    found = work.arrays(
        f"SELECT unique_id, dense_rank() OVER (ORDER BY {column}) AS value "
        f"FROM {work.name('profiles')} WHERE {column} IS NOT NULL"
    )
    values = np.zeros(members, np.int64)
    values[found["unique_id"].astype(np.int64)] = found["value"].astype(np.int64)
    return values


def _pairs(work: Workspace, field: str) -> tuple[IntArray, IntArray]:
    """Profiles that share a value of a column: the first of them, and each other one."""
    column = quoted(field)
    found = work.arrays(
        f"SELECT unique_id, min(unique_id) OVER (PARTITION BY {column}) AS first "
        f"FROM {work.name('profiles')} WHERE {column} IS NOT NULL "
        f"QUALIFY unique_id <> first ORDER BY first, unique_id"
    )
    return found["first"].astype(np.int64), found["unique_id"].astype(np.int64)


def _agency_bits(work: Workspace) -> IntArray:
    found = work.arrays(
        f"SELECT dense_rank() OVER (ORDER BY agency) - 1 AS place FROM {work.name('profiles')} "
        f"ORDER BY unique_id"
    )
    place: IntArray = found["place"].astype(np.int64)
    return 1 << place


def _drop_wrong_numbers(work: Workspace, field: str, guard: Guard, broken: Broken) -> None:
    column = quoted(field)
    work.table(
        "wrong",
        f"WITH owners AS (SELECT unique_id, first_value(unique_id) OVER (PARTITION BY {column} "
        f"ORDER BY trusted DESC, records DESC, unique_id) AS owner "
        f"FROM {work.name('profiles')} WHERE {column} IS NOT NULL) "
        f"SELECT o.unique_id FROM owners AS o "
        f"JOIN {work.name('profiles')} AS l ON l.unique_id = o.unique_id "
        f"JOIN {work.name('profiles')} AS r ON r.unique_id = o.owner "
        f"WHERE o.unique_id <> o.owner AND {_disagree(guard.name)} AND {_disagree(guard.date)}",
    )
    for agency, records in work.rows(
        f"SELECT agency, count(*) FROM {work.name('records')} "
        f"JOIN {work.name('wrong')} USING (unique_id) GROUP BY ALL"
    ):
        codes = broken.setdefault(str(agency), {})
        codes["RS1322"] = codes.get("RS1322", 0) + int(records)
    work.run(
        f"UPDATE {work.name('profiles')} SET {column} = NULL "
        f"WHERE unique_id IN (SELECT unique_id FROM {work.name('wrong')})"
    )
    work.drop("wrong")


def _disagree(keys: tuple[Key, ...]) -> str:
    """SQL: there was something to compare, and none of the keys agrees."""
    tests = [agrees_sql(key, "l", "r") for key in keys]
    compared = " OR ".join(f"({test}) IS NOT NULL" for test in tests)
    agrees = " OR ".join(f"coalesce({test}, false)" for test in tests)
    return f"(({compared}) AND NOT ({agrees}))"
