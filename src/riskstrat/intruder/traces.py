"""Byte search: identifiers, keys and record keys in any file that may hold none."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from time import perf_counter

import pyarrow as pa
import pyarrow.compute as pc

from riskstrat.intruder.contents import Piece, pieces
from riskstrat.intruder.findings import Attack, Progress, not_tried, silent
from riskstrat.intruder.numbers import is_valid
from riskstrat.intruder.sealed import KEY, NAME, NHS, POSTCODE, PUPIL, RECORD_KEY, Identifiers
from riskstrat.intruder.spread import spread

FOUND, KEYS = "RS3130", "RS3131"
TITLES = {FOUND: "Byte search for identifiers", KEYS: "Byte search for keys"}
HOW = (
    "every file is read, what is compressed in it as well, and each number and word compared with "
    "{who}; one that is there is confirmed"
)
LISTED = 20
PLAIN = r"^[0-9A-Za-z]*$"
PSEUDONYM = r"^[A-Z]?[0-9a-f]{16}(?:[0-9a-f]{16})?$"
NAMES_AT_LEAST, NAMES_SHARE = 10, 0.5
"""a column is one of names if it has so many different ones, and such a share of its cells are"""
NAMED = "its name"
UPN_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"

_TOKEN = re.compile(r"(?<![0-9A-Za-z])(?<![0-9]\.)[0-9A-Za-z]{5,64}(?![0-9A-Za-z])")
# Not within a longer row of numbers: a model's text has thousands of them.
_SPACED = re.compile(
    r"(?<![0-9])(?<![0-9][ -])([0-9]{3})[ -]([0-9]{3})[ -]([0-9]{4})(?![0-9]|[ -][0-9])"
)
_POSTCODE = re.compile(
    r"(?<![0-9A-Za-z])([A-Z]{1,2}[0-9][0-9A-Z]?) ?([0-9][ABD-HJLNP-UW-Z]{2})(?![0-9A-Za-z])", re.I
)
_PAIR = re.compile(r"(?=(?<![\w'-])([^\W\d_][\w'-]+),? ([^\W\d_][\w'-]+))")

Hits = Counter[tuple[str, str]]
"""(kind, where in the file) -> how many different ones"""


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found in one file.

    Attributes:
        known: what the judge knows, by kind and place.
        alike: what only looks like an identifier.
        unread: why the file could not be read, if it could not.
        named: whether it is in the name of the file, which then is not told either.
    """

    known: Hits = field(default_factory=Counter)
    alike: Hits = field(default_factory=Counter)
    unread: str = ""
    named: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """A file to search, what it is called in a report, and whether record keys belong there."""

    path: Path
    name: str
    with_record_keys: bool = False

    @property
    def unnamed(self) -> str:
        """What it is called if its name says too much."""
        return f"a file ({self.path.suffix[:6] or 'without an ending'}) whose name holds one"


def places(
    data: Path | None = None, store: Path | None = None, custody: Path | None = None
) -> list[Place]:
    """The files of the analyst, of the store, and the logs of all keepers.

    Agencies' raw extracts beside the analyst's are not among them. What the analyst has received
    and not yet joined holds record keys by right.
    """
    found = []
    if data:
        raw = data / "raw"
        files = (p for p in _files(data) if not p.is_relative_to(raw))
        found += [Place(p, f"data/{p.relative_to(data).as_posix()}") for p in files]
    if store:
        found += [Place(p, f"store/{p.relative_to(store).as_posix()}") for p in _files(store)]
    if custody:
        waiting = custody / "analyst" / "received"
        logs = [p for p in _files(custody) if p.parent.name == "log"]
        for path in dict.fromkeys((*_files(custody / "analyst"), *logs)):
            name = f"custody/{path.relative_to(custody).as_posix()}"
            found.append(Place(path, name, path.is_relative_to(waiting)))
    return found


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path


def search(
    searched: Sequence[Place],
    identifiers: Identifiers,
    *,
    workers: int = 1,
    progress: Progress = silent,
) -> list[Attack]:
    """Look through files for identifiers and keys.

    Where nobody knows the identifiers, whatever has their shape and check digit counts. Where the
    judge knows them, only these are confirmed, and others of their shape are claims.
    """
    if not searched:
        why = "there are no files of an analyst, a store or a log"
        return [not_tried(code, title, why) for code, title in TITLES.items()]
    started, looked = perf_counter(), {}
    jobs = sorted(searched, key=lambda place: -place.path.stat().st_size)
    answers = spread(_look_here, jobs, workers=workers, prepare=_take, given=(identifiers,))
    for done, (place, found) in enumerate(answers, start=1):
        looked[f"{place.unnamed}, {done}" if found.named else place.name] = found
        progress(done / len(jobs), f"{done:,} of {len(jobs):,} files")
    seconds = perf_counter() - started
    who = identifiers.told_by or "the shapes of identifiers: nobody said which there are"
    return [
        _result(FOUND, looked, seconds, who, lambda kind: kind not in (KEY, RECORD_KEY)),
        _keys_result(looked, seconds, identifiers),
    ]


def _keys_result(looked: dict[str, Looked], seconds: float, identifiers: Identifiers) -> Attack:
    if not identifiers.keys and RECORD_KEY not in set(identifiers.tokens.values()):
        return not_tried(KEYS, TITLES[KEYS], "nobody said which keys there are (--custody)")
    who = "the keys and record keys in the keepers' folders"
    return _result(KEYS, looked, seconds, who, lambda kind: kind in (KEY, RECORD_KEY))


def _result(
    code: str,
    looked: dict[str, Looked],
    seconds: float,
    who: str,
    ours: Callable[[str], bool],
) -> Attack:
    confirmed, alike, where = 0, 0, []
    for name, found in sorted(looked.items()):
        for (kind, part), count in sorted(found.known.items()):
            if ours(kind):
                confirmed += count
                where.append(f"{name}{f', {part}' if part else ''}: {count:,} {kind}")
        alike += sum(count for (kind, _), count in found.alike.items() if ours(kind))
    unread = sorted(name for name, found in looked.items() if found.unread)
    notes = where[:LISTED]
    notes += [f"and {len(where) - LISTED:,} more places"] if len(where) > LISTED else []
    notes += [f"{alike:,} more look like identifiers and are none that are known"] if alike else []
    if unread:
        # A file nobody can look into may hold anything.
        notes.append(f"{len(unread):,} files could not be read and count as found: {unread[0]}")
    return Attack(
        code,
        TITLES[code],
        f"{len(looked):,} files",
        "files",
        len(looked),
        confirmed + alike + len(unread),
        confirmed + len(unread),
        HOW.format(who=who),
        seconds,
        notes=tuple(notes),
    )


# -- one file, in a process ----------------------------------------------------------------------

_WANTED: list[Identifiers] = []
"""of a worker process"""


def _take(identifiers: Identifiers) -> None:
    _WANTED[:] = [identifiers]


def _look_here(place: Place) -> Looked:
    return look(place, _WANTED[0])


def look(place: Place, identifiers: Identifiers) -> Looked:
    """Search one file."""
    known: dict[tuple[str, str], set[str]] = {}
    alike: dict[tuple[str, str], set[str]] = {}
    try:
        for piece in chain([Piece(NAMED, place.name.encode())], pieces(place.path)):
            for kind, found, sure in _search(piece, identifiers):
                if not (kind == RECORD_KEY and place.with_record_keys):
                    kept = known if sure else alike
                    kept.setdefault((kind, piece.where), set()).add(found)
        unread = ""
    except (OSError, ValueError, pa.ArrowException) as fault:
        unread = type(fault).__name__
    return Looked(
        Counter({at: len(found) for at, found in known.items()}),
        Counter({at: len(found) for at, found in alike.items()}),
        unread,
        named=any(where == NAMED for _, where in (*known, *alike)),
    )


Found = tuple[str, str, bool]
"""kind, the identifier (which goes no further than a count), whether the judge knows it"""


def _search(piece: Piece, wanted: Identifiers) -> Iterator[Found]:
    if piece.cells is None:
        for place, form in enumerate(wanted.keys):
            if form in piece.text:
                yield KEY, str(place), True
        yield from _in_text(piece.text.decode("utf-8", "replace"), wanted)
        return
    cells = piece.cells
    whole = pc.match_substring_regex(cells, PLAIN)
    single = cells.filter(whole).to_pylist()
    yield from ((wanted.tokens[each], each, True) for each in wanted.tokens.keys() & set(single))
    if not wanted.told_by or not piece.numeric:
        yield from _shaped(_unlike_pseudonyms(cells.filter(whole)), wanted, piece.numeric)
    if mixed := cells.filter(pc.invert(whole)).to_pylist():
        yield from _in_text("\n".join(mixed), wanted)
    yield from _column_of_names(cells, wanted)


def _unlike_pseudonyms(cells: pa.Array) -> list[str]:
    plain = pc.invert(pc.match_substring_regex(cells, PSEUDONYM))
    found: list[str] = cells.filter(plain).to_pylist()
    return found


def _in_text(text: str, wanted: Identifiers) -> Iterator[Found]:
    tokens = set(_TOKEN.findall(text))
    yield from ((wanted.tokens[each], each, True) for each in wanted.tokens.keys() & tokens)
    spaced = {"".join(parts) for parts in _SPACED.findall(text)}
    yield from ((wanted.tokens[each], each, True) for each in wanted.tokens.keys() & spaced)
    for outward, inward in set(_POSTCODE.findall(text)):
        if wanted.tokens.get(code := f"{outward}{inward}".upper()) == POSTCODE:
            yield POSTCODE, code, True
    yield from _shaped([*tokens, *spaced], wanted, numeric=False)
    for one, other in _PAIR.findall(text) if wanted.full_names else ():
        if (pair := f"{one} {other}".lower()) in wanted.full_names:
            yield NAME, pair, True


def _shaped(tokens: Sequence[str], wanted: Identifiers, numeric: bool) -> Iterator[Found]:
    """What has the shape and check digit of an identifier, whether anybody knows it or not.

    One number of eleven has a right check digit by chance: a column of numbers counts if half have.
    """
    numbers = [each for each in tokens if _like_nhs(each)]
    if not numeric or 2 * len(numbers) >= len(tokens):
        unknown = (each for each in numbers if each not in wanted.tokens)
        yield from ((NHS, each, not wanted.told_by) for each in unknown)
    for each in tokens:
        if _like_upn(each) and each not in wanted.tokens:
            yield PUPIL, each, not wanted.told_by


def _like_nhs(token: str) -> bool:
    """Ten digits of a range that is issued, or kept for tests, with the right check digit."""
    return len(token) == 10 and (token[0] in "467" or token[:3] == "999") and is_valid(token)


def _like_upn(token: str) -> bool:
    """Thirteen characters with the right check letter (domain facts B1)."""
    if len(token) != 13 or token[0] not in UPN_LETTERS or not token[1:].isdecimal():
        return False
    total = sum(int(digit) * place for place, digit in enumerate(token[1:], 2))
    return UPN_LETTERS[total % 23] == token[0]


def _column_of_names(cells: pa.Array, wanted: Identifiers) -> Iterator[Found]:
    """A column of which half the cells are somebody's forename or surname."""
    if not wanted.names or len(cells) < NAMES_AT_LEAST:
        return
    told = [cell.lower() for cell in cells.to_pylist()] if _wordy(cells) else []
    named = wanted.names.intersection(told)
    if len(named) >= NAMES_AT_LEAST and len(named) >= NAMES_SHARE * len(told):
        yield from ((NAME, each, True) for each in named)


def _wordy(cells: pa.Array) -> bool:
    """Whether cells could be names: millions of event ids need not be looked at one by one."""
    first = cells.slice(0, 50)
    return not all(any(c.isdigit() for c in cell) for cell in first.to_pylist())
