"""The as-of dates a study asks for."""

from __future__ import annotations

from datetime import date

from riskstrat.asof import after
from riskstrat.cohort.spec import EventDates, ListedDates, RegularDates
from riskstrat.vocabulary import Days


def as_of_dates(spec: RegularDates | ListedDates | EventDates) -> tuple[date, ...]:
    """Every as-of date, rising; none for :class:`EventDates`, whose dates are in the data.

    Months and years are calendar steps, always counted from ``first``: monthly dates from
    31 January are the last days of the months.

    Examples:
        >>> as_of_dates(RegularDates(first=date(2024, 1, 31), last=date(2024, 3, 31),
        ...                          every=Days(1, "month")))
        (datetime.date(2024, 1, 31), datetime.date(2024, 2, 29), datetime.date(2024, 3, 31))
    """
    if isinstance(spec, EventDates):
        return ()
    if isinstance(spec, ListedDates):
        return tuple(sorted(set(spec.dates)))
    found, step = [spec.first], 0
    while True:
        step += 1
        day = after(spec.first, Days(step * spec.every.count, spec.every.unit))
        if day > spec.last or day <= found[-1]:
            return tuple(found)
        found.append(day)
