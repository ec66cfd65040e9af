"""What raw names, dates, postcodes and addresses are taken to say.

Every function reads one text and gives ``(value, code)``: the standardised text or None, and the
code of the rule that it breaks or ''. Standardising twice changes nothing. They run once for each
distinct text, so they may be slow and plain.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from riskstrat.linkage.parts import Unknowns

Read = tuple[str | None, str]

TITLES = frozenset(
    {"mr", "mrs", "miss", "ms", "mx", "dr", "prof", "rev", "revd", "sir", "dame", "lord", "lady",
     "master", "messrs", "jr", "snr", "sr", "jnr", "esq"}
)  # fmt: skip
_FOLDED = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "ß": "ss",
        "æ": "ae",
        "œ": "oe",
        "\u0131": "i",
    }
)
_APOSTROPHES = re.compile("['`.\u00b4\u02b9\u02bc\u2018\u2019]")
_NOT_WORD = re.compile(r"[^\w]+|_+")
_DIGITS = re.compile(r"\d+")
_DATES = (
    (re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ].*)?"), (1, 2, 3)),
    (re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})(?:[T ].*)?"), (3, 2, 1)),
    (re.compile(r"(\d{4})(\d{2})(\d{2})"), (1, 2, 3)),
)
_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_POSTCODE = re.compile(r"[A-Z]{1,2}[0-9][A-Z0-9]?[0-9][A-Z]{2}")
_POSTCODES = re.compile(r"(?:\b[a-z]{1,2}[0-9][a-z0-9]? ?[0-9][a-z]{2} ?)+$")
_SEXES = {"m": "m", "male": "m", "man": "m", "boy": "m", "1": "m",
          "f": "f", "female": "f", "woman": "f", "girl": "f", "2": "f"}  # fmt: skip
_INSIDE = frozenset({"flat", "room"})
_SHORTER = {
    "street": "st", "road": "rd", "avenue": "ave", "av": "ave", "lane": "ln", "close": "cl",
    "drive": "dr", "court": "ct", "crescent": "cres", "place": "pl", "gardens": "gdns",
    "grove": "gr", "terrace": "ter", "terr": "ter", "square": "sq", "apartment": "flat",
    "apt": "flat", "unit": "flat", "saint": "st", "house": "hse", "cottage": "cott", "mount": "mt",
}  # fmt: skip


def folded(text: str) -> str:
    """Small letters without accents: ``Ánna-Zoë`` becomes ``anna-zoe``."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_FOLDED))
    kept = "".join(c for c in plain if not unicodedata.combining(c))
    return unicodedata.normalize("NFC", kept.casefold().translate(_FOLDED))


def _words(text: str) -> list[str]:
    return [word for word in _NOT_WORD.split(_APOSTROPHES.sub("", folded(text))) if word]


def name(text: str, unknowns: Unknowns) -> Read:
    """A forename or surname: no case, accents, apostrophes, hyphens or titles.

    Examples:
        >>> name("  Dr. Zoë-Anne O'Brien ", Unknowns()), name("BABY", Unknowns())
        (('zoe anne obrien', ''), (None, 'RS1316'))
    """
    words = _words(_DIGITS.sub(" ", folded(text)))
    told = " ".join(word for word in words if word not in TITLES)
    if not told or told in unknowns.names:
        return None, "RS1316"
    return told, ""


def date_of_birth(text: str, unknowns: Unknowns) -> Read:
    """A date as ``YYYY-MM-DD``, kept as a text also where the calendar has no such day.

    A slip of the pen or day and month in the wrong order is still evidence; it is counted.

    Examples:
        >>> date_of_birth("7/3/1981", Unknowns()), date_of_birth("19391305", Unknowns())
        (('1981-03-07', ''), ('1939-13-05', 'RS1319'))
    """
    for pattern, (year, month, day) in _DATES:
        if found := pattern.fullmatch(text.strip()):
            told = f"{found[year]}-{int(found[month]):02d}-{int(found[day]):02d}"
            if told in unknowns.dates:
                return None, "RS1317"
            return told, "" if _in_calendar(told) else "RS1319"
    return None, "RS1319"


def _in_calendar(told: str) -> bool:
    month, day = int(told[5:7]), int(told[8:10])
    if not (1 <= month <= 12 and 1 <= day <= _LONGEST[month - 1]):
        return False
    year = int(told[:4])
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 1850 <= year <= 2150 and (leap or told[5:] != "02-29")


def sex(text: str, unknowns: Unknowns) -> Read:
    """``m``, ``f``, or None for everything else, which is not a fault."""
    return _SEXES.get(text.strip().lower()), ""


def postcode(text: str, unknowns: Unknowns) -> Read:
    """A postcode unit without its space.

    Examples:
        >>> postcode("cm1 1ab", Unknowns()), postcode("ZZ99 3VZ", Unknowns())
        (('CM11AB', ''), (None, 'RS1321'))
    """
    told = re.sub(r"[\s.-]", "", text).upper()
    if any(told.startswith(beginning) for beginning in unknowns.postcodes):
        return None, "RS1321"
    return (told, "") if _POSTCODE.fullmatch(told) else (None, "RS1320")


def address(text: str, unknowns: Unknowns) -> Read:
    """The words of an address, abbreviated alike and without a postcode.

    Examples:
        >>> address("Flat 3, 12A High Street, CM1 1AB", Unknowns())
        ('flat 3 12a high st', '')
    """
    without = _POSTCODES.sub("", " ".join(_words(text)))
    words = [_SHORTER.get(word, word) for word in without.split()]
    told = " ".join(words)
    if not words or told in unknowns.names or told in ("no fixed abode", "nfa", "no fixed ab"):
        return None, "RS1321"
    return told, ""


def plain(text: str, unknowns: Unknowns) -> Read:
    """Any other words: small letters, single spaces, punctuation kept."""
    told = " ".join(folded(text).split())
    return (told or None), ""


def code(text: str, unknowns: Unknowns) -> Read:
    """A code: letters and digits alone, capital letters."""
    told = "".join(c for c in folded(text).upper() if c.isalnum())
    return (told or None), ""


def door(standardised: str) -> tuple[str | None, str | None, str | None]:
    """Flat and house, the house alone, and the first two words of the street, of an address.

    Examples:
        >>> door("flat 3 12a high st"), door("12a flat 3 high st"), door("rose cott the green")
        (('3/12a', '12a', 'high st'), ('3/12a', '12a', 'high st'), (None, None, 'rose cott'))
    """
    words = standardised.split()
    flat = ""
    for place, word in enumerate(words[:-1]):
        if word in _INSIDE:
            flat = words[place + 1]
            words = words[:place] + words[place + 2 :]
            break
    house = next((word for word in words if word[0].isdigit()), None)
    rest = words[words.index(house) + 1 :] if house else words
    street = " ".join([word for word in rest if word.isalpha()][:2])
    number = f"{flat}/{house}" if flat and house else house
    return number, house, street or None


def sound(standardised: str) -> str:
    """How a name sounds: the Metaphone code of its letters, the name itself where it has none."""
    import jellyfish

    letters = "".join(c for c in standardised if c.isascii() and c.isalpha())
    return (jellyfish.metaphone(letters) if letters else "") or standardised


def full_names(name: str, nicknames: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """A forename and the names it is short for, in order.

    Examples:
        >>> full_names("bill", {"bill": ("william",)})
        ('bill', 'william')
    """
    first = name.split()[0]
    return tuple(dict.fromkeys((first, *nicknames.get(first, ()))))


def root(name: str, nicknames: dict[str, tuple[str, ...]]) -> str:
    """The one name that a forename stands for when only one can be told: the first in the list."""
    first = name.split()[0]
    return nicknames.get(first, (first,))[0]


def read_nicknames(rows: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """nickname -> the names it is short for, in the order of the rows.

    A nickname that is also a full name of its own stands for itself first.
    """
    found: dict[str, dict[str, None]] = {}
    full = {name for name, _ in rows}
    for name, nickname in rows:
        for_it = found.setdefault(nickname, {nickname: None} if nickname in full else {})
        for_it[name] = None
    return {nickname: tuple(names) for nickname, names in found.items()}
