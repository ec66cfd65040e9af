"""Equal records become one profile, with the columns that follow from its texts."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from riskstrat.asof import literal, quoted
from riskstrat.errors import LinkageError
from riskstrat.linkage import text
from riskstrat.linkage.spec import LinkageSpec
from riskstrat.linkage.standardise import Fields
from riskstrat.linkage.workspace import Workspace, listed


def make_profiles(work: Workspace, spec: LinkageSpec) -> None:
    """Make the tables ``profiles`` and ``records`` from ``standard``.

    Records that agree in every field, and hold those of ``identical``, are one profile and need
    not be compared; where some of them were linked before, the others are the same person.
    Profiles are numbered by their content, so that neither the order of the rows nor their keys
    decides anything.

    ``profiles``: unique_id, the columns of the spec, records, trusted, agency, entity, complete
    (the content where equal content is one person), content.
    ``records``: record_key, agency, unique_id, known.
    """
    fields = spec.people_fields()
    said = ", ".join(f"coalesce({quoted(name)}, '')" for name in fields)
    agency = "" if spec.within else ", agency"
    complete = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in spec.identical) or "false"
    work.table(
        "celled",
        f"SELECT *, md5(concat_ws(chr(31), {said}{agency})) AS content, "
        f"CASE WHEN {complete} THEN content END AS complete, "
        f"md5(concat_ws(chr(31), content, entity, "
        f"CASE WHEN complete IS NULL THEN agency || chr(31) || record_key END)) AS cell "
        f"FROM {work.name('standard')}",
    )
    trusted = f"bool_or(agency = {literal(spec.population)})" if spec.population else "false"
    # One row stands for its cell: the texts of all are equal, and narrow groups are quick.
    work.table(
        "cells",
        f"SELECT cell, min(rowid) AS one, min(agency) AS agency, min(record_key) AS least_key, "
        f"count(*) AS records, {trusted} AS trusted FROM {work.name('celled')} GROUP BY cell",
    )
    work.table(
        "base",
        f"SELECT row_number() OVER (ORDER BY r.content, c.agency, r.entity, c.least_key) - 1 "
        f"AS unique_id, c.cell, r.content, r.complete, r.entity, c.agency, c.records, c.trusted, "
        f"{listed(tuple(fields), 'r')} FROM {work.name('cells')} AS c "
        f"JOIN {work.name('celled')} AS r ON r.rowid = c.one",
    )
    work.table(
        "records",
        f"SELECT c.record_key, c.agency, b.unique_id, c.entity IS NOT NULL AS known "
        f"FROM {work.name('celled')} AS c "
        f"JOIN {work.name('base')} AS b USING (cell)",
    )
    work.drop("celled", "cells", "standard")
    derive(work, spec, fields, "base", "profiles")
    work.drop("base")


def derive(work: Workspace, spec: LinkageSpec, fields: Fields, source: str, target: str) -> None:
    """Add to standardised texts the columns that follow from them: sounds, parts, sectors."""
    nicknames = read_nicknames(spec)
    parts: list[str] = []
    joins: list[str] = []
    for name, field in fields.items():
        match field.kind:
            case "forename" | "surname" | "address":
                follows = _following(work, source, name, field.kind, nicknames)
                parts.append(f"{follows}.* EXCLUDE (value)")
                joins.append(f"LEFT JOIN {follows} ON s.{quoted(name)} = {follows}.value")
            case "date" | "postcode":
                parts.extend(_pieces(f"s.{quoted(name)}", name, field.kind))
    added = "".join(f", {part}" for part in parts)
    work.table(target, f"SELECT s.*{added} FROM {work.name(source)} AS s {' '.join(joins)}")
    work.drop(*(f"follows_{name}" for name in fields))


def _pieces(column: str, name: str, kind: str) -> Iterator[str]:
    if kind == "postcode":
        yield f"left({column}, length({column}) - 2) AS {quoted(name + '_sector')}"
        yield f"left({column}, length({column}) - 3) AS {quoted(name + '_district')}"
        return
    for part, start, length in (("year", 1, 4), ("month", 6, 2), ("day", 9, 2)):
        yield f"substr({column}, {start}, {length}) AS {quoted(f'{name}_{part}')}"
    month, day = f"substr({column}, 6, 2)", f"substr({column}, 9, 2)"
    yield (
        f"left({column}, 5) || least({month}, {day}) || '-' || greatest({month}, {day}) "
        f"AS {quoted(name + '_sorted')}"
    )


def _following(
    work: Workspace, source: str, name: str, kind: str, nicknames: dict[str, tuple[str, ...]]
) -> str:
    column = quoted(name)
    value = work.arrow(
        f"SELECT DISTINCT {column} AS value FROM {work.name(source)} WHERE {column} IS NOT NULL"
    )["value"].combine_chunks()
    said: list[str] = value.to_pylist()
    columns: dict[str, pa.Array] = {"value": value}
    if kind == "address":
        doors = [text.door(s) for s in said]
        for place, part in enumerate(("number", "house", "street")):
            columns[f"{name}_{part}"] = pa.array([door[place] for door in doors], pa.string())
    else:
        columns[f"{name}_sound"] = pa.array([text.sound(s) for s in said], pa.string())
    if kind == "forename":
        roots = [text.root(s, nicknames) for s in said]
        columns[f"{name}_root"] = pa.array(roots, pa.string())
        columns[f"{name}_initial"] = pa.array([s[0] for s in said], pa.string())
        names = [text.full_names(s, nicknames) for s in said]
        columns[f"{name}_names"] = pa.array(names, pa.list_(pa.string()))
    if kind == "surname":
        columns[f"{name}_parts"] = pa.array([s.split() for s in said], pa.list_(pa.string()))
    return work.keep(f"follows_{name}", pa.table(columns))


def read_nicknames(spec: LinkageSpec) -> dict[str, tuple[str, ...]]:
    """nickname -> the names it is short for, from the spec's CSV of ``name,nickname``.

    Raises:
        LinkageError: RS1309, the file cannot be read or lacks a column.
    """
    if not spec.nicknames:
        return {}
    path = Path(spec.nicknames)
    try:
        with path.open(encoding="utf-8", newline="") as handle:
            rows = [(row["name"], row["nickname"]) for row in csv.DictReader(handle)]
    except (OSError, KeyError, UnicodeDecodeError) as fault:
        raise LinkageError(
            f"{path.name}: no table of nicknames with the columns name and nickname",
            fix="give the CSV's path in `nicknames`, relative to the linkage file",
            code="RS1309",
        ) from fault
    told = [(text.folded(name).strip(), text.folded(short).strip()) for name, short in rows]
    return text.read_nicknames(told)
