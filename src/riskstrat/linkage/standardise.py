"""Raw records become standardised records.

Names, dates, postcodes and addresses are read once for each distinct text; numbers are read in
SQL. What cannot be believed becomes missing, and every rule that was broken is counted by agency.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import pyarrow as pa

from riskstrat.asof import quoted
from riskstrat.errors import LinkageError
from riskstrat.linkage import text
from riskstrat.linkage.identifiers import NUMBERS, number_sql, tidy_sql
from riskstrat.linkage.parts import LinkageField, Unknowns
from riskstrat.linkage.spec import LinkageSpec
from riskstrat.linkage.workspace import Workspace

READERS: Mapping[str, Callable[[str, Unknowns], text.Read]] = MappingProxyType(
    {
        "forename": text.name,
        "surname": text.name,
        "date": text.date_of_birth,
        "sex": text.sex,
        "postcode": text.postcode,
        "address": text.address,
        "text": text.plain,
        "code": text.code,
    }
)
"""kind -> how one of its texts is read"""

Fields = Mapping[str, LinkageField]
Broken = dict[str, dict[str, int]]
"""agency -> code -> records"""


def standardise(
    work: Workspace,
    people: str,
    spec: LinkageSpec,
    fields: Fields,
    known: str | None = None,
) -> Broken:
    """Make the table ``standard``: record_key, agency, entity and the standardised fields.

    Args:
        work: where to work.
        people: a table or view: record_key, agency and raw columns as text.
        spec: what is not believed.
        fields: which fields to read.
        known: a table or view of record_key and entity: who records were linked to before.

    Returns:
        How many records of each agency broke which rule.

    Raises:
        LinkageError: RS1303 record keys missing or reused, RS1304 no column to link on.
    """
    _raw_view(work, people, spec, fields)
    _check_keys(work)
    broken: Broken = {}
    parts: list[str] = []
    joins: list[str] = []
    for name, field in fields.items():
        column = quoted(name)
        if field.kind == "token":
            parts.append(column)
        elif field.kind in NUMBERS:
            value, rule = number_sql(field.kind, column)
            parts.append(f"{value} AS {column}")
            _count(work, broken, f"SELECT agency, {rule} AS broken FROM {work.name('raw')}")
        else:
            said = _dictionary(work, name, READERS[field.kind], spec.unknowns)
            parts.append(f"{said}.value AS {column}")
            joins.append(f"LEFT JOIN {said} ON raw.{column} = {said}.raw")
            _count(
                work,
                broken,
                f"SELECT agency, broken FROM {work.name('raw')} AS raw "
                f"JOIN {said} ON raw.{column} = {said}.raw",
            )
    if known:
        joins.append(f"LEFT JOIN {known} AS known ON raw.record_key = known.record_key")
    entity = "known.entity" if known else "CAST(NULL AS VARCHAR)"
    work.table(
        "standard",
        f"SELECT raw.record_key, raw.agency, {entity} AS entity, {', '.join(parts)} "
        f"FROM {work.name('raw')} AS raw {' '.join(joins)}",
    )
    for name, field in fields.items():
        if field.kind == "date":
            _no_default_dates(work, name, spec, broken)
    return broken


def _raw_view(work: Workspace, people: str, spec: LinkageSpec, fields: Fields) -> None:
    """A view of the raw columns as text; what an extract does not hold is missing."""
    there = {str(row[0]) for row in work.rows(f"DESCRIBE SELECT * FROM {people}")}
    if lacking := {"record_key", "agency"} - there:
        raise LinkageError(
            f"the records to link lack {', '.join(sorted(lacking))}",
            fix="give each record a key and the name of its agency",
            code="RS1304",
        )
    raw = {name: field.column or name for name, field in fields.items()}
    if not there & set(raw.values()):
        raise LinkageError(
            f"the records to link hold none of the columns that `{spec.linkage}` links on: "
            f"{', '.join(sorted(set(raw.values())))}",
            fix="check `fields` of the linkage file against the columns of the extract",
            code="RS1304",
        )
    parts = []
    for name, field in fields.items():
        column = quoted(raw[name])
        value = f"nullif(trim(CAST({column} AS VARCHAR)), '')" if raw[name] in there else "NULL"
        if field.kind in NUMBERS:
            value = f"nullif({tidy_sql(f'CAST({value} AS VARCHAR)')}, '')"
        parts.append(f"CAST({value} AS VARCHAR) AS {quoted(name)}")
    work.view(
        "raw",
        f"SELECT CAST(record_key AS VARCHAR) AS record_key, CAST(agency AS VARCHAR) AS agency, "
        f"{', '.join(parts)} FROM {people}",
    )


def _check_keys(work: Workspace) -> None:
    found = work.rows(
        f"SELECT count(*) - count(record_key), count(record_key) - count(DISTINCT record_key), "
        f"count(*) - count(agency) FROM {work.name('raw')}"
    )
    missing, reused, nobodys = found[0]
    if nobodys:
        raise LinkageError(
            f"{nobodys:,} records do not say which agency they are of",
            fix="give each record the name of its agency",
            code="RS1304",
        )
    if missing or reused:
        raise LinkageError(
            f"record keys: {missing:,} are missing and {reused:,} are used again; each record "
            f"needs one of its own, or content would be joined to the wrong person",
            fix="have the agency split its extract again, and send both new files",
            code="RS1303",
        )


def _dictionary(
    work: Workspace, name: str, read: Callable[[str, Unknowns], text.Read], unknowns: Unknowns
) -> str:
    """A table of every distinct raw text of a column: raw, value, broken."""
    column = quoted(name)
    raw = work.arrow(
        f"SELECT DISTINCT {column} AS raw FROM {work.name('raw')} WHERE {column} IS NOT NULL"
    )["raw"].combine_chunks()
    told = [read(entry, unknowns) for entry in raw.to_pylist()]
    return work.keep(
        f"said_{name}",
        pa.table(
            {
                "raw": raw,
                "value": pa.array([value for value, _ in told], pa.string()),
                "broken": pa.array([rule or None for _, rule in told], pa.string()),
            }
        ),
    )


def _count(work: Workspace, broken: Broken, rows: str) -> None:
    for agency, code, records in work.rows(
        f"SELECT agency, broken, count(*) FROM ({rows}) WHERE broken IS NOT NULL GROUP BY ALL"
    ):
        codes = broken.setdefault(str(agency), {})
        codes[str(code)] = codes.get(str(code), 0) + int(records)


def _no_default_dates(work: Workspace, name: str, spec: LinkageSpec, broken: Broken) -> None:
    """Forget a date that too many records of one agency share: it is a default, not a birthday."""
    rule, column = spec.unknowns.same_date, quoted(name)
    sql = (
        f"SELECT agency, {column} AS said, count(*) AS records FROM {work.name('standard')} "
        f"WHERE {column} IS NOT NULL GROUP BY agency, {column} "
        f"QUALIFY count(*) >= {rule.least} AND "
        f"count(*) >= {rule.share} * sum(count(*)) OVER (PARTITION BY agency)"
    )
    work.table("defaults", sql)
    for agency, records in work.rows(
        f"SELECT agency, sum(records) FROM {work.name('defaults')} GROUP BY ALL"
    ):
        broken.setdefault(str(agency), {})["RS1318"] = int(records)
    work.run(
        f"UPDATE {work.name('standard')} AS s SET {column} = NULL "
        f"FROM {work.name('defaults')} AS d WHERE s.agency = d.agency AND s.{column} = d.said"
    )
    work.drop("defaults")
