"""Charts of protected tables: intervals drawn, values written, colour never alone.

Each function takes rows as `tables.records` gives them and returns inline SVG, or '' where
nothing may be drawn. What is withheld is written as words, not left out.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from riskstrat.publish.drawing import (
    BLUE,
    HATCHES,
    INK,
    LINES,
    MUTED,
    ORANGE,
    PALETTE,
    canvas,
    svg_text,
)
from riskstrat.publish.phrases import plain, within
from riskstrat.publish.wording import (
    BANDS,
    BASELINES,
    PERCENT_METRICS,
    estimate,
    learner,
    metric,
    percent,
)

Rows = Sequence[Mapping[str, Any]]

MOST_POINTS = 60
BY_CHANCE = "base_rate"
"""a rule that gives everybody the same risk draws the line of chance itself"""


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
        _rows_axis(axes, labels)
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
            low, high = _limits(row, "observed")
            axes.plot([row["predicted"]] * 2, [low, high], color=BLUE, linewidth=1.4)
        axes.plot(
            [row["predicted"] for row in seen], [row["observed"] for row in seen],
            "o", color=BLUE, markersize=5,
        )  # fmt: skip
        axes.set(xlabel="Mean predicted risk", ylabel="Observed rate (95% interval)")
        axes.set(xlim=(0, top), ylim=(0, top))
        axes.xaxis.set_major_formatter(_percent_tick)
        axes.yaxis.set_major_formatter(_percent_tick)
        axes.grid(True)
        axes.legend(loc="upper left")
        told = "; ".join(
            f"predicted {percent(row['predicted'])}, observed {percent(row['observed'])}"
            for row in seen
        )
        return svg_text(figure, name, "Predicted risk against observed rate", told)


def gains_chart(rows: Rows, marks: Rows, *, name: str, champion: str) -> str:
    """Share of all outcomes reached as more people are seen; marked at the study's capacities.

    Args:
        rows: learner, share, sensitivity (a curve).
        marks: the champion's `sensitivity` rows of the capacity table, with intervals.
    """
    return _curves(
        rows, marks, x="share", y="sensitivity", name=name, champion=champion,
        title="Outcomes reached as capacity grows",
        labels=("Share of people seen, highest risk first", "Share of all outcomes reached"),
        diagonal=True,
    )  # fmt: skip


def precision_chart(rows: Rows, marks: Rows, *, name: str, champion: str) -> str:
    """Share of the list that had the outcome, as the list grows."""
    return _curves(
        rows, marks, x="share", y="ppv", name=name, champion=champion,
        title="Correct among those listed, as capacity grows",
        labels=("Share of people seen, highest risk first", "Had the outcome, of those listed"),
    )  # fmt: skip


def decision_chart(rows: Rows, *, name: str, champion: str) -> str:
    """Net benefit of each policy over the risk at which one would act (Vickers and Elkin 2006)."""
    return _curves(
        rows, (), x="probability_threshold", y="net_benefit", name=name, champion=champion,
        title="Net benefit by the risk at which one would act",
        labels=("Risk at which one would act", "Net benefit per person"), as_percent=False,
    )  # fmt: skip


def importance_chart(rows: Rows, *, name: str, label: str, title: str) -> str:
    """Bars by feature or by agency, the most important first; at most 15."""
    top = sorted(
        (row for row in rows if row.get("importance") is not None),
        key=lambda row: (-row["importance"], str(row[label])),
    )[:15]
    if not top:
        return ""
    whole = sum(row["importance"] for row in rows if row.get("importance") is not None) or 1.0
    names = [_wrapped(str(row[label])) for row in top]
    lines = sum(1 + name_.count("\n") for name_ in names)
    with canvas(7.2, 0.8 + 0.12 * len(top) + 0.16 * lines) as (figure, axes):
        shares = [row["importance"] / whole for row in top]
        axes.barh(range(len(top)), shares, color=BLUE, height=0.62)
        for place, share in enumerate(shares):
            axes.annotate(percent(round(share, 3)), (share, place), xytext=(4, 0),
                          textcoords="offset points", va="center", fontsize=8)  # fmt: skip
        axes.set_xlim(0, max(shares) * 1.12)
        axes.xaxis.set_major_formatter(_percent_tick)
        axes.set_xlabel("Share of the model's total importance")
        _rows_axis(axes, names)
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
    labels = [_short(plain(str(row["level"])), 44) for row in rows]
    with canvas(7.2, 0.9 + 0.30 * len(rows)) as (figure, axes):
        if overall and overall.get("value") is not None:
            axes.axvline(overall["value"], color=MUTED, linestyle="--", linewidth=1)
            axes.annotate("everybody", (overall["value"], -0.75), color=MUTED, fontsize=8,
                          ha="center", va="center", backgroundcolor="white")  # fmt: skip
        for place, row in enumerate(rows):
            _dot(axes, place, row, BLUE, "o")
        _percent_axis(axes, rows)
        _rows_axis(axes, labels)
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
        axes.xaxis.set_major_formatter(_percent_tick)
        axes.set(xlabel="Calibrated risk", ylabel="People (log scale)", ylim=(0, None))
        axes.grid(True, axis="y")
        _legend(axes, title="Band")
        told = "; ".join(
            f"{BANDS[b]}: {sum(r['n'] or 0 for r in rows if r['band'] == b):,} people shown"
            for b in bands
        )
        return svg_text(figure, name, "How risk is spread over the cohort", told)


def _curves(
    rows: Rows,
    marks: Rows,
    *,
    x: str,
    y: str,
    name: str,
    champion: str,
    title: str,
    labels: tuple[str, str],
    diagonal: bool = False,
    as_percent: bool = True,
) -> str:
    named = list(dict.fromkeys(row["learner"] for row in rows))
    named.sort(key=lambda who: who != champion)
    if not any(row[y] is not None for row in (*rows, *({y: m["value"]} for m in marks))):
        return ""
    with canvas(7.2, 3.6) as (figure, axes):
        end = max((r[x] for r in rows if r[y] is not None), default=1.0)
        if diagonal and BY_CHANCE not in named:
            axes.plot([0, end], [0, end], color=MUTED, linestyle=(0, (1, 3)), linewidth=1.2,
                      label="By chance")  # fmt: skip
        for place, who in enumerate(named[: len(PALETTE)]):
            points = [r for r in rows if r["learner"] == who and r[y] is not None][:MOST_POINTS]
            axes.plot(
                [r[x] for r in points], [r[y] for r in points], color=PALETTE[place],
                linestyle=LINES[place], linewidth=2 if who == champion else 1.3,
                label=learner(who),
            )  # fmt: skip
        for mark in marks:
            if mark["value"] is not None:
                low, high = _limits(mark, "value")
                axes.plot([mark["share"]] * 2, [low, high], color=INK, linewidth=1.6)
                axes.plot(mark["share"], mark["value"], "o", color=INK, markersize=5)
                axes.annotate(
                    _marked(mark), (mark["share"], mark["value"]),
                    xytext=(9, 6 if not diagonal else -3 if mark["value"] < 0.1 else -10),
                    textcoords="offset points", fontsize=8, zorder=5,
                    bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1},
                )  # fmt: skip
        axes.set(xlabel=labels[0], ylabel=labels[1])
        axes.xaxis.set_major_formatter(_percent_tick)
        axes.set_xlim(0, end * 1.02)
        if as_percent:
            axes.yaxis.set_major_formatter(_percent_tick)
            axes.set_ylim(0, None)
        else:
            # Acting for everybody falls far below nothing: what matters is near the model.
            best = max((r[y] for r in rows if r["learner"] == champion and r[y] is not None),
                       default=0.0)  # fmt: skip
            axes.set_ylim(-0.35 * (best or 1.0), 1.1 * (best or 1.0))
        axes.grid(True)
        _legend(axes)
        told = "; ".join(f"at {percent(m['share'])} of people: {estimate(m)}" for m in marks)
        return svg_text(figure, name, title, told or f"{labels[1]} by {labels[0].lower()}")


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
    low, high = _limits(row, "value")
    axes.plot([low, high], [place, place], color=colour, linewidth=2.4 if bold else 1.6)
    axes.plot(row["value"], place, marker, color=colour, markersize=8 if bold else 6)
    axes.annotate(
        estimate(row), (1.01, place), xycoords=("axes fraction", "data"), va="center", fontsize=8,
        fontweight="bold" if bold else "normal",
    )  # fmt: skip


def _limits(row: Mapping[str, Any], value: str) -> tuple[float, float]:
    low, high = row.get("low"), row.get("high")
    return (row[value] if low is None else low), (row[value] if high is None else high)


def _percent_tick(value: float, _: float) -> str:
    return percent(round(value, 4))


def _percent_axis(axes: Axes, rows: Rows) -> None:
    if rows[0]["metric"] in PERCENT_METRICS:
        axes.xaxis.set_major_formatter(_percent_tick)
    axes.grid(True, axis="x")


def _rows_axis(axes: Axes, labels: Sequence[str]) -> None:
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


def _marked(mark: Mapping[str, Any]) -> str:
    """A capacity and what was found there: `5% (1,860 people): 26%`."""
    selected = mark.get("selected")
    people = "" if selected is None else f" ({selected:,})"
    return f"{percent(mark['share'])}{people}: {percent(round(mark['value'], 2))}"


def _legend(axes: Axes, title: str | None = None) -> None:
    """A legend where there is something to tell apart."""
    if axes.get_legend_handles_labels()[1]:
        axes.legend(title=title)


def _wrapped(text: str, width: int = 46) -> str:
    """A label on at most two lines."""
    lines = textwrap.wrap(text, width)
    return "\n".join([*lines[:1], _short(" ".join(lines[1:]), width)] if lines[1:] else lines)


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"
