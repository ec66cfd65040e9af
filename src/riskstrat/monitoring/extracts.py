"""Does each agency still send what it sent: rows and empty values before a day, against training.

What is compared is what could be seen on a morning: rows of what happened in the year before, rows
that arrived in the month before; of spells, those that were open as far as was known. The days of
training are the same day of earlier years, so that a winter is never held against a summer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from math import exp, log, nan, sqrt
from typing import TYPE_CHECKING, Any

from riskstrat.asof import OPEN, after, covered_days, literal, quoted
from riskstrat.statistics import Estimate
from riskstrat.statistics.estimate import NORMAL_QUANTILE
from riskstrat.vocabulary import Days

if TYPE_CHECKING:
    import duckdb

    from riskstrat.contracts.spec import Source

PERIODS: Mapping[str, int] = {"year": 365, "month": 30}
"""what is looked at before the day, in days: what happened in the year, what arrived in the month
(of a source that is late, little of what happened in the month has arrived); of spells, the day"""
ON_THE_DAY = "day"
MOST_IF_NONE = 3.688879
"""where no row was seen, up to so many could be expected (upper 97.5% limit of Poisson's law)"""
ENOUGH_ROWS, ENOUGH_TO_SHARE = 20, 100
"""of fewer rows nothing is said of their number, and of the share that is empty"""


def same_days(day: date, first: date, last: date) -> tuple[date, ...]:
    """The same day of earlier years, of those years that training spans; at least one.

    Args:
        day: the morning that is watched.
        first, last: as-of dates that training begins and ends with.

    Examples:
        >>> [d.isoformat() for d in same_days(date(2025, 7, 1), date(2022, 4, 1), date(2023, 4, 1))]
        ['2022-07-01', '2023-07-01']
    """
    half = timedelta(days=183)
    years = range(1, max(day.year - first.year, 0) + 2)
    earlier = [after(day, Days(-years_before, "year")) for years_before in years]
    spanned = [each for each in earlier if first - half < each <= last + half]
    nearest = min(earlier, key=lambda each: abs(each - last))
    return tuple(sorted(spanned or [nearest]))


def periods_of(source: Source) -> tuple[str, ...]:
    """What is looked at of a source."""
    return (ON_THE_DAY,) if source.shape == "spells" else tuple(PERIODS)


@dataclass(frozen=True, slots=True)
class Seen:
    """What could be seen of a source on a morning, of one period before it.

    Attributes:
        covered: share of the period's days for which the extract is complete.
        rows: rows seen.
        spread: the sum over units of their rows squared, for the interval.
        empty: column -> rows without a value, and what its interval needs: the sums over units of
            their empty rows squared, and of empty rows times rows.
    """

    covered: float
    rows: int
    spread: float
    empty: Mapping[str, tuple[int, float, float]] = field(default_factory=dict)


def look(
    con: duckdb.DuckDBPyConnection,
    source: Source,
    columns: Sequence[str],
    days: Sequence[date],
) -> dict[tuple[date, str], Seen]:
    """What could be seen of a source on some mornings, in one pass over its rows.

    Args:
        con: with the view ``source_<name>`` of accepted rows.
        source: the contract.
        columns: of which empty values are counted.
        days: the mornings.

    Returns:
        (day, period) -> what was seen.
    """
    asked = [(day, period) for day in days for period in periods_of(source)]
    counted: list[str] = []
    summed: list[str] = []
    for i, (day, period) in enumerate(asked):
        seen = _visible(source, day, period)
        counted.append(f"count(*) FILTER ({seen}) AS c{i}")
        summed += [f"sum(c{i})", f"sum(c{i} * c{i})"]
        for j, name in enumerate(columns):
            counted.append(f"count(*) FILTER ({seen} AND {quoted(name)} IS NULL) AS m{i}_{j}")
            summed += [f"sum(m{i}_{j})", f"sum(m{i}_{j} * m{i}_{j})", f"sum(m{i}_{j} * c{i})"]
    rows = quoted(f"source_{source.source}")
    by_unit = f"SELECT {', '.join(counted)} FROM {rows} GROUP BY unit_id"
    sums = [f"coalesce({each}, 0)::DOUBLE" for each in summed]
    [found] = con.execute(f"SELECT {', '.join(sums)} FROM ({by_unit})").fetchall()
    told, take = {}, iter(found)
    for day, period in asked:
        count, spread = int(next(take)), float(next(take))
        empty = {name: (int(next(take)), next(take), next(take)) for name in columns}
        length = PERIODS.get(period, 1)
        covered = covered_days(source.coverage, day - timedelta(days=length), day) / length
        told[day, period] = Seen(covered, count, spread, empty)
    return told


def _visible(source: Source, day: date, period: str) -> str:
    """SQL: rows of a period that had happened, and were known, before a day."""
    at = f"DATE {literal(day.isoformat())}"
    if period == ON_THE_DAY:
        return OPEN.replace("e.", "").replace("p.as_of", at)
    opens = f"DATE {literal((day - timedelta(days=PERIODS[period])).isoformat())}"
    since = "happened_on" if period == "year" else "known_on"
    return f"{since} >= {opens} AND happened_on < {at} AND known_on < {at}"


@dataclass(frozen=True, slots=True)
class Volume:
    """Rows of a source before the day, against the same days of training.

    Attributes:
        source, period: whose rows, and of the last ``year`` or ``month``, or open on the ``day``.
        then, now: rows on the mean day of training, and on the day.
        covered: share of the period for which the extract is complete.
        ratio: now over then, each per covered day; n is ``now``. Not estimable with too few rows,
            or none of the period covered.
    """

    source: str
    period: str
    then: float
    now: int
    covered: float
    ratio: Estimate


def volumes(
    source: Source, day: date, earlier: Sequence[date], seen: Mapping[tuple[date, str], Seen]
) -> list[Volume]:
    """One entry a period; days of training that the extract does not cover are left out."""
    found = []
    for period in periods_of(source):
        now = seen[day, period]
        then = [seen[each, period] for each in earlier if seen[each, period].covered == 1]
        rows = sum(each.rows for each in then) / len(then) if then else nan
        ratio = _ratio(now, then) if then else Estimate.unknown(now.rows)
        found.append(Volume(source.source, period, rows, now.rows, now.covered, ratio))
    return found


def _ratio(now: Seen, then: Sequence[Seen]) -> Estimate:
    """Rows a covered day, now over then.

    The variance of a count of rows that come by units is the sum of their counts squared, as if
    units, with all their rows, came by chance; the interval is of the logarithm.
    """
    rows = sum(each.rows for each in then)
    if not now.covered or rows < ENOUGH_ROWS * len(then):
        return Estimate.unknown(now.rows)
    expected = rows / len(then) * now.covered
    if not now.rows:
        return Estimate(0.0, 0.0, MOST_IF_NONE / expected, 0)
    value = now.rows / expected
    spread = sum(each.spread for each in then)
    half = NORMAL_QUANTILE * sqrt(now.spread / now.rows**2 + spread / rows**2)
    return Estimate(value, exp(log(value) - half), exp(log(value) + half), now.rows)


@dataclass(frozen=True, slots=True)
class Missing:
    """Empty values of a column before the day, against the same days of training.

    Attributes:
        source, column: whose.
        then, now: share of rows without a value; n are the rows.
        change: now less then.
    """

    source: str
    column: str
    then: Estimate
    now: Estimate
    change: Estimate


def missingness(
    source: Source, day: date, earlier: Sequence[date], seen: Mapping[tuple[date, str], Seen]
) -> list[Missing]:
    """One entry a column, over the longest period; with too few rows it is not estimable."""
    period = periods_of(source)[0]
    now = seen[day, period]
    then = [seen[each, period] for each in earlier if seen[each, period].rows]
    found = []
    for column in now.empty:
        ours, theirs = _share([now], column), _share(then, column)
        few = min(ours.n, theirs.n) < ENOUGH_TO_SHARE
        change = Estimate.unknown(ours.n) if few else _difference(ours, theirs)
        found.append(Missing(source.source, column, theirs, ours, change))
    return found


def _share(seen: Sequence[Seen], column: str) -> Estimate:
    """Share of rows without a value, its interval from the differences between units."""
    rows = sum(each.rows for each in seen)
    if not rows:
        return Estimate.unknown(0)
    empty = [each.empty[column] for each in seen]
    share = sum(count for count, _, _ in empty) / rows
    # The residual of a unit is its empty rows less the share of its rows (Cochran 1977, 6.3).
    residual = sum(
        squared - 2 * share * both + share**2 * each.spread
        for (_, squared, both), each in zip(empty, seen, strict=True)
    )
    half = NORMAL_QUANTILE * sqrt(max(residual, 0.0)) / rows
    return Estimate(share, max(0.0, share - half), min(1.0, share + half), rows)


def _difference(now: Estimate, then: Estimate) -> Estimate:
    value = now.value - then.value
    up = sqrt((now.high - now.value) ** 2 + (then.value - then.low) ** 2)
    down = sqrt((now.value - now.low) ** 2 + (then.high - then.value) ** 2)
    return Estimate(value, value - down, value + up, now.n)


def looked_at(source: Source, used: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns of a source that a study reads and that may be empty.

    Args:
        source: the contract.
        used: source -> the columns the study reads.
    """
    keys = {source.unit_key, *source.key, *source.time_columns}
    wanted = sorted(set(used.get(source.source, ())) - keys)
    return tuple(name for name in wanted if not source.columns[name].required)
