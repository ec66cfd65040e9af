"""Two drawings that explain a study: how the cohort came about, and which dates taught what."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from matplotlib.dates import date2num
from matplotlib.patches import FancyBboxPatch

from riskstrat.publish.drawing import BLUE, GRID, INK, MUTED, ORANGE, canvas, svg_text
from riskstrat.publish.wording import day, mark

Rows = Sequence[Mapping[str, Any]]

ROLES = {
    "train": ("Learning", BLUE, ""),
    "test": ("Test", ORANGE, "xx"),
    "inner_train": ("Learning, to choose settings", "#b9c7d4", ""),
    "validation": ("Validation, to choose settings", "#8fb3d6", "//"),
}
MOST_LETTERS = 84
NEAR = timedelta(days=45)


def flow_chart(rows: Rows, *, name: str, policy: str) -> str:
    """Boxes from everybody to the cohort, for one as-of date."""
    if not rows:
        return ""
    with canvas(7.2, 0.62 * len(rows)) as (figure, axes):
        axes.set_axis_off()
        axes.set(xlim=(0, 10), ylim=(-len(rows) + 0.45, 0.55))
        for place, row in enumerate(rows):
            box = FancyBboxPatch(
                (0.1, -place - 0.32), 9.8, 0.64, boxstyle="round,pad=0,rounding_size=0.08",
                facecolor="#f3f6f9" if place < len(rows) - 1 else "#dce8f4",
                edgecolor=MUTED, linewidth=0.8,
            )  # fmt: skip
            axes.add_patch(box)
            said = textwrap.wrap(str(row["step"]), MOST_LETTERS)[:2]
            axes.text(0.35, -place, "\n".join(said), va="center", fontsize=9 if said[1:] else 10)
            axes.text(9.65, -place, _count(row["n"], policy), va="center", ha="right",
                      fontweight="bold")  # fmt: skip
            if place < len(rows) - 1:
                axes.annotate("", (5, -place - 0.69), (5, -place - 0.31),
                              arrowprops={"arrowstyle": "-|>", "color": MUTED})  # fmt: skip
        told = "; ".join(f"{row['step']}: {_count(row['n'], policy)}" for row in rows)
        return svg_text(figure, name, "From everybody to the cohort", told)


def folds_chart(rows: Rows, *, name: str) -> str:
    """Each as-of date as a dot, and the window in which its outcome was awaited as a bar."""
    dated = [row for row in rows if _day(row.get("as_of")) and _day(row.get("window_ends"))]
    if not dated:
        return ""
    with canvas(7.2, 1.1 + 0.26 * len(dated)) as (figure, axes):
        drawn: set[str] = set()
        for place, row in enumerate(dated):
            begin, end = _day(row.get("as_of_from") or row["as_of"]), _day(row["window_ends"])
            if begin is None or end is None:
                continue
            role = str(row["role"])
            called, colour, hatch = ROLES.get(role, (role.replace("_", " "), GRID, ""))
            first = role not in drawn
            axes.barh(
                place, max((end - begin) / timedelta(days=1), 1), left=date2num(begin), height=0.5,
                color=colour, hatch=hatch, edgecolor="white",
                label=called if first else None,
            )  # fmt: skip
            drawn.add(role)
            axes.plot(
                date2num(_day(row["as_of"]) or begin),
                place,
                "|",
                color=INK,
                markersize=12,
                markeredgewidth=2,
            )
        axes.set_yticks(range(len(dated)), [_line(row) for row in dated])
        axes.set_ylim(len(dated) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        turns = _thinned(
            sorted({d for r in dated for d in (_day(r["as_of"]), _day(r["window_ends"])) if d})
        )
        axes.set_xticks([date2num(d) for d in turns], [f"{d.day} {d:%b}\n{d.year}" for d in turns])
        axes.grid(True, axis="x")
        figure.legend(loc="outside upper center", ncols=2)
        told = "; ".join(
            f"{_line(row)}: decided on {day(row['as_of'])}, outcome awaited until "
            f"{day(row['window_ends'])}"
            for row in dated
        )
        return svg_text(figure, name, "Dates that taught and dates that tested", told)


def _line(row: Mapping[str, Any]) -> str:
    """A bar's name: its dates of decision, which tell it apart within its colour."""
    first, last = _day(row.get("as_of_from") or row.get("as_of")), _day(row.get("as_of"))
    if first is None or last is None or first == last:
        return day(last or "")
    return f"{first:%b} {first.year} to {last:%b} {last.year}"


def _thinned(days: list[date], most: int = 9) -> list[date]:
    """The days to mark on the axis: none too near the one before it."""
    apart: list[date] = []
    for each in days:
        if not apart or each - apart[-1] > NEAR:
            apart.append(each)
    return apart[:: -(-len(apart) // most)]


def _count(n: int | None, policy: str) -> str:
    return mark(policy) if n is None else f"{n:,}"


def _day(value: object) -> date | None:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None
