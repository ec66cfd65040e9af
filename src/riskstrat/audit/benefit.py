"""Net benefit of each policy, for everybody and for each group: is the model worth using?

Acting for everybody whose risk reaches a threshold is worth the true positives less the false
ones, weighed by the odds of the threshold (Vickers and Elkin 2006, doi:10.1177/0272989X06295361).
It is compared with acting for everybody, for nobody, and with the rules of thumb.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from riskstrat.audit.people import EVERYONE, People
from riskstrat.statistics.clustered_mean import clustered_mean
from riskstrat.statistics.estimate import BoolArray, FloatArray
from riskstrat.statistics.probability import odds
from riskstrat.statistics.resample import find_clusters

EVERYBODY, NOBODY = "everybody", "nobody"
POINTS = 30
LEAST, MOST = 0.01, 0.5
GAINED = "_gained"
"""ending of a policy's name: the model's net benefit less that policy's, on the same people"""

SCHEMA = pa.schema(
    [
        ("group", pa.string()),
        ("level", pa.string()),
        ("policy", pa.string()),
        ("threshold", pa.float64()),
        ("value", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("n", pa.int64()),
        ("positives", pa.int64()),
        ("selected", pa.int64()),
    ]
)


def net_benefits(
    people: People,
    model: str,
    rules: Mapping[str, FloatArray],
    capacities: Sequence[float],
) -> pa.Table:
    """Net benefit per person of each policy over thresholds of risk.

    Args:
        people: the model's rows; nothing is told where its risk is no probability.
        model: what the model's policy is called.
        rules: name of a rule of thumb -> float (n,), its risks for the same rows.
        capacities: thresholds that the study's capacities imply; groups are told at these.

    Returns:
        A row per group, level, policy and threshold. For everyone a curve of ``POINTS``
        thresholds; policies are the model, the rules, ``everybody``, ``nobody`` and, for each but
        the model, ``<policy>_gained``. For groups the model, ``everybody`` and what is gained.
        ``n`` is everybody of the level, ``selected`` those the policy acts for.
    """
    if not people.is_probability:
        return SCHEMA.empty_table()
    rows: list[dict[str, Any]] = []
    asked = sorted({round(t, 6) for t in capacities if 0 < t < 1})
    risks = {model: people.risk, **rules}
    whole = sorted({*_thresholds(people.risk), *asked})
    everyone = np.ones(len(people.y), dtype=bool)
    rows += _level(people, EVERYONE, EVERYONE, everyone, risks, whole)
    for group, levels in people.levels.items():
        for level in np.unique(levels) if group != EVERYONE else ():
            members = levels == level
            rows += _level(people, group, str(level), members, {model: people.risk}, asked)
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _thresholds(risk: FloatArray) -> list[float]:
    top = min(MOST, max(2 * LEAST, float(np.quantile(risk, 0.995))))
    return [round(float(t), 6) for t in np.linspace(LEAST, top, POINTS)]


def _level(
    people: People,
    group: str,
    level: str,
    members: BoolArray,
    risks: Mapping[str, FloatArray],
    thresholds: Sequence[float],
) -> Iterator[dict[str, Any]]:
    y = people.y[members]
    who = find_clusters(people.clusters[members], len(y))
    model = next(iter(risks))
    for threshold in thresholds:
        worth = np.where(y, 1.0, -odds(threshold))
        acted = {name: risk[members] >= threshold for name, risk in risks.items()}
        acted |= {EVERYBODY: np.ones(len(y), bool), NOBODY: np.zeros(len(y), bool)}
        own = np.where(acted[model], worth, 0.0)
        told = {"group": group, "level": level, "threshold": threshold, "positives": int(y.sum())}
        for policy, chosen in acted.items():
            told["selected"] = int(chosen.sum())
            value = np.where(chosen, worth, 0.0)
            yield told | {"policy": policy} | clustered_mean(value, who).as_dict()
            if policy != model:
                gained = clustered_mean(own - value, who)
                yield told | {"policy": policy + GAINED} | gained.as_dict()
