"""What each remedy gains and costs, on the same people, with paired intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskstrat.mitigation.remedies import REMEDIES
from riskstrat.mitigation.trial import BoolArray, FloatArray, Trial
from riskstrat.statistics.cuts import Cut
from riskstrat.statistics.estimate import Estimate, estimate_of_draws, folded_estimate
from riskstrat.statistics.groups import resampled_groups
from riskstrat.statistics.resample import Replicates

EVERYONE = "everyone"
CUT = "list"
WHOLE = ("net_benefit", "ppv", "sensitivity", "auroc")
"""what is told of everybody"""
GAPS = ("sensitivity", "false_positive_rate", "ppv", "selection_rate")
"""between the levels that can be judged, the largest less the smallest of each"""
GAP = "_gap"
NOISE = " of what a resample adds"


def compare(
    trial: Trial, scores: Mapping[str, FloatArray], *, replicates: int
) -> list[dict[str, Any]]:
    """Each remedy's values, and what it changes against its base.

    Args:
        trial: the rows.
        scores: remedy -> float (n_test,), its scores; each remedy's base among them.
        replicates: resamples, the same for all.

    Returns:
        A row per remedy and measure: remedy, metric, level (for ``sensitivity`` of each judged
        level, else None), value, low, high, n (of a gap, to which noise can only add, by
        ``folded_estimate``); and change, change_low, change_high, which is the
        value less that of the base in the same resample (None for the base of all).
    """
    drawn = {name: _draws(trial, score, replicates) for name, score in scores.items()}
    rows: list[dict[str, Any]] = []
    for name, own in drawn.items():
        base = REMEDIES[name].base
        for (metric, level), values in own.items():
            if metric.endswith(NOISE):
                continue
            n = _denominator(trial, metric, level)
            against = None if base == name else drawn[base][metric, level]
            change = (
                Estimate.unknown(n) if against is None else estimate_of_draws(values - against, n)
            )
            gap = metric.endswith(GAP)
            told = _estimate(own, metric, n) if gap else estimate_of_draws(values, n)
            rows.append(
                {
                    "remedy": name,
                    "metric": metric,
                    "level": level,
                    **told.as_dict(),
                    **_changed(change),
                }
            )
    return rows


Key = tuple[str, str | None]


def _estimate(own: Mapping[Key, FloatArray], metric: str, n: int) -> Estimate:
    """A gap, to which noise can only add."""
    return folded_estimate(float(own[metric, None][0]), own[metric + NOISE, None][1:], n)


def _draws(trial: Trial, score: FloatArray, replicates: int) -> dict[Key, FloatArray]:
    """(measure, level) -> the point value, followed by its replicates."""
    test = trial.test
    found = resampled_groups(
        test.y,
        score,
        {EVERYONE: np.full(len(test), EVERYONE), trial.group: test.level},
        [Cut.top(trial.at, name=CUT)],
        clusters=test.clusters,
        replicates=replicates,
        seed=trial.seed,
        lists=test.lists if len(test.lists) else None,
    )
    whole = {name: _values(found, EVERYONE, EVERYONE, name) for name in _NEEDED}
    out: dict[Key, FloatArray] = {
        ("net_benefit", None): _net_benefit(whole, trial.price),
        ("ppv", None): whole["ppv"],
        ("sensitivity", None): whole["sensitivity"],
        ("auroc", None): _values(found, EVERYONE, EVERYONE, "auroc"),
    }
    out |= dict(_gaps(trial.group, trial.judged, found))
    for level in trial.judged:
        out["sensitivity", level] = _values(found, trial.group, level, "sensitivity")
    return out


_NEEDED = ("ppv", "sensitivity", "selection_rate")


def _values(found: Replicates, group: str, level: str, metric: str) -> FloatArray:
    key = (group, level, "" if metric == "auroc" else CUT, metric)
    return np.concatenate(([found.point[key]], found.draws[key]))


def _net_benefit(whole: Mapping[str, FloatArray], price: float) -> FloatArray:
    """Per person: true positives less false ones at their price; both are parts of the list."""
    listed, right = whole["selection_rate"], whole["ppv"]
    return np.asarray(listed * (right - (1 - right) * price))


def gap_of_levels(
    y: BoolArray,
    score: FloatArray,
    level: NDArray[np.str_],
    at: float,
    *,
    clusters: NDArray[Any] | None,
    replicates: int,
    seed: int,
    metric: str = "selection_rate",
) -> Estimate:
    """The largest less the smallest of a rate over levels, as the comparison tells it.

    Args:
        y: bool (n,), the outcome.
        score: float (n,).
        level: str (n,).
        at: the share listed.
        clusters, replicates, seed: of the resamples.
        metric: one of ``GAPS``.
    """
    who = np.arange(len(y)) if clusters is None else clusters
    found = resampled_groups(
        y, score, {EVERYONE: level}, [Cut.top(at, name=CUT)],
        clusters=who, replicates=replicates, seed=seed,
    )  # fmt: skip
    own = dict(_gaps(EVERYONE, [str(name) for name in np.unique(level)], found))
    return _estimate(own, metric + GAP, len(y))


def _gaps(group: str, judged: Sequence[str], found: Replicates) -> Iterator[tuple[Key, FloatArray]]:
    if len(judged) < 2:
        return
    for metric in GAPS:
        levels = np.vstack([_values(found, group, level, metric) for level in judged])
        yield (metric + GAP, None), np.ptp(levels, axis=0)
        yield (metric + GAP + NOISE, None), np.ptp(levels - levels[:, :1], axis=0)


def _denominator(trial: Trial, metric: str, level: str | None) -> int:
    test = trial.test
    if level is not None:
        return int((test.y & (test.level == level)).sum())
    if metric == "sensitivity":
        return int(test.y.sum())
    if metric == "ppv":
        return max(1, round(trial.at * len(test)))
    return len(test)


def _changed(change: Estimate) -> dict[str, float | int | None]:
    told = change.as_dict()
    return {"change": told["value"], "change_low": told["low"], "change_high": told["high"]}


def described(names: Sequence[str]) -> list[dict[str, str]]:
    """What each remedy is, for the file and the page."""
    return [
        {"remedy": name, "title": REMEDIES[name].title, "says": REMEDIES[name].says,
         "base": REMEDIES[name].base}
        for name in names
    ]  # fmt: skip
