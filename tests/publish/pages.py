"""Reads a page as a browser or a screen reader would, and notes what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"meta", "link", "br", "hr", "img", "input", "col", "wbr"})


@dataclass
class Page(HTMLParser):
    """Everything a test may ask of a page."""

    ids: list[str] = field(default_factory=list)
    refs: list[str] = field(default_factory=list)
    headings: list[int] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    svg_words: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    _expects: list[set[str]] = field(default_factory=list)

    def __post_init__(self):
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append(tag)
        if "id" in given:
            self.ids.append(given["id"])
        self.refs += given.get("aria-labelledby", "").split()
        for name in ("href", "src", "xlink:href", "action"):
            if name in given:
                self.addresses.append(given[name])
        if tag in ("h1", "h2", "h3", "h4"):
            self.headings.append(int(tag[1]))
        if tag == "svg":
            self._expects.append({"title", "desc"})
            if given.get("role") != "img" or not given.get("aria-labelledby"):
                self.faults.append("an svg without role and label")
        if tag == "table":
            self._expects.append({"caption"})
        if tag == "th" and given.get("scope") not in ("col", "row"):
            self.faults.append("a th without scope")
        if tag == "img" and not given.get("alt"):
            self.faults.append("an img without alt")
        if self._expects:
            self._expects[-1].discard(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes something else")
        if tag in ("svg", "table") and (missing := self._expects.pop()):
            self.faults.append(f"{tag} without {', '.join(sorted(missing))}")

    def handle_data(self, data):
        inside_style = self.open and self.open[-1] == "style"
        if not inside_style:
            (self.svg_words if "svg" in self.open else self.words).append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def read_page(html):
    page = Page()
    page.feed(html)
    page.close()
    if page.open:
        page.faults.append(f"never closed: {page.open}")
    return page
