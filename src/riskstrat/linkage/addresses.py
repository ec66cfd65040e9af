"""Addresses become homes: by UPRN, else by what they share with an address whose UPRN is known.

Agencies write one address in many ways, so they are compared by their door: flat, house, first
word of the street, postcode. A door that leads to two homes leads to none, and is counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import duckdb
import pyarrow as pa

from riskstrat.asof import quoted
from riskstrat.errors import LinkageError
from riskstrat.linkage.entities import prefix
from riskstrat.linkage.keys import key_sql
from riskstrat.linkage.parts import Homes
from riskstrat.linkage.profiles import derive
from riskstrat.linkage.spec import LinkageSpec
from riskstrat.linkage.standardise import Broken, standardise
from riskstrat.linkage.workspace import Workspace, workspace


@dataclass(frozen=True, slots=True)
class LinkedAddresses:
    """What linking addresses gave.

    Attributes:
        table: record_key, entity (``uprn|...`` or ``addr|...``), probability, band, how (``uprn``,
            ``address``, ``alone``), shared (whether people live there who need not be related, as
            in a hostel), agency; sorted by record key.
        counts: records by agency and how, broken rules, wrong numbers, ambiguous doors.
    """

    table: pa.Table
    counts: Mapping[str, Any]


def link_addresses(
    con: duckdb.DuckDBPyConnection, addresses: str, spec: LinkageSpec
) -> LinkedAddresses:
    """Say which records are of one home.

    The probability of a door is how often two records behind one such door, both with a number,
    have the same one: it is measured on these records.

    Args:
        con: a connection; what is made in it is dropped.
        addresses: a table or view of record_key, agency and the raw columns of the spec's UPRN,
            address and postcode; with a surname, homes of unrelated people are told.
        spec: ``homes`` says what is compared.

    Raises:
        LinkageError: RS1303 record keys reused, RS1304 the spec says nothing of homes, or the
            records hold no column of it.
    """
    if not spec.homes:
        raise LinkageError(
            f"`{spec.linkage}` says nothing of homes, and there are addresses to link",
            fix="add `homes` to the linkage file",
            code="RS1304",
        )
    with workspace(con) as work:
        fields = spec.home_fields()
        broken = standardise(work, addresses, spec, fields)
        derive(work, spec, fields, "standard", "derived")
        wrong = _drop_wrong_numbers(work, spec.homes)
        ambiguous = _by_doors(work, spec.homes, spec.thresholds.link)
        _name_homes(work, spec, spec.homes)
        _mark_shared(work, spec, spec.homes)
        table = _describe(work, spec)
        return LinkedAddresses(table, MappingProxyType(_counts(table, broken, wrong, ambiguous)))


def _keyed(homes: Homes) -> str:
    keys = [f"{key_sql(key)} AS k{place}" for place, key in enumerate(homes.keys)]
    return ", ".join([f"{quoted(homes.number)} AS number", *keys])


def _drop_wrong_numbers(work: Workspace, homes: Homes) -> int:
    """Take a number away from a record whose door is not one that most of its records have."""
    number = quoted(homes.number)
    if not homes.guard:
        work.table("known", f"SELECT * FROM {work.name('derived')}")
        return 0
    tests = []
    for key in homes.guard:
        said = key_sql(key)
        # The value held most often; equal counts go to the smaller one, whatever the order.
        most = f"mode({said} ORDER BY {said}) OVER (PARTITION BY {number})"
        tests.append(f"{said} = {most}")
    agrees = " OR ".join(f"coalesce({test}, false)" for test in tests)
    compared = " OR ".join(f"({test}) IS NOT NULL" for test in tests)
    work.table(
        "known",
        f"SELECT * REPLACE (CASE WHEN ({agrees}) OR NOT ({compared}) THEN {number} END "
        f"AS {number}), {number} IS NOT NULL AND ({compared}) AND NOT ({agrees}) AS wrong "
        f"FROM {work.name('derived')}",
    )
    return work.number(f"SELECT count(*) FROM {work.name('known')} WHERE wrong")


def _by_doors(work: Workspace, homes: Homes, least: float) -> int:
    """Find the home behind each door: ``doors`` with record_key, number, rule, sure.

    Of two records with a number behind one such door, how often is it the same? A kind of door
    that is less sure than ``least`` leads nowhere.
    """
    work.table(
        "keyed",
        f"SELECT record_key, agency, {_keyed(homes)} FROM {work.name('known')}",
    )
    found = [
        f"SELECT record_key, number, -1 AS rule, 1.0 AS sure FROM {work.name('keyed')} "
        f"WHERE number IS NOT NULL"
    ]
    ambiguous = []
    for place in range(len(homes.keys)):
        found_sure = work.rows(
            f"SELECT sum(same) / nullif(sum(n * (n - 1)), 0) FROM (SELECT sum(m) AS n, "
            f"sum(m * (m - 1)) AS same FROM (SELECT k{place}, number, count(*) AS m "
            f"FROM {work.name('keyed')} WHERE number IS NOT NULL AND k{place} IS NOT NULL "
            f"GROUP BY ALL) GROUP BY k{place})"
        )[0][0]
        sure = float(found_sure or 0.0)
        if sure < least:
            continue
        behind = work.table(
            f"behind{place}",
            f"SELECT k{place} AS key, min(number) AS number, count(DISTINCT number) AS homes "
            f"FROM {work.name('keyed')} WHERE number IS NOT NULL AND k{place} IS NOT NULL "
            f"GROUP BY k{place}",
        )
        found.append(
            f"SELECT record_key, b.number, {place} AS rule, {sure!r} AS sure "
            f"FROM {work.name('keyed')} AS a JOIN {behind} AS b ON a.k{place} = b.key "
            f"WHERE a.number IS NULL AND b.homes = 1"
        )
        ambiguous.append(
            f"SELECT record_key FROM {work.name('keyed')} AS a JOIN {behind} AS b "
            f"ON a.k{place} = b.key WHERE a.number IS NULL AND b.homes > 1"
        )
    work.table(
        "doors",
        f"SELECT * FROM ({' UNION ALL '.join(found)}) "
        f"QUALIFY row_number() OVER (PARTITION BY record_key ORDER BY rule) = 1",
    )
    if not ambiguous:
        return 0
    return work.number(
        f"SELECT count(DISTINCT record_key) FROM ({' UNION ALL '.join(ambiguous)}) "
        f"WHERE record_key NOT IN (SELECT record_key FROM {work.name('doors')})"
    )


def _name_homes(work: Workspace, spec: LinkageSpec, homes: Homes) -> None:
    """Name each record's home: by number, else by its surest door, else by its own content."""
    texts = [
        quoted(name)
        for name, field in spec.home_fields().items()
        if field.kind in ("address", "postcode")
    ]
    whole = f"concat_ws(chr(31), {', '.join(f'k.{text}' for text in texts) or 'NULL'})"
    keys = [f"'{place}' || d.k{place}" for place in range(len(homes.keys))]
    work.table(
        "named",
        f"SELECT k.record_key, k.agency, o.number, o.rule, o.sure, "
        f"coalesce({', '.join(keys)}, nullif('w' || {whole}, 'w')) AS door "
        f"FROM {work.name('known')} AS k JOIN {work.name('keyed')} AS d USING (record_key) "
        f"LEFT JOIN {work.name('doors')} AS o USING (record_key)",
    )
    work.table(
        "homes",
        f"SELECT *, CASE WHEN number IS NOT NULL THEN '{prefix(homes.number)}|' || number "
        f"WHEN door IS NOT NULL THEN 'addr|' || sha256(door) "
        f"ELSE 'addr|' || sha256(agency || '#' || row_number() OVER "
        f"(PARTITION BY agency, number IS NULL AND door IS NULL ORDER BY record_key)) "
        f"END AS entity FROM {work.name('named')}",
    )


def _mark_shared(work: Workspace, spec: LinkageSpec, homes: Homes) -> None:
    """``shared``: homes of many doors, or by one agency's records of many people and surnames."""
    fields = spec.home_fields()
    surname = next((name for name, field in fields.items() if field.kind == "surname"), "")
    surnames = f"count(DISTINCT k.{quoted(surname)})" if surname else "0"
    work.table(
        "shared",
        f"SELECT entity, bool_or(many) AS shared FROM (SELECT h.entity, "
        f"count(DISTINCT d.k0) >= {homes.doors} OR "
        f"(count(*) >= {homes.people} AND {surnames} >= {homes.surnames}) AS many "
        f"FROM {work.name('homes')} AS h JOIN {work.name('known')} AS k USING (record_key) "
        f"JOIN {work.name('keyed')} AS d USING (record_key) GROUP BY h.entity, h.agency) "
        f"GROUP BY entity",
    )


def _describe(work: Workspace, spec: LinkageSpec) -> pa.Table:
    at, homes = spec.thresholds, work.name("homes")
    # Without a number on either side, two records of one door are as sure as the surest door is.
    behind = f"coalesce((SELECT max(sure) FROM {homes} WHERE rule = 0), 1.0)"
    return work.arrow(
        f"SELECT record_key, entity, probability, CASE how WHEN 'uprn' THEN 'exact' "
        f"WHEN 'alone' THEN 'alone' ELSE CASE WHEN probability >= {at.high} THEN 'high' "
        f"WHEN probability >= {at.medium} THEN 'medium' ELSE 'low' END END AS band, how, shared, "
        f"agency FROM (SELECT *, CASE WHEN how <> 'address' THEN 1.0 "
        f"WHEN number IS NOT NULL THEN sure ELSE {behind} END AS probability FROM ("
        f"SELECT *, CASE WHEN rule = -1 THEN 'uprn' WHEN number IS NOT NULL THEN 'address' "
        f"WHEN door IS NOT NULL AND count(*) OVER (PARTITION BY entity) > 1 THEN 'address' "
        f"ELSE 'alone' END AS how FROM {homes})) "
        f"LEFT JOIN {work.name('shared')} USING (entity) ORDER BY record_key"
    )


def _counts(table: pa.Table, broken: Broken, wrong: int, ambiguous: int) -> dict[str, Any]:
    agencies: dict[str, dict[str, Any]] = {}
    grouped = table.group_by(["agency", "how"]).aggregate([([], "count_all")]).to_pylist()
    for row in sorted(grouped, key=lambda row: (row["agency"], row["how"])):
        there = agencies.setdefault(row["agency"], {"records": 0, "how": {}, "broken": {}})
        there["records"] += row["count_all"]
        there["how"][row["how"]] = row["count_all"]
    for agency, codes in broken.items():
        agencies[agency]["broken"] = dict(sorted(codes.items()))
    shared = table.filter(table["shared"])["entity"].unique() if table.num_rows else []
    return {
        "records": table.num_rows,
        "agencies": agencies,
        "wrong_numbers": wrong,
        "ambiguous_doors": ambiguous,
        "shared_homes": len(shared),
    }
