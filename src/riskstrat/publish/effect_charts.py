"""Charts of effects: importance with its range, curves by value, and the price of another model."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from math import exp, log
from typing import Any

from riskstrat.publish.axes import limits, percent_tick
from riskstrat.publish.charts import rows_axis, wrapped
from riskstrat.publish.drawing import BLUE, MUTED, canvas, svg_text
from riskstrat.publish.wording import estimate, percent

Rows = Sequence[Mapping[str, Any]]
ODDS = (0.1, 0.2, 0.33, 0.5, 0.67, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)
"""what the odds may be said to be multiplied by, on an axis"""
TIMES = "\u00d7"
LEAST_SPAN = 0.4
"""of log-odds: so that a small effect looks small"""


def range_chart(rows: Rows, *, name: str, what: str) -> str:
    """A dot for the model's own importance, a bar from the lowest to the highest of its refits."""
    if not rows:
        return ""
    labels = [wrapped(str(row["meaning"])) for row in rows]
    lines = sum(1 + label.count("\n") for label in labels)
    with canvas(7.2, 0.8 + 0.12 * len(rows) + 0.16 * lines) as (figure, axes):
        for place, row in enumerate(rows):
            ends = [row["importance_low"], row["importance_high"]]
            axes.plot(ends, [place, place], color=BLUE, linewidth=2.0)
            axes.plot(row["importance"], place, "o", color=BLUE, markersize=6)
            axes.annotate(
                f"rank {_rank(row)}", (1.01, place), xycoords=("axes fraction", "data"),
                va="center", fontsize=8,
            )  # fmt: skip
        axes.set_xlim(0, None)
        axes.xaxis.set_major_formatter(percent_tick)
        axes.set_xlabel(f"Share of importance: of the model, and over {rows[0]['refits']} refits")
        axes.grid(True, axis="x")
        rows_axis(axes, labels)
        told = "; ".join(
            f"{row['meaning']}: {percent(round(row['importance'], 3))}, rank {_rank(row)}"
            for row in rows
        )
        return svg_text(figure, name, f"Importance by {what} over refits", told)


def _rank(row: Mapping[str, Any]) -> str:
    low, high = row["rank_low"], row["rank_high"]
    return f"{row['rank']} ({low} to {high})"


def effect_chart(rows: Rows, *, name: str) -> str:
    """One feature: per bin the mean effect and the middle 80% of the people in it."""
    seen = [row for row in rows if row["effect"] is not None]
    if not seen:
        return ""
    with canvas(6.4, 2.7) as (figure, axes):
        axes.axhline(0, color=MUTED, linestyle="--", linewidth=1)
        for place, row in enumerate(rows):
            if row["effect"] is None:
                axes.annotate(
                    "withheld", (place, 0.03), xycoords=("data", "axes fraction"), ha="center",
                    color=MUTED, fontsize=8, style="italic", rotation=90,
                )  # fmt: skip
                continue
            if row["low"] is not None:
                axes.plot([place, place], [row["low"], row["high"]], color=BLUE, linewidth=2.0)
            axes.plot(place, row["effect"], "o", color=BLUE, markersize=5.5)
        labels = [textwrap.fill(str(row["level"]), 11) for row in rows]
        axes.set_xticks(range(len(rows)), labels, fontsize=7.5)
        axes.set_xlim(-0.6, len(rows) - 0.4)
        _odds_axis(axes, seen)
        axes.grid(True, axis="y")
        title = str(rows[0]["meaning"])
        axes.set_xlabel(textwrap.fill(title[:1].upper() + title[1:], 80))
        told = "; ".join(f"{row['level']}: odds times {exp(row['effect']):.2f}" for row in seen)
        return svg_text(figure, name, f"How the score moves with {title}", told)


def _odds_axis(axes: Any, rows: Rows) -> None:
    """Log-odds marked as what the odds are multiplied by."""
    known = [row[name] for row in rows for name in ("effect", "low", "high")]
    ends = [each for each in known if each is not None]
    low, high = min(*ends, -LEAST_SPAN / 2), max(*ends, LEAST_SPAN / 2)
    room = 0.08 * (high - low)
    marks = [odds for odds in ODDS if low - room <= log(odds) <= high + room]
    axes.set_yticks([log(odds) for odds in marks], [f"{TIMES} {odds:g}" for odds in marks])
    axes.set_ylim(low - room, high + room)
    axes.set_ylabel("Odds, against the average")


def price_chart(rows: Rows, labels: Sequence[str], *, name: str, title: str) -> str:
    """Differences of one model against another, each a dot and its interval; 0 is no difference."""
    if not any(row["value"] is not None for row in rows):
        return ""
    with canvas(7.2, 0.9 + 0.34 * len(rows)) as (figure, axes):
        axes.axvline(0, color=MUTED, linestyle="--", linewidth=1)
        for place, row in enumerate(rows):
            if row["value"] is not None:
                axes.plot(limits(row, "value"), [place, place], color=BLUE, linewidth=1.8)
                axes.plot(row["value"], place, "o", color=BLUE, markersize=6)
            axes.annotate(
                estimate(row), (1.01, place), xycoords=("axes fraction", "data"), va="center",
                fontsize=8,
            )  # fmt: skip
        axes.set_xlabel("Glass box less the model in use (95% interval)")
        axes.grid(True, axis="x")
        rows_axis(axes, labels)
        pairs = zip(labels, rows, strict=True)
        told = "; ".join(f"{label}: {estimate(row)}" for label, row in pairs)
        return svg_text(figure, name, title, told)
