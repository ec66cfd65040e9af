"""From a matplotlib figure to SVG text that reads aloud, prints, and is the same on every run."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

INK = "#1d2b36"
MUTED = "#5b6b78"
GRID = "#dde3e8"
BLUE = "#1f5a96"
ORANGE = "#b4500f"
GREEN = "#1d6b4f"
PURPLE = "#6d3f8c"
PALETTE = (BLUE, ORANGE, GREEN, PURPLE, MUTED)
HATCHES = ("", "//", "\\\\", "xx", "--")
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1)))

RC = {
    "svg.fonttype": "none",
    "svg.hashsalt": "riskstrat",
    "svg.image_inline": True,
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "hatch.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 9.0,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "path.simplify": True,
}
"""House style. Labels are real text in the page's typeface, measured in a wider one."""

_ID = re.compile(r'\bid="([^"]+)"')
_COORDINATES = re.compile(r'\b(?:d|x|y|x1|x2|y1|y2|width|height|transform|points)="[^"]*"')
_DECIMALS = re.compile(r"(\d+\.\d{2})\d+")


@contextmanager
def canvas(width: float = 7.2, height: float = 3.4) -> Iterator[tuple[Figure, Axes]]:
    """A figure in house style, in inches; draw inside the block, then `svg_text` there as well."""
    with matplotlib.rc_context(RC):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure, figure.add_subplot()


def svg_text(figure: Figure, name: str, title: str, description: str) -> str:
    """The figure as an inline SVG element with a title and a description.

    Args:
        name: unique on the page; all ids in the drawing start with it.
        title: what the drawing is.
        description: what it shows, for those who cannot see it.

    Returns:
        SVG for use inside HTML: no XML header, no metadata, no address of any kind.
    """
    FigureCanvasSVG(figure)
    out = io.StringIO()
    figure.savefig(
        out,
        format="svg",
        metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        transparent=True,
    )
    width, height = figure.get_size_inches() * 72
    body = re.sub(r"<metadata>.*?</metadata>", "", out.getvalue(), flags=re.DOTALL)
    body = re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL)
    body = body[body.index(">", body.index("<svg")) + 1 : body.rindex("</svg>")]
    body = _lean(_with_own_ids(body, name))
    return (
        f'<svg role="img" aria-labelledby="{name}-title {name}-desc" '
        f'font-family="Arial, sans-serif" '
        f'viewBox="0 0 {width:g} {height:g}" width="{width * 4 / 3:g}">'
        f'<title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-desc">{escape(description)}</desc>{body}</svg>'
    )


def _with_own_ids(body: str, name: str) -> str:
    """Number the ids that are referred to, under the drawing's name; drop the rest."""
    used = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', body))
    numbers = {old: f"{name}-{i}" for i, old in enumerate(sorted(used), start=1)}

    def renamed(found: re.Match[str]) -> str:
        return f'id="{numbers[found[1]]}"' if found[1] in numbers else ""

    body = _ID.sub(renamed, body)
    body = re.sub(r"url\(#([^)]+)\)", lambda m: f"url(#{numbers[m[1]]})", body)
    return re.sub(r'(?:xlink:)?href="#([^"]+)"', lambda m: f'href="#{numbers[m[1]]}"', body)


def _lean(body: str) -> str:
    """Coordinates to a hundredth of a point (words stay as they are); the page's own typeface."""
    body = _COORDINATES.sub(lambda found: _DECIMALS.sub(r"\1", found[0]), body)
    body = re.sub(r"font-family: [^;\"]*; ?", "", body)
    body = re.sub(r' transform="rotate\(-0 [^)]*\)"', "", body)
    body = re.sub(r"[ \t]*\n\s*", "\n", body)
    return re.sub(r"<g\s+>", "<g>", body).strip()
