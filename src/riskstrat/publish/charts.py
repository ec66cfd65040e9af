"""Charts of protected tables: intervals drawn, values written, colour never alone.

Each function takes rows as `tables.records` gives them and returns inline SVG, or '' where
nothing may be drawn. What is withheld is written as words, not left out.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from riskstrat.publish.axes import MOST_POINTS, legend, limits, percent_tick
from riskstrat.publish.drawing import (
    BLUE,
    HATCHES,
    MUTED,
    ORANGE,
    canvas,
    svg_text,
)
from riskstrat.publish.phrases import within
from riskstrat.publish.wording import (
    BANDS,
    BASELINES,
    PERCENT_METRICS,
    estimate,
    learner,
    metric,
    percent,
)
from riskstrat.vocabulary import in_words

Rows = Sequence[Mapping[str, Any]]


def performance_chart(rows: Rows, *, name: str, champion: str) -> str:
    """One metric: a dot and its interval per learner and baseline, the value beside it."""
    if not any(row["value"] is not None for row in rows):
        return ""
    what = metric(rows[0]["metric"])
    labels = [learner(row["learner"]) for row in rows]
    with canvas(7.2, 0.9 + 0.34 * len(rows)) as (figure, axes):
        for place, row in enumerate(rows):
            mine = row["learner"] == champion
            rule = row["learner"] in BASELINES
            _dot(axes, place, row, MUTED if rule else BLUE, "D" if rule else "o", bold=mine)
        _percent_axis(axes, rows)
        rows_axis(axes, labels)
        axes.set_xlabel(f"{what} (95% interval)")
        told = "; ".join(
            f"{name_}: {estimate(row)}" for name_, row in zip(labels, rows, strict=True)
        )
        return svg_text(figure, name, f"{what} by model", told)


def calibration_chart(rows: Rows, *, name: str) -> str:
    """Observed rate against predicted risk, with intervals; the diagonal is perfect."""
    seen = [row for row in rows if row["observed"] is not None][:MOST_POINTS]
    if not seen:
        return ""
    top = max(max(row["predicted"], row["high"] or row["observed"]) for row in seen) * 1.08
    with canvas(5.2, 4.0) as (figure, axes):
        axes.plot([0, top], [0, top], color=MUTED, linestyle="--", linewidth=1,
                  label="Predicted = observed")  # fmt: skip
        for row in seen:
            low, high = limits(row, "observed")
            axes.plot([row["predicted"]] * 2, [low, high], color=BLUE, linewidth=1.4)
        axes.plot(
            [row["predicted"] for row in seen], [row["observed"] for row in seen],
            "o", color=BLUE, markersize=5,
        )  # fmt: skip
        axes.set(xlabel="Mean predicted risk", ylabel="Observed rate (95% interval)")
        axes.set(xlim=(0, top), ylim=(0, top))
        axes.xaxis.set_major_formatter(percent_tick)
        axes.yaxis.set_major_formatter(percent_tick)
        axes.grid(True)
        axes.legend(loc="upper left")
        told = "; ".join(
            f"predicted {percent(row['predicted'])}, observed {percent(row['observed'])}"
            for row in seen
        )
        return svg_text(figure, name, "Predicted risk against observed rate", told)


def importance_chart(rows: Rows, *, name: str, label: str, title: str) -> str:
    """Bars by feature or by agency, the most important first; at most 15."""
    top = sorted(
        (row for row in rows if row.get("importance") is not None),
        key=lambda row: (-row["importance"], str(row[label])),
    )[:15]
    if not top:
        return ""
    whole = sum(row["importance"] for row in rows if row.get("importance") is not None) or 1.0
    names = [wrapped(str(row[label])) for row in top]
    lines = sum(1 + name_.count("\n") for name_ in names)
    with canvas(7.2, 0.8 + 0.12 * len(top) + 0.16 * lines) as (figure, axes):
        shares = [row["importance"] / whole for row in top]
        axes.barh(range(len(top)), shares, color=BLUE, height=0.62)
        for place, share in enumerate(shares):
            axes.annotate(percent(round(share, 3)), (share, place), xytext=(4, 0),
                          textcoords="offset points", va="center", fontsize=8)  # fmt: skip
        axes.set_xlim(0, max(shares) * 1.12)
        axes.xaxis.set_major_formatter(percent_tick)
        axes.set_xlabel("Share of the model's total importance")
        rows_axis(axes, names)
        told = "; ".join(
            f"{row[label]}: {percent(round(share, 3))}"
            for row, share in zip(top, shares, strict=True)
        )
        return svg_text(figure, name, title, told)


def fairness_chart(rows: Rows, *, name: str, overall: Mapping[str, Any] | None = None) -> str:
    """One metric by level of one group: dots with intervals; small levels say `withheld`."""
    if not any(row["value"] is not None for row in rows):
        return ""
    what, group = metric(rows[0]["metric"]), str(rows[0]["group"])
    labels = [_short(in_words(str(row["level"])), 44) for row in rows]
    with canvas(7.2, 0.9 + 0.30 * len(rows)) as (figure, axes):
        if overall and overall.get("value") is not None:
            axes.axvline(overall["value"], color=MUTED, linestyle="--", linewidth=1)
            axes.annotate("everybody", (overall["value"], -0.75), color=MUTED, fontsize=8,
                          ha="center", va="center", backgroundcolor="white")  # fmt: skip
        for place, row in enumerate(rows):
            _dot(axes, place, row, BLUE, "o")
        _percent_axis(axes, rows)
        rows_axis(axes, labels)
        axes.set_ylim(len(rows) - 0.4, -1.2 if overall else -0.6)
        # From nothing, so that a difference of two points looks like two points.
        axes.set_xlim(0, None)
        axes.set_xlabel(f"{what} (95% interval)")
        told = "; ".join(f"{n}: {estimate(row)}" for n, row in zip(labels, rows, strict=True))
        return svg_text(figure, name, f"{what} by {within(group)}", told)


def risk_chart(rows: Rows, *, name: str) -> str:
    """How many people have which risk, stacked by band with a hatch of its own."""
    if not any(row["n"] for row in rows):
        return ""
    bands = [band for band in reversed(BANDS) if any(row["band"] == band for row in rows)]
    bottom: dict[float, float] = {}
    with canvas(7.2, 3.0) as (figure, axes):
        for place, band in enumerate(bands):
            mine = [row for row in rows if row["band"] == band and row["n"]][:MOST_POINTS]
            axes.bar(
                [row["low"] for row in mine], [row["n"] for row in mine],
                width=[row["high"] - row["low"] for row in mine], align="edge",
                bottom=[bottom.get(row["low"], 0) for row in mine],
                color=("#d5dee6", "#8fb3d6", BLUE, ORANGE)[place % 4], hatch=HATCHES[place % 4],
                edgecolor="white", linewidth=0.5, label=BANDS[band],
            )  # fmt: skip
            for row in mine:
                bottom[row["low"]] = bottom.get(row["low"], 0) + row["n"]
        axes.set_yscale("symlog", linthresh=100)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.xaxis.set_major_formatter(percent_tick)
        axes.set(xlabel="Calibrated risk", ylabel="People (log scale)", ylim=(0, None))
        axes.grid(True, axis="y")
        legend(axes, title="Band")
        told = "; ".join(
            f"{BANDS[b]}: {sum(r['n'] or 0 for r in rows if r['band'] == b):,} people shown"
            for b in bands
        )
        return svg_text(figure, name, "How risk is spread over the cohort", told)


def _dot(
    axes: Axes,
    place: float,
    row: Mapping[str, Any],
    colour: str,
    marker: str,
    *,
    bold: bool = False,
) -> None:
    if row["value"] is None:
        axes.annotate(
            estimate(row), (0.01, place), xycoords=("axes fraction", "data"), va="center",
            color=MUTED, fontsize=8, style="italic",
        )  # fmt: skip
        return
    low, high = limits(row, "value")
    axes.plot([low, high], [place, place], color=colour, linewidth=2.4 if bold else 1.6)
    axes.plot(row["value"], place, marker, color=colour, markersize=8 if bold else 6)
    axes.annotate(
        estimate(row), (1.01, place), xycoords=("axes fraction", "data"), va="center", fontsize=8,
        fontweight="bold" if bold else "normal",
    )  # fmt: skip


def _percent_axis(axes: Axes, rows: Rows) -> None:
    if rows[0]["metric"] in PERCENT_METRICS:
        axes.xaxis.set_major_formatter(percent_tick)
    axes.grid(True, axis="x")


def rows_axis(axes: Axes, labels: Sequence[str]) -> None:
    """Names of rows at the left, the first at the top."""
    axes.set_yticks(range(len(labels)), [""] * len(labels))
    for place, label in enumerate(labels):
        # Each line by itself: a block is aligned in one typeface and read in another.
        lines = label.split("\n")
        for line, text in enumerate(lines):
            down = 11 * (line - (len(lines) - 1) / 2)
            axes.annotate(
                text,
                (0, place),
                xytext=(-5, -down),
                ha="right",
                va="center",
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
            )
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def wrapped(text: str, width: int = 46) -> str:
    """A label on at most two lines."""
    lines = textwrap.wrap(text, width)
    return "\n".join([*lines[:1], _short(" ".join(lines[1:]), width)] if lines[1:] else lines)


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"
