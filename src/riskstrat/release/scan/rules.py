"""What in a file tells of too few people, or of one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from riskstrat.release.breaches import Breach
from riskstrat.release.policies import Policy
from riskstrat.release.scan.expected import PERSONAL, Expected, Role, plain, spellings
from riskstrat.release.scan.pieces import Cell, Sheet, Value, Veiled, Words
from riskstrat.release.sentences import NOUNS

SMALL, EXACT, ID, PERSON, VEILED = "RS3040", "RS3041", "RS3042", "RS3043", "RS3044"
TOTAL = "all that is shown"
MANY = 10
"""records of facts, such as decisions, of which there are no more"""
README = "sheet Read me"

_WORDS = "zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
_VALUE = {word: number for number, word in enumerate(_WORDS.split("|"))}
PHRASE = re.compile(
    rf"(?P<before>[\w%-]+ )?(?<![\w.,/-])(?P<count>\d[\d,]*|(?:{_WORDS})(?! hundred| thousand))"
    rf"(?: (?:of|out of) (?:the |all )?(?P<whole>\d[\d,]*))? {NOUNS}",
    re.I,
)
"""``7 people``, ``three of 52 elderly patients``"""
PART = re.compile(
    r"(?<![\w.,/-])(?P<count>\d[\d,]*) (?:of|out of) (?P<whole>\d[\d,]*)(?![\w%/-]|[.,]\d)(?! \w)"
)
"""``3 of 52``, and nothing after it"""
NOT_A_COUNT = frozenset(
    {"in", "than", "under", "over", "least", "most", "per", "every", "aged", "top"}
)
"""words before a number that make it a rate, a limit or an age"""
WHOLE = re.compile(r"^\s*~?\s*(\d[\d,]*)(?:\.0+)?\s*\*?\s*$")
TOKEN = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{5,}")
PSEUDONYM = re.compile(r"^[A-Z]?(?:[0-9a-f]{16}|[0-9a-f]{32})$")
HARMLESS = re.compile(
    r"(bytes|threshold|base|decimals|version|seed|days|months|years|year|schema|seq|table_rows|"
    r"suppressed(_counts)?|expires|share|limit|capacity|index|level|port|order)$"
)
"""names of numbers that count no people"""
BY_TABLE = "suppressed_by_table"
"""suppressed cells of each table: they count cells"""


def judge(piece: Sheet | Words | Value | Veiled, expected: Expected) -> Iterator[Breach]:
    """What is wrong with a piece of a file."""
    if isinstance(piece, Veiled):
        yield Breach(VEILED, piece.where, f"holds {piece.what}, which has no place in a release")
    elif isinstance(piece, Words):
        yield from _in_words(piece.where, piece.text, expected)
    elif isinstance(piece, Value):
        yield from _in_value(piece, expected)
    else:
        yield from _in_sheet(piece, expected)


# -- words ---------------------------------------------------------------------------------------


def _in_words(where: str, text: str, expected: Expected) -> Iterator[Breach]:
    text = " ".join(text.split())
    for found in PHRASE.finditer(text):
        before = (found["before"] or "").strip().lower()
        if before not in NOT_A_COUNT:
            yield from _counted(where, found["count"], found["whole"], expected)
    for found in PART.finditer(text):
        whole = _number(found["whole"])
        if whole >= expected.policy.threshold and _number(found["count"]) <= whole:
            yield from _counted(where, found["count"], found["whole"], expected)
    yield from ids_in(where, text, expected)


def tells_too_much(text: str, policy: Policy) -> int:
    """How often a text counts people as the policy would not, or names one.

    Args:
        text: somebody's own words, which will stand beside what is released.
    """
    return len(
        {each.code for each in _in_words("", text, Expected(policy=policy, rows="aggregate"))}
    )


def _counted(where: str, count: str, whole: str | None, expected: Expected) -> Iterator[Breach]:
    for said in (count, *([whole] if whole else [])):
        if wrong := wrong_count(_number(said), expected):
            yield Breach(wrong, where, "a sentence counts people")


def _number(said: str) -> int:
    return _VALUE[said.lower()] if said.lower() in _VALUE else int(said.replace(",", ""))


def wrong_count(count: int, expected: Expected) -> str | None:
    """The code under which a count may not be told; None if it may."""
    policy = expected.policy
    if policy.threshold <= 1 or count in expected.exact:
        return None
    if not policy.shows(count):
        return SMALL
    return None if count in (policy.rounded(count), policy.total(count)) else EXACT


def ids_in(where: str, text: str, expected: Expected) -> Iterator[Breach]:
    """Pseudonyms and numbers of people that this recipient may not have."""
    tokens = set(TOKEN.findall(text)) - expected.own
    known = tokens & expected.everybody
    shaped = {each for each in tokens - known - expected.names if _looks_like_an_id(each, expected)}
    if known:
        yield Breach(ID, where, f"{len(known):,} ids of people whom this recipient may not know")
    if shaped:
        yield Breach(ID, where, f"{len(shaped):,} words that look like the id of a person")


def _looks_like_an_id(token: str, expected: Expected) -> bool:
    if len(token) == 10 and token.isdecimal():
        return is_nhs_number(token)
    return expected.rows == "aggregate" and bool(PSEUDONYM.match(token))


def is_nhs_number(token: str) -> bool:
    """Ten digits with the check digit of an NHS number.

    Examples:
        >>> is_nhs_number("9434765919"), is_nhs_number("9434765918")
        (True, False)
    """
    total = sum(
        int(digit) * weight for digit, weight in zip(token[:9], range(10, 1, -1), strict=True)
    )
    check = (11 - total % 11) % 11
    return check != 10 and check == int(token[9]) and len(set(token)) > 1


# -- values --------------------------------------------------------------------------------------


def _in_value(piece: Value, expected: Expected) -> Iterator[Breach]:
    name = plain(piece.name)
    if BY_TABLE in piece.where or HARMLESS.search(piece.name.lower()):
        return
    if not float(piece.value).is_integer() or expected.role(name) is Role.OTHER:
        return
    if wrong := wrong_count(int(piece.value), expected):
        yield Breach(wrong, piece.where, "a number that may count people")


# -- tables --------------------------------------------------------------------------------------


def _in_sheet(sheet: Sheet, expected: Expected) -> Iterator[Breach]:
    header = tuple(map(plain, sheet.header))
    own = expected.columns and header in set(zip(*map(spellings, expected.columns), strict=True))
    texts = dict.fromkeys(c for row in (sheet.header, *sheet.rows) for c in row if _is_text(c))
    if own:
        # What a list says of its people counts none of them.
        yield from ids_in(sheet.where, "\n".join(map(str, texts)), expected)
        yield from _of_the_list(sheet, header, expected)
        return
    for text in texts:
        yield from _in_words(sheet.where, str(text), expected)
    if sheet.where == README:
        return
    if expected.rows == "aggregate" and header not in expected.tables:
        yield from _undeclared(sheet, header, expected)
    for place, name in enumerate(header):
        cells = [row[place] if place < len(row) else None for row in sheet.rows]
        yield from _in_column(f"{sheet.where}, {sheet.header[place]}", name, cells, expected)
    yield from _rates(sheet, header, expected)
    yield from _totals(sheet, header, expected)


def _is_text(cell: Cell) -> bool:
    return isinstance(cell, str) and not WHOLE.match(cell)


def _of_the_list(sheet: Sheet, header: tuple[str, ...], expected: Expected) -> Iterator[Breach]:
    if len(sheet.rows) != expected.listed:
        told = f"{len(sheet.rows):,} rows of people, where {expected.listed:,} are released"
        yield Breach(PERSON, sheet.where, told)
    for place, name in enumerate(header):
        if name in ("unit id", "release id"):
            strange = sum(str(row[place]) not in expected.own for row in sheet.rows)
            if strange:
                told = f"{strange:,} rows of people who are not on this recipient's list"
                yield Breach(PERSON, sheet.where, told)


def _undeclared(sheet: Sheet, header: tuple[str, ...], expected: Expected) -> Iterator[Breach]:
    if personal := [name for name in header if PERSONAL.search(name)]:
        told = f"{len(sheet.rows):,} rows with {', '.join(personal)}"
        yield Breach(PERSON, sheet.where, f"{told}, which tell of single people")
    elif sheet.rows and not (expected.any_table or (sheet.records and len(sheet.rows) < MANY)):
        yield Breach(PERSON, sheet.where, "a table that is not among those released")


def _in_column(where: str, name: str, cells: list[Cell], expected: Expected) -> Iterator[Breach]:
    numbers = [number for cell in cells if (number := whole_number(cell)) is not None]
    role = expected.role(name)
    if not numbers or role in (Role.OTHER, Role.SHARE):
        return
    wrong = [code for number in numbers if (code := wrong_count(number, expected))]
    what = "counts of people" if role is Role.COUNT else "whole numbers that may count people"
    for code in sorted(set(wrong)):
        yield Breach(code, where, f"{wrong.count(code):,} {what}")


def whole_number(cell: Cell) -> int | None:
    """A cell as a whole number, if it shows one.

    Examples:
        >>> [whole_number(cell) for cell in ("1,205", 7.0, "7*", "0.5", "withheld", None)]
        [1205, 7, 7, None, None, None]
    """
    if isinstance(cell, str):
        found = WHOLE.match(cell)
        return int(found[1].replace(",", "")) if found else None
    return int(cell) if cell is not None and float(cell).is_integer() else None


def _rates(sheet: Sheet, header: tuple[str, ...], expected: Expected) -> Iterator[Breach]:
    """Shares that are not of the counts beside them, or of one that is hidden."""
    for name, (over, under) in expected.rates.items():
        if not {name, over, under} <= set(header) or expected.policy.threshold <= 1:
            continue
        at = [header.index(each) for each in (name, over, under)]
        rows = [[row[i] if i < len(row) else None for i in at] for row in sheet.rows]
        told = [(_share(share), whole_number(a), whole_number(b)) for share, a, b in rows]
        bare = sum(share is not None and (a is None or b is None) for share, a, b in told[:-1])
        other = sum(
            share is not None and a is not None and bool(b) and abs(share[0] - a / b) > share[1]
            for share, a, b in told
            if b
        )
        if _is_total(sheet.rows[-1]) and told[-1][0] is not None:
            other -= _differs(told[-1])  # it rests on the rows that show both counts
        if bare:
            yield Breach(SMALL, f"{sheet.where}, {name}", f"{bare:,} shares of a hidden count")
        if other > 0:
            yield Breach(EXACT, f"{sheet.where}, {name}", f"{other:,} shares of other counts")


def _differs(told: tuple[tuple[float, float] | None, int | None, int | None]) -> bool:
    share, over, under = told
    return bool(share and over is not None and under and abs(share[0] - over / under) > share[1])


def _share(cell: Cell) -> tuple[float, float] | None:
    """A share and how far its rounding may have taken it."""
    text = str(cell if cell is not None else "").strip()
    found = re.match(r"^(\d+(?:\.(\d+))?)(%?)$", text)
    if not found or (not found[3] and not found[2] and found[1] not in ("0", "1")):
        return None
    decimals = len(found[2] or "") + (2 if found[3] else 0)
    value = float(found[1]) / (100 if found[3] else 1)
    # Rounded to four decimals before it was rounded to these.
    return value, 0.51 * 10.0**-decimals + 0.51e-4


def _is_total(row: tuple[Cell, ...]) -> bool:
    return any(str(cell).strip().lower() == TOTAL for cell in row[:2])


def _totals(sheet: Sheet, header: tuple[str, ...], expected: Expected) -> Iterator[Breach]:
    """A total that is not the sum of what is shown."""
    policy = expected.policy
    if policy.threshold <= 1 or not sheet.rows or not _is_total(sheet.rows[-1]):
        return
    for place, name in enumerate(header):
        total = whole_number(sheet.rows[-1][place]) if place < len(sheet.rows[-1]) else None
        if expected.role(name) is Role.COUNT and total is not None:
            shown = [whole_number(row[place]) or 0 for row in sheet.rows[:-1]]
            if total != policy.total(sum(shown)):
                yield Breach(EXACT, f"{sheet.where}, {name}", "a total of more than what is shown")
