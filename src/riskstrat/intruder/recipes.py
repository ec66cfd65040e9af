"""How pseudonyms are made by those who forget the key, or use one that is no secret."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

PREFIXES = ("", "nhs|", "person|nhs|")
"""how riskstrat and others set apart what is hashed; ours are no secret"""
MORE_PREFIXES = (*PREFIXES, "person|", "nhs:", "nhs_number|", "NHS", "P")
MAIN = ("sha256", "sha1", "md5", "sha512")
MORE = (*MAIN, "sha224", "sha384", "sha3_256", "blake2b", "blake2s")
KEYED = ("sha256", "sha1", "sha512", "md5")

Form = Literal["plain", "spaced", "dashed"]
Use = Literal["none", "hmac", "before", "after"]


@dataclass(frozen=True, slots=True)
class Guess:
    """A key, salt or pepper that people choose, and what it is in words.

    The words never quote it: if it is the key, it is now the most secret thing there is.
    """

    key: bytes
    words: str


NO_GUESS = Guess(b"", "")
_KEYED: dict[Use, str] = {
    "none": "without a key",
    "hmac": "under ",
    "before": "salted with ",
    "after": "salted with ",
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way to make a pseudonym of an identifier."""

    algorithm: str
    prefix: str = ""
    form: Form = "plain"
    use: Use = "none"
    guess: Guess = NO_GUESS
    twice: bool = False

    @property
    def words(self) -> str:
        """The recipe for a reader."""
        name = f"{'HMAC-' if self.use == 'hmac' else ''}{self.algorithm.upper()}"
        twice = " of itself" if self.twice else ""
        of = f" of the {self.form} text" + (f" after `{self.prefix}`" if self.prefix else "")
        return f"{name}{twice}{of}, {_KEYED[self.use]}{self.guess.words}"

    def digests(self, texts: Sequence[bytes]) -> list[bytes]:
        """The digest of each text, in its spelling and with its prefix."""
        before = self.prefix.encode()
        after = b""
        if self.use == "before":
            before = self.guess.key + before
        elif self.use == "after":
            after = self.guess.key
        spelled = texts if self.form == "plain" else [_spell(text, self.form) for text in texts]
        whole = [before + text + after for text in spelled] if before or after else spelled
        if self.use == "hmac":
            return _hmacs(self.algorithm, self.guess.key, whole)
        new = getattr(hashlib, self.algorithm)
        found: list[bytes] = [new(text).digest() for text in whole]
        return [new(each.hex().encode()).digest() for each in found] if self.twice else found


def _hmacs(algorithm: str, key: bytes, texts: Sequence[bytes]) -> list[bytes]:
    """HMAC of many texts under one key (RFC 2104): what only the key decides is done once."""
    new = getattr(hashlib, algorithm)
    block = new().block_size
    padded = (new(key).digest() if len(key) > block else key).ljust(block, b"\0")
    inner, outer = (new(bytes(each ^ pad for each in padded)) for pad in (0x36, 0x5C))
    found = []
    for text in texts:
        within, around = inner.copy(), outer.copy()
        within.update(text)
        around.update(within.digest())
        found.append(around.digest())
    return found


def _spell(number: bytes, form: Form) -> bytes:
    between = b" " if form == "spaced" else b"-"
    return between.join((number[:3], number[3:6], number[6:]))


def usual() -> list[Recipe]:
    """What is tried on every number there is: no key, or an empty one."""
    empty = Guess(b"", "an empty key")
    plain = [Recipe(algorithm, prefix) for algorithm in MAIN for prefix in PREFIXES]
    return plain + [Recipe("sha256", prefix, use="hmac", guess=empty) for prefix in PREFIXES]


def unusual(guesses: Iterable[Guess]) -> list[Recipe]:
    """What is tried on a sample: other spellings and hashes, and keys that people choose."""
    forms: tuple[Form, ...] = ("plain", "spaced", "dashed")
    plain = [Recipe(a, prefix, form) for a in MORE for prefix in MORE_PREFIXES for form in forms]
    twice = [Recipe(algorithm, twice=True) for algorithm in MORE]
    keyed = [
        Recipe(algorithm, prefix, use=use, guess=guess)
        for guess in guesses
        for algorithm in KEYED
        for prefix in PREFIXES
        for use in _uses(guess)
    ]
    known = set(usual())
    return [each for each in (*plain, *twice, *keyed) if each not in known]


def _uses(guess: Guess) -> tuple[Use, ...]:
    return ("hmac", "before", "after") if guess.key else ("hmac",)


COMMON = (
    "secret key password pass salt pepper hash test demo changeme change_me default admin token "
    "pseudonym pseudonymise pseudonymisation hmac nhs NHS nhs_number patient person linkage "
    "riskstrat 0 1 123 1234 12345678 1234567890 abc abc123 qwerty letmein"
)


def guesses(names: Iterable[str] = ()) -> list[Guess]:
    """Keys worth a try: nothing, zeros, common words, and names that stand in the files.

    Args:
        names: the project's name, ids of keys and the like.
    """
    found = [
        Guess(b"", "an empty key"),
        Guess(bytes(16), "a key of zeros"),
        Guess(bytes(32), "a key of zeros"),
        Guess(b"riskstrat: no secret given", "the text that stands for no secret"),
        Guess(b"riskstrat key check", "a text of the program"),
    ]
    found += [Guess(word.encode(), "a common word") for word in COMMON.split()]
    for name in dict.fromkeys(names):
        spelled = dict.fromkeys((name, name.upper(), name.replace("-", "_"), name.replace("_", "")))
        found += [Guess(each.encode(), "a name that stands in the files") for each in spelled]
    return list({each.key: each for each in reversed(found)}.values())[::-1]
