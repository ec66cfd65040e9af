"""What came next: yes, no, or not yet known.

Labels use everything recorded by the day of the extract, features never do. The rules, in the
order in which they decide:

1. ``window_not_complete``: some day of ``[as_of, as_of + within)`` lies outside the coverage of
   the event's source, or of the source of deaths. Nobody of that date is known, not even those
   with an event already: keeping the early yeses alone would make the date look worse than it is.
2. ``event``: yes, when an event falls in the window, before a death and before the unit left.
3. ``death`` or ``died_excluded``: a death in the window is a yes, or not known, as the study says.
   A death before the as-of date that was recorded only later is never a no: ``died_excluded``.
4. ``left``: the unit's spells in the population end inside the window and none follows within
   30 days. Events and deaths up to those 30 days later still count as the unit's own, since
   agencies close a record some days around a death or an admission.
5. ``not_recorded``: with ``only_if_recorded``, the event's source has no row in the window. A
   unit with a row is known even if it left later.
6. ``no_event``: no.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import duckdb

from riskstrat.asof import after, covered_days, literal, quoted
from riskstrat.cohort.eligible import death_source, population_source
from riskstrat.cohort.flow import CohortFlow, count_steps
from riskstrat.cohort.spec import CohortSpec, OutcomeSpec
from riskstrat.errors import StudyError
from riskstrat.vocabulary import Unit

if TYPE_CHECKING:
    from riskstrat.contracts.spec import Source
    from riskstrat.expressions import Expression

GRACE_DAYS = 30
"""a spell that ends and a spell that begins within so many days are one stay"""
OUTCOME_KNOWN = "outcome known"

_STATUS = "CASE WHEN reason IN ('event', 'death') THEN true WHEN reason = 'no_event' THEN false END"


def build_outcomes(
    con: duckdb.DuckDBPyConnection,
    spec: OutcomeSpec,
    cohort: CohortSpec,
    unit: Unit,
    sources: Mapping[str, Source],
    where: Expression,
) -> CohortFlow:
    """Create the table ``cohort`` from ``pairs``: what happened within the horizon of each.

    Args:
        con: a connection with ``pairs`` and the views ``source_<name>``.
        spec: the outcome's spec.
        cohort: the cohort's spec, for its population and deaths.
        unit: the study's unit.
        sources: the contracts, by name.
        where: the condition on the events.

    Returns:
        The last step of the cohort's flow: whose outcome is known.

    Raises:
        StudyError: RS1223, when the events are not about the study's unit.
    """
    event = _event_source(spec, unit, sources)
    deaths = death_source(cohort, unit, sources)
    population = population_source(cohort, unit, sources)
    _mark_complete_dates(con, spec, [source for source in (event, deaths) if source])
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE cohort AS SELECT unit_id, as_of, {_STATUS} AS outcome, "
        "CASE WHEN reason IN ('event', 'death') THEN 'yes' WHEN reason = 'no_event' THEN 'no' "
        "ELSE 'not_yet_known' END AS outcome_status, reason AS outcome_reason FROM ("
        f"SELECT unit_id, as_of, {_reason(spec)} AS reason FROM ("
        f"{_facts(spec, event, deaths, population, where)})) ORDER BY as_of, unit_id"
    )
    con.execute("DROP TABLE complete_dates")
    con.execute(
        "CREATE OR REPLACE TEMP VIEW cohort_known AS "
        "SELECT as_of, CASE WHEN outcome IS NULL THEN 1 END AS failed FROM cohort"
    )
    flow = count_steps(con, "cohort_known", None, [OUTCOME_KNOWN])
    con.execute("DROP VIEW cohort_known")
    return flow


def _event_source(spec: OutcomeSpec, unit: Unit, sources: Mapping[str, Source]) -> Source:
    source = sources.get(spec.event)
    if source is not None and source.unit == unit:
        return source
    what = f"is about a {source.unit}, not a {unit}" if source else "is not a source of this study"
    raise StudyError(
        f"the outcome's event `{spec.event}` {what}",
        fix=f"choose a source keyed by {unit} as `event` under `outcome`",
        code="RS1223",
    )


def _mark_complete_dates(
    con: duckdb.DuckDBPyConnection, spec: OutcomeSpec, needed: list[Source]
) -> None:
    """Create ``complete_dates``: each as-of date, its window's end, and whether all is there."""
    days = [day for (day,) in con.execute("SELECT DISTINCT as_of FROM pairs ORDER BY 1").fetchall()]
    con.execute(
        "CREATE OR REPLACE TEMP TABLE complete_dates (as_of DATE, closes DATE, complete BOOLEAN)"
    )
    rows = []
    for day in days:
        closes = after(day, spec.within)
        length = (closes - day).days
        complete = all(covered_days(s.coverage, day, closes) == length for s in needed)
        rows.append(
            f"(DATE {literal(day.isoformat())}, DATE {literal(closes.isoformat())}, {complete})"
        )
    for start in range(0, len(rows), 1000):
        listed = ", ".join(rows[start : start + 1000])
        con.execute(f"INSERT INTO complete_dates VALUES {listed}")


def _reason(spec: OutcomeSpec) -> str:
    """SQL: which rule decides, over the columns of :func:`_facts`."""
    gone = f"left_on + {GRACE_DAYS}"
    died = f"died_on IS NOT NULL AND (left_on IS NULL OR died_on <= {gone})"
    death = "died_excluded" if spec.on_death == "excluded" else "death"
    left = "left_on < closes"
    missing = ""
    if spec.only_if_recorded:
        left += " AND NOT recorded"
        missing = "WHEN NOT recorded THEN 'not_recorded' "
    return (
        "CASE WHEN NOT complete THEN 'window_not_complete' "
        "WHEN died_on < as_of THEN 'died_excluded' "
        "WHEN event_on IS NOT NULL AND (died_on IS NULL OR event_on <= died_on) "
        f"AND (left_on IS NULL OR event_on <= {gone}) THEN 'event' "
        f"WHEN {died} AND died_on < closes THEN '{death}' "
        f"WHEN {left} THEN 'left' "
        f"{missing}ELSE 'no_event' END"
    )


def _facts(
    spec: OutcomeSpec,
    event: Source,
    deaths: Source | None,
    population: Source | None,
    where: Expression,
) -> str:
    """SQL: every pair with its window and the first of each thing that may decide."""
    happened = "starts_on" if event.shape == "spells" else "happened_on"
    events = (
        f"SELECT p.unit_id, p.as_of, count(*) > 0 AS recorded, "
        "min(CASE WHEN e.matches THEN e.day END) AS event_on FROM pairs AS p "
        "JOIN complete_dates AS d USING (as_of) "
        f"JOIN (SELECT unit_id, {happened} AS day, coalesce({where.sql(None)}, false) AS matches "
        f"FROM {quoted(f'source_{event.source}')}) AS e "
        "ON e.unit_id = p.unit_id AND e.day >= p.as_of AND e.day < d.closes "
        "GROUP BY p.unit_id, p.as_of"
    )
    columns = ["p.unit_id", "p.as_of", "d.closes", "d.complete", "v.event_on"]
    columns.append("coalesce(v.recorded, false) AS recorded")
    joins = "JOIN complete_dates AS d USING (as_of) "
    joins += f"LEFT JOIN ({events}) AS v ON v.unit_id = p.unit_id AND v.as_of = p.as_of "
    columns.append("x.died_on" if deaths else "CAST(NULL AS DATE) AS died_on")
    if deaths:
        joins += (
            "LEFT JOIN (SELECT unit_id, min(happened_on) AS died_on "
            f"FROM {quoted(f'source_{deaths.source}')} GROUP BY unit_id) AS x "
            "ON x.unit_id = p.unit_id "
        )
    stays = population is not None and population.shape == "spells"
    columns.append("s.left_on" if stays else "CAST(NULL AS DATE) AS left_on")
    if stays and population is not None:
        joins += (
            f"LEFT JOIN ({_departures(population)}) AS s "
            "ON s.unit_id = p.unit_id AND s.as_of = p.as_of"
        )
    return f"SELECT {', '.join(columns)} FROM pairs AS p {joins}"


def _departures(population: Source) -> str:
    """SQL: when a pair's unit first left the population, no spell following within the grace.

    A departure that the unit had come back from by the as-of date is no departure.
    """
    return (
        "SELECT p.unit_id, p.as_of, min(g.left_on) AS left_on FROM pairs AS p JOIN ("
        "SELECT unit_id, reached AS left_on, next_on FROM ("
        "SELECT unit_id, "
        "max(coalesce(ends_on, DATE '9999-12-31')) OVER w AS reached, "
        "lead(starts_on) OVER (PARTITION BY unit_id ORDER BY starts_on, ends_on) AS next_on "
        f"FROM {quoted(f'source_{population.source}')} "
        "WINDOW w AS (PARTITION BY unit_id ORDER BY starts_on, ends_on "
        "ROWS UNBOUNDED PRECEDING)) "
        "WHERE reached < DATE '9999-12-31' "
        f"AND (next_on IS NULL OR next_on > reached + {GRACE_DAYS})"
        ") AS g ON g.unit_id = p.unit_id AND (g.next_on IS NULL OR g.next_on > p.as_of) "
        "GROUP BY p.unit_id, p.as_of"
    )
