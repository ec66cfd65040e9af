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
from riskstrat.vocabulary import in_words

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


def data_flow_chart(rows: Rows, *, name: str) -> str:
    """Boxes from the agencies, through what is worked on here, to the recipients.

    Args:
        rows: one per arrow: origin, to, what, under.
        name: unique on the page.
    """
    if not rows:
        return ""
    origins, targets = ([str(row[end]) for row in rows] for end in ("origin", "to"))
    columns: tuple[list[tuple[str, Mapping[str, Any]]], ...] = (
        [(row["origin"], row) for row in rows if row["origin"] not in targets],
        [(place, {}) for place in dict.fromkeys(targets) if place in origins],
        [(in_words(str(row["to"])), row) for row in rows if row["to"] not in origins],
    )
    between = [row for row in rows if row["origin"] in targets and row["to"] in origins]
    tall = max(map(len, columns))
    with canvas(7.2, 0.78 * tall + 0.2) as (figure, axes):
        axes.set_axis_off()
        axes.set(xlim=(0, 10), ylim=(0, tall))
        left, middle, right = (
            [_flow_box(axes, column, tall, place, len(boxes), *box)
             for place, box in enumerate(boxes)]
            for column, boxes in enumerate(columns)
        )  # fmt: skip
        for y in left:
            _arrow(axes, (FLOW_X[0] + FLOW_WIDTH[0], y), (FLOW_X[1], middle[0]))
        for above, below, row in zip(middle, middle[1:], between, strict=False):
            _arrow(axes, (FLOW_X[1] + 0.4, above - 0.36), (FLOW_X[1] + 0.4, below + 0.36))
            told = _wrapped("; ".join(filter(None, (row["what"], row["under"]))), 16)
            axes.text(FLOW_X[1] + 0.5, (above + below) / 2, told, fontsize=7, va="center")
        for y in right:
            _arrow(axes, (FLOW_X[1] + FLOW_WIDTH[1], middle[-1]), (FLOW_X[2], y))
        said = "; ".join(
            f"{row['origin']} to {in_words(str(row['to']))}: {row['what']}"
            + (f" ({row['under']})" if row["under"] else "")
            for row in rows
        )
        return svg_text(figure, name, "Where the data come from and go to", said)


FLOW_X, FLOW_WIDTH = (0.05, 4.45, 6.75), (3.6, 1.8, 3.2)
"""of the three columns of boxes: agencies, what is worked on, recipients"""
FLOW_LETTERS = (44, 22, 38)


def _flow_box(
    axes: Any, column: int, tall: int, place: int, among: int, title: str, row: Mapping[str, Any]
) -> float:
    """Draw one of the boxes of a column, and return its height."""
    y = tall - (place + 0.5) * tall / among
    x, letters = FLOW_X[column], FLOW_LETTERS[column]
    box = FancyBboxPatch(
        (x, y - 0.36), FLOW_WIDTH[column], 0.72, boxstyle="round,pad=0,rounding_size=0.06",
        facecolor="#dce8f4" if column == 1 else "#f3f6f9", edgecolor=MUTED, linewidth=0.8,
    )  # fmt: skip
    axes.add_patch(box)
    if not row:
        axes.text(x + 0.1, y, _wrapped(title, letters - 6), va="center", fontweight="bold")
        return y
    under = row["under"] if column == 0 else ""
    most = 2 if under else 3
    lines = _wrapped(row["what"], letters).split("\n")
    if lines[most:]:
        lines[most - 1 :] = [f"{lines[most - 1]} …"]
    told = "\n".join(filter(None, (*lines, under)))
    axes.text(x + 0.1, y + 0.3, title, va="top", fontsize=8, fontweight="bold")
    axes.text(x + 0.1, y + 0.11, told, va="top", fontsize=6.8)
    return y


def _wrapped(text: str, letters: int) -> str:
    """Names from config files in words, folded between words."""
    plain = text.replace("_", " ")
    return textwrap.fill(plain, letters, break_on_hyphens=False, break_long_words=False)


def _arrow(axes: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    style = {"arrowstyle": "-|>", "color": MUTED, "linewidth": 0.8}
    axes.annotate("", end, start, arrowprops=style)


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
