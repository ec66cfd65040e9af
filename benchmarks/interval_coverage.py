"""Do the intervals hold what they promise, where rows are not independent?

Makes up many counties in which people of one household share their risk and their luck, measures
each as the audit does, and counts how often the 95% interval holds the true value (known from a
county of millions). Resampling whole households should cover 95% of the time; resampling rows, as
most tools do, should not. Curves and proxies, whose intervals are not resampled, are held to the
same.

    python benchmarks/interval_coverage.py    # some ten minutes; --samples 200 for a quick look
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from riskstrat.mitigation.compare import gap_of_levels
from riskstrat.statistics import Cut, evaluate, evaluate_groups
from riskstrat.statistics.clustered_auroc import clustered_auroc
from riskstrat.statistics.clustered_mean import clustered_mean
from riskstrat.statistics.resample import find_clusters
from riskstrat.statistics.smooth import smooth_calibration

SHARE = 0.2
CUT = Cut.top(SHARE, name="top")
MEASURED = (
    ("top", "ppv"),
    ("top", "sensitivity"),
    ("top", "false_positive_rate"),
    ("top", "selection_rate"),
    ("top", "sensitivity_ratio"),
    ("top", "sensitivity_difference"),
    (None, "prevalence"),
    (None, "auroc"),
    (None, "average_precision"),
    (None, "brier"),
    (None, "calibration_in_the_large"),
    (None, "calibration_slope"),
)
FOLDED = ("calibration error (ECE)", "gap of selection rates")
"""noise can only add to these: their intervals cover at least as often as they promise"""
LEVEL = "b"
CURVE_AT = 0.15
"""the risk at which the calibration curve is looked at"""


@dataclass(frozen=True, slots=True)
class Sample:
    """A made-up county: outcome, risk, group and household of each row."""

    y: NDArray[np.bool_]
    risk: NDArray[np.float64]
    group: NDArray[np.str_]
    household: NDArray[np.int64]


def county(households: int, rng: np.random.Generator, *, alike: float = 1.3) -> Sample:
    """Households of one to six people (or dates) who share risk, group and unseen luck.

    Args:
        households: how many.
        rng: source of everything.
        alike: standard deviation of what members share: 0 makes rows independent.
    """
    size = rng.integers(1, 7, households)
    of = np.repeat(np.arange(households), size)
    group = np.where(rng.random(households) < 0.35, LEVEL, "a")[of]
    seen = alike * rng.standard_normal(households)[of] + 0.6 * rng.standard_normal(len(of))
    luck = alike * rng.standard_normal(households)[of]
    y = rng.random(len(of)) < expit(-2.2 + 0.9 * seen + luck + 0.3 * (group == LEVEL))
    risk = expit(-1.7 + 0.75 * seen + 0.25 * (group == LEVEL))
    return Sample(y, risk, group, of)


def measure(sample: Sample, replicates: int, seed: int, *, by_row: bool) -> dict[str, Any]:
    """Each measure of one group with its interval, as the audit computes it."""
    clusters = None if by_row else sample.household
    found = evaluate_groups(
        sample.y,
        sample.risk,
        {"g": sample.group},
        [CUT],
        clusters=clusters,
        replicates=replicates,
        rng=np.random.default_rng(seed),
        references={"g": "a"},
    )
    rows = {(cut, metric): e for _, level, cut, metric, e in found.long_rows() if level == LEVEL}
    out = {f"{metric} at the top" if cut else metric: rows[cut, metric] for cut, metric in MEASURED}
    out["AUROC, not resampled"] = clustered_auroc(sample.y, sample.risk, clusters)
    who = find_clusters(clusters, len(sample.y))
    worth = np.where(sample.risk >= SHARE, np.where(sample.y, 1, -SHARE / (1 - SHARE)), 0.0)
    out["net benefit, not resampled"] = clustered_mean(worth, who)
    out["calibration curve at 15%"] = _curve(sample, clusters)
    again = {"clusters": clusters, "replicates": replicates}
    whole = evaluate(sample.y, sample.risk, rng=np.random.default_rng(seed), **again)
    out[FOLDED[0]] = whole.metrics["ece"]
    out[FOLDED[1]] = gap_of_levels(sample.y, sample.risk, sample.group, SHARE, seed=seed, **again)
    return out


@dataclass(frozen=True, slots=True)
class _Point:
    value: float
    low: float
    high: float


def _curve(sample: Sample, clusters: NDArray[np.int64] | None) -> _Point:
    points = smooth_calibration(sample.y, sample.risk, clusters=clusters, points=101)
    at = [p.risk for p in points]
    return _Point(
        *(
            float(expit(np.interp(CURVE_AT, at, logit([getattr(p, name) for p in points]))))
            for name in ("observed", "low", "high")
        )
    )


def truth(households: int = 400_000, seed: int = 1) -> dict[str, float]:
    """The value that each measure has in a county so large that chance no longer matters."""
    found = measure(county(households, np.random.default_rng(seed)), 0, seed, by_row=False)
    return {name: one.value for name, one in found.items()}


def coverage(
    samples: int, households: int, replicates: int, true: dict[str, float], *, seed: int = 7
) -> Iterator[tuple[str, float, float]]:
    """(measure, coverage by household, coverage by row): how often the interval held the truth."""
    held: dict[str, list[list[bool]]] = {name: [[], []] for name in true}
    for i in range(samples):
        sample = county(households, np.random.default_rng([seed, i]))
        for way, by_row in enumerate((False, True)):
            for name, one in measure(sample, replicates, seed + i, by_row=by_row).items():
                held[name][way].append(bool(one.low <= true[name] <= one.high))
    for name, (clustered, rows) in held.items():
        yield name, float(np.mean(clustered)), float(np.mean(rows))


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--households", type=int, default=600)
    parser.add_argument("--replicates", type=int, default=400)
    asked = parser.parse_args()
    started = time.monotonic()
    true = truth()
    print(
        f"{asked.samples} counties of {asked.households} households (about "
        f"{round(3.5 * asked.households):,} rows), {asked.replicates} replicates; chance moves a "
        f"coverage of 95% by {1.96 * (0.95 * 0.05 / asked.samples) ** 0.5:.1%}\n"
    )
    print("| measure | truth | by household | by row |\n|---|---:|---:|---:|")
    for name, clustered, rows in coverage(asked.samples, asked.households, asked.replicates, true):
        print(f"| {name.replace('_', ' ')} | {true[name]:.3f} | {clustered:.1%} | {rows:.1%} |")
    print(f"\n{time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
