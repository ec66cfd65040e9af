"""Read the finished files of a release before anybody has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from riskstrat.release.breaches import Breach
from riskstrat.release.scan.expected import Expected
from riskstrat.release.scan.markup import read_markup
from riskstrat.release.scan.pieces import Piece, UnreadableError
from riskstrat.release.scan.plain import read_csv, read_json, read_text
from riskstrat.release.scan.portable import read_portable
from riskstrat.release.scan.rules import ids_in, judge
from riskstrat.release.scan.workbook import read_workbook

UNREAD = "RS3045"

READERS: Mapping[str, Callable[[bytes], Iterator[Piece]]] = MappingProxyType(
    {
        ".html": read_markup,
        ".svg": read_markup,
        ".csv": read_csv,
        ".xlsx": read_workbook,
        ".json": read_json,
        ".md": read_text,
        ".txt": read_text,
        ".pdf": read_portable,
    }
)
"""ending -> reader. A file of any other kind may not leave: nobody has looked into it."""


def scan_folder(folder: Path, expected: Expected) -> tuple[Breach, ...]:
    """What the files of one recipient's folder would tell and may not.

    Args:
        folder: as it is about to be handed over; folders within it are read too.
        expected: what may be there.
    """
    found: list[Breach] = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found += scan_file(path, path.relative_to(folder).as_posix(), expected)
    return tuple(found)


def scan_file(path: Path, name: str, expected: Expected) -> tuple[Breach, ...]:
    """What one file would tell and may not.

    Args:
        name: what the file is called in a message, and to whoever receives it.
    """
    reader = READERS.get(path.suffix.lower())
    found = list(ids_in("its name", name, expected))
    try:
        if reader is None:
            raise UnreadableError("of a kind that is not read")
        pieces = list(reader(path.read_bytes()))
    except (UnreadableError, RecursionError) as fault:
        return (*found, Breach(UNREAD, name, f"the file cannot be looked into: {fault}"))
    for piece in pieces:
        found += judge(piece, expected)
    placed = (Breach(each.code, f"{name}, {each.where}", each.message) for each in found)
    return tuple(dict.fromkeys(placed))
