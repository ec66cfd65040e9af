"""Which household, area ... each unit belonged to, and whether the sources speak of the same units.

Extracts arrive with ids that are already pseudonymous and agree between sources. Where they do
not, matching of records belongs before this module: it needs unit ids, and asks nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import duckdb

from riskstrat.asof import quoted
from riskstrat.errors import LinkageError
from riskstrat.vocabulary import Finding, Severity

if TYPE_CHECKING:
    from riskstrat.contracts.spec import Source

UNKNOWN_TOLD = 0.01
UNKNOWN_REFUSED = 0.5
FAR = "DATE '9999-12-31'"
_EMPTY = (
    "SELECT CAST(NULL AS VARCHAR) AS unit, CAST(NULL AS VARCHAR) AS unit_id, "
    "CAST(NULL AS VARCHAR) AS via, CAST(NULL AS VARCHAR) AS via_id, "
    "CAST(NULL AS DATE) AS starts_on, CAST(NULL AS DATE) AS ends_on, "
    "CAST(NULL AS DATE) AS end_known_on, CAST(NULL AS DATE) AS known_on WHERE false"
)


def view(source: Source) -> str:
    """The view of a source's accepted rows."""
    return quoted(f"source_{source.source}")


def spine_sql(sources: Sequence[Source]) -> str:
    """SQL of ``relations``: spells of units in households, areas ..., at most one at a time.

    Where spells of one unit overlap, the later start ends the earlier one, from the day the later
    one was known: until then the earlier spell was, rightly, still believed. A spell whose
    household is empty ends the one before it too: the unit has moved, nobody knows where to.

    Writing ``closed`` for the first morning on which a spell is known to have ended, a later
    spell closes all before it on the first morning after it started and was known. Because a
    closed spell stays closed, the earliest of these mornings says it all, and
    ``end_known_on = closed - 1`` carries it.

    Args:
        sources: contracts; those with ``relates`` are read from their views ``source_<name>``.

    Returns:
        SQL with ``unit, unit_id, via, via_id, starts_on, ends_on, end_known_on, known_on``, sorted.
    """
    spells = " UNION ALL ".join(_spells(sources))
    if not spells:
        return _EMPTY
    later = (
        "(PARTITION BY unit, unit_id, via ORDER BY starts_on, known_on, via_id NULLS FIRST, "
        "ends_on NULLS FIRST ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)"
    )
    windowed = (
        f"SELECT *, min(starts_on) OVER {later} AS next_start, "
        f"min(greatest(starts_on, known_on) + 1) OVER {later} AS next_closes, "
        f"greatest(ends_on, end_known_on) + 1 AS closes FROM ({spells})"
    )
    return (
        f"SELECT unit, unit_id, via, via_id, starts_on, "
        f"least(ends_on, next_start) AS ends_on, "
        f"CASE WHEN next_start IS NULL THEN end_known_on "
        f"ELSE CAST(least(closes, next_closes) - 1 AS DATE) END AS end_known_on, known_on "
        f"FROM ({windowed}) WHERE via_id IS NOT NULL "
        f"ORDER BY unit, unit_id, via, starts_on, known_on, via_id, ends_on"
    )


def _spells(sources: Sequence[Source]) -> Iterator[str]:
    for source in sources:
        for via, column in (source.relates or {}).items():
            # A spell of no days that was over when it was recorded never placed anybody.
            yield (
                f"SELECT '{source.unit.value}' AS unit, unit_id, '{via.value}' AS via, "
                f"CAST({quoted(column)} AS VARCHAR) AS via_id, starts_on, ends_on, end_known_on, "
                f"known_on FROM {view(source)} "
                f"WHERE NOT coalesce(ends_on = starts_on AND end_known_on IS NULL, false)"
            )


def check_overlaps(con: duckdb.DuckDBPyConnection, sources: Sequence[Source]) -> None:
    """Refuse spells that overlap in a source whose contract says ``overlaps: refuse``.

    Raises:
        LinkageError: with the source and the counts.
    """
    for source in sources:
        if not source.relates or source.overlaps != "refuse":
            continue
        before = (
            "(PARTITION BY unit_id ORDER BY starts_on, ends_on NULLS LAST "
            "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
        )
        found = con.execute(
            f"SELECT count(*), count(DISTINCT unit_id) FROM (SELECT unit_id, starts_on, "
            f"max(coalesce(ends_on, {FAR})) OVER {before} AS busy_until FROM {view(source)} "
            f"WHERE ends_on IS NULL OR ends_on > starts_on) WHERE starts_on < busy_until"
        ).fetchone()
        if found and found[0]:
            raise LinkageError(
                f"{source.source}: {found[0]:,} {source.plural} overlap an earlier one of the same "
                f"{source.unit.value} ({found[1]:,} of them), and the contract refuses that",
                fix=f"ask {source.agency} to correct the dates, or set `overlaps: latest_start` in "
                f"the contract",
                code="RS1302",
            )


def check_keys(
    con: duckdb.DuckDBPyConnection, sources: Sequence[Source], population: Source
) -> tuple[Finding, ...]:
    """Do the sources speak of the population's units?

    For a source about the population's unit, the share of rows of units unknown to the population
    is a finding, and a refusal above one half. For a source about households, areas ... only a
    total mismatch is refused: tables of all areas of a country are no fault.

    Args:
        con: a connection with the views ``source_<name>``.
        sources: contracts of accepted sources.
        population: the source the units come from.

    Raises:
        LinkageError: the ids of a source are, most likely, made with another key.
    """
    findings: list[Finding] = []
    relating = [source for source in sources if source.relates]
    related = {via for source in relating for via in source.relates or {}}
    for source in sources:
        if source.source == population.source:
            continue
        if source.unit is population.unit:
            known = f"SELECT DISTINCT unit_id FROM {view(population)}"
        elif source.unit in related:
            known = (
                f"SELECT DISTINCT via_id AS unit_id FROM ({spine_sql(relating)}) "
                f"WHERE via = '{source.unit.value}'"
            )
        else:
            continue
        findings.extend(_unknown_units(con, source, population, known))
    return tuple(findings)


def _unknown_units(
    con: duckdb.DuckDBPyConnection, source: Source, population: Source, known: str
) -> Iterator[Finding]:
    found = con.execute(
        f"SELECT count(*), count(known.unit_id) FROM {view(source)} AS rows "
        f"LEFT JOIN ({known}) AS known USING (unit_id)"
    ).fetchone()
    total, matched = (int(found[0]), int(found[1])) if found else (0, 0)
    if not total:
        return
    share = (total - matched) / total
    same_unit = source.unit is population.unit
    if share > UNKNOWN_REFUSED if same_unit else not matched:
        raise LinkageError(
            f"{source.source}: {total - matched:,} of {total:,} rows ({share:.1%}) belong to a "
            f"{source.unit.value} that `{population.source}` does not know; most likely the "
            f"`{source.unit_key}` was pseudonymised with another key",
            fix=f"ask {source.agency} and {population.agency} for extracts made with the same key "
            f"and in the same batch",
            code="RS1301",
        )
    if share and same_unit:
        yield Finding(
            code="RS1301",
            name="unknown_units",
            severity=Severity.WARNING if share > UNKNOWN_TOLD else Severity.INFO,
            where=source.source,
            message=f"{source.source}: {total - matched:,} of {total:,} rows ({share:.1%}) belong "
            f"to a {source.unit.value} that `{population.source}` does not know; no study sees "
            f"them",
            value=share,
            n=total,
            fix="ask whether both extracts were made with the same key and in the same batch",
        )
