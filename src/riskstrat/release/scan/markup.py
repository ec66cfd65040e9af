"""HTML and SVG: text, tables, and what stands in attributes, comments, titles and metadata."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

from riskstrat.release.scan.pieces import Cell, Piece, Sheet, Value, Veiled, Words
from riskstrat.release.scan.plain import decoded

SAID = re.compile(r"^(title|alt|label|summary|content|value|placeholder|aria-.*|data-.*|desc)$")
"""attributes that hold words or values; others are ids, styles and coordinates"""
INLINE = frozenset(
    {"a", "abbr", "b", "bdi", "cite", "code", "dfn", "em", "i", "kbd", "mark", "q", "s", "samp",
     "small", "span", "strong", "sub", "sup", "time", "tspan", "u", "var"}
)  # fmt: skip
"""elements within a sentence"""
VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source",
     "track", "wbr"}
)  # fmt: skip
NUMBER = re.compile(r"^\s*[\d,]+(\.\d+)?\s*$")


def read_markup(content: bytes) -> Iterator[Piece]:
    """Everything that a page or a drawing says. Coordinates are not turned back into numbers."""
    reader = _Reader()
    reader.feed(decoded(content))
    reader.close()
    reader.end_words()
    yield from reader.found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Piece] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.cell: list[str] | None = None
        self.number = 0

    # -- elements --------------------------------------------------------------------------------

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in INLINE:
            self.end_words()
        if tag not in VOID:
            self.open.append(tag)
        self._attributes(tag, attrs)
        if tag in ("td", "th", "tr", "tbody", "tfoot", "table"):
            self._end_cell()  # the end of a cell or row need not be written
        if tag == "table":
            self.tables.append([])
        elif tag == "tr" and self.tables:
            self.tables[-1].append([])
        elif tag in ("td", "th") and self.tables and self.tables[-1]:
            self.cell = []
        elif tag in ("script", "template", "iframe", "object", "embed", "form"):
            self.found.append(Veiled(f"<{tag}>", "an element that is not read like a page"))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "tr", "tbody", "tfoot", "table"):
            self._end_cell()
        if tag == "table" and self.tables:
            self._end_table(self.tables.pop())
        if tag not in INLINE:
            self.end_words()
        if tag in self.open:
            while self.open and self.open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self.cell is not None:
            self.cell.append(data)

    def handle_comment(self, data: str) -> None:
        self.found.append(Veiled("a comment", "a comment"))
        self.found.append(Words("a comment", data))

    def unknown_decl(self, data: str) -> None:
        self.found.append(Words("a marked section", data))

    def handle_pi(self, data: str) -> None:
        self.found.append(Words("an instruction", data))

    # -- parts -----------------------------------------------------------------------------------

    def _attributes(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "hidden" or (name == "style" and _unseen(value or "")):
                self.found.append(Veiled(f"<{tag}>", "an element that is not shown"))
            if not value or not SAID.match(name):
                continue
            where = f"attribute {name} of <{tag}>"
            if NUMBER.match(value):
                told = float(value.replace(",", ""))
                self.found.append(Value(where, name.removeprefix("data-"), told))
            else:
                self.found.append(Words(where, value))

    def end_words(self) -> None:
        """A sentence ends where an element of its own begins or ends."""
        text = " ".join("".join(self.words).split())
        self.words = []
        inside = self.open[-1] if self.open else ""
        if text and inside != "style":
            self.found.append(Words(f"text of <{inside}>", text))

    def _end_cell(self) -> None:
        if self.cell is not None:
            self.tables[-1][-1].append(" ".join("".join(self.cell).split()))
            self.cell = None

    def _end_table(self, rows: list[list[str]]) -> None:
        self.number += 1
        rows = [row for row in rows if row]
        if rows:
            cells: list[tuple[Cell, ...]] = [tuple(row) for row in rows[1:]]
            self.found.append(Sheet(f"table {self.number}", tuple(rows[0]), tuple(cells)))


def _unseen(style: str) -> bool:
    plain = style.replace(" ", "").lower()
    return "display:none" in plain or "visibility:hidden" in plain
