"""Charts of a model in use: then beside now, told apart by shape as well as by colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import Any

from matplotlib.axes import Axes

from riskstrat.publish.axes import MOST_POINTS, legend, limits, percent_tick
from riskstrat.publish.drawing import BLUE, HATCHES, MUTED, ORANGE, canvas, svg_text
from riskstrat.publish.wording import percent

Rows = Sequence[Mapping[str, Any]]

WIDE = 44
"""letters of a label on one line"""
THEN, NOW = "When judged", "Now"


@dataclass(frozen=True, slots=True)
class Axis:
    """What a chart of dots is drawn on.

    Attributes:
        title: of the chart.
        label: of its horizontal axis.
        marks: values at which a line is drawn, with what they mean.
        shares: the values are shares, and read as percentages.
        most: the axis ends there at the latest; a value beyond it is written, and drawn there.
        left: where it begins; None where the values say.
        then, now: what the two series are called.
    """

    title: str
    label: str
    marks: tuple[tuple[float, str], ...] = ()
    shares: bool = False
    most: float = float("inf")
    left: float | None = 0.0
    then: str = THEN
    now: str = NOW


def dots_chart(rows: Rows, *, name: str, axis: Axis) -> str:
    """A dot and its interval a row, now; a hollow diamond for what was then, where there is one.

    Args:
        rows: label, value, low, high (None where not shown), told (the text beside it), and
            ``then`` with ``then_low`` and ``then_high``, or without.
        name: unique on the page.
        axis: what it is drawn on.

    Returns:
        Inline SVG; '' where there is nothing to draw.
    """
    if not any(row["value"] is not None for row in rows):
        return ""
    paired = any(row.get("then") is not None for row in rows)
    with canvas(7.2, 0.9 + 0.32 * len(rows)) as (figure, axes):
        for value, meaning in axis.marks:
            axes.axvline(value, color=MUTED, linestyle="--", linewidth=1)
            if meaning:
                axes.annotate(meaning, (value, -0.85), color=MUTED, fontsize=8, ha="center",
                              va="center", backgroundcolor="white")  # fmt: skip
        for place, row in enumerate(rows):
            _pair(axes, place, row, axis.most)
        labels = [fill(str(row["label"]), WIDE) for row in rows]
        axes.set_yticks(range(len(rows)), labels, fontsize=8)
        axes.set_ylim(len(rows) - 0.4, -1.3 if axis.marks else -0.7)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        if axis.shares:
            axes.xaxis.set_major_formatter(percent_tick)
        axes.set_xlim(axis.left, None)
        axes.set_xlabel(axis.label)
        axes.grid(True, axis="x")
        if paired:
            axes.plot([], [], "o", color=BLUE, label=axis.now)
            axes.plot([], [], "D", color=ORANGE, markerfacecolor="white", label=axis.then)
            axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2)
        told = "; ".join(f"{row['label']}: {row['told']}" for row in rows)
        return svg_text(figure, name, axis.title, told)


def _pair(axes: Axes, place: int, row: Mapping[str, Any], most: float) -> None:
    apart = 0.16 if row.get("then") is not None else 0.0
    if row.get("then") is not None:
        low, high = (
            row[end] if row.get(end) is not None else row["then"]
            for end in ("then_low", "then_high")
        )
        axes.plot([low, high], [place + apart] * 2, color=ORANGE, linewidth=1.2)
        axes.plot(row["then"], place + apart, "D", color=ORANGE, markersize=5,
                  markerfacecolor="white")  # fmt: skip
    if row["value"] is not None:
        low, high = (min(end, most) for end in limits(row, "value"))
        axes.plot([low, high], [place - apart] * 2, color=BLUE, linewidth=1.6)
        axes.plot(min(row["value"], most), place - apart, "o", color=BLUE, markersize=6)
    axes.annotate(str(row["told"]), (1.01, place), xycoords=("axes fraction", "data"),
                  va="center", fontsize=8)  # fmt: skip


def shares_chart(rows: Rows, *, name: str, title: str, label: str) -> str:
    """Two bars a cell, numbered from the lowest: the share of everybody in it then, and now.

    Args:
        rows: cell, share_then, share_now.
        name: unique on the page.
        title, label: of the chart and of its horizontal axis.
    """
    seen = [row for row in rows if row["share_now"] is not None or row["share_then"] is not None]
    seen = seen[:MOST_POINTS]
    if not seen:
        return ""
    with canvas(7.2, 3.0) as (figure, axes):
        series = (("share_then", THEN, "#d5dee6", 1), ("share_now", NOW, BLUE, 0))
        for number, (column, told, colour, hatch) in enumerate(series):
            axes.bar(
                [place + 0.4 * (number - 0.5) for place in range(len(seen))],
                [row[column] or 0 for row in seen],
                width=0.38, color=colour, hatch=HATCHES[hatch], edgecolor=MUTED, linewidth=0.5,
                label=told,
            )  # fmt: skip
        axes.set_xticks(range(len(seen)), [str(n + 1) for n in range(len(seen))])
        axes.yaxis.set_major_formatter(percent_tick)
        axes.set(xlabel=label, ylabel="Share of everybody")
        axes.grid(True, axis="y")
        axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2)
        told = "; ".join(
            f"{row['cell']}: {_share(row['share_then'])} then, {_share(row['share_now'])} now"
            for row in seen
        )
        return svg_text(figure, name, title, told)


def _share(value: float | None) -> str:
    return "withheld" if value is None else percent(round(value, 3))


def calibration_then_and_now(then: Rows, now: Rows, *, name: str) -> str:
    """Observed rate against predicted risk, when judged and now; the diagonal is right."""
    drawn: list[tuple[list[Mapping[str, Any]], str, str, str, str]] = [
        (_shown(then), THEN, ORANGE, "D", "--"),
        (_shown(now), NOW, BLUE, "o", "-"),
    ]
    if not any(rows for rows, *_ in drawn):
        return ""
    top = 1.08 * max(
        max(row["predicted"], row["high"] or row["observed"]) for rows, *_ in drawn for row in rows
    )
    with canvas(5.2, 4.0) as (figure, axes):
        axes.plot([0, top], [0, top], color=MUTED, linestyle=":", linewidth=1,
                  label="Predicted = observed")  # fmt: skip
        for rows, told, colour, marker, line in drawn:
            for row in rows:
                low, high = limits(row, "observed")
                axes.plot([row["predicted"]] * 2, [low, high], color=colour, linewidth=1.2)
            axes.plot(
                [row["predicted"] for row in rows], [row["observed"] for row in rows],
                marker=marker, linestyle=line, linewidth=0.8, color=colour, markersize=5,
                label=told, markerfacecolor="white" if marker == "D" else colour,
            )  # fmt: skip
        axes.set(xlabel="Mean predicted risk", ylabel="Observed rate (95% interval)")
        axes.set(xlim=(0, top), ylim=(0, top))
        axes.xaxis.set_major_formatter(percent_tick)
        axes.yaxis.set_major_formatter(percent_tick)
        axes.grid(True)
        legend(axes)
        told = "; ".join(
            f"{who.lower()}, predicted {percent(row['predicted'])}: {percent(row['observed'])}"
            for rows, who, *_ in drawn
            for row in rows
        )
        return svg_text(figure, name, "Predicted risk against observed rate, then and now", told)


def _shown(rows: Rows) -> list[Mapping[str, Any]]:
    return [row for row in rows if row["observed"] is not None][:MOST_POINTS]
