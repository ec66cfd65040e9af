"""Whether a source's data, as known on the day, say anything about a window."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from riskstrat.asof import covered_days
from riskstrat.features.plan import Feature

if TYPE_CHECKING:
    from riskstrat.contracts.spec import Source


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """What must be covered: ``[as_of - opens, as_of - closes)`` days, per source."""

    source: str
    opens: int
    closes: int = 0


def spans_of(feature: Feature) -> tuple[Span, ...]:
    """The spans that must all be covered before a feature says something.

    Nothing but the last day is asked of what is read on the day itself (``opens`` of 0).
    """
    if feature.window is None:
        return (Span(feature.source, 0),)
    window = Span(feature.source, feature.window)
    if feature.function != "trend":
        return (window,)
    return (window, Span(feature.source, 2 * feature.window, feature.window))


def is_covered(source: Source, span: Span, as_of: date, min_covered: float) -> bool:
    """Whether enough days of a span lie inside the coverage and could be known at ``as_of``.

    Of a source that declares a lag, the last days before ``as_of`` cannot have arrived yet: they
    are never covered. Where the date of arrival is recorded, a late row is simply not seen.
    """
    lag = 0 if isinstance(source.known_on, str) else source.known_on.lag_days
    knowable = as_of - timedelta(days=lag)
    if span.opens == 0:
        return covered_days(source.coverage, knowable - timedelta(days=1), knowable) == 1
    opens = as_of - timedelta(days=span.opens)
    closes = min(as_of - timedelta(days=span.closes), knowable)
    days = covered_days(source.coverage, opens, closes) if closes > opens else 0
    return days >= min_covered * (span.opens - span.closes)
