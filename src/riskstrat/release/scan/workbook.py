"""XLSX: every sheet, hidden or not, and what a workbook carries beside them."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from riskstrat.release.scan.pieces import Cell, Piece, Sheet, UnreadableError, Veiled, Words

FILTER = "_xlnm._FilterDatabase"
"""the name that a spreadsheet gives to a filtered range"""
MADE = re.compile(
    r"^(\[Content_Types\]\.xml|_rels/\.rels|docProps/(core|app)\.xml|xl/workbook\.xml|"
    r"xl/_rels/workbook\.xml\.rels|xl/worksheets/sheet\d+\.xml|xl/sharedStrings\.xml|"
    r"xl/styles\.xml|xl/theme/theme\d+\.xml|xl/metadata\.xml)$"
)
"""the parts of a plain workbook; whatever else is there has no place in it"""
LAYOUT = re.compile(r'&(?:"[^"]*"|[A-Z]|\d{1,3})')
"""where the parts of a header stand, and in which letters"""
COLUMN = re.compile(r"^[A-Z]+")


def read_workbook(content: bytes) -> Iterator[Piece]:
    """Sheets, names, properties, comments, and everything else that holds text."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            yield from _read(book)
    except (zipfile.BadZipFile, KeyError, ValueError, ET.ParseError) as fault:
        raise UnreadableError("a damaged workbook") from fault


def _read(book: zipfile.ZipFile) -> Iterator[Piece]:
    names = book.namelist()
    texts = _shared(book) if "xl/sharedStrings.xml" in names else []
    main = _tree(book, "xl/workbook.xml")
    paths = _paths(book)
    for sheet in _each(main, "sheet"):
        title, state = sheet.get("name", ""), sheet.get("state", "visible")
        yield Words("the name of a sheet", title)
        if state != "visible":
            yield Veiled(f"sheet {title}", "a hidden sheet")
        yield from _sheet(_tree(book, paths[_relation(sheet)]), f"sheet {title}", texts)
    for named in _each(main, "definedName"):
        yield Words("a defined name", f"{named.get('name', '')} {named.text or ''}")
        if named.get("name") != FILTER:
            yield Veiled("the workbook", "a defined name")
    for name in names:
        if name.startswith("docProps/"):
            yield from _words(book, name, "a document property")
        elif not MADE.match(name):
            yield Veiled(f"part {name}", "a part that a plain workbook does not have")
            yield from _words(book, name, f"part {name}")


def _tree(book: zipfile.ZipFile, name: str) -> ET.Element:
    content = book.read(name)
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise ValueError("declares entities")
    return ET.fromstring(content)  # noqa: S314 - entities are refused above


def _each(tree: ET.Element, name: str) -> Iterator[ET.Element]:
    return (each for each in tree.iter() if _local(each) == name)


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _relation(sheet: ET.Element) -> str:
    return next(value for key, value in sheet.attrib.items() if key.endswith("}id"))


def _paths(book: zipfile.ZipFile) -> dict[str, str]:
    """Relation -> the part it leads to."""
    found = {}
    for each in _each(_tree(book, "xl/_rels/workbook.xml.rels"), "Relationship"):
        target = each.get("Target", "")
        found[each.get("Id", "")] = target[1:] if target.startswith("/") else f"xl/{target}"
    return found


def _shared(book: zipfile.ZipFile) -> list[str]:
    strings = _each(_tree(book, "xl/sharedStrings.xml"), "si")
    return ["".join(part.text or "" for part in _each(each, "t")) for each in strings]


# -- one sheet -----------------------------------------------------------------------------------


def _sheet(tree: ET.Element, where: str, texts: list[str]) -> Iterator[Piece]:
    lines: list[dict[int, Cell]] = []
    for row in _each(tree, "row"):
        if row.get("hidden") in ("1", "true"):
            yield Veiled(where, "a hidden row")
        cells: dict[int, Cell] = {}
        for place, cell in enumerate(_each(row, "c")):
            named = COLUMN.match(cell.get("r", ""))
            cells[_number(named[0]) if named else place] = _cell(cell, texts)
            if (formula := next(_each(cell, "f"), None)) is not None:
                yield Veiled(where, "a formula")
                yield Words(f"{where}, a formula", formula.text or "")
        lines.append(cells)
    for column in _each(tree, "col"):
        if column.get("hidden") in ("1", "true"):
            yield Veiled(where, "a hidden column")
    for name in ("oddHeader", "oddFooter", "evenHeader", "evenFooter", "formula1", "formula2"):
        for each in _each(tree, name):
            yield Words(f"{where}, {name}", LAYOUT.sub(" ", each.text or ""))
    if lines:
        width = 1 + max((place for cells in lines for place in cells), default=0)
        rows = [tuple(cells.get(place) for place in range(width)) for cells in lines]
        header = tuple("" if cell is None else str(cell) for cell in rows[0])
        yield Sheet(where, header, tuple(rows[1:]))


def _number(letters: str) -> int:
    found = 0
    for letter in letters:
        found = found * 26 + ord(letter) - ord("A") + 1
    return found - 1


def _cell(cell: ET.Element, texts: list[str]) -> Cell:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return "".join(part.text or "" for part in _each(cell, "t"))
    value = next(_each(cell, "v"), None)
    if value is None or value.text is None:
        return None
    if kind == "s":
        return texts[int(value.text)]
    if kind != "n":
        return value.text
    number = float(value.text)
    return int(number) if number.is_integer() else number


def _words(book: zipfile.ZipFile, name: str, where: str) -> Iterator[Piece]:
    """All text of a part, or what of its bytes can be read."""
    if name.endswith((".xml", ".rels", ".vml")):
        for each in _tree(book, name).iter():
            told = [each.text or "", *(v for k, v in each.attrib.items() if _says(k))]
            yield from (Words(where, text.strip()) for text in told if text.strip())
        return
    for found in re.findall(rb"[\x20-\x7e]{4,}", book.read(name)):
        yield Words(where, found.decode("ascii"))


def _says(attribute: str) -> bool:
    return attribute.rpartition("}")[2] in ("name", "title", "descr", "alt", "val", "ref", "v")
