"""A number with its 95% interval and its denominator: the only kind riskstrat publishes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite, isnan, nan, sqrt
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

BoolArray: TypeAlias = NDArray[np.bool_]
FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]

LIMITS = (0.025, 0.975)
NORMAL_QUANTILE = 1.959963984540054
ENOUGH_REPLICATES = 0.95
"""An interval is given only if at least this share of the replicates could be computed."""


class NotEstimable(ValueError):  # noqa: N818 (it names a result, not a fault in the code)
    """These people, outcomes and scores cannot answer the question asked."""

    @classmethod
    def no_rows(cls) -> Self:
        """Nothing to evaluate."""
        return cls(
            "there are no rows to evaluate\n"
            "  to fix:  check that the split holds people whose outcome is known"
        )

    @classmethod
    def one_class(cls, n: int, positives: int) -> Self:
        """All outcomes agree."""
        found = "nobody had the outcome" if positives == 0 else "everybody had the outcome"
        return cls(
            f"{found} ({positives} of {n} rows), so discrimination and calibration mean nothing\n"
            "  to fix:  lengthen the horizon, widen the outcome, or add as-of dates to the split"
        )

    @classmethod
    def lengths_differ(cls, lengths: Mapping[str, int]) -> Self:
        """The arrays do not describe the same rows."""
        found = ", ".join(f"{name} {length}" for name, length in lengths.items())
        return cls(
            f"one value per row is needed, but the lengths differ or are not 1-D\n"
            f"  found:   {found} (-1: not one-dimensional)\n"
            "  to fix:  pass one-dimensional arrays taken from the same rows in the same order"
        )

    @classmethod
    def not_binary(cls) -> Self:
        """An outcome is neither yes nor no."""
        return cls(
            "the outcome must be yes or no (bool, or 0 and 1) in every row\n"
            "  to fix:  leave out the rows whose outcome is not yet known"
        )

    @classmethod
    def not_finite(cls, name: str, count: int) -> Self:
        """Some scores are missing."""
        return cls(
            f"{name} is missing or infinite in {count} rows\n"
            "  to fix:  score every row, or evaluate only the rows that were scored"
        )

    @classmethod
    def not_a_probability(cls, name: str, low: float, high: float) -> Self:
        """A risk lies outside 0 to 1."""
        return cls(
            f"{name} runs from {low:g} to {high:g}, outside 0 to 1\n"
            "  to fix:  calibrate it first, or pass score_is_probability=False"
        )

    @classmethod
    def bad_argument(cls, name: str, found: object, expected: str) -> Self:
        """An argument outside its range."""
        return cls(f"{name} is {found!r}\n  expected: {expected}")

    @classmethod
    def unknown(cls, what: str, found: str, known: tuple[str, ...]) -> Self:
        """A name nobody declared."""
        return cls(f"unknown {what} {found!r}\n  known:   {', '.join(known) or 'none'}")


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value, its 95% interval, and the number of rows it is a statement about.

    Attributes:
        value: the point value; NaN when it is not estimable.
        low, high: 2.5% and 97.5% limits; NaN when not estimable. ``high`` is ``inf`` only for
            ``number_needed_to_review`` when the limit of ``ppv`` is 0.
        n: the denominator in rows: the selected for ``ppv``, the positives for ``sensitivity``,
            the negatives for ``specificity`` and ``false_positive_rate``, otherwise all rows.
    """

    value: float
    low: float
    high: float
    n: int

    @classmethod
    def unknown(cls, n: int) -> Self:
        """Listed, but not estimable."""
        return cls(nan, nan, nan, n)

    @classmethod
    def from_dict(cls, told: Mapping[str, Any] | None) -> Self:
        """The inverse of ``as_dict``: None is NaN; of nothing, not estimable."""
        entry = told or {}
        limits = (entry.get(name) for name in ("value", "low", "high"))
        value, low, high = (nan if limit is None else float(limit) for limit in limits)
        return cls(value, low, high, int(entry.get("n") or 0))

    @property
    def estimable(self) -> bool:
        """Whether there is a value at all."""
        return not isnan(self.value)

    def reciprocal(self) -> Estimate:
        """One over a non-negative estimate; limits swap, and 1/0 is infinite at the limit.

        A value of 0 has no reciprocal: it is NaN, and the upper limit infinite.
        """
        if not self.estimable:
            return self
        value = 1 / self.value if self.value > 0 else nan
        low = 1 / self.high if self.high > 0 else nan
        high = 1 / self.low if self.low > 0 else (nan if isnan(self.low) else np.inf)
        return Estimate(value, low, high, self.n)

    def as_dict(self) -> dict[str, float | int | None]:
        """For JSON: {value, low, high, n}, with None where a number is NaN or infinite."""
        limits = {"value": self.value, "low": self.low, "high": self.high}
        return {k: (v if isfinite(v) else None) for k, v in limits.items()} | {"n": self.n}

    def outside(self, low: float, high: float) -> bool:
        """Whether the whole interval lies outside a range; without one it never does."""
        return self.low > high or self.high < low

    def in_words(self, times: float = 1.0) -> str:
        """``1.2 (95% interval 1.1 to 1.3)``; the value alone where there is no interval."""
        value, low, high = (f"{times * x:.3g}" for x in (self.value, self.low, self.high))
        whole = isfinite(self.low) and isfinite(self.high)
        return f"{value} (95% interval {low} to {high})" if whole else value

    def __str__(self) -> str:
        return f"{self.value:.3g} ({self.low:.3g} to {self.high:.3g}), n={self.n}"


def percentile_estimate(value: float, draws: FloatArray, n: int) -> Estimate:
    """The point value with the percentile interval of its replicates (Efron 1981).

    Replicates that could not be computed (NaN or infinite) are left out; if more than 5% of
    them could not, or there are none, the limits are NaN.

    Args:
        value: the statistic on the data as they are.
        draws: float (replicates,), the statistic on each resample.
        n: the denominator to publish.

    Examples:
        >>> percentile_estimate(0.5, np.linspace(0, 1, 1001), 80)
        Estimate(value=0.5, low=0.025, high=0.975, n=80)
    """
    if not isfinite(value):
        return Estimate.unknown(n)
    usable = draws[np.isfinite(draws)]
    if usable.size == 0 or usable.size < ENOUGH_REPLICATES * draws.size:
        return Estimate(value, nan, nan, n)
    low, high = np.quantile(usable, LIMITS)
    return Estimate(value, float(low), float(high), n)


def folded_estimate(value: float, noise: FloatArray, n: int) -> Estimate:
    """A sum of absolute values, or the largest less the smallest of several, with its interval.

    Noise can only add to such a statistic, and resampling adds it once more: percentiles of its
    replicates leave out a true value of 0, and often the value itself. But both are seminorms, so
    the statistic of what was measured is never farther from the true one than the statistic of the
    error, whose 95% point resampling knows: that is taken off and added, nothing being below 0.
    Near 0 the interval covers more than 95 times in 100, never less.

    Args:
        value: the statistic on the data as they are.
        noise: float (replicates,), the statistic of what each resample adds to the measurements.
        n: the denominator to publish.

    Examples:
        >>> print(folded_estimate(0.02, np.linspace(0, 0.1, 101), 80))
        0.02 (0 to 0.115), n=80
    """
    if not isfinite(value):
        return Estimate.unknown(n)
    usable = noise[np.isfinite(noise)]
    if usable.size == 0 or usable.size < ENOUGH_REPLICATES * noise.size:
        return Estimate(value, nan, nan, n)
    reach = float(np.quantile(usable, LIMITS[1] - LIMITS[0]))
    return Estimate(value, max(0.0, value - reach), value + reach, n)


def estimate_of_draws(values: FloatArray, n: int) -> Estimate:
    """The same of the point value followed by its replicates: float (1 + replicates,)."""
    return percentile_estimate(float(values[0]), values[1:], n)


def wilson_interval(k: float, n: int) -> Estimate:
    """A proportion with Wilson's score interval (Wilson 1927, doi:10.1080/01621459.1927.10502953).

    For independent rows only; it knows nothing of clusters.

    Args:
        k: successes, 0 <= k <= n.
        n: trials; 0 gives NaN throughout.

    Raises:
        NotEstimable: if k lies outside 0..n.

    Examples:
        >>> print(wilson_interval(0, 20))
        0 (0 to 0.161), n=20
    """
    if not 0 <= k <= n:
        raise NotEstimable.bad_argument("k", k, f"a count between 0 and n={n}")
    if n == 0:
        return Estimate.unknown(0)
    share, z2 = k / n, NORMAL_QUANTILE**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = NORMAL_QUANTILE / (1 + z2 / n) * sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    low = 0.0 if k == 0 else max(0.0, centre - half)
    high = 1.0 if k == n else min(1.0, centre + half)
    return Estimate(share, low, high, n)


def binary(y: NDArray[Any]) -> BoolArray:
    """The outcome as bool (n,), from bool or 0/1.

    Raises:
        NotEstimable: if there are no rows, or a value other than yes and no.
    """
    outcome = np.asarray(y)
    if outcome.size == 0:
        raise NotEstimable.no_rows()
    if outcome.dtype != np.bool_ and not np.isin(outcome, (0, 1)).all():
        raise NotEstimable.not_binary()
    return outcome.astype(np.bool_)


def both_classes(y: BoolArray) -> BoolArray:
    """The outcome unchanged, once it is known to hold both a yes and a no.

    Raises:
        NotEstimable: if it does not.
    """
    if (positives := int(y.sum())) in (0, len(y)):
        raise NotEstimable.one_class(len(y), positives)
    return y


def finite(name: str, values: NDArray[Any], *, probability: bool = False) -> FloatArray:
    """The values as float64 (n,), once they are known to be finite (and within 0 to 1).

    Raises:
        NotEstimable: if they are not.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if bad := int((~np.isfinite(numbers)).sum()):
        raise NotEstimable.not_finite(name, bad)
    if probability and numbers.size and not (numbers.min() >= 0 and numbers.max() <= 1):
        raise NotEstimable.not_a_probability(name, float(numbers.min()), float(numbers.max()))
    return numbers


def same_length(**arrays: NDArray[Any]) -> None:
    """Nothing, or NotEstimable if the arrays are not 1-D with one length."""
    lengths = {name: len(a) if np.ndim(a) == 1 else -1 for name, a in arrays.items()}
    if len(set(lengths.values())) > 1 or -1 in lengths.values():
        raise NotEstimable.lengths_differ(lengths)
