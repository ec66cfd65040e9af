"""The text of an expression cut into tokens, and how a fault is shown at its place."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, NoReturn

from riskstrat.errors import StudyError

MAX_CHARACTERS = 4_000
MAX_NESTING = 40

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<refused>--|/\*|;|==)
    |(?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![A-Za-z0-9_]))
    |(?P<string>'(?:[^']|'')*')
    |(?P<quoted>"(?:[^"]|"")+")
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<sign><=|>=|<>|!=|[=<>+\-*/%(),.])""",
    re.VERBOSE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A word, sign or value, and where it begins."""

    kind: Literal["number", "string", "quoted", "word", "sign", "end"]
    text: str
    at: int

    @property
    def word(self) -> str:
        """What a keyword or sign is known by; empty for names in quotes and for values."""
        return (
            self.text.lower() if self.kind == "word" else self.text if self.kind == "sign" else ""
        )


class TokenReader:
    """Walks along the tokens of one text, and refuses with a caret under the place."""

    def __init__(self, text: str, where: str) -> None:
        self.text, self.where = text, where
        self.nesting = 0
        self.position = 0
        if len(text) > MAX_CHARACTERS:
            self.fault("RS1215", f"longer than {MAX_CHARACTERS} characters", 0)
        self.tokens = tuple(self._tokens())

    def fault(self, code: str, what: str, at: int, fix: str = "") -> NoReturn:
        """Refuse, with a caret under the place."""
        before = self.text[:at]
        line = before.count("\n")
        column = at - (before.rfind("\n") + 1)
        shown = self.text.splitlines()[line] if self.text.splitlines()[line:] else ""
        start = max(0, column - 60)
        shown = "".join(c if c.isprintable() else " " for c in shown[start : start + 100])
        place = f"column {column + 1}" if not line else f"row {line + 1} column {column + 1}"
        raise StudyError(
            f"{self.where}: {place}: {what}\n  {shown}\n  {' ' * (column - start)}^",
            fix=fix,
            code=code,
        )

    def _tokens(self) -> Iterator[Token]:
        at = 0
        while at < len(self.text):
            found = _TOKEN.match(self.text, at)
            if not found:
                what = self.text[at]
                shown = f"`{what}`" if what.isprintable() else "a character that cannot be shown"
                if what in "'\"":
                    self.fault("RS1210", f"the {what} that opens here is never closed", at)
                self.fault("RS1210", f"{shown} does not belong in an expression", at)
            kind, text = found.lastgroup, found[0]
            if kind == "refused":
                self.fault("RS1210", *self._refusal(text, at))
            if kind in ("string", "quoted"):
                if not text.isprintable():
                    self.fault("RS1210", "a text may not hold line ends or control characters", at)
                text = text[1:-1].replace(text[0] * 2, text[0])
            if kind != "space":
                yield Token(kind, text, at)  # type: ignore[arg-type]
            at = found.end()
        yield Token("end", "", len(self.text))

    @staticmethod
    def _refusal(text: str, at: int) -> tuple[str, int]:
        if text == "==":
            return "`==` is not SQL; write `=`", at
        return f"`{text}` is refused: comments and several statements have no place here", at

    @property
    def next(self) -> Token:
        """The token that comes next."""
        return self.tokens[self.position]

    def take(self, *words: str) -> Token | None:
        """The next token, consumed, if it is one of the words or signs."""
        token = self.next
        if token.word and token.word in words:
            self.position += 1
            return token
        return None

    def need(self, word: str) -> Token:
        """The next token, consumed, which must be this word or sign."""
        token = self.take(word)
        if token is None:
            self.unexpected(f"`{word}` is needed here")
        return token

    def unexpected(self, wanted: str) -> NoReturn:
        """Refuse the next token."""
        token = self.next
        found = f"`{token.text}`" if token.kind != "end" else "the end"
        self.fault("RS1210", f"{wanted}, found {found}", token.at)

    def deeper(self, at: int) -> int:
        """Note one more level of brackets; give back how many are open."""
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            self.fault("RS1215", f"nested more than {MAX_NESTING} deep", at)
        return self.nesting


def nearest_of(name: str, known: Collection[str], noun: str) -> str:
    """``; did you mean `x`?``, or the list of what there is when it is short."""
    if close := get_close_matches(name, list(known), n=1, cutoff=0.6):
        return f"; did you mean `{close[0]}`?"
    if not known:
        return f"; there are no {noun}"
    shown = ", ".join(sorted(known)[:12])
    return f"; {noun}: {shown}{', ...' if len(known) > 12 else ''}"
