"""Who is learnt from and who is judged: splits that a leak cannot cross."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from riskstrat.errors import TooThinError
from riskstrat.statistics.together import whole_groups
from riskstrat.training.rows import IntArray, Rows
from riskstrat.training.spec import GroupedKFold, RollingOrigin

MIN_TRAINING_OUTCOMES = 20
FALLBACK_K = 4
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Split:
    """Row numbers to learn from and row numbers to judge on, both rising."""

    name: str
    train: IntArray
    evaluate: IntArray


@dataclass(frozen=True, slots=True)
class Fold:
    """One outer split with the inner splits of its training part.

    Attributes:
        name: ``test``, ``fold_1`` ... or ``registered`` (trained on all rows, no test).
        train, test: row numbers.
        inner: splits of ``train`` alone; their evaluated rows are disjoint.
    """

    name: str
    train: IntArray
    test: IntArray
    inner: tuple[Split, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """All folds of a study.

    Attributes:
        folds: the last one gives the registered model and the validation predictions.
        horizon_days: how long an outcome's window is.
        notes: what had to be done differently from the study file.
    """

    folds: tuple[Fold, ...]
    horizon_days: int
    notes: tuple[str, ...] = ()

    def describe(self, rows: Rows) -> list[dict[str, Any]]:
        """One plain row per fold and role: dates, counts and where the outcomes' windows end."""
        return [
            _description(rows, fold, role, chosen, self.horizon_days)
            for fold, role, chosen in self._parts()
            if len(chosen)
        ]

    def _parts(self) -> Iterator[tuple[str, str, IntArray]]:
        for fold in self.folds:
            yield fold.name, "train", fold.train
            yield fold.name, "test", fold.test
            for inner in fold.inner:
                yield f"{fold.name}/{inner.name}", "inner_train", inner.train
                yield f"{fold.name}/{inner.name}", "validation", inner.evaluate


def plan_folds(
    rows: Rows, scheme: RollingOrigin | GroupedKFold, *, horizon_days: int, seed: int
) -> Plan:
    """Split the rows as the study asks.

    Raises:
        TooThinError: RS1402 too few dates, RS1403 too few groups, RS1404 one class only,
            RS1405 too few outcomes to learn from.
    """
    if isinstance(scheme, RollingOrigin):
        plan = _rolling(rows, scheme, horizon_days, seed)
    else:
        plan = _grouped(rows, scheme, horizon_days, seed)
    for fold in plan.folds:
        _enough(rows, fold)
    tested = np.concatenate([fold.test for fold in plan.folds])
    _two_classes(rows, tested, "the held-out test rows")
    return plan


def _rolling(rows: Rows, scheme: RollingOrigin, horizon: int, seed: int) -> Plan:
    gap = horizon if scheme.gap == "horizon" else scheme.gap.days
    dates = np.unique(rows.as_of)
    tested = dates[-scheme.test_last :]
    training = dates[dates + gap <= tested[0]]
    if not len(training):
        raise TooThinError(
            f"no as-of date lies {gap} days before the first test date ({_iso(tested[0])})\n"
            f"  found:   {len(dates)} as-of dates with known outcomes, {_iso(dates[0])} to "
            f"{_iso(dates[-1])}, of which the last {len(tested)} are held out",
            fix="add earlier as-of dates, lower `test_last`, or shorten `within` and `gap`",
            code="RS1402",
        )
    train = np.flatnonzero(np.isin(rows.as_of, training))
    inner = tuple(
        Split(f"validation_{_iso(day)}", at, np.flatnonzero(rows.as_of == day))
        for day in training[-scheme.validation_last :]
        if len(at := np.flatnonzero(rows.as_of + gap <= day))
    )
    notes: tuple[str, ...] = ()
    if not inner:
        inner = _inner_groups(rows, train, rows.unit, FALLBACK_K, (seed, 0))
        notes = (
            f"No training date lies {gap} days before another one, so the inner validation uses "
            f"{FALLBACK_K} groups of units instead of later dates.",
        )
    test = np.flatnonzero(np.isin(rows.as_of, tested))
    return Plan((Fold("test", train, test, inner),), horizon, notes)


def _grouped(rows: Rows, scheme: GroupedKFold, horizon: int, seed: int) -> Plan:
    labels = whole_groups(rows.unit, rows.labels(scheme.by))
    everyone = np.arange(len(rows))
    side = deal(labels, rows.outcome, scheme.k, (seed, 0), what=scheme.by)
    folds = []
    for fold in range(scheme.k):
        train = np.flatnonzero(side != fold)
        inner = _inner_groups(rows, train, labels, scheme.inner_k, (seed, fold + 1), scheme.by)
        folds.append(Fold(f"fold_{fold + 1}", train, np.flatnonzero(side == fold), inner))
    inner = _inner_groups(rows, everyone, labels, scheme.inner_k, (seed, scheme.k + 1), scheme.by)
    folds.append(Fold("registered", everyone, everyone[:0], inner))
    return Plan(tuple(folds), horizon)


def _inner_groups(
    rows: Rows, train: IntArray, labels: IntArray, k: int, seed: tuple[int, ...], what: str = "unit"
) -> tuple[Split, ...]:
    side = deal(labels[train], rows.outcome[train], k, seed, what=what)
    return tuple(
        Split(f"validation_{part + 1}", train[side != part], train[side == part])
        for part in range(k)
    )


def deal(
    labels: IntArray, outcome: np.ndarray[Any, Any], k: int, seed: tuple[int, ...], *, what: str
) -> IntArray:
    """Deal whole groups to ``k`` sides, each getting its share of outcomes and of rows.

    Groups go, heaviest first and otherwise in a seeded order, to the side that has least.

    Args:
        labels: int (n,), the group of each row.
        outcome: bool (n,).
        k: number of sides.
        seed: words for the generator.
        what: what a group is, for the message.

    Returns:
        int (n,), the side of each row, 0 .. k - 1.

    Raises:
        TooThinError: RS1403, when there are fewer groups than sides.
    """
    groups, of_row = np.unique(labels, return_inverse=True)
    if len(groups) < max(k, 2):
        raise TooThinError(
            f"{k} folds need at least {max(k, 2)} groups by `{what}`, and there are {len(groups)}\n"
            f"  found:   {len(labels)} rows with a known outcome",
            fix="lower `k` and `inner_k`, or group by something smaller",
            code="RS1403",
        )
    size = np.bincount(of_row)
    positives = np.bincount(of_row, weights=outcome).astype(np.int64)
    weight = positives * len(labels) + size * max(int(outcome.sum()), 1)
    chance = np.random.default_rng(list(seed)).permutation(len(groups))
    side = np.empty(len(groups), dtype=np.int64)
    least = [(0, part) for part in range(k)]
    for group in np.lexsort((chance, -weight)).tolist():
        load, part = least[0]
        side[group] = part
        heapq.heapreplace(least, (load + int(weight[group]), part))
    return side[of_row]


def _enough(rows: Rows, fold: Fold) -> None:
    _two_classes(rows, fold.train, f"the training rows of {fold.name}")
    outcomes = int(rows.outcome[fold.train].sum())
    if outcomes < MIN_TRAINING_OUTCOMES:
        raise TooThinError(
            f"{outcomes} outcomes among the {len(fold.train)} training rows of {fold.name}: "
            f"at least {MIN_TRAINING_OUTCOMES} are needed to learn from",
            fix="add as-of dates, widen the cohort, lengthen `within` or widen the outcome",
            code="RS1405",
        )
    for inner in fold.inner:
        _two_classes(rows, inner.train, f"the training rows of {fold.name}, {inner.name}")
        _two_classes(rows, inner.evaluate, f"the rows of {fold.name}, {inner.name}")


def _two_classes(rows: Rows, chosen: IntArray, where: str) -> None:
    outcomes = int(rows.outcome[chosen].sum())
    if outcomes in (0, len(chosen)):
        found = "nobody" if outcomes == 0 else "everybody"
        raise TooThinError(
            f"{found} had the outcome in {where} ({outcomes} of {len(chosen)} rows)",
            fix="lengthen `within`, widen the outcome, add as-of dates, or use fewer folds",
            code="RS1404",
        )


def _description(
    rows: Rows, fold: str, role: str, chosen: IntArray, horizon: int
) -> dict[str, Any]:
    first, last = int(rows.as_of[chosen].min()), int(rows.as_of[chosen].max())
    return {
        "fold": fold,
        "role": role,
        "as_of_from": _iso(first),
        "as_of_to": _iso(last),
        "n": len(chosen),
        "units": len(np.unique(rows.unit[chosen])),
        "outcomes": int(rows.outcome[chosen].sum()),
        "label_window_end": _iso(last + horizon),
    }


def _iso(days: int) -> str:
    return (EPOCH + timedelta(days=int(days))).isoformat()
