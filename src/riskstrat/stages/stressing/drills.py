"""Drills that learn the model again: without an agency, area or year; from chance; from few."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from riskstrat.errors import TooThinError
from riskstrat.robustness.agreement import agreement, always
from riskstrat.robustness.paired import SECOND, row
from riskstrat.stages.stressing.bench import Bench, Rows, Tell
from riskstrat.statistics import NotEstimable, auroc
from riskstrat.statistics.estimate import BoolArray, Estimate, FloatArray, IntArray
from riskstrat.statistics.paired import Scorer
from riskstrat.training.folds import Fold
from riskstrat.training.rows import group_column

CANNOT = (TooThinError, NotEstimable)
"""what too few people or outcomes run into: a result, not a fault"""
STUDENT = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}
"""97.5% point of Student's t for the mean of so many"""
NOTHING_DRAWN = "another seed: this learner draws nothing, so no seed can change its list"
SHARES = (0.125, 0.25, 0.5)
"""of the people learnt from, in the learning curve"""


def ablation(bench: Bench, tell: Tell) -> Rows:
    """What each agency adds: the model learnt again without its features."""
    agencies = sorted({feature.agency for feature in bench.model.features})
    whole, tested = bench.intact(), bench.tested()
    rows: Rows = []
    for number, agency in enumerate(agencies):
        tell(number / len(agencies), f"without {agency}")
        own = [each.name for each in bench.model.features if each.agency == agency]
        if len(own) == len(bench.model.features):
            rows.append(undone("ablation", agency))
            continue
        for each in bench.held_against(tested, whole, bench.again(without=own), seed=number):
            rows += each.rows("ablation", agency)
    return rows


def transport(bench: Bench, tell: Tell) -> Rows:
    """The model learnt without an area's people, judged on them."""
    if not bench.area:
        return [undone("transport", "no attribute names places")]
    places, names = _places(bench)
    size = np.bincount(places[places >= 0], minlength=len(names))
    largest = np.argsort(-size, kind="stable")[: bench.some(3, 1)]
    tested, whole = bench.tested(), bench.intact()
    rows: Rows = []
    for number, place in enumerate(largest.tolist()):
        # A place is told by its rank, not its name: some are practices of one doctor.
        case = f"place {number + 1} of {len(names)}, the largest first"
        tell(number / len(largest), case)
        there = places == place
        lived = np.isin(bench.ground.rows.unit, bench.ground.rows.unit[there])
        fold = bench.ground.restricted(bench.ground.plan.folds[-1], ~lived)
        judged = tested[there[tested]]
        at = np.searchsorted(np.sort(tested), judged)
        order = np.argsort(tested, kind="stable")[at]
        rows += _against(
            bench, "transport", case, replace(fold, test=judged), whole, order, 20 + number
        )
    return rows


def later_year(bench: Bench, tell: Tell) -> Rows:
    """The model learnt up to an earlier date, judged on the same later ones."""
    fold, day = bench.fold, bench.ground.rows.as_of
    dates = np.unique(day[fold.train])
    if not bench.rolling or len(dates) < 2:
        return [undone("later_year", "there is one training date, or none is later")]
    whole = bench.intact()
    rows: Rows = []
    for left_out in range(1, min(len(dates), bench.some(3, 2))):
        last = dates[-1 - left_out]
        case = f"learnt up to {np.datetime64(int(last), 'D')}"
        tell((left_out - 1) / 2, case)
        older = bench.ground.restricted(fold, day <= last)
        rows += _against(bench, "later_year", case, older, whole, None, 40 + left_out)
    return rows


def learning_curve(bench: Bench, tell: Tell) -> Rows:
    """The model learnt from an eighth, a quarter and half of the people."""
    fold, clusters = bench.fold, bench.ground.clusters
    whole = bench.intact() if bench.rolling else bench.learnt_on(fold)
    chance = np.random.default_rng([bench.ground.seed, 71]).random(int(clusters.max()) + 1)
    rows: Rows = []
    shares = SHARES[bench.some(0, 1) :]
    for number, share in enumerate(shares):
        case = f"{100 * share:g}% of the people"
        tell(number / len(shares), case)
        part = bench.ground.restricted(fold, chance[clusters] < share)
        rows += _against(bench, "learning_curve", case, part, whole, None, 50 + number)
    return rows


def _against(
    bench: Bench,
    drill: str,
    case: str,
    fold: Fold,
    whole: Scorer,
    at: IntArray | None,
    seed: int,
) -> Rows:
    """The model as it is against the model of a fold, on the fold's test rows.

    Args:
        at: where the test rows are among the scores of ``whole``; None: they are all of them.
    """
    try:
        again = bench.learnt_on(fold)
        own = whole if at is None else Scorer(risk=whole.risk[at], raw=whole.raw[at])
        compared = bench.held_against(fold.test, own, again, seed=seed)
    except CANNOT:
        return [undone(drill, case)]
    return [found for each in compared for found in each.rows(drill, case)]


def permutation(bench: Bench, tell: Tell) -> Rows:
    """Outcomes dealt out by lot within each date: there is nothing to learn."""
    times = bench.some(5, 2)
    rng = np.random.default_rng([bench.ground.seed, 72])
    found = []
    for number in range(times):
        tell(number / times, f"outcomes by lot, {number + 1} of {times}")
        dealt = _dealt(bench.outcome, bench.ground.rows.as_of, rng)
        raw = bench.raw(outcome=dealt)
        found.append(auroc(dealt[bench.fold.test], raw))
    return [row("permutation", "outcomes by lot", "auroc", SECOND, _mean(found, len(raw)))]


def _dealt(outcome: BoolArray, day: IntArray, rng: np.random.Generator) -> BoolArray:
    dealt = outcome.copy()
    for one in np.unique(day):
        rows = np.flatnonzero(day == one)
        dealt[rows] = outcome[rng.permutation(rows)]
    return dealt


def _mean(values: list[float], n: int) -> Estimate:
    """The mean of a few values with Student's interval."""
    mean = float(np.mean(values))
    half = STUDENT[len(values)] * float(np.std(values, ddof=1)) / np.sqrt(len(values))
    return Estimate(mean, float(mean - half), float(mean + half), n)


def stability(bench: Bench, tell: Tell) -> Rows:
    """How alike the lists of models are that differ by chance alone."""
    fold, seed = bench.fold, bench.ground.seed
    reference = bench.raw()
    seeds: list[FloatArray] = []
    for number in range(bench.some(4, 2)):
        tell(0.4 * number / 4, f"another seed, {number + 1}")
        seeds.append(bench.raw(seed=seed + 1 + number))
    count = bench.some(10, 4)
    drawn = bench.procedure.resampled(
        bench.frame,
        fold.train,
        count,
        lambda model: bench.frame.raw_of(model, fold.test),
        told=lambda done: tell(0.4 + 0.6 * done / count, f"people drawn anew, {done} of {count}"),
    )
    days = bench.lists(fold.test)
    return stability_rows(reference, seeds, drawn, bench.job.study.spec.audit.capacity, days)


def stability_rows(
    reference: FloatArray,
    seeds: Sequence[FloatArray],
    drawn: Sequence[FloatArray],
    capacity: Sequence[float],
    days: IntArray | None,
) -> Rows:
    """What is told of scores learnt from other seeds and from people drawn anew.

    A learner that draws nothing gives the same scores whatever the seed: there is nothing to
    measure then, and lists that agree wholly would say that there was.

    Args:
        reference: float (n,), the model's scores; the others, too.
        seeds, drawn: of the models learnt again.
        capacity: lengths of the lists.
        days: int (n,), the list of each row; None: one list.
    """
    rows: Rows = []
    cases = {"another seed": seeds, "people drawn anew": drawn}
    if all(np.array_equal(reference, raw) for raw in seeds):
        del cases["another seed"]
        rows.append(undone("stability", NOTHING_DRAWN))
    for case, found in cases.items():
        for share in capacity:
            rows += _alike(case, reference, found, share, days)
    return rows


def _alike(
    case: str,
    own: FloatArray,
    again: Sequence[FloatArray],
    share: float,
    days: IntArray | None,
) -> Iterator[dict[str, Any]]:
    alike, kept = agreement(own, again, share, days), always(own, again, share, days)
    yield row("stability", case, "jaccard", SECOND, alike, at=share)
    counted = round(kept.value * kept.n) if kept.estimable else None
    yield row("stability", case, "always_listed", SECOND, kept, at=share, positives=counted)


def _places(bench: Bench) -> tuple[IntArray, list[str]]:
    """The number of each row's place, -1 where it has none, and the names of the places."""
    column = group_column(bench.ground.rows.groups, bench.area)
    text = column.cast(pa.string()).combine_chunks().dictionary_encode()
    codes = np.asarray(text.indices.fill_null(-1).to_numpy(zero_copy_only=False))
    return codes.astype(np.int64), text.dictionary.to_pylist()


def undone(drill: str, case: str) -> dict[str, Any]:
    """A case that could not be done."""
    return row(drill, case, "", "", Estimate.unknown(0))
