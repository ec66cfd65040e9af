"""Why the model says so: for everyone, by agency, and for one person.

A contribution is what a feature adds to the log-odds of the raw score: its Shapley value
(Lundberg et al. 2020, doi:10.1038/s42256-019-0138-9; for a linear model the coefficient times
the distance from the mean). With the base they add up to the score, which is checked for every
row that is explained. They describe the model; they do not say what would happen if a value
changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from riskstrat.audit.wording import value_text
from riskstrat.errors import RiskstratError
from riskstrat.risk_model import RiskModel
from riskstrat.vocabulary import FeatureColumn, FeatureKind

FloatArray = NDArray[np.float64]
SAMPLE_ROWS = 5_000
ADDS_UP = 1e-9
"""Log-odds by which base and contributions may miss the score; they miss it by some 1e-14."""
CLEAR = 0.1
"""A correlation of value and contribution weaker than this has no direction to speak of."""

ORIGINS = pa.schema(
    [
        ("origin", pa.string()),
        ("name", pa.string()),
        ("features", pa.int64()),
        ("mean_abs_contribution", pa.float64()),
        ("share", pa.float64()),
    ]
)


@dataclass(frozen=True, slots=True)
class Contributions:
    """What each feature adds to each person's log-odds.

    Attributes:
        rows: unit_id, as_of and the features, one row per person.
        features: the model's columns, in its order.
        values: float (n, features).
        base: the log-odds everyone starts from; base plus a row's sum is its log-odds.
        gap: the most by which that was missed, in log-odds.
    """

    rows: pa.Table
    features: tuple[FeatureColumn, ...]
    values: FloatArray
    base: float
    gap: float = 0.0


class NotExplained(RiskstratError):  # noqa: N818 - named like the other verdicts
    """Explanations that are not those of the scores; nobody may be told them."""

    default_code = "RS3610"


def contributions(model: RiskModel, rows: pa.Table, threads: int = 1) -> Contributions:
    """Compute them, and hold every row's against its score.

    Raises:
        NotExplained: RS3610, when a row's contributions and the base miss its score by more
            than ``ADDS_UP``.
    """
    values, base = model.contributions(rows, threads)
    gap = largest_gap(values, base, model.log_odds(rows))
    return Contributions(rows, model.features, values, base, gap)


def largest_gap(values: FloatArray, base: float, log_odds: FloatArray) -> float:
    """The most by which base plus contributions (n, features) miss log-odds (n,).

    Raises:
        NotExplained: RS3610, when that is more than ``ADDS_UP``, or no number.
    """
    gaps = np.abs(base + values.sum(axis=1) - log_odds)
    gap = float(gaps.max()) if len(gaps) else 0.0
    if not gap <= ADDS_UP:
        broken = int((~(gaps <= ADDS_UP)).sum())
        raise NotExplained(
            f"the contributions of {broken} of {len(gaps)} rows do not add up to their scores\n"
            f"  largest gap: {gap:.3g} log-odds; allowed: {ADDS_UP:g}",
            fix="nothing was explained; report this as a bug, with the versions of lightgbm and "
            "numba that are installed",
        )
    return gap


def sample(rows: int, size: int = SAMPLE_ROWS, *, seed: int) -> NDArray[np.int64]:
    """At most ``size`` of the row numbers 0 .. rows - 1, drawn without replacement, rising."""
    if rows <= size:
        return np.arange(rows, dtype=np.int64)
    drawn = np.random.default_rng(seed).choice(rows, size=size, replace=False)
    return np.sort(drawn)


def global_importance(found: Contributions) -> pa.Table:
    """Each feature's mean absolute contribution, largest first.

    Returns:
        feature, meaning, source, agency, mean_abs_contribution (log-odds), share (of their sum),
        direction: ``higher raises``, ``higher lowers``, ``mixed``, or ``by category``.
    """
    people, features = found.values.shape
    sizes = np.abs(found.values).mean(axis=0) if people else np.zeros(features)
    order = np.lexsort((np.arange(len(sizes)), -sizes))
    total = float(sizes.sum()) or 1.0
    return pa.table(
        {
            "feature": [found.features[i].name for i in order],
            "meaning": [found.features[i].meaning for i in order],
            "source": [found.features[i].source for i in order],
            "agency": [found.features[i].agency for i in order],
            "mean_abs_contribution": pa.array([float(sizes[i]) for i in order], pa.float64()),
            "share": pa.array([float(sizes[i]) / total for i in order], pa.float64()),
            "direction": [_direction(found, int(i)) for i in order],
        }
    )


def importance_by_origin(found: Contributions) -> pa.Table:
    """What each agency and each source adds as a whole, largest first.

    An agency's features are added up for a person before the absolute value is taken, so that
    many features that say the same thing, or cancel out, count once.

    Returns:
        origin (``agency`` or ``source``), name, features (count), mean_abs_contribution, share.
    """
    rows: list[tuple[str, str, int, float, float]] = []
    for origin in ("agency", "source"):
        names = [getattr(feature, origin) or feature.source for feature in found.features]
        sizes = {}
        for name in dict.fromkeys(names):
            members = np.array([each == name for each in names])
            together = np.abs(found.values[:, members].sum(axis=1))
            sizes[name] = (int(members.sum()), float(together.mean()) if len(together) else 0.0)
        total = sum(size for _, size in sizes.values()) or 1.0
        ranked = sorted(sizes.items(), key=lambda item: (-item[1][1], item[0]))
        rows += [(origin, name, count, size, size / total) for name, (count, size) in ranked]
    columns = list(zip(*rows, strict=True)) or [()] * len(ORIGINS)
    arrays = [pa.array(c, type=f.type) for c, f in zip(columns, ORIGINS, strict=True)]
    return pa.Table.from_arrays(arrays, schema=ORIGINS)


def explanations(found: Contributions, top: int | None = None) -> pa.Table:
    """Every person's contributions, largest first.

    Args:
        found: from ``contributions``.
        top: how many a person gets; all by default, so that they add up to the log-odds.

    Returns:
        unit_id, as_of, feature, value (text), contribution (log-odds), rank (from 1). The base
        is in the schema's metadata under ``base``.
    """
    people, features = found.values.shape
    kept = features if top is None else min(top, features)
    order = np.argsort(-np.abs(found.values), axis=1, kind="stable")[:, :kept]
    person = np.repeat(np.arange(people), kept)
    flat = order.reshape(-1)
    texts = np.array(
        [_texts(found, feature, value_text) for feature in range(features)], dtype=object
    ).reshape(features, people)
    table = pa.table(
        {
            "unit_id": found.rows["unit_id"].take(pa.array(person)),
            "as_of": found.rows["as_of"].take(pa.array(person)),
            "feature": pa.array([feature.name for feature in found.features]).take(pa.array(flat))
            if features
            else pa.array([], pa.string()),
            "value": pa.array(texts[flat, person], pa.string()),
            "contribution": pa.array(found.values[person, flat], pa.float64()),
            "rank": pa.array(np.tile(np.arange(1, kept + 1), people), pa.int64()),
        }
    )
    return table.replace_schema_metadata({"base": repr(found.base)})


def _texts(
    found: Contributions, feature: int, say: Callable[[FeatureColumn, Any], str]
) -> list[str]:
    """The words for one feature, each distinct value worded once."""
    column = found.features[feature]
    values = found.rows[column.name].to_pylist()
    worded: dict[Any, str] = {}
    for value in values:
        if value not in worded:
            worded[value] = say(column, value)
    return [worded[value] for value in values]


def _direction(found: Contributions, feature: int) -> str:
    column = found.features[feature]
    if column.kind is FeatureKind.CATEGORY:
        return "by category"
    raw = found.rows[column.name].cast(pa.float64()).to_numpy(zero_copy_only=False)
    value, moved = np.asarray(raw, dtype=np.float64), found.values[:, feature]
    present = np.isfinite(value)
    if present.sum() < 2 or value[present].std() == 0 or moved[present].std() == 0:
        return "mixed"
    together = float(np.corrcoef(value[present], moved[present])[0, 1])
    if abs(together) < CLEAR:
        return "mixed"
    return "higher raises" if together > 0 else "higher lowers"
