"""Frequency attack: a token is as common as the name, date or place it stands for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from riskstrat.intruder.findings import Attack, Progress, not_tried, silent

CODE, TITLE = "RS3120", "Frequency attack on tokens"
HOW = (
    "tokens of each column are paired with what is as common in public registers; a record of "
    "which two or more tokens are guessed and fit one person alone is claimed to be theirs"
)
RECORD_KEY = "record_key"
SURE, NEAR, FEWEST = 2.0, 5.0, 5
"""standard errors by which a guess must be nearer than any other, and within which it must be; how
many records a token needs"""
MOST_PATTERNS = 200
"""ways in which records are covered by guesses that are followed up, the commonest first"""
PIECES = 2
"""guessed tokens a record needs before anybody is looked for"""

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Handed:
    """What a linker is told in tokens, and what the public knows.

    Attributes:
        name: who handed it over.
        seen: record_key, and one column for each token.
        public: record_key, and the same columns, of everybody in public registers. Their tokens
            stand for the names, dates and places themselves: the judge made them under the same
            key so that right guesses can be told. The intruder uses them as labels alone.
        owners: record_key of ``seen`` -> record_key of ``public``, for the judge.
    """

    name: str
    seen: pa.Table
    public: pa.Table
    owners: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Guesses:
    """The guesses about one column: token -> label."""

    column: str
    tokens: int
    guessed: Mapping[str, str]

    @property
    def right(self) -> int:
        """How many are right."""
        return sum(token == label for token, label in self.guessed.items())


def guess_tokens(handed: Sequence[Handed], progress: Progress = silent) -> Attack:
    """Pair tokens with labels by how common both are, and look for people by what was guessed.

    A token is guessed only where its share fits one label better than all others by two standard
    errors. A person is claimed where exactly one in the registers has all that was guessed of a
    record; the claim is right if the record is theirs. Right guesses alone are no harm, and are
    told column by column.
    """
    if not handed:
        return not_tried(CODE, TITLE, "no linkage file with tokens was given (--tokens)")
    started, tried, claimed, right = perf_counter(), 0, 0, 0
    people: list[str] = []
    columns: list[str] = []
    for done, each in enumerate(handed):
        progress(done / len(handed), each.name)
        guesses = guesses_of(each)
        found = single_people(each, guesses)
        tried += each.seen.num_rows
        claimed += len(found)
        correct = sum(each.owners.get(record) == person for record, person in found.items())
        right += correct
        people += [f"{each.name}: {len(found):,} people claimed, {correct:,} right"] * bool(found)
        columns += [
            f"{each.name}: {guess.column}: {guess.right:,} of {len(guess.guessed):,} guesses "
            f"right, of {guess.tokens:,} tokens"
            for guess in guesses
            if guess.guessed
        ]
    return Attack(
        CODE,
        TITLE,
        f"tokens of {', '.join(each.name for each in handed)}",
        "records",
        tried,
        claimed,
        right,
        HOW,
        perf_counter() - started,
        notes=(*people, *columns),
    )


def guesses_of(handed: Handed) -> list[Guesses]:
    """The guesses about every column that both tables have."""
    columns = [name for name in handed.seen.column_names if name != RECORD_KEY]
    return [
        guess_column(name, counted(handed.seen[name]), counted(handed.public[name]))
        for name in columns
        if name in handed.public.column_names
    ]


def counted(column: pa.ChunkedArray) -> Mapping[str, int]:
    """How often each text appears, the commonest first; ties in the order of the texts."""
    found = pc.value_counts(column.drop_null().combine_chunks()).to_pylist()
    pairs = [(each["values"], each["counts"]) for each in found]
    return dict(sorted(pairs, key=lambda pair: (-pair[1], pair[0])))


def guess_column(column: str, seen: Mapping[str, int], public: Mapping[str, int]) -> Guesses:
    """Guess tokens of one column.

    With ``n`` records of which ``k`` have a token, a label of share ``p`` is to be expected
    ``n p`` times with standard error ``sqrt(n p (1 - p))``. The nearest label is guessed if the
    next one is farther by ``SURE`` of these, and if no other token is nearer to it.
    """
    many, all_of = sum(seen.values()), sum(public.values())
    if not many or not all_of:
        return Guesses(column, len(seen), {})
    labels = list(public)
    expected = np.array([public[label] for label in labels]) / all_of * many
    error = np.sqrt(np.maximum(expected * (1 - expected / many), 1.0))
    guessed: dict[str, tuple[str, float]] = {}
    for token, count in seen.items():
        if count < FEWEST:
            break
        distance = np.abs(expected - count) / error
        nearest = int(distance.argmin())
        others = np.delete(distance, nearest)
        doubtful = len(others) and others.min() - distance[nearest] < SURE
        if doubtful or distance[nearest] > NEAR:
            continue
        label, near = labels[nearest], float(distance[nearest])
        if label not in guessed or near < guessed[label][1]:
            guessed[label] = (token, near)
    return Guesses(column, len(seen), {token: label for label, (token, _) in guessed.items()})


def single_people(handed: Handed, guesses: Sequence[Guesses]) -> dict[str, str]:
    """Records of which what was guessed fits one person in the registers alone.

    Returns:
        record_key of the record -> record_key of the person.
    """
    used = [guess for guess in guesses if guess.guessed]
    if not used:
        return {}
    books = [_book(handed, guess) for guess in used]
    seen = np.column_stack([mine for mine, _ in books])
    public = np.column_stack([theirs for _, theirs in books])
    covered = Counter(map(tuple, (seen >= 0).tolist()))
    records = handed.seen[RECORD_KEY].to_pylist()
    people = handed.public[RECORD_KEY].to_pylist()
    found: dict[str, str] = {}
    for pattern, _ in covered.most_common(MOST_PATTERNS):
        columns = np.flatnonzero(pattern)
        if len(columns) < PIECES:
            continue
        rows = np.flatnonzero(((seen >= 0) == np.array(pattern)).all(axis=1))
        alone = _alone(public[:, columns])
        for row in rows.tolist():
            who = alone.get(seen[row, columns].tobytes())
            if who is not None:
                found[records[row]] = people[who]
    return found


def _book(handed: Handed, guess: Guesses) -> tuple[Integers, Integers]:
    """A column of both tables as numbers of guessed labels; -1 where nothing was guessed."""
    labels = {label: at for at, label in enumerate(dict.fromkeys(guess.guessed.values()))}
    mine = {token: labels[label] for token, label in guess.guessed.items()}
    seen = [mine.get(each, -1) for each in handed.seen[guess.column].to_pylist()]
    public = [labels.get(each, -1) for each in handed.public[guess.column].to_pylist()]
    return np.array(seen, np.int64), np.array(public, np.int64)


def _alone(labels: Integers) -> dict[bytes, int]:
    """What only one person has, and who that is."""
    distinct, first, count = np.unique(labels, axis=0, return_index=True, return_counts=True)
    ones = count == 1
    rows = np.ascontiguousarray(distinct[ones])
    return {row.tobytes(): int(at) for row, at in zip(rows, first[ones], strict=True)}
