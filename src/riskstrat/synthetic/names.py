"""What people are called: bags of names to draw from, some names much more often than others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import product
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import yaml

from riskstrat.synthetic.frames import FloatArray, IntArray

Words: TypeAlias = npt.NDArray[np.object_]
"""Texts; names are rows of one array of texts shared by all."""

CULTURES = (
    "british", "eastern", "muslim", "hindu", "sikh", "chinese", "african", "caribbean", "arabic",
)  # fmt: skip
BY_ETHNICITY = np.array(
    [
        [93, 7, 0, 0, 0, 0, 0, 0, 0],  # white
        [3, 0, 48, 26, 11, 12, 0, 0, 0],  # asian
        [3, 0, 0, 0, 0, 0, 65, 32, 0],  # black
        [62, 4, 8, 3, 1, 3, 8, 11, 0],  # mixed
        [15, 12, 12, 3, 1, 12, 3, 2, 40],  # other
    ],
    np.float64,
)
"""Out of a hundred families of each ethnicity, those whose names are of each culture."""

SKEW = 2.5
"""Weight of the n-th most common name: 1 / (n + SKEW). Zipf's law, flattened at its head."""
RARE_FORENAMES = 0.22
"""Share of British forenames drawn, all alike, from those that were never in fashion."""


@dataclass(frozen=True, slots=True)
class Bag:
    """Names, as positions in an array of words, each with how often it is drawn."""

    codes: IntArray
    cumulative: FloatArray

    def draw(self, rng: np.random.Generator, count: int) -> IntArray:
        """`count` names, common ones more often."""
        at = np.searchsorted(self.cumulative, rng.random(count) * self.cumulative[-1], "right")
        return np.asarray(self.codes[at])


class Vocabulary:
    """Words, each once; a word's code is its place."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}

    def code(self, word: str) -> int:
        """The place of a word, which is added if it is new."""
        return self._codes.setdefault(word, len(self._codes))

    def bag(self, *parts: tuple[float, Sequence[str], float]) -> Bag:
        """One bag of several lists: share of draws, names in order of frequency, skew."""
        codes: list[int] = []
        weights: list[FloatArray] = []
        for share, words, skew in parts:
            weight = 1 / (np.arange(len(words)) + skew)
            codes.extend(map(self.code, words))
            weights.append(share * weight / weight.sum())
        return Bag(np.array(codes, np.int64), np.cumsum(np.concatenate(weights)))

    @property
    def words(self) -> Words:
        """The word of each code."""
        return np.array([*self._codes], dtype=object)


@dataclass(frozen=True, slots=True)
class NameBook:
    """All that names are drawn from.

    Attributes:
        forenames: the word of each code of a forename.
        surnames: the word of each code of a surname.
        eras: years of birth at which fashions change.
        given: (culture, male, era) -> forenames; one era for all but British ones.
        family: culture -> surnames; `muslim_women` for those of women alone.
        nicknames: forename -> what its bearers are called.
        variants: word -> its other spellings.
    """

    forenames: Words
    surnames: Words
    eras: tuple[int, ...]
    given: Mapping[tuple[str, bool, int], Bag]
    family: Mapping[str, Bag]
    nicknames: Mapping[str, tuple[str, ...]]
    variants: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class PlaceNames:
    """What streets, towns and hostels are called."""

    streets: tuple[str, ...]
    towns: tuple[str, ...]
    hostels: tuple[str, ...]


@cache
def _read() -> dict[str, Any]:
    text = resources.files("riskstrat.synthetic").joinpath("names.yaml").read_text("utf-8")
    book: dict[str, Any] = yaml.safe_load(text)
    return book


@cache
def place_names() -> PlaceNames:
    """The places of `names.yaml`."""
    places = _read()["places"]
    return PlaceNames(
        tuple(places["streets"].split()), tuple(places["towns"]), tuple(places["hostels"])
    )


@cache
def name_book() -> NameBook:
    """The names of `names.yaml`."""
    book = _read()
    forenames, surnames = Vocabulary(), Vocabulary()
    given = _given(book, forenames)
    family = {name: _family(book, name, surnames) for name in book["surnames"]}
    groups = [spellings.split() for spellings in book["variants"]]
    variants: dict[str, list[str]] = {}
    for group in groups:
        for word in group:
            variants.setdefault(word, []).extend(other for other in group if other != word)
    return NameBook(
        forenames.words,
        surnames.words,
        tuple(book["eras"]),
        MappingProxyType(given),
        MappingProxyType(family),
        MappingProxyType({name: tuple(said.split()) for name, said in book["nicknames"].items()}),
        MappingProxyType({word: tuple(dict.fromkeys(said)) for word, said in variants.items()}),
    )


def _given(book: Mapping[str, Any], forenames: Vocabulary) -> dict[tuple[str, bool, int], Bag]:
    given: dict[tuple[str, bool, int], Bag] = {}
    for male, sex in enumerate(("women", "men")):
        rare = book["british"][f"other_{sex}"].split()
        for era, fashion in enumerate(book["british"][sex]):
            parts = (1 - RARE_FORENAMES, fashion.split(), SKEW), (RARE_FORENAMES, rare, 1e6)
            given["british", bool(male), era] = forenames.bag(*parts)
            given["caribbean", bool(male), era] = given["british", bool(male), era]
        for culture, lists in book["forenames"].items():
            given[culture, bool(male), 0] = forenames.bag((1.0, lists[sex].split(), SKEW))
    return given


def _family(book: Mapping[str, Any], name: str, surnames: Vocabulary) -> Bag:
    common = book["surnames"][name].split()
    rare = book["rare_surnames"].get(name)
    if rare is None:
        return surnames.bag((1.0, common, SKEW))
    made = [a + b for a, b in product(rare["beginnings"].split(), rare["endings"].split())]
    # In no order that goes with their letters, and less skewed than the common ones.
    order = np.random.default_rng(len(made)).permutation(len(made))
    tail = [made[at] for at in order if made[at] not in common]
    return surnames.bag((1 - rare["share"], common, SKEW + 6), (rare["share"], tail, 200.0))
