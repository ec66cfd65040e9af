"""How many units are left after each step of choosing the cohort, and refusing too few."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb

from riskstrat.errors import TooThinError

MAX_DATES = 60
"""beyond so many as-of dates (units with dates of their own) only totals are told"""


@dataclass(frozen=True, slots=True)
class FlowStep:
    """What one step left of the cohort at one as-of date (``None``: all dates together)."""

    as_of: date | None
    step: str
    left: int
    removed: int


@dataclass(frozen=True, slots=True)
class CohortFlow:
    """The steps in order, for every as-of date and then in total."""

    steps: tuple[FlowStep, ...]

    @property
    def total(self) -> tuple[FlowStep, ...]:
        """The steps over all dates together."""
        return tuple(step for step in self.steps if step.as_of is None)

    def then(self, more: CohortFlow) -> CohortFlow:
        """This flow followed by further steps."""
        return CohortFlow((*self.steps, *more.steps))


def count_steps(
    con: duckdb.DuckDBPyConnection, rows: str, start: str | None, steps: Sequence[str]
) -> CohortFlow:
    """Count who is left after each step.

    Args:
        con: a connection.
        rows: a view with ``as_of`` and ``failed``: the number of the first step (from 1) a pair
            did not pass, or NULL.
        start: what everyone is before the first step; None where that was told before.
        steps: what each step is, in order.
    """
    counted = con.execute(
        f"SELECT as_of, coalesce(failed, 0) AS failed, count(*) FROM {rows} "
        "GROUP BY as_of, failed ORDER BY as_of, failed"
    ).fetchall()
    days = sorted({as_of for as_of, _, _ in counted})
    found: list[FlowStep] = []
    for day in [*days, None]:
        here = [(failed, n) for as_of, failed, n in counted if day in (None, as_of)]
        left = sum(n for _, n in here)
        if start is not None:
            found.append(FlowStep(day, start, left, 0))
        for number, step in enumerate(steps, start=1):
            removed = sum(n for failed, n in here if failed == number)
            left -= removed
            found.append(FlowStep(day, step, left, removed))
    return CohortFlow(tuple(found))


def added(flows: Iterable[CohortFlow]) -> CohortFlow:
    """The flow of several parts of a population together: the same steps, date by date."""
    found: dict[tuple[date | None, int], FlowStep] = {}
    names: list[str] = []
    for flow in flows:
        for day in dict.fromkeys(step.as_of for step in flow.steps):
            for number, step in enumerate(s for s in flow.steps if s.as_of == day):
                if number == len(names):
                    names.append(step.step)
                so_far = found.get((day, number), FlowStep(day, step.step, 0, 0))
                found[day, number] = FlowStep(
                    day, step.step, so_far.left + step.left, so_far.removed + step.removed
                )
    return _in_order(found, names)


def _in_order(
    found: Mapping[tuple[date | None, int], FlowStep], names: Sequence[str]
) -> CohortFlow:
    """Steps by date, then in total; a date on which everyone had left by a step keeps the rest."""
    dates = sorted({day for day, _ in found if day is not None})
    steps: list[FlowStep] = []
    for day in [*(dates if len(dates) <= MAX_DATES else []), None]:
        steps += (
            found.get((day, number), FlowStep(day, name, 0, 0)) for number, name in enumerate(names)
        )
    return CohortFlow(tuple(steps))


def refuse_nobody(flow: CohortFlow) -> None:
    """Refuse a cohort of nobody, saying at which step everyone had left.

    Raises:
        TooThinError: RS1401.
    """
    total = flow.total
    emptied = next((step for step in total if step.left == 0), None)
    if emptied is None:
        return
    if emptied.removed == 0:
        raise TooThinError(
            f"the cohort is empty: there are no {emptied.step}",
            fix="check that the source of the population has rows for this unit",
            code="RS1401",
        )
    raise TooThinError(
        f"the cohort is empty: the last {emptied.removed:,} units left at the step "
        f"`{emptied.step}`",
        fix="look at `who` and the as-of dates in the study file, "
        "and at the dates and codes in the sources they read",
        code="RS1401",
    )


def refuse_no_answer(con: duckdb.DuckDBPyConnection, outcome: str, cohort: str = "cohort") -> None:
    """Refuse outcomes nothing can be learnt from: none known, or all the same.

    Args:
        con: a connection with the view ``cohort``.
        outcome: the outcome's name, for the message.
        cohort: the view.

    Raises:
        TooThinError: RS1402 (none known) or RS1403 (one class).
    """
    yes, no = con.execute(
        "SELECT count(CASE WHEN outcome THEN 1 END), count(CASE WHEN NOT outcome THEN 1 END) "
        f"FROM {cohort}"
    ).fetchall()[0]
    if yes + no == 0:
        raise TooThinError(
            f"no outcome `{outcome}` is known yet: {_reasons(con, cohort)}",
            fix="choose earlier as-of dates or a shorter `within`, so that the window ends "
            "inside the coverage of the sources of the event and of deaths",
            code="RS1402",
        )
    if yes == 0 or no == 0:
        answer = "no" if yes == 0 else "yes"
        raise TooThinError(
            f"the outcome `{outcome}` is `{answer}` for all {yes + no:,} units and dates "
            "where it is known",
            fix="check `event`, `where` and `within` of the outcome, and the codes of the source",
            code="RS1403",
        )


def _reasons(con: duckdb.DuckDBPyConnection, cohort: str) -> str:
    counted = con.execute(
        f"SELECT outcome_reason, count(*) FROM {cohort} GROUP BY 1 ORDER BY 2 DESC, 1"
    ).fetchall()
    return ", ".join(f"{n:,} {reason.replace('_', ' ')}" for reason, n in counted)
