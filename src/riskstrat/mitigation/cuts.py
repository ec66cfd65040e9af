"""Remedies that leave the model alone and move the cut of each group.

A group's scores are shifted by a constant, learnt on rows other than those judged on; the list is
then the top of the shifted scores, so it is as long as before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from riskstrat.mitigation.trial import BoolArray, FloatArray, Part, Trial

FEWEST = 30
"""levels with fewer outcomes among the rows adjusted on are shifted together"""
OTHERS = ""
STEPS = 60


def equal_reach(trial: Trial) -> FloatArray:
    """Scores (n_test,) by which the list reaches the same share of those in need in each group.

    Equal opportunity (Hardt et al. 2016, arXiv:1610.02413) at a list of fixed length.
    """
    return _shifted(trial, lambda part, who: np.sort(part.score[who & part.y]))


def equal_share(trial: Trial) -> FloatArray:
    """Scores (n_test,) by which the same share of each group is listed (statistical parity)."""
    return _shifted(trial, lambda part, who: np.sort(part.score[who]))


def _shifted(trial: Trial, wanted: Callable[[Part, BoolArray], FloatArray]) -> FloatArray:
    """Shift levels so that the same share of their ``wanted`` scores lies above one cut."""
    part = trial.adjust
    merged = _merged(part)
    names = [str(name) for name in np.unique(merged)]
    scores = {name: wanted(part, merged == name) for name in names}
    everybody = {name: np.sort(part.score[merged == name]) for name in names}
    low, high = 0.0, 1.0
    for _ in range(STEPS):  # the share of the wanted that makes the list as long as it may be
        share = (low + high) / 2
        cuts = _cuts(scores, share)
        listed = sum(len(x) - np.searchsorted(x, cuts[name]) for name, x in everybody.items())
        low, high = (share, high) if listed < trial.at * len(part) else (low, share)
    moved = {name: -cut for name, cut in _cuts(scores, high).items()}
    usual = moved.get(OTHERS, float(np.mean(list(moved.values()))))
    level = trial.test.level
    shift = np.array([moved.get(str(name), usual) for name in np.unique(level)])
    return np.asarray(
        trial.test.score + shift[np.unique(level, return_inverse=True)[1].reshape(-1)]
    )


def _merged(part: Part) -> NDArray[np.str_]:
    """Levels, with those of few outcomes as one."""
    names, codes = np.unique(part.level, return_inverse=True)
    few = np.bincount(codes.reshape(-1), weights=part.y, minlength=len(names)) < FEWEST
    return np.where(few[codes.reshape(-1)], OTHERS, part.level)


def _cuts(scores: Mapping[str, FloatArray], share: float) -> dict[str, float]:
    """The score that a share of each level's reaches, between two scores where it falls there.

    A level without any score to go by (levels of few outcomes together, and none of them has one)
    is moved as the others are on average.
    """
    found = {name: float(np.quantile(x, 1 - share)) for name, x in scores.items() if len(x)}
    usual = float(np.mean(list(found.values()))) if found else 0.0
    return {name: found.get(name, usual) for name in scores}
