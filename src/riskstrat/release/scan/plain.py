"""CSV, JSON, Markdown and plain text."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from riskstrat.release.scan.pieces import Piece, Sheet, UnreadableError, Value, Words


def decoded(content: bytes) -> str:
    """UTF-8 text, with or without a byte order mark."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise UnreadableError("not UTF-8") from fault


def _lines(content: bytes) -> list[list[str]]:
    text = decoded(content)
    first = text.splitlines()[0] if text.strip() else ""
    separator = max(",;\t|", key=first.count)
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))


def read_rows(content: bytes) -> list[dict[str, str]]:
    """The rows of a CSV file by column."""
    lines = _lines(content)
    return [dict(zip(lines[0], row, strict=False)) for row in lines[1:]]


def read_csv(content: bytes) -> Iterator[Piece]:
    """One table; lines that are longer than its header are words as well."""
    lines = _lines(content)
    if not lines:
        return
    header, *rows = lines
    yield Sheet("the table", tuple(header), tuple(tuple(row) for row in rows))
    for number, row in enumerate(rows, start=2):
        if len(row) > len(header):
            yield Words(f"line {number}", " ".join(row[len(header) :]))


def read_json(content: bytes) -> Iterator[Piece]:
    """Every value under its path, and every list of records as a table."""
    try:
        told = json.loads(decoded(content))
    except ValueError as fault:
        raise UnreadableError("no JSON") from fault
    yield from _walk(told, "")


def _walk(told: Any, path: str) -> Iterator[Piece]:
    name = path.rpartition(".")[2].partition("[")[0]
    if isinstance(told, dict):
        for key, value in told.items():
            yield Words(f"key of {path or 'the file'}", str(key))
            yield from _walk(value, f"{path}.{key}" if path else str(key))
    elif isinstance(told, list):
        if told and all(isinstance(each, dict) for each in told):
            yield _records(told, path)
        for number, value in enumerate(told):
            yield from _walk(value, f"{path}[{number}]")
    elif isinstance(told, str):
        yield Words(path, told)
    elif isinstance(told, int | float) and not isinstance(told, bool):
        yield Value(path, name, told)


def _records(told: list[dict[str, Any]], path: str) -> Sheet:
    header = tuple(dict.fromkeys(str(key) for each in told for key in each))
    rows = (tuple(_cell(each.get(key)) for key in header) for each in told)
    return Sheet(path or "the list", header, tuple(rows), records=True)


def _cell(value: Any) -> str | int | float | None:
    if value is None or isinstance(value, str | int | float):
        return value
    return json.dumps(value)


def read_text(content: bytes) -> Iterator[Piece]:
    """Lines of text; in Markdown, rows of cells between upright strokes are tables."""
    table: list[tuple[str, ...]] = []
    number = 0
    for line in [*decoded(content).splitlines(), ""]:
        bare = line.strip()
        if bare.startswith("|") and bare.endswith("|"):
            cells = tuple(cell.strip() for cell in bare[1:-1].split("|"))
            if set("".join(cells)) - set("-: "):
                table.append(cells)
            continue
        if table:
            number += 1
            yield Sheet(f"table {number}", table[0], tuple(table[1:]))
            table = []
        if bare:
            yield Words("the text", bare)
