"""PDF: the text of its pages as far as it can be read, its properties, notes and form fields.

Read are documents as browsers and drawing libraries write them: objects in the open or in object
streams, Flate, Ascii85 and hexadecimal filters, single-byte fonts, and fonts with a table of what
their glyphs mean. Not read: text drawn as outlines or as pictures, fonts without such a table
whose codes are not letters, documents that are encrypted (refused), and whatever was deleted in an
update.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from riskstrat.release.scan.pieces import Piece, UnreadableError, Veiled, Words

OBJECT = re.compile(rb"(\d+)\s+\d+\s+obj\b(.*?)\bendobj", re.DOTALL)
STREAM = re.compile(rb"(.*?)\bstream\r?\n(.*?)\r?\n?endstream", re.DOTALL)
STRING = re.compile(rb"\((?:\\.|[^\\()]|\((?:\\.|[^\\()])*\))*\)|<[0-9A-Fa-f\s]*>", re.DOTALL)
REFERENCE = re.compile(rb"/([\w.+-]+)\s+(\d+)\s+\d+\s+R\b")
SHOWS = re.compile(
    rb"/([\w.+-]+)\s+[\d.-]+\s+Tf|(\[(?:[^\[\]()<>]|" + STRING.pattern + rb")*\])\s*TJ|"
    rb"(" + STRING.pattern + rb")\s*(?:Tj|'|\")|\b(?:T\*|T[dDm]|ET)\b",
    re.DOTALL,
)
VEILED = {
    b"/EmbeddedFile": "a file within the file",
    b"/JavaScript": "a programme",
    b"/Launch": "a call of a programme",
    b"/OCG": "a layer that can be hidden",
}
ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
Meanings = Mapping[bytes, str]
"""code of a glyph -> its text"""


@dataclass(frozen=True, slots=True)
class _Object:
    head: bytes
    content: bytes | None


def read_portable(content: bytes) -> Iterator[Piece]:
    """Words of pages, properties, notes and fields; things that do not belong in what leaves."""
    if not content.startswith(b"%PDF"):
        raise UnreadableError("no PDF")
    if b"/Encrypt" in content:
        raise UnreadableError("encrypted")
    objects = _objects(content)
    fonts = _fonts(objects)
    for each in objects.values():
        for sign, what in VEILED.items():
            if re.search(re.escape(sign) + rb"\b", each.head):
                yield Veiled("the document", what)
        yield from _strings(each.head, "a property, note or field")
        if each.content is None:
            continue
        if b"/Metadata" in each.head:
            yield Words("the metadata", _tagless(each.content))
        elif re.search(rb"\bBT\b", each.content):
            yield from _page(each.content, fonts)
    trailer = content[content.rfind(b"trailer") :] if b"trailer" in content else b""
    yield from _strings(trailer, "the end of the document")


def _objects(content: bytes) -> dict[int, _Object]:
    found = {}
    for number, body in OBJECT.findall(content):
        found[int(number)] = _split(body)
    for each in list(found.values()):
        if each.content is not None and b"/ObjStm" in each.head:
            found |= _inside(each)
    return found


def _split(body: bytes) -> _Object:
    stream = STREAM.match(body)
    if stream is None:
        return _Object(body, None)
    head, raw = stream.groups()
    return _Object(
        head, None if b"/Subtype/Image" in head.replace(b" ", b"") else _plain(head, raw)
    )


def _plain(head: bytes, raw: bytes) -> bytes:
    """A stream without its filters."""
    filters = re.search(rb"/Filter\s*(\[[^\]]*\]|/\w+)", head)
    for name in re.findall(rb"/(\w+)", filters[1]) if filters else ():
        try:
            if name == b"FlateDecode":
                raw = zlib.decompressobj().decompress(raw)
            elif name == b"ASCII85Decode":
                raw = base64.a85decode(raw.strip().removesuffix(b"~>"))
            elif name == b"ASCIIHexDecode":
                raw = bytes.fromhex(raw.split(b">")[0].decode("ascii"))
            else:
                return b""  # a picture, or a filter of old: no text that could be told from noise
        except (zlib.error, ValueError) as fault:
            raise UnreadableError("a damaged stream") from fault
    return raw


def _inside(stream: _Object) -> dict[int, _Object]:
    """The objects of an object stream."""
    content, first = stream.content or b"", re.search(rb"/First\s+(\d+)", stream.head)
    start = int(first[1]) if first else 0
    numbers = [int(each) for each in content[:start].split()]
    at = [start + each for each in numbers[1::2]] + [len(content)]
    bodies = (content[here:there] for here, there in pairwise(at))
    return {number: _Object(body, None) for number, body in zip(numbers[::2], bodies, strict=True)}


# -- fonts ---------------------------------------------------------------------------------------


def _fonts(objects: Mapping[int, _Object]) -> dict[bytes, list[Meanings]]:
    """Name of a font on some page -> what its glyphs mean; several where pages differ."""
    found: dict[bytes, list[Meanings]] = {}
    for each in objects.values():
        for name, number in REFERENCE.findall(each.head):
            font = objects.get(int(number))
            if font is None or not re.search(rb"/Type\s*/Font\b", font.head):
                continue
            table = re.search(rb"/ToUnicode\s+(\d+)", font.head)
            target = objects.get(int(table[1])) if table else None
            meanings = _meanings(target.content) if target and target.content else {}
            if meanings not in found.setdefault(name, []):
                found[name].append(meanings)
    return found


def _meanings(table: bytes) -> Meanings:
    found: dict[bytes, str] = {}
    for block in re.findall(rb"beginbfchar(.*?)endbfchar", table, re.DOTALL):
        for code, text in re.findall(rb"<(\w+)>\s*<(\w+)>", block):
            found[bytes.fromhex(code.decode())] = _utf16(text)
    for block in re.findall(rb"beginbfrange(.*?)endbfrange", table, re.DOTALL):
        lists = re.compile(rb"<(\w+)>\s*<(\w+)>\s*\[(.*?)\]", re.DOTALL)
        for low, _, texts in lists.findall(block):
            for step, text in enumerate(re.findall(rb"<(\w+)>", texts)):
                found[_code(low, step)] = _utf16(text)
        for low, high, text in re.findall(rb"<(\w+)>\s*<(\w+)>\s*<(\w+)>", lists.sub(b"", block)):
            for step in range(int(high, 16) - int(low, 16) + 1):
                found[_code(low, step)] = _utf16(b"%0*X" % (len(text), int(text, 16) + step))
    return found


def _code(low: bytes, step: int) -> bytes:
    return (int(low, 16) + step).to_bytes(len(low) // 2, "big")


def _utf16(text: bytes) -> str:
    return bytes.fromhex(text.decode()).decode("utf-16-be", "replace")


# -- text ----------------------------------------------------------------------------------------


def _page(content: bytes, fonts: Mapping[bytes, list[Meanings]]) -> Iterator[Words]:
    lines: list[list[str]] = [[]]
    meanings: list[Meanings] = [{}]
    for shown in SHOWS.finditer(content):
        font, array, single = shown.group(1), shown.group(2), shown.group(3)
        if font:
            meanings = fonts.get(font, [{}])
        elif array or single:
            text = b"".join(_bytes(each) for each in STRING.findall(array or single))
            lines[-1].append("|".join(dict.fromkeys(_read(text, each) for each in meanings)))
        elif lines[-1]:
            lines.append([])
    # Line by line, and all together: a phrase may go on in the next line.
    told = ["".join(parts) for parts in lines]
    yield from (Words("a page", text) for text in told if text.strip())
    yield Words("a page", " ".join(told))


def _read(text: bytes, meanings: Meanings) -> str:
    if not meanings:
        return text.decode("latin-1")
    width = len(next(iter(meanings)))
    codes = (text[at : at + width] for at in range(0, len(text), width))
    # Codes of one byte that stand in no table are letters; longer ones say nothing.
    unknown = "latin-1" if width == 1 else ""
    return "".join(
        meanings.get(code) or (code.decode(unknown) if unknown else "") for code in codes
    )


def _strings(head: bytes, where: str) -> Iterator[Words]:
    for each in STRING.findall(head.replace(b"<<", b" ").replace(b">>", b" ")):
        raw = _bytes(each)
        text = (
            raw[2:].decode("utf-16-be", "replace")
            if raw[:2] == b"\xfe\xff"
            else raw.decode("latin-1")
        )
        if text.strip():
            yield Words(where, text)


def _bytes(string: bytes) -> bytes:
    """A string without its brackets and escapes."""
    if string.startswith(b"<"):
        digits = b"".join(string[1:-1].split()).decode("ascii")
        return bytes.fromhex(digits + "0" * (len(digits) % 2))
    return re.sub(rb"\\([0-7]{1,3}|\r?\n|.)", _unescaped, string[1:-1], flags=re.DOTALL)


def _unescaped(found: re.Match[bytes]) -> bytes:
    code = found[1]
    if code[:1].isdigit():
        return bytes([int(code, 8) & 0xFF])
    return b"" if code in (b"\n", b"\r\n") else ESCAPES.get(code, code)


def _tagless(content: bytes) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", content.decode("utf-8", "replace")).split())
