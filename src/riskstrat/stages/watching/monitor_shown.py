"""What monitoring found, as protected tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from math import isfinite
from typing import Any

import numpy as np

from riskstrat.audit.audit import clusters_of
from riskstrat.monitoring.extracts import Missing, Volume
from riskstrat.monitoring.lists import Churn
from riskstrat.release import evidence
from riskstrat.release import monitor_tables as tables
from riskstrat.release.disclosure import retold
from riskstrat.release.policies import Policy
from riskstrat.stages.learn import columns_of
from riskstrat.stages.watching.compared import FeatureDrift, ScoreDrift
from riskstrat.stages.watching.judged_again import Outcomes
from riskstrat.stages.watching.watched import Judged
from riskstrat.statistics import Estimate, calibration_curve
from riskstrat.study import Study
from riskstrat.vocabulary import Protected

DRIFTED = 8
"""the cells of so many features are told: of those that drifted most"""
CURVE_REPLICATES = 200
AT_CAPACITY = ("ppv", "sensitivity", "net_benefit")
BY_GROUP = frozenset(
    {"auroc", "calibration_in_the_large", "calibration_slope", "ppv", "selection_rate",
     "sensitivity", "sensitivity_ratio"}
)  # fmt: skip


def volumes(study: Study, found: Iterable[Volume], policy: Policy) -> Protected:
    """Rows of each source before the day."""
    sources = study.sources_by_name
    rows = [
        {
            "source": each.source,
            "title": sources[each.source].title,
            "agency": sources[each.source].agency,
            "period": each.period,
            "then": round(each.then) if isfinite(each.then) else None,
            "now": each.now,
            "covered": each.covered,
            **_number(each.ratio),
        }
        for each in found
    ]
    return tables.volumes_table(rows, policy)


def missing(found: Iterable[Missing], policy: Policy) -> Protected:
    """Empty values of each column before the day."""
    rows = [
        {
            "source": each.source,
            "column": each.column,
            "then": _or_none(each.then.value),
            "now": _or_none(each.now.value),
            "empty_then": _count(each.then),
            "empty_now": _count(each.now),
            "n_then": each.then.n,
            **_number(each.change),
        }
        for each in found
    ]
    return tables.missing_table(rows, policy)


def features(found: Sequence[FeatureDrift], policy: Policy) -> Protected:
    """The drift of each feature, the farthest first."""
    rows = [
        {
            "feature": each.feature.name,
            "meaning": each.feature.meaning,
            "agency": each.feature.agency,
            **_number(each.found.estimate),
            "plain": _or_none(each.found.plain),
            "since": _or_none(each.since.estimate.value) if each.since else None,
        }
        for each in sorted(found, key=_by_drift)
    ]
    return tables.features_table(rows, policy)


def cells(found: Sequence[FeatureDrift], policy: Policy) -> Protected:
    """People in each cell of the features that drifted most."""
    rows = [
        {"feature": each.feature.meaning, "cell": label, "then": int(then), "now": int(now)}
        for each in sorted(found, key=_by_drift)[:DRIFTED]
        for label, then, now in zip(
            each.cells.labels, each.found.reference, each.found.new, strict=True
        )
    ]
    return tables.cells_table("What drifted most, cell by cell", rows, policy)


def _by_drift(each: FeatureDrift) -> tuple[float, str]:
    value = each.found.estimate.value
    return (-value if isfinite(value) else 1.0, each.feature.name)


def scores(found: ScoreDrift, policy: Policy) -> Protected:
    """People in each tenth of the scores."""
    counted = zip(found.cells.labels, found.found.reference, found.found.new, strict=True)
    rows = [
        {"feature": "score", "cell": label, "then": int(then), "now": int(now)}
        for label, then, now in counted
        if then or now
    ]
    return tables.cells_table("Scores, in tenths of the held-out dates", rows, policy)


def cuts(found: ScoreDrift, policy: Policy) -> Protected:
    """People above each capacity's cut."""
    rows = [
        {
            "share": each.share,
            "then": _or_none(each.then.value),
            "now": _or_none(each.now.value),
            "people_then": each.people_then,
            "people_now": each.people_now,
            **_number(each.ratio),
        }
        for each in found.cuts
    ]
    return tables.cuts_table(rows, policy)


def risk(found: ScoreDrift, policy: Policy) -> Protected:
    """The drift of the scores, and the mean risk then and now."""
    rows = [
        {"when": "now", "metric": "score_drift", **_number(found.found.estimate)},
        {"when": "approval", "metric": "mean_risk", **_number(found.risk_then)},
        {"when": "now", "metric": "mean_risk", **_number(found.risk_now)},
    ]
    return tables.metrics_table("Scores and risks", rows, policy)


def performance(found: Outcomes, judged: Judged, policy: Policy) -> Protected:
    """What the model achieved when it was judged, and on the day."""
    rows: list[dict[str, Any]] = []
    for when, metrics in (("approval", judged.metrics), ("now", found.metrics)):
        rows += [
            {"when": when, "metric": name, **value}
            for name, value in metrics.items()
            if isinstance(value, Mapping) and "value" in value
        ]
        for at in metrics["at_capacity"]:
            hits = round((at["ppv"]["value"] or 0.0) * at["ppv"]["n"])
            rows += [
                {"when": when, "metric": name, "at": at["share"], **at[name], "positives": hits}
                | ({"positives": None} if name == "net_benefit" else {})
                for name in AT_CAPACITY
            ]
    return tables.metrics_table("What the model achieved", rows, policy)


def groups(rows: Iterable[Mapping[str, Any]], policy: Policy) -> Protected:
    """The fairness table, of the measures that are compared."""
    whole = evidence.fairness_table(list(rows), policy)
    place = whole.columns.index("metric")
    kept = [at for at, row in enumerate(whole.rows) if row[place] in BY_GROUP]
    return retold(whole, whole.title, [(name, name) for name in whole.columns], kept)


def hidden(*shown: Protected) -> frozenset[tuple[str, str, str | None]]:
    """(``group: level``, metric, capacity as text) of what tables of groups withhold."""
    found = set()
    for table in shown:
        for row in table.records():
            if row["status"] == "withheld":
                at = f"{row['at']:g}" if isinstance(row["at"], float) else row["at"]
                # Gates may name an attribute of a source by its last part.
                for name in (row["group"], row["group"].rpartition(".")[2]):
                    found.add((f"{name}: {row['level']}", row["metric"], at))
    return frozenset(found)


def calibration(
    found: Outcomes, judged: Judged, policy: Policy, *, cluster: str, seed: int
) -> dict[str, Protected]:
    """The calibration curve of approval, and that of the day, with the intervals of both alike."""
    rng = np.random.default_rng([seed, 38])
    groups = columns_of(judged.folder / "groups.parquet", [cluster])
    then = clusters_of(judged.scores, groups, cluster)
    curves = {"now": (found.rows, found.clusters), "approval": (judged.scores, then)}
    told = {}
    for when, (rows, clusters) in curves.items():
        bins = calibration_curve(
            rows["outcome"].to_numpy().astype(bool),
            rows["risk"].to_numpy(),
            10,
            clusters=clusters,
            replicates=CURVE_REPLICATES,
            rng=rng,
            enough=evidence.enough_in_a_bin(policy),
        )
        told[when] = evidence.calibration_table(
            evidence.calibration_rows(judged.learner, bins), policy
        )
    return {when: told[when] for when in ("approval", "now")}


def churned(found: Iterable[Churn], policy: Policy) -> Protected:
    """Who left the list and who came."""
    return tables.churn_table([asdict(each) for each in found], policy)


def _number(found: Estimate) -> dict[str, Any]:
    limits = {"value": found.value, "low": found.low, "high": found.high}
    return {name: _or_none(value) for name, value in limits.items()} | {"n": found.n}


def _count(found: Estimate) -> int:
    return round(found.value * found.n) if found.estimable else 0


def _or_none(value: float) -> float | None:
    return float(value) if isfinite(value) else None
