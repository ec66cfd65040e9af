"""What the axes of several charts share: intervals, percentages, legends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes

from riskstrat.publish.wording import percent

MOST_POINTS = 60
"""a curve has at most this many points"""


def legend(axes: Axes, title: str | None = None) -> None:
    """A legend where there is something to tell apart."""
    if axes.get_legend_handles_labels()[1]:
        axes.legend(title=title)


def limits(row: Mapping[str, Any], value: str) -> tuple[float, float]:
    """An estimate's interval, or the estimate twice where it has none."""
    low, high = row.get("low"), row.get("high")
    return (row[value] if low is None else low), (row[value] if high is None else high)


def percent_tick(value: float, _: float) -> str:
    """A share on an axis."""
    return percent(round(value, 4))
