"""How well membership can be told from a twin, with intervals that resample whole households.

The attacker holds the model and a person's whole record, outcomes included, and guesses that people
of whom the model is surer were learnt from (Yeom et al. 2018, doi:10.1109/CSF.2018.00027). The
informed attacker also holds everybody else's records, learns a model without the person, and looks
at how much surer the attacked one is (see ``twins``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from riskstrat.privacy.twins import TWINS, Round
from riskstrat.statistics.estimate import BoolArray, Estimate, FloatArray, IntArray
from riskstrat.statistics.ranked import Cumulated, RankedRows, cumulate, rank_rows, ranked_auroc
from riskstrat.statistics.resample import Clusters, replicate

LOW_FPR = 0.001
"""one person in a thousand wrongly named: what an attacker who acts on it would want"""

Attacker = Literal["plain", "informed"]


@dataclass(frozen=True, slots=True)
class Trial:
    """One twin under attack.

    Attributes:
        score: float (n,), the higher the likelier learnt from; one per person.
        member: bool (n,), whether the twin learnt from them.
        whole: int (n,), what was dealt whole.
    """

    score: FloatArray
    member: BoolArray
    whole: IntArray


@dataclass(frozen=True, slots=True)
class Told:
    """How well an attack did, averaged over the twins.

    Attributes:
        auc: the chance that a person learnt from is named before one who was not; 0.5 is chance.
        tpr: share of those learnt from that are named when at most ``LOW_FPR`` of the others are.
    """

    auc: Estimate
    tpr: Estimate


def play(
    rounds: Sequence[Round], attacker: Attacker, chosen: Sequence[BoolArray] | None = None
) -> tuple[Trial, ...]:
    """Every twin under attack, person by person.

    A person's score is the mean over their rows, so that nobody counts twice.

    Args:
        rounds: from ``learn_twins``.
        attacker: who attacks.
        chosen: which rows of each round count; all by default.
    """
    kept = chosen or [np.ones(len(each.rows), dtype=np.bool_) for each in rounds]
    return tuple(
        trial
        for each, rows in zip(rounds, kept, strict=True)
        if rows.any()
        for trial in _play(each, rows, attacker)
    )


def _play(each: Round, rows: BoolArray, attacker: Attacker) -> list[Trial]:
    _, first, person, size = np.unique(
        each.unit[rows], return_index=True, return_inverse=True, return_counts=True
    )
    sure = np.stack([np.bincount(person, row[rows]) / size for row in each.confidence])
    fold, whole = each.fold[rows][first], each.whole[rows][first]
    made = []
    for twin in range(TWINS):
        # Without the folds `twin` and `twin + 1`: the one left is known to it.
        member = fold == (twin + 2) % TWINS
        score = sure[twin]
        if attacker == "informed":
            # Fold f is unknown to the twins f and f - 1; never is a twin its own yardstick.
            other = np.where(fold == (twin + 1) % TWINS, twin + 1, twin + 2) % TWINS
            score = score - sure[other, np.arange(len(fold))]
        made.append(Trial(score, member, whole))
    return made


def measure(
    trials: Sequence[Trial], people: int, replicates: int, rng: np.random.Generator
) -> Told:
    """How well the attack does, with 95% intervals.

    Args:
        trials: from ``play``.
        people: how many different people they are about.
        replicates: resamples of what was dealt whole.
        rng: source of the resamples.
    """
    if not trials or any(len(np.unique(trial.member)) < 2 for trial in trials):
        return Told(Estimate.unknown(people), Estimate.unknown(people))
    labels = np.unique(np.concatenate([trial.whole for trial in trials]))
    ranked = [_ranked(trial, labels) for trial in trials]

    def kernel(weights: FloatArray) -> Mapping[tuple[str, ...], FloatArray]:
        counts = [cumulate(each, weights) for each in ranked]
        return {
            ("auc",): np.mean([ranked_auroc(each) for each in counts], axis=0),
            ("tpr",): np.mean([caught_at(each, LOW_FPR) for each in counts], axis=0),
        }

    longest = max(len(trial.score) for trial in trials)
    found = replicate(kernel, longest, len(labels), replicates, rng)
    return Told(found.estimate(("auc",), people), found.estimate(("tpr",), people))


def _ranked(trial: Trial, labels: IntArray) -> RankedRows:
    at = np.searchsorted(labels, trial.whole).astype(np.int64)
    return rank_rows(trial.member, trial.score, Clusters(at, len(labels)))


def caught_at(counts: Cumulated, share: float) -> FloatArray:
    """Share of positives (replicates,) above the lowest cut that takes at most a share of the rest.

    Tied people are taken together or not at all.
    """
    ends = counts.ranked.first[1:]
    caught = counts.positives.take(counts.ranked.positives_before[ends], axis=1)
    wrong = counts.people.take(ends, axis=1) - caught
    allowed = share * (counts.n - counts.n_positive)
    steps = (wrong <= allowed[:, None] + 1e-9).sum(axis=1)
    found = np.where(steps > 0, caught[np.arange(len(steps)), np.maximum(steps, 1) - 1], 0.0)
    return np.asarray(found / counts.n_positive)
