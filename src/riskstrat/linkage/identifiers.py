"""NHS numbers, UPNs and UPRNs: which are valid, and what is wrong with the others.

A rule is a code of :mod:`riskstrat.linkage.codes`; the SQL of this module gives, for a raw text,
the canonical number (or NULL) and the code of the rule it breaks (or NULL). The functions for one
text are the same rules written slowly; a test holds both to each other.

Sources: NHS Data Dictionary, NHS NUMBER (modulus 11, weights 10 to 2); Department for Education,
"Unique pupil numbers" (check letter modulus 23 over positions 2 to 13); a UPRN has up to 12 digits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

UPN_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
"""the check letter of each remainder modulo 23"""
_SPACING = re.compile(r"[ \t\n\r\f-]")


@dataclass(frozen=True, slots=True)
class NumberRules:
    """How a number is read, from a text ``{t}`` without spacing and in capital letters.

    Attributes:
        value: SQL of the canonical number of a valid text.
        broken: SQL ``WHEN ... THEN`` of the code of each rule that it may break.
        read: both at once for one raw text: (number or None, code or '').
    """

    value: str
    broken: str
    read: Callable[[str], tuple[str | None, str]]


def nhs_number(text: str) -> str | None:
    """The ten digits of a valid NHS number, or None.

    Examples:
        >>> nhs_number("943 476 5919"), nhs_number("943 476 5918"), nhs_number("1111111111")
        ('9434765919', None, None)
    """
    return _read_nhs(text)[0]


def upn(text: str) -> str | None:
    """The thirteen characters of a valid permanent UPN, or None.

    Examples:
        >>> upn("b801200005001"), upn("A801200005001")
        ('B801200005001', None)
    """
    return _read_upn(text)[0]


def uprn(text: str) -> str | None:
    """The digits of a UPRN without leading zeros, or None.

    Examples:
        >>> uprn("000012345678"), uprn("0"), uprn("1234567890123")
        ('12345678', None, None)
    """
    return _read_uprn(text)[0]


def _read_nhs(text: str) -> tuple[str | None, str]:
    digits = _SPACING.sub("", text)
    if not (digits.isascii() and digits.isdigit()):
        return None, "RS1310"
    if len(digits) != 10:
        return None, "RS1311"
    if len(set(digits)) == 1:
        return None, "RS1312"
    total = sum(
        int(digit) * weight for digit, weight in zip(digits[:9], range(10, 1, -1), strict=True)
    )
    return (digits, "") if (11 - total % 11) % 11 == int(digits[9]) else (None, "RS1310")


def _read_upn(text: str) -> tuple[str | None, str]:
    code = _SPACING.sub("", text).upper()
    if re.fullmatch(r"[A-Z][0-9]{11}[A-Z]", code):
        return None, "RS1314"
    if not re.fullmatch(r"[A-Z][0-9]{12}", code):
        return None, "RS1313"
    total = sum(int(digit) * place for place, digit in enumerate(code[1:], start=2))
    return (code, "") if UPN_LETTERS[total % 23] == code[0] else (None, "RS1313")


def _read_uprn(text: str) -> tuple[str | None, str]:
    digits = _SPACING.sub("", text)
    if not re.fullmatch(r"[0-9]{1,12}", digits) or not digits.strip("0"):
        return None, "RS1315"
    return digits.lstrip("0"), ""


def _digit(place: int) -> str:
    return f"TRY_CAST(substr({{t}}, {place}, 1) AS INTEGER)"


_NHS_TOTAL = " + ".join(f"{11 - place} * {_digit(place)}" for place in range(1, 10))
_UPN_TOTAL = " + ".join(f"{place} * {_digit(place)}" for place in range(2, 14))
_NHS_BROKEN = (
    "WHEN NOT regexp_full_match({t}, '[0-9]+') THEN 'RS1310' "
    "WHEN length({t}) <> 10 THEN 'RS1311' "
    "WHEN {t} = repeat(left({t}, 1), 10) THEN 'RS1312' "
    f"WHEN (11 - ({_NHS_TOTAL}) % 11) % 11 <> {_digit(10)} THEN 'RS1310'"
)
_UPN_BROKEN = (
    "WHEN regexp_full_match({t}, '[A-Z][0-9]{{11}}[A-Z]') THEN 'RS1314' "
    "WHEN NOT regexp_full_match({t}, '[A-Z][0-9]{{12}}') THEN 'RS1313' "
    f"WHEN substr('{UPN_LETTERS}', CAST(({_UPN_TOTAL}) % 23 AS INTEGER) + 1, 1) <> left({{t}}, 1) "
    "THEN 'RS1313'"
)
_UPRN_BROKEN = (
    "WHEN NOT regexp_full_match({t}, '[0-9]{{1,12}}') OR ltrim({t}, '0') = '' THEN 'RS1315'"
)

NUMBERS: Mapping[str, NumberRules] = MappingProxyType(
    {
        "nhs_number": NumberRules("{t}", _NHS_BROKEN, _read_nhs),
        "upn": NumberRules("{t}", _UPN_BROKEN, _read_upn),
        "uprn": NumberRules("ltrim({t}, '0')", _UPRN_BROKEN, _read_uprn),
    }
)
"""kind -> its rules"""


def tidy_sql(raw: str) -> str:
    """SQL of a raw number without spacing, in capital letters."""
    return f"upper(regexp_replace({raw}, '[ \\t\\n\\r\\f-]', '', 'g'))"


def number_sql(kind: str, tidy: str) -> tuple[str, str]:
    """SQL of the canonical number and of the code of the broken rule, both NULL for no number.

    Args:
        kind: ``nhs_number``, ``upn`` or ``uprn``.
        tidy: the column that holds :func:`tidy_sql` of the raw text.
    """
    rules = NUMBERS[kind]
    broken = f"CASE WHEN {tidy} IS NULL THEN NULL {rules.broken.format(t=tidy)} END"
    return f"CASE WHEN ({broken}) IS NULL THEN {rules.value.format(t=tidy)} END", broken
