"""The rows of an extract in canonical form, each with the first rule it breaks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from riskstrat.asof import literal, quoted
from riskstrat.contracts.columns import Resolved, raw_name
from riskstrat.contracts.rules import Test, first_date
from riskstrat.contracts.spec import Lag, Shape, Source
from riskstrat.contracts.tables import RawTable
from riskstrat.contracts.textfile import exact_path
from riskstrat.vocabulary import Unit

REASON = "__reason"
WITHHELD = -1
"""in place of a test's number: the row is about somebody who opted out"""
NO_BIRTHS = "(SELECT CAST(NULL AS VARCHAR) AS unit_id, CAST(NULL AS DATE) AS born_on WHERE false)"
NO_DEATHS = "(SELECT CAST(NULL AS VARCHAR) AS unit_id, CAST(NULL AS DATE) AS died_on WHERE false)"
NOBODY = "(SELECT CAST(NULL AS VARCHAR) AS unit_id WHERE false)"


def canonical_columns(source: Source) -> tuple[str, ...]:
    """The columns of the accepted table: the canonical ones, then the contract's."""
    return tuple(dict.fromkeys((*_canonical(source), *source.columns)))


def _canonical(source: Source) -> dict[str, str]:
    """Canonical column -> SQL over the contract's columns."""
    first = quoted(first_date(source))
    known = (
        _assumed(source.known_on, first)
        if isinstance(source.known_on, Lag)
        else quoted(source.known_on)
    )
    unit = f"CAST({quoted(source.unit_key)} AS VARCHAR)"
    if source.shape is not Shape.SPELLS:
        return {"unit_id": unit, "happened_on": first, "known_on": known}
    end_known = quoted(source.end_known_on) if source.end_known_on else "CAST(NULL AS DATE)"
    return {
        "unit_id": unit,
        "starts_on": first,
        "ends_on": quoted(source.ends_on or ""),
        "end_known_on": end_known,
        "known_on": known,
    }


def _assumed(lag: Lag, first: str) -> str:
    """SQL: the day a row is taken to be known on; ``greatest`` passes over an empty ``after``."""
    counted_from = f"greatest({first}, {quoted(lag.after)})" if lag.after else first
    return f"CAST({counted_from} + {lag.lag_days} AS DATE)"


def sorting_columns(source: Source) -> tuple[str, ...]:
    """The order of accepted rows: unit, date, key, then every column, so that it is total."""
    canonical = list(_canonical(source))
    return tuple(dict.fromkeys((*canonical[:2], *source.key, *canonical_columns(source))))


def first_columns(source: Source) -> tuple[str, ...]:
    """Which of the rows with one key is kept: the first known, then by every column."""
    return tuple(dict.fromkeys(("known_on", *canonical_columns(source))))


def order_by(source: Source) -> str:
    """SQL: the order of accepted rows."""
    return _nulls_last(sorting_columns(source))


def _nulls_last(names: Sequence[str]) -> str:
    return ", ".join(f"{quoted(name)} NULLS LAST" for name in names)


def write_tested(
    con: duckdb.DuckDBPyConnection,
    source: Source,
    table: RawTable,
    columns: Sequence[Resolved],
    tests: Sequence[Test],
    births: str | None,
    deaths: str | None,
    target: Path,
    *,
    opted_out: str | None = None,
) -> None:
    """Write canonical rows to ``target`` with the number of the first test each fails (0: none).

    Rows of people in the view ``opted_out`` get ``WITHHELD`` instead, and are tested by nothing.
    """
    raws = ", ".join(f"{item.raw} AS {raw_name(i)}" for i, item in enumerate(columns))
    typed = ", ".join(f"{item.converted} AS {quoted(item.name)}" for item in columns)
    arms = " ".join(f"WHEN {test.condition} THEN {n}" for n, test in enumerate(tests, start=1))
    canonical = _canonical(source)
    outputs = [f"{sql} AS {quoted(name)}" for name, sql in canonical.items()]
    outputs += [quoted(name) for name in source.columns if name not in canonical]
    con.execute(
        f"COPY (SELECT {', '.join(outputs)}, CAST(CASE WHEN lives.__gone THEN {WITHHELD} {arms} "
        f"ELSE 0 END AS SMALLINT) AS {REASON} "
        f"FROM (SELECT *, {typed} FROM (SELECT {raws} FROM ({table.sql}) AS raw) AS r) AS t "
        f"LEFT JOIN ({_lives(source, births, deaths, opted_out)}) AS lives "
        f"ON lives.__unit = {canonical['unit_id']}) TO {literal(str(target))} (FORMAT parquet)"
    )


def _lives(source: Source, births: str | None, deaths: str | None, opted_out: str | None) -> str:
    """Each person once: the earliest birth and the latest death told, and who opted out."""
    persons = source.unit is Unit.PERSON
    born = births if births and persons and not source.born_on else NO_BIRTHS
    died = deaths if deaths and persons and source.status != "death" else NO_DEATHS
    gone = opted_out if opted_out and persons else NOBODY
    return (
        f"SELECT unit_id AS __unit, min(born) AS __born, max(died) AS __died, "
        f"bool_or(gone) AS __gone FROM ("
        f"SELECT unit_id, born_on AS born, CAST(NULL AS DATE) AS died, false AS gone FROM {born} "
        f"UNION ALL SELECT unit_id, NULL, died_on, false FROM {died} "
        f"UNION ALL SELECT unit_id, NULL, NULL, true FROM {gone}) GROUP BY unit_id"
    )


def reasons(con: duckdb.DuckDBPyConnection, checked: Path) -> dict[int, int]:
    """Number of the test (0: none failed, ``WITHHELD``: of people who opted out) -> rows."""
    found = con.execute(
        f"SELECT {REASON}, count(*) FROM read_parquet({exact_path(checked)}) GROUP BY ALL"
    ).fetchall()
    return {int(reason): int(rows) for reason, rows in found}


def keep_first(
    con: duckdb.DuckDBPyConnection, source: Source, checked: Path, scratch: Path
) -> tuple[str, int]:
    """Set repeated keys aside, but for the first by the day it was known, then by all values.

    Returns:
        SQL of the rows that are left, as a table expression, and how many were set aside.
    """
    rows = f"read_parquet({exact_path(checked)}, file_row_number=true)"
    good = f"(SELECT * FROM {rows} WHERE {REASON} = 0)"
    if not source.key:
        return good, 0
    keys = ", ".join(map(quoted, source.key))
    dropped = scratch / f"{source.source}.repeated.parquet"
    everything = _nulls_last(first_columns(source))
    # The window runs over repeated keys only: they are few, and a window over all rows is not.
    done = con.execute(
        f"COPY (SELECT file_row_number FROM (SELECT file_row_number, row_number() OVER "
        f"(PARTITION BY {keys} ORDER BY {everything}) AS nth FROM {good} SEMI JOIN "
        f"(SELECT {keys} FROM {good} GROUP BY {keys} HAVING count(*) > 1) USING ({keys})) "
        f"WHERE nth > 1) TO {literal(str(dropped))} (FORMAT parquet)"
    ).fetchone()
    repeated = int(done[0]) if done else 0
    if not repeated:
        return good, 0
    aside = f"read_parquet({exact_path(dropped)})"
    return f"(SELECT * FROM {good} ANTI JOIN {aside} USING (file_row_number))", repeated
