"""Proxies: how well the model's features tell who belongs to a group, and which of them do.

Leaving an attribute out of a model does not make the model blind to it. Boosted trees learn each
level from the model's features, on people whom they are then not tested on; what they find, the
model could find. A feature that alone tells a level (the attribute itself, or a finer form of it)
is named and set aside, so that it does not hide the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from riskstrat.audit.checks import finding
from riskstrat.audit.people import EVERYONE, People
from riskstrat.audit.tested import Tested
from riskstrat.risk_model import RiskModel
from riskstrat.risk_model.encode import encode
from riskstrat.statistics.clustered_auroc import clustered_auroc
from riskstrat.statistics.estimate import BoolArray, Estimate, FloatArray, IntArray
from riskstrat.vocabulary import Finding, Severity

MOST_ROWS = 10_000
FEWEST_MEMBERS = 30
"""a level with fewer members (or others) among the rows learnt from is not looked at"""
FOLDS = 3
ROUNDS = 60
NAMED = 5
"""features that are named for a level"""
TELLS_ALONE = 0.98
"""a feature with which one cut tells a level as well as this is the attribute in another form"""
MOST_SET_ASIDE = 3
STRONG = 0.8
"""an AUROC from which on features are said to tell who belongs to a group"""

SCHEMA = pa.schema(
    [
        ("group", pa.string()),
        ("level", pa.string()),
        ("value", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("n", pa.int64()),
        ("people", pa.int64()),
        ("set_aside", pa.string()),
        ("rank", pa.int64()),
        ("feature", pa.string()),
        ("meaning", pa.string()),
        ("agency", pa.string()),
        ("share", pa.float64()),
        ("model_share", pa.float64()),
    ]
)


@dataclass(frozen=True, slots=True)
class _Learnt:
    """How well a level is told, what each feature does for that, and which were set aside."""

    found: Estimate
    shares: FloatArray
    aside: tuple[int, ...]


def proxies(
    people: People,
    tested: Tested,
    model: RiskModel,
    importance: Mapping[str, float],
    groups: Sequence[str],
    *,
    seed: int,
) -> pa.Table:
    """For each level, how well the features tell its members from everybody else.

    Args:
        people: the rows under audit.
        tested: their features, in the order of the predictions that ``people`` came from.
        model: whose features are looked at.
        importance: feature -> its share of what the model says.
        groups: those to look at.
        seed: of the sample and the learner.

    Returns:
        ``NAMED`` rows a level: AUROC on held-out people (``value``, with its interval),
        ``set_aside`` (features that tell the level alone, left out), and the features that do
        most, with their share of the telling and of the model. A level with too few members has
        one row without a value. Of an attribute with two levels only the smaller is told.
    """
    rng = np.random.default_rng([seed, 35])
    rows = np.arange(len(people.y))
    if len(rows) > MOST_ROWS:
        rows = np.sort(rng.choice(rows, MOST_ROWS, replace=False))
    features = tested.of(people.place[rows])
    matrix = encode(features, model.features, model.levels)
    clusters = np.unique(people.clusters[rows], return_inverse=True)[1].reshape(-1)
    fold = rng.integers(0, FOLDS, clusters.max(initial=0) + 1)[clusters]
    told: list[dict[str, Any]] = []
    for group in groups:
        levels = people.levels[group][rows]
        for level in _asked(levels) if group != EVERYONE else ():
            members = levels == level
            learnt = _learn(matrix, members, fold, clusters, seed)
            named = {"group": group, "level": level, "people": int(members.sum()), "n": len(rows)}
            told += _rows(named, learnt, model, importance)
    return pa.Table.from_pylist(told, schema=SCHEMA)


def _asked(levels: NDArray[np.str_]) -> list[str]:
    names, counts = np.unique(levels, return_counts=True)
    if len(names) < 2:
        return []
    if len(names) == 2:
        return [str(names[int(counts[1] < counts[0])])]
    return [str(name) for name in names]


def _rows(
    named: Mapping[str, Any],
    learnt: _Learnt | None,
    model: RiskModel,
    importance: Mapping[str, float],
) -> Iterator[dict[str, Any]]:
    if learnt is None:
        yield {**named, "rank": 0}
        return
    aside = ", ".join(model.features[i].name for i in learnt.aside)
    best = [int(i) for i in np.argsort(-learnt.shares, kind="stable")[:NAMED]]
    for rank, i in enumerate(best, start=1):
        feature = model.features[i]
        yield {
            **named,
            **learnt.found.as_dict(),
            "set_aside": aside,
            "rank": rank,
            "feature": feature.name,
            "meaning": feature.meaning,
            "agency": feature.agency or feature.source,
            "share": float(learnt.shares[i]),
            "model_share": float(importance.get(feature.name, 0.0)),
        }


def _learn(
    matrix: NDArray[np.float32],
    members: BoolArray,
    fold: IntArray,
    clusters: IntArray,
    seed: int,
) -> _Learnt | None:
    """Scores for people of folds that were not learnt from; None where there are too few."""
    if min(members.sum(), (~members).sum()) < FEWEST_MEMBERS:
        return None
    aside: list[int] = []
    while True:
        score, shares = _out_of_fold(matrix, members, fold, aside, seed)
        best = int(np.argmax(shares))
        if len(aside) == MOST_SET_ASIDE or not _tells_alone(matrix[:, best], members):
            break
        aside.append(best)
    return _Learnt(clustered_auroc(members, score, clusters), shares, tuple(aside))


def _out_of_fold(
    matrix: NDArray[np.float32], members: BoolArray, fold: IntArray, aside: list[int], seed: int
) -> tuple[FloatArray, FloatArray]:
    seen = np.delete(np.arange(matrix.shape[1]), aside)
    parameters = {
        "objective": "binary", "learning_rate": 0.1, "num_leaves": 15,
        "min_data_in_leaf": max(10, len(members) // 500), "feature_fraction": 0.8, "seed": seed,
        "deterministic": True, "force_row_wise": True, "verbosity": -1,
        "num_threads": 1,  # small fits: threads would wait for each other more than they work
    }  # fmt: skip
    score, gains = np.zeros(len(members)), np.zeros(matrix.shape[1])
    for held in range(FOLDS):
        train = fold != held
        if members[train].all() or not members[train].any():
            continue
        data = lightgbm.Dataset(matrix[np.ix_(train, seen)], members[train].astype(np.float32))
        booster = lightgbm.train(parameters, data, num_boost_round=ROUNDS)
        score[~train] = booster.predict(matrix[np.ix_(~train, seen)])
        gains[seen] += booster.feature_importance(importance_type="gain")
    return score, gains / (gains.sum() or 1.0)


def _tells_alone(column: NDArray[np.float32], members: BoolArray) -> bool:
    """Whether some values of a feature are the level's, and nobody else's, as good as always."""
    values = np.where(np.isnan(column), np.inf, column)
    distinct, code = np.unique(values, return_inverse=True)
    if len(distinct) > len(values) // 10:
        return False
    own = np.bincount(code.reshape(-1), weights=members)
    everybody = np.bincount(code.reshape(-1))
    mine = own > everybody / 2
    found, wrong = own[mine].sum() / members.sum(), (everybody - own)[mine].sum()
    return bool((found + 1 - wrong / (~members).sum()) / 2 >= TELLS_ALONE)


def check_proxies(table: pa.Table) -> Iterator[Finding]:
    """RS3503: groups whose members the features tell, the clearest level of each group."""
    rows = [r for r in table.to_pylist() if r["rank"] == 1 and r["value"] is not None]
    for group in dict.fromkeys(row["group"] for row in rows):
        row = max((r for r in rows if r["group"] == group), key=lambda r: float(r["value"]))
        if row["set_aside"]:
            yield _itself(row, table)
        if row["low"] is not None and row["low"] > STRONG:
            named = [r for r in table.to_pylist() if _same(r, row)][:3]
            message = (
                f"{group}: without {row['set_aside'] or 'being told it'}, the features tell level "
                f"{row['level']} from everybody else with an area under the ROC curve of "
                f"{row['value']:.3g} (95% interval {row['low']:.3g} to {row['high']:.3g}); most "
                f"by {', '.join(r['feature'] for r in named)}"
            )
            number = Estimate(row["value"], row["low"], row["high"], row["n"])
            where = f"{group}: {row['level']}"
            yield finding("RS3503", Severity.INFO, group, message, number, where)


def _itself(row: Mapping[str, Any], table: pa.Table) -> Finding:
    every = [r for r in table.to_pylist() if r["group"] == row["group"] and r["set_aside"]]
    names = list(dict.fromkeys(name for r in every for name in r["set_aside"].split(", ")))
    message = f"{row['group']}: the model reads it, or as good as reads it, in {', '.join(names)}"
    return finding("RS3503", Severity.INFO, row["group"], message)


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return (one["group"], one["level"]) == (other["group"], other["level"])
