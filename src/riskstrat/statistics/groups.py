"""The same questions for each group: who is selected, who is found, who is missed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cuts import RANKING, RISK, Cut, Level, checked_cuts, choose_reference, find_levels
from .disparity import Comparison, Disparity, Extremes, disparities, extremes
from .estimate import (
    BoolArray,
    Estimate,
    FloatArray,
    binary,
    both_classes,
    finite,
    same_length,
    wilson_interval,
)
from .group_kernel import RATES, SCORES, GroupCounts, group_kernel, is_large
from .ranked import find_lists
from .resample import Key, Replicates, find_clusters, replicate

OBSERVED = "calibration_in_the_large"
"""observed over expected outcomes"""


@dataclass(frozen=True, slots=True)
class GroupEstimate:
    """One level of one attribute, under one cut or under none.

    Attributes:
        attribute, level: such as ``sex`` and ``female``.
        cut: name of the cut, or None for metrics that need none.
        n, positives: people in the level, and those with the outcome.
        selected: people of the level the cut selects; fractional when it falls among tied
            people, NaN without a cut.
        metrics: with a cut ``selection_rate``, ``ppv``, ``sensitivity``, ``specificity``,
            ``false_positive_rate``, ``false_negative_rate``; without one ``prevalence``,
            ``auroc``, ``average_precision``, ``brier``, ``calibration_in_the_large``,
            ``calibration_slope``. NaN where not estimable; never left out.
    """

    attribute: str
    level: str
    cut: str | None
    n: int
    positives: int
    selected: float
    metrics: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True)
class GroupEvaluation:
    """Every attribute x level x cut, what differs, and where it differs most.

    Attributes:
        groups: one entry per attribute, level and cut (None first).
        disparities: every level against its attribute's reference, likewise.
        extremes: per attribute, cut and metric, the smallest and largest ratio.
        replicates: resamples behind the intervals.
    """

    groups: tuple[GroupEstimate, ...]
    disparities: tuple[Disparity, ...]
    extremes: tuple[Extremes, ...]
    replicates: int

    def long_rows(self) -> Iterator[tuple[str, str, str | None, str, Estimate]]:
        """(attribute, level, cut, metric, estimate) for a table with one row per number."""
        parts: tuple[GroupEstimate | Disparity, ...] = (*self.groups, *self.disparities)
        for part in parts:
            for metric, estimate in part.metrics.items():
                yield part.attribute, part.level, part.cut, metric, estimate

    def extreme(self, metric: str, attribute: str, cut: str | None) -> Extremes:
        """The extremes of, say, ``sensitivity_ratio`` over ``ethnicity`` at ``top 5%``.

        Raises:
            KeyError: if it was not evaluated.
        """
        for found in self.extremes:
            if (found.metric, found.attribute, found.cut) == (metric, attribute, cut):
                return found
        raise KeyError(f"{metric} over {attribute} at {cut}")


def evaluate_groups(
    y: NDArray[Any],
    risk: NDArray[Any],
    groups: Mapping[str, NDArray[Any]],
    cuts: Sequence[Cut],
    *,
    ranking: NDArray[Any] | None = None,
    scores: Mapping[str, NDArray[Any]] | None = None,
    clusters: NDArray[Any] | None = None,
    replicates: int = 1000,
    rng: np.random.Generator,
    score_is_probability: bool = True,
    levels: Mapping[str, Sequence[str]] | None = None,
    references: Mapping[str, str] | None = None,
    enough: int = 30,
    lists: NDArray[Any] | None = None,
) -> GroupEvaluation:
    """Every group's rates, accuracy and disparities, with clustered 95% percentile intervals.

    Args:
        y, risk, ranking, clusters, replicates, rng, score_is_probability: as in ``evaluate``.
        groups: attribute to (n,) levels; None, NaN and blanks become ``not recorded``.
        cuts: decision rules; the threshold of a share is found over everyone.
        scores: other scores that cuts may name, such as a published one; (n,) each, NaN where
            nobody scored the row (allowed for ``Cut.at_least`` only).
        levels: attribute to levels that are listed even when empty.
        references: attribute to the level others are compared with; default the largest.
        enough: least denominator for a level to enter ``extremes``.
        lists: (n,) labels of the lists that are made one by one, such as as-of dates: a share is
            cut within each; None: one list.

    Raises:
        NotEstimable: as ``evaluate``, and for an unknown score, reference or repeated cut name.
    """
    score = risk if ranking is None else ranking
    same_length(y=y, risk=risk, ranking=score, **groups, **(scores or {}))
    outcome = both_classes(binary(y))
    p = finite("risk", risk, probability=score_is_probability)
    every = {RANKING: finite("ranking", score), RISK: p} | {
        name: np.asarray(values, dtype=np.float64) for name, values in (scores or {}).items()
    }
    chosen = checked_cuts(cuts, every)
    found_levels = {a: find_levels(a, v, (levels or {}).get(a)) for a, v in groups.items()}
    wanted = references or {}
    reference = {a: choose_reference(ls, wanted.get(a)) for a, ls in found_levels.items()}
    which = find_lists(lists, len(outcome))
    counts = GroupCounts(outcome, p if score_is_probability else None, every, chosen, which)
    found = _resample(counts, found_levels, clusters, replicates, rng)
    return _gather(counts, found_levels, reference, found, enough, replicates)


def resampled_groups(
    y: BoolArray,
    ranking: FloatArray,
    groups: Mapping[str, NDArray[Any]],
    cuts: Sequence[Cut],
    *,
    clusters: NDArray[Any],
    replicates: int,
    seed: int,
    lists: NDArray[Any] | None = None,
) -> Replicates:
    """Every rate of every level, on the data and in every resample, for paired comparisons.

    The same rows and seed give the same resamples, so that two scores of the same people can be
    compared within each. Keys are (attribute, level, cut or "", metric), as in ``group_kernel``.

    Args:
        y: bool (n,).
        ranking: float (n,), a score of any scale.
        groups: attribute -> (n,) levels.
        cuts: shares of the ranking.
        clusters: (n,) labels of what is resampled whole.
        replicates, seed: of the resampling.
        lists: (n,) as in ``evaluate_groups``.
    """
    which = find_lists(lists, len(y))
    counts = GroupCounts(both_classes(y), None, {RANKING: ranking}, tuple(cuts), which)
    levels = {name: find_levels(name, values) for name, values in groups.items()}
    return _resample(counts, levels, clusters, replicates, np.random.default_rng(seed))


def _resample(
    counts: GroupCounts,
    levels: Mapping[str, tuple[Level, ...]],
    clusters: NDArray[Any] | None,
    replicates: int,
    rng: np.random.Generator,
) -> Replicates:
    n = len(counts.y)
    if clusters is not None:
        same_length(y=counts.y, clusters=clusters)
    who = find_clusters(clusters, n)
    every = [level for some in levels.values() for level in some]
    if is_large(n, counts.cuts, replicates):
        from .group_counts import count_replicates  # compiled: not loaded for small inputs

        return count_replicates(counts, every, who, replicates, rng)
    return replicate(group_kernel(counts, every, who), n, who.count, replicates, rng)


def _gather(
    counts: GroupCounts,
    levels: Mapping[str, tuple[Level, ...]],
    reference: Mapping[str, str],
    found: Replicates,
    enough: int,
    replicates: int,
) -> GroupEvaluation:
    groups: list[GroupEstimate] = []
    different: list[Disparity] = []
    worst: list[Extremes] = []
    for attribute, members in levels.items():
        for cut in (None, *(cut.name for cut in counts.cuts)):
            rows = {level.name: _denominators(counts, level, cut, found) for level in members}
            groups += [_group(counts, x, cut, rows[x.name], found) for x in members]
            comparison = Comparison(
                attribute=attribute,
                reference=reference[attribute],
                cut=cut,
                levels=tuple(rows),
                metrics=SCORES if cut is None else RATES,
                denominators={(x, m): n for x, some in rows.items() for m, n in some.items()},
                found=found,
            )
            different += disparities(comparison)
            worst += extremes(comparison, enough)
    return GroupEvaluation(tuple(groups), tuple(different), tuple(worst), replicates)


def _denominators(
    counts: GroupCounts, level: Level, cut: str | None, found: Replicates
) -> Mapping[str, int]:
    n, positives = int(level.members.sum()), int((counts.y & level.members).sum())
    if cut is None:
        return dict.fromkeys(SCORES, n)
    selected = round(found.point[level.attribute, level.name, cut, "selected"])
    return {
        "selection_rate": n,
        "ppv": selected,
        "sensitivity": positives,
        "specificity": n - positives,
        "false_positive_rate": n - positives,
        "false_negative_rate": positives,
    }


def _group(
    counts: GroupCounts, level: Level, cut: str | None, rows: Mapping[str, int], found: Replicates
) -> GroupEstimate:
    def key(metric: str) -> Key:
        return (level.attribute, level.name, cut or "", metric)

    metrics = {m: _rate(m, found.estimate(key(m), n)) for m, n in rows.items()}
    if OBSERVED in metrics and counts.risk is not None:
        metrics[OBSERVED] = _none_seen(metrics[OBSERVED], counts.risk[level.members])
    return GroupEstimate(
        attribute=level.attribute,
        level=level.name,
        cut=cut,
        n=int(level.members.sum()),
        positives=int((counts.y & level.members).sum()),
        selected=float("nan") if cut is None else found.point[key("selected")],
        metrics=MappingProxyType(metrics),
    )


def _rate(metric: str, found: Estimate) -> Estimate:
    """None or all: resampling sees no variation there, so Wilson's limits stand in."""
    still = found.low == found.high == found.value
    if metric in (*RATES, "prevalence") and still and found.value in (0, 1):
        return wilson_interval(round(found.value * found.n), found.n)
    return found


def _none_seen(found: Estimate, risk: FloatArray) -> Estimate:
    """Observed over expected where nobody had the outcome: Wilson's limit over the mean risk.

    No resample has an outcome either, so theirs would be an interval of no width: the surest of
    all numbers from the least that can be known.
    """
    if not found.n or found.value != 0 or found.high != 0 or not risk.mean() > 0:
        return found
    most = wilson_interval(0, found.n).high / float(risk.mean())
    return Estimate(0.0, 0.0, most, found.n)
