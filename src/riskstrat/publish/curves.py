"""Curves of protected tables: what a list of each length finds, and when a model is worth using."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from riskstrat.publish.axes import MOST_POINTS, legend, limits, percent_tick
from riskstrat.publish.drawing import INK, LINES, MUTED, PALETTE, canvas, svg_text
from riskstrat.publish.phrases import within
from riskstrat.publish.wording import estimate, learner, percent
from riskstrat.vocabulary import in_words

Rows = Sequence[Mapping[str, Any]]

BY_CHANCE = "base_rate"
"""a rule that gives everybody the same risk draws the line of chance itself"""


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
                low, high = limits(mark, "value")
                axes.plot([mark["share"]] * 2, [low, high], color=INK, linewidth=1.6)
                axes.plot(mark["share"], mark["value"], "o", color=INK, markersize=5)
                axes.annotate(
                    _marked(mark), (mark["share"], mark["value"]),
                    xytext=(9, 6 if not diagonal else -3 if mark["value"] < 0.1 else -10),
                    textcoords="offset points", fontsize=8, zorder=5,
                    bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1},
                )  # fmt: skip
        axes.set(xlabel=labels[0], ylabel=labels[1])
        axes.xaxis.set_major_formatter(percent_tick)
        axes.set_xlim(0, end * 1.02)
        if as_percent:
            axes.yaxis.set_major_formatter(percent_tick)
            axes.set_ylim(0, None)
        else:
            # Acting for everybody falls far below nothing: what matters is near the model.
            best = max((r[y] for r in rows if r["learner"] == champion and r[y] is not None),
                       default=0.0)  # fmt: skip
            axes.set_ylim(-0.35 * (best or 1.0), 1.1 * (best or 1.0))
        axes.grid(True)
        legend(axes)
        told = "; ".join(f"at {percent(m['share'])} of people: {estimate(m)}" for m in marks)
        return svg_text(figure, name, title, told or f"{labels[1]} by {labels[0].lower()}")


def _marked(mark: Mapping[str, Any]) -> str:
    """A capacity and what was found there: `5% (1,860 people): 26%`."""
    selected = mark.get("selected")
    people = "" if selected is None else f" ({selected:,})"
    return f"{percent(mark['share'])}{people}: {percent(round(mark['value'], 2))}"


def group_calibration_chart(rows: Rows, *, name: str, group: str) -> str:
    """Stated against seen risk for each level of a group, each line with its 95% band."""
    levels = list(dict.fromkeys(str(row["level"]) for row in rows))[: len(PALETTE)]
    shown = [row for row in rows if str(row["level"]) in levels and row["observed"] is not None]
    if not shown:
        return ""
    top = max(max(row["risk"], row["observed"]) for row in shown) * 1.1
    with canvas(6.2, 3.8) as (figure, axes):
        axes.plot([0, top], [0, top], color=MUTED, linestyle="--", linewidth=1,
                  label="Stated = seen")  # fmt: skip
        for place, level in enumerate(levels):
            mine = [row for row in shown if str(row["level"]) == level]
            x = [row["risk"] for row in mine]
            low, high = zip(*(limits(row, "observed") for row in mine), strict=True)
            axes.fill_between(x, low, high, color=PALETTE[place], alpha=0.12, linewidth=0)
            axes.plot(
                x, [row["observed"] for row in mine], color=PALETTE[place],
                linestyle=LINES[place], linewidth=1.6, label=in_words(level),
            )  # fmt: skip
        axes.set(xlabel="Stated risk", ylabel="Seen (95% band)", xlim=(0, top), ylim=(0, top))
        axes.xaxis.set_major_formatter(percent_tick)
        axes.yaxis.set_major_formatter(percent_tick)
        axes.grid(True)
        legend(axes)
        told = "; ".join(f"{in_words(level)}: {_at_the_end(shown, level)}" for level in levels)
        return svg_text(figure, name, f"Calibration by {within(group)}", told)


def _at_the_end(rows: Rows, level: str) -> str:
    last = [row for row in rows if str(row["level"]) == level][-1]
    stated, seen = (percent(round(last[name], 2)) for name in ("risk", "observed"))
    return f"where {stated} is stated, {seen} is seen"
