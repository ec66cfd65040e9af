"""Slips of the pen, the keyboard and the scanner. Each changes one text, and always changes it.

They take their chance as numbers from 0 to 1, so that the same county is made twice. They run for
the few records with an error, so they may be plain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from riskstrat.synthetic.frames import IntArray
from riskstrat.synthetic.names import Words

Chance: TypeAlias = Sequence[float]
"""Four numbers from 0 to 1."""
Slip: TypeAlias = Callable[[str, Chance], str]

NEIGHBOURS: Mapping[str, str] = MappingProxyType(
    {
        "a": "qsz", "b": "vghn", "c": "xdfv", "d": "serfcx", "e": "wsdr", "f": "drtgvc",
        "g": "ftyhbv", "h": "gyujnb", "i": "ujko", "j": "huikmn", "k": "jiolm", "l": "kop",
        "m": "njk", "n": "bhjm", "o": "iklp", "p": "ol", "q": "wa", "r": "edft", "s": "awedxz",
        "t": "rfgy", "u": "yhji", "v": "cfgb", "w": "qase", "x": "zsdc", "y": "tghu", "z": "asx",
    }
)  # fmt: skip
"""Keys beside each key."""
LOOK_ALIKES = (
    ("rn", "m"), ("m", "rn"), ("cl", "d"), ("d", "cl"), ("li", "h"), ("e", "c"), ("i", "l"),
    ("l", "i"), ("o", "0"), ("s", "5"), ("b", "6"), ("u", "v"), ("v", "u"), ("h", "b"),
)  # fmt: skip
"""What a scanner takes for what."""


def on_rows(words: Words, rows: IntArray, slip: Slip, rng: np.random.Generator) -> None:
    """Change the words of some rows."""
    chances = rng.random((len(rows), 4))
    for row, chance in zip(rows, chances, strict=True):
        words[row] = slip(words[row], chance.tolist())


def typo(word: str, chance: Chance) -> str:
    """A key beside the right one, two letters swapped, one lost or doubled, or a scanner's error.

    >>> typo("Margaret", (0.0, 0.3, 0.0, 0.0)), typo("Margaret", (0.4, 0.3, 0.0, 0.0))
    ('Maegaret', 'Magraret')
    """
    at = int(chance[1] * len(word))
    letter = word[at]
    beside = NEIGHBOURS.get(letter.lower(), "")
    if chance[0] < 0.35 and beside:
        key = beside[int(chance[2] * len(beside))]
        return word[:at] + (key.upper() if letter.isupper() else key) + word[at + 1 :]
    if chance[0] < 0.55 and at + 1 < len(word) and word[at] != word[at + 1]:
        return word[:at] + word[at + 1] + letter + word[at + 2 :]
    if chance[0] < 0.75 and len(word) > 2:
        return word[:at] + word[at + 1 :]
    if chance[0] < 0.85:
        return word[:at] + letter + word[at:]
    return _misread(word, chance)


def _misread(word: str, chance: Chance) -> str:
    fitting = [pair for pair in LOOK_ALIKES if pair[0] in word[1:]]
    if not fitting:
        return word + word[-1]
    seen, taken = fitting[int(chance[2] * len(fitting))]
    at = word.index(seen, 1)
    return word[:at] + taken + word[at + len(seen) :]


def digit_wrong(text: str, chance: Chance) -> str:
    """One digit is another; a check digit always shows that.

    >>> digit_wrong("9434765919", (0.0, 0.0, 0.0, 0.0))
    '0434765919'
    """
    places = [at for at, letter in enumerate(text) if letter.isdecimal()]
    at = places[int(chance[0] * len(places))]
    other = [digit for digit in "0123456789" if digit != text[at]]
    return text[:at] + other[int(chance[1] * 9)] + text[at + 1 :]


def digits_swapped(text: str, chance: Chance) -> str:
    """Two digits that differ, side by side, in the other order.

    >>> digits_swapped("9434765919", (0.0, 0.0, 0.0, 0.0))
    '4934765919'
    """
    places = [at for at in range(len(text) - 1) if text[at] != text[at + 1]]
    if not places:
        return digit_wrong(text, chance)
    at = places[int(chance[0] * len(places))]
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def digit_lost(text: str, chance: Chance) -> str:
    """Nine digits of ten: spreadsheets lose the first, people any."""
    at = int(chance[0] * len(text)) if chance[1] < 0.5 else 0
    return text[:at] + text[at + 1 :]


def filler(text: str, chance: Chance) -> str:
    """What is typed so that the field is not empty; both pass the check digit."""
    return "0000000000" if chance[0] < 0.5 else "9999999999"


def hyphen_lost(name: str, chance: Chance) -> str:
    """Of a name in two parts, the parts run together or one is left out; `O'Brien` is `OBrien`.

    >>> hyphen_lost("Smith-Jones", (0.0, 0.0, 0.0, 0.0)), hyphen_lost("O'Brien", (0.9,) * 4)
    ('Smith Jones', 'O Brien')
    """
    if "-" not in name:
        return name.replace("'", "" if chance[0] < 0.7 else " ")
    first, _, last = name.partition("-")
    spaced = (f"{first} {last}", f"{first}{last}", last, first)
    return spaced[int(np.searchsorted((0.4, 0.6, 0.85), chance[0], side="right"))]


def temporary_pupil_number(upn: str, chance: Chance) -> str:
    """A temporary UPN ends in a letter."""
    return upn[:-1] + "ABCDEFGHJKLMNPQRTUVWXYZ"[int(chance[0] * 23)]


def letter_wrong(upn: str, chance: Chance) -> str:
    """A UPN whose check letter is not its own."""
    letters = [letter for letter in "ABCDEFGHJKLMNPQRTUVWXYZ" if letter != upn[0]]
    return letters[int(chance[0] * 22)] + upn[1:]


def day_and_month(date: str, chance: Chance) -> str:
    """An ISO date with day and month in each other's place."""
    return f"{date[:4]}-{date[8:]}-{date[5:7]}"


def year_off(date: str, chance: Chance) -> str:
    """A year early or late; 29 February becomes the 28th."""
    year = int(date[:4]) + (1 if chance[0] < 0.5 else -1)
    return f"{year}{date[4:]}" if date[5:] != "02-29" else f"{year}-02-28"


def date_digit(date: str, chance: Chance) -> str:
    """One digit of a day or of the last two of a year is another; the calendar has the day."""
    year, month, day = date.split("-")
    if chance[0] < 0.5:
        other = digit_wrong(year[2:], chance[1:])
        year, day = year[:2] + other, min(day, "28")
    else:
        days = [f"{each:02d}" for each in range(1, 29)]
        near = [each for each in days if each != day and (each[0] == day[0] or each[1] == day[1])]
        day = near[int(chance[1] * len(near))]
    return f"{year}-{month}-{day}"


def postcode_typo(postcode: str, chance: Chance) -> str:
    """A letter of the second half is another, or two of its signs are swapped.

    >>> postcode_typo("MC1 2AB", (0.1, 0.0, 0.0, 0.0)), postcode_typo("MC1 2AB", (0.9, 0.0, 0, 0))
    ('MC1 2QB', 'MC1 2BA')
    """
    if chance[0] < 0.4 or postcode[-1] == postcode[-2]:
        at = len(postcode) - (2 if chance[1] < 0.5 else 1)
        beside = NEIGHBOURS[postcode[at].lower()].upper()
        return postcode[:at] + beside[int(chance[2] * len(beside))] + postcode[at + 1 :]
    if chance[0] < 0.7:
        first, _, last = postcode.partition(" ")
        return f"{first} {digit_wrong(last, chance[1:])}"
    return postcode[:-2] + postcode[-1] + postcode[-2]


def address_typo(address: str, chance: Chance) -> str:
    """A wrong house number one time in four, else a typo in the longest word."""
    if chance[3] < 0.25 and any(letter.isdecimal() for letter in address):
        return digit_wrong(address, chance)
    word = max(address.split(" "), key=len)
    return address.replace(word, typo(word, chance), 1)
