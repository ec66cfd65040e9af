"""Features that know the outcome, planted: the audit's own checks must name each of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from riskstrat.audit.leaks import check_leaks
from riskstrat.audit.people import people_of
from riskstrat.audit.tested import read_tested
from riskstrat.risk_model import KEY, FeatureRows
from riskstrat.robustness.paired import SECOND, row
from riskstrat.stages.stressing.bench import Bench, Rows, Tell
from riskstrat.statistics.estimate import BoolArray, Estimate, IntArray
from riskstrat.training.rows import sample_units
from riskstrat.vocabulary import FeatureColumn, FeatureKind

MOST_TESTED = 30_000
PLANTED = "planted"
CODED, MISTAKEN = 0.30, 0.01
"""the share of those with the outcome who have the code, and of the codes that are mistakes"""
Kind = tuple[str, str]
KINDS: tuple[Kind, ...] = (
    ("proxy", "a record made because of the outcome, for nearly everybody with it"),
    ("code", "a code entered because of the outcome, for three in ten with it"),
    ("days", "days since something that followed the outcome and was dated back"),
    ("noise", "pure noise, which must not be named"),
)


def planted_leaks(bench: Bench, tell: Tell) -> Rows:
    """Plant each kind beside the features of the people tested, and have the audit look."""
    rows = sample_units(
        bench.ground.rows, np.sort(bench.tested()), MOST_TESTED, (bench.ground.seed, 74)
    )
    found: Rows = []
    for number, (kind, words) in enumerate(KINDS):
        tell(number / len(KINDS), words)
        rng = np.random.default_rng([bench.ground.seed, 75, number])
        named = _named(bench, rows, _values(kind, bench.outcome[rows], rng))
        n = len(rows)
        caught = Estimate(float(named), float("nan"), float("nan"), n)
        found.append(row("planted_leaks", f"{kind}: {words}", "named", SECOND, caught))
    return found


def _values(kind: str, y: BoolArray, rng: np.random.Generator) -> NDArray[np.float32]:
    """A planted feature's values."""
    chance = rng.random(len(y))
    told = {
        "proxy": np.where(y, chance < 0.95, chance < 0.02),
        "code": np.where(y, chance < CODED, chance < _by_mistake(y)),
        "days": np.where(y, 30 * chance, 20 + 700 * chance),
        "noise": rng.normal(size=len(y)),
    }
    return told[kind].astype(np.float32)


def _by_mistake(y: BoolArray) -> float:
    """The share of the others with the code, so that one in a hundred codes is a mistake."""
    return MISTAKEN * CODED * float(y.mean()) / max(1.0 - float(y.mean()), 1e-9)


def _named(bench: Bench, rows: IntArray, values: NDArray[np.float32]) -> bool:
    """Whether the audit's check on leaks names the planted feature."""
    ground = bench.ground
    keys = ground.rows.keys(rows)
    score = np.zeros(len(rows))
    predictions = (
        keys.append_column("outcome", pa.array(bench.outcome[rows]))
        .append_column("risk", pa.array(score))
        .append_column("raw_score", pa.array(score))
    )
    beside = keys.append_column(PLANTED, pa.array(values))
    column = FeatureColumn(PLANTED, "a planted leak", FeatureKind.NUMBER, PLANTED)
    model = replace(bench.model, features=(column,), levels=((),), booster="", linear=None)
    spec = bench.job.study.spec.audit.model_copy(update={"groups": (), "intersections": ()})
    people = people_of(predictions, beside.select(list(KEY)), spec, ground.clusters[rows])
    tested = read_tested(predictions, FeatureRows.of_table(beside), model)
    return any(
        finding.where == PLANTED for finding in check_leaks(people, tested, model, seed=ground.seed)
    )
