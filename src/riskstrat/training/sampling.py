"""Which training rows are kept when there are more than memory holds, and how that is put right.

Every row with the outcome is kept, and a share of the rows without it. Which ones is decided by
a hash of the unit and the date: by row and not by unit, since two dates of one person say less
than two people. Among the rows kept the odds of the outcome are higher by 1 / share, whatever
the features, so a model of log-odds learns the true ones plus log(1 / share) (Prentice & Pyke
1979, doi:10.1093/biomet/66.3.403; King & Zeng 2001, doi:10.1093/oxfordjournals.pan.a004868);
taking that off again is exact. Calibrators and metrics see all rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor, log
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from riskstrat.errors import OutOfMemoryError
from riskstrat.training.rows import BoolArray, IntArray, Rows
from riskstrat.training.spec import KeptNegatives

CELLS = 450_000_000
"""What `sample: auto` lets through, in cells (rows x features) to learn from: about what a run
with `--memory 4GB` holds. It is a constant, since a machine may not change a result."""
BYTES_A_CELL = 4.7
"""4 held as float32 (1 where it is a category) and 1 in LightGBM's bins, as measured."""
BYTES_A_ROW = 260
"""Ids, dates, groups, scores of every learner and LightGBM's own, for a row with an outcome."""
BYTES_ALWAYS = 600_000_000
"""The libraries, a piece of features in four forms, and the search's samples."""
HASHED_AT_ONCE = 65_536


@dataclass(frozen=True, slots=True)
class Drawn:
    """The rows that may be learnt from.

    Attributes:
        share: of the rows without the outcome; 1 when all are kept.
        kept: bool (n,), over all rows; None when all are kept.
    """

    share: float = 1.0
    kept: BoolArray | None = None

    def of(self, rows: IntArray) -> IntArray:
        """The kept ones among some rows."""
        return rows if self.kept is None else rows[self.kept[rows]]

    @property
    def correction(self) -> float:
        """What is added to log-odds learnt from the kept rows: 0, or less."""
        return log(self.share)

    def describe(self, rows: Rows, trained: IntArray) -> dict[str, Any]:
        """The rule and its counts, for run and model: plain JSON values."""
        kept = self.of(trained)
        return {
            "rule": "all rows with the outcome; of the others a share, by a hash of unit and date",
            "negatives_share": self.share,
            "rows": len(trained),
            "kept": len(kept),
            "outcomes": int(rows.outcome[trained].sum()),
            "log_odds_correction": self.correction,
        }


def draw(
    rows: Rows, trained: IntArray, features: int, asked: str | KeptNegatives, seed: int
) -> Drawn:
    """Decide from the study and the data alone which rows are learnt from.

    Args:
        rows: whose outcome is known.
        trained: int, row numbers any fold may learn from.
        features: how many columns the widest learner reads.
        asked: the study's ``training.sample``.
        seed: with the ids, decides who is kept.
    """
    share = 1.0
    if isinstance(asked, KeptNegatives):
        share = asked.negatives
    elif asked == "auto":
        share = share_that_fits(len(trained), int(rows.outcome[trained].sum()), features)
    if share >= 1.0:
        return Drawn()
    below = np.uint64(min(int(share * 2.0**64), 2**64 - 1))
    return Drawn(share, rows.outcome | (row_hashes(rows, seed) < below))


def share_that_fits(n_rows: int, outcomes: int, features: int) -> float:
    """The share of rows without the outcome that keeps within ``CELLS``, in whole hundredths.

    Never fewer than one for each row with the outcome: with less the sample would be worse than
    too large.

    Examples:
        >>> share_that_fits(1_000_000, 100_000, 100), share_that_fits(10_000_000, 1_000_000, 100)
        (1.0, 0.38)
    """
    others = n_rows - outcomes
    if n_rows * features <= CELLS or not others:
        return 1.0
    wanted = max(CELLS / features - outcomes, outcomes)
    return min(1.0, max(0.01, floor(100 * wanted / others) / 100))


def sample_note(sample: Mapping[str, Any]) -> str:
    """What ``Drawn.describe`` says, as a sentence; counts stand before the word `rows`, by which
    disclosure control knows them."""
    return (
        f"Boosting learnt from {sample['kept']} of {sample['rows']} training rows: all "
        f"{sample['outcomes']} rows with the outcome and {sample['negatives_share']:.0%} of the "
        "rest, chosen by a hash of unit and date; its log-odds were corrected for it, and "
        "calibrators and metrics saw all rows."
    )


def row_hashes(rows: Rows, seed: int) -> NDArray[np.uint64]:
    """64 mixed bits (n,) from seed, unit and date; other rows and their order play no part."""
    unit = np.concatenate(
        [
            _text_hashes(rows.unit_id.dictionary.slice(start, HASHED_AT_ONCE), seed)
            for start in range(0, len(rows.unit_id.dictionary), HASHED_AT_ONCE)
        ]
    )
    return _mixed(unit[rows.unit] ^ _mixed(rows.as_of.astype(np.uint64)))


def _text_hashes(texts: pa.Array, seed: int) -> NDArray[np.uint64]:
    """Eight bytes at a time, so that a text's hash does not depend on its neighbours' lengths."""
    held = np.array(texts.cast(pa.binary()).to_pylist(), dtype=np.bytes_)
    length = np.char.str_len(held)
    words = -(-held.dtype.itemsize // 8)
    padded = held.astype(f"S{8 * max(words, 1)}").view("<u8").reshape(len(held), -1)
    found = np.full(len(held), seed % 2**64, dtype=np.uint64)
    for word in range(padded.shape[1]):
        found = np.where(length > 8 * word, _mixed(found ^ padded[:, word]), found)
    return found


def _mixed(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finaliser (Steele, Lea & Flood 2014, doi:10.1145/2660193.2660195)."""
    with np.errstate(over="ignore"):
        x = x + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))


def needed_bytes(n_rows: int, held: int, features: int) -> int:
    """What learning holds at its peak, by the constants above.

    Args:
        n_rows: rows with a known outcome.
        held: those of them that are learnt from.
        features: columns of the widest learner.
    """
    return int(BYTES_ALWAYS + BYTES_A_ROW * n_rows + BYTES_A_CELL * held * features)


def check_room(n_rows: int, held: int, features: int, memory: int | None) -> None:
    """Nothing, or OutOfMemoryError RS1371 before hours are spent on what cannot end well.

    Args:
        n_rows, held, features: as in ``needed_bytes``.
        memory: bytes the run may use; None when nobody said.
    """
    needed = needed_bytes(n_rows, held, features)
    if memory is None or needed <= memory or needed < 2 * BYTES_ALWAYS:
        return
    raise OutOfMemoryError(
        f"learning from {held:,} rows of {features} features needs about {_gb(needed)}, and the "
        f"run was given {_gb(memory)}",
        fix=f"give it more with `--memory {_gb(needed)}`, or learn from a share of the rows "
        "without the outcome with `training.sample: {negatives: 0.1}`",
        code="RS1371",
    )


def _gb(size: int) -> str:
    return f"{-(-size // 100_000_000) / 10:g}GB"
