"""Who is in scope at each as-of date, as known on the day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

import duckdb

from riskstrat.asof import OPEN, VISIBLE, after_sql, known_attributes, literal, quoted
from riskstrat.cohort.conditions import conjuncts
from riskstrat.cohort.dates import as_of_dates
from riskstrat.cohort.flow import CohortFlow, count_steps
from riskstrat.cohort.spec import CohortSpec, EventDates
from riskstrat.errors import StudyError
from riskstrat.vocabulary import Unit

if TYPE_CHECKING:
    from riskstrat.attributes import Attribute
    from riskstrat.contracts.spec import Source
    from riskstrat.expressions import Expression

KNOWN = "event known on the day"
ALIVE = "not known to have died"


def population_source(spec: CohortSpec, unit: Unit, sources: Mapping[str, Source]) -> Source | None:
    """The source the units come from and may leave; None for dates of the units' own.

    Raises:
        StudyError: RS1221, when no source or more than one could be meant.
    """
    told = spec.population or any(s.population and s.unit == unit for s in sources.values())
    if isinstance(spec.as_of, EventDates) and not told:
        return None
    return _population(spec, unit, sources)


def _population(spec: CohortSpec, unit: Unit, sources: Mapping[str, Source]) -> Source:
    if spec.population:
        return _of_unit(spec.population, unit, sources, "`cohort.population`")
    found = [s for s in sources.values() if s.population and s.unit == unit]
    if len(found) == 1:
        return found[0]
    names = ", ".join(source.source for source in found) or "none"
    raise StudyError(
        f"it is not clear which source holds the population of units `{unit}` (found: {names})",
        fix="name it as `population` under `cohort`",
        code="RS1221",
    )


def death_source(spec: CohortSpec, unit: Unit, sources: Mapping[str, Source]) -> Source | None:
    """The source of deaths; None when the study has none.

    Raises:
        StudyError: RS1221, when more than one could be meant.
    """
    if spec.deaths:
        return _of_unit(spec.deaths, unit, sources, "`cohort.deaths`")
    found = [s for s in sources.values() if s.status == "death" and s.unit == unit]
    if len(found) > 1:
        names = ", ".join(source.source for source in found)
        raise StudyError(
            f"more than one source holds deaths ({names})",
            fix="name one as `deaths` under `cohort`",
            code="RS1221",
        )
    return found[0] if found else None


def build_pairs(
    con: duckdb.DuckDBPyConnection,
    spec: CohortSpec,
    unit: Unit,
    sources: Mapping[str, Source],
    who: Expression,
    attributes: Mapping[str, Attribute],
    *,
    each: Expression | None = None,
    dates: Sequence[date] | None = None,
) -> CohortFlow:
    """Create the table ``pairs`` (unit_id, as_of): who is in scope at each date.

    Units are those with any row of the population's source (for dates of the units' own: of the
    source of the events). Each is judged at every date by what was known on that morning; a
    condition that cannot be answered (NULL) counts as not met.

    Args:
        con: a connection with the views ``source_<name>`` and ``relations``.
        spec: the cohort's spec.
        unit: the study's unit.
        sources: the contracts, by name.
        who: the study's `who`, over the names of ``attributes`` and of populations.
        attributes: what each name in `who` other than a population means; ``age_at_as_of``
            is an attribute of kind ``age``.
        each: the condition on the events of :class:`EventDates`.
        dates: other as-of dates than the study's, to score for; of the units' own dates only
            these are kept.

    Returns:
        How many pairs were left at each step.

    Raises:
        StudyError: when a source does not fit the study's unit.
    """
    days = tuple(sorted(set(dates))) if dates is not None else as_of_dates(spec.as_of)
    if isinstance(spec.as_of, EventDates):
        source = _of_unit(spec.as_of.each, unit, sources, "`cohort.as_of.each`")
        start = f"units with {source.plural}"
        candidates = _own_dates(spec.as_of, source, each, days if dates is not None else None)
    else:
        population = _population(spec, unit, sources)
        start = f"units in {population.title}"
        candidates = _every_unit(population, days)
    con.execute(f"CREATE OR REPLACE TEMP TABLE cohort_candidates AS {candidates}")
    conditions, steps = map(list, conjuncts(who))
    if isinstance(spec.as_of, EventDates):
        conditions, steps = ["event_known", *conditions], [KNOWN, *steps]
    if (deaths := death_source(spec, unit, sources)) is not None:
        conditions, steps = [*conditions, f"NOT ({_has(deaths, VISIBLE)})"], [*steps, ALIVE]
    con.execute(
        "CREATE OR REPLACE TEMP TABLE cohort_judged AS "
        f"{_judged(sources, unit, who, attributes, spec.age_bands, conditions)}"
    )
    flow = count_steps(con, "cohort_judged", start, steps)
    con.execute(
        "CREATE OR REPLACE TEMP TABLE pairs AS SELECT unit_id, as_of FROM cohort_judged "
        "WHERE failed IS NULL ORDER BY as_of, unit_id"
    )
    con.execute("DROP TABLE cohort_judged; DROP TABLE cohort_candidates")
    return flow


def _of_unit(name: str, unit: Unit, sources: Mapping[str, Source], where: str) -> Source:
    if (source := sources.get(name)) is None:
        raise StudyError(
            f"{where} names `{name}`, which is not a source of this study",
            fix=f"choose one of {', '.join(sorted(sources))}",
            code="RS1222",
        )
    if source.unit != unit:
        raise StudyError(
            f"{where} names `{name}`, whose rows are about a {source.unit}, not a {unit}",
            fix=f"choose a source keyed by {unit}, or change the study's `unit`",
            code="RS1222",
        )
    return source


def _every_unit(population: Source, days: Sequence[date]) -> str:
    listed = ", ".join(f"(DATE {literal(day.isoformat())})" for day in days)
    rows = quoted(f"source_{population.source}")
    return (
        f"SELECT u.unit_id, d.as_of, true AS event_known "
        f"FROM (SELECT DISTINCT unit_id FROM {rows} WHERE unit_id IS NOT NULL) AS u "
        f"CROSS JOIN (VALUES {listed}) AS d(as_of)"
    )


def _own_dates(
    spec: EventDates, source: Source, each: Expression | None, days: Sequence[date] | None
) -> str:
    happened = "starts_on" if source.shape == "spells" else "happened_on"
    matching = f" AND ({each.sql(None)})" if each else ""
    rows = (
        f"SELECT unit_id, {after_sql(happened, spec.plus)} AS as_of, known_on "
        f"FROM {quoted(f'source_{source.source}')} WHERE unit_id IS NOT NULL{matching}"
    )
    listed = ", ".join(f"DATE {literal(day.isoformat())}" for day in days or ())
    chosen = f" WHERE as_of IN ({listed})" if days is not None else ""
    # One index event known in time is enough where several fall on a day.
    return (
        "SELECT unit_id, as_of, bool_or(known_on < as_of) AS event_known "
        f"FROM ({rows}){chosen} GROUP BY unit_id, as_of"
    )


def _has(source: Source, condition: str) -> str:
    """SQL: whether the pair ``p`` has a row of a source."""
    rows = quoted(f"source_{source.source}")
    return f"EXISTS (SELECT 1 FROM {rows} AS e WHERE e.unit_id = p.unit_id AND {condition})"


def _judged(
    sources: Mapping[str, Source],
    unit: Unit,
    who: Expression,
    attributes: Mapping[str, Attribute],
    age_bands: Sequence[int],
    conditions: Sequence[str],
) -> str:
    """SQL: each candidate with the number of the first condition it does not meet."""
    wanted = {name: attributes[name] for name in sorted(who.columns) if name in attributes}
    known = known_attributes("cohort_candidates", wanted, sources, age_bands, unit=unit)
    populations = [
        f"({' OR '.join(_has(source, OPEN) for source in holders)}) AS {quoted(name)}"
        for name in sorted(set(who.columns) - wanted.keys())
        if (holders := [s for s in sources.values() if s.population == name and s.unit == unit])
    ]
    joined = "".join(f", {text}" for text in populations)
    carried = "".join(f", k.{quoted(name)}" for name in wanted)
    cases = "".join(
        f" WHEN NOT coalesce({condition}, false) THEN {number}"
        for number, condition in enumerate(conditions, start=1)
    )
    failed = f"CASE{cases} END" if cases else "NULL"
    return (
        f"SELECT unit_id, as_of, CAST({failed} AS INTEGER) AS failed FROM ("
        f"SELECT p.unit_id, p.as_of, p.event_known{carried}{joined} FROM cohort_candidates AS p "
        "LEFT JOIN (" + known + ") AS k ON k.unit_id = p.unit_id AND k.as_of = p.as_of) AS p"
    )
