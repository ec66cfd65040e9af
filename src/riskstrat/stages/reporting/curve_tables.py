"""Curves of a finished run, protected: calibration, gains, decisions, and the spread of risks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from riskstrat.audit.audit import clusters_of
from riskstrat.cohort.spec import CohortSpec
from riskstrat.release import evidence
from riskstrat.release import report_tables as make
from riskstrat.release.bands import REST, places
from riskstrat.release.policies import Policy
from riskstrat.stages.learn import columns_of
from riskstrat.statistics import calibration_curve, decision_curve, lift_curve
from riskstrat.vocabulary import Protected

GAIN_SHARES = tuple(round(0.01 * step, 2) for step in (1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 40, 50))
RISK_STEPS = 20
CURVE_REPLICATES = 400
DECISION_MAX = 0.5


def curve_tables(
    folder: Path, winner: str, policy: Policy, told: Mapping[str, Any], *, seed: int
) -> dict[str, Protected]:
    """Calibration, gains, decision curve and the spread of risks, on the held-out rows.

    Args:
        folder: of the run.
        winner: the model shown.
        policy: of disclosure.
        told: the run's study, as its folder has it.
        seed: of the resamples behind the calibration's intervals.
    """
    table = pq.read_table(folder / "predictions.parquet")
    test = table.filter(pc.equal(table["split"], "test"))
    own = test.filter(pc.equal(test["learner"], winner))
    y, risk = _columns(own, "outcome", "risk")
    cluster, by_date = _sampled(told)
    groups = columns_of(folder / "groups.parquet", [cluster])
    rng = np.random.default_rng([seed, 1])
    gains: list[dict[str, Any]] = []
    others = sorted(set(test["learner"].to_pylist()) - {winner})
    for who in (winner, *others):
        rows = test.filter(pc.equal(test["learner"], who))
        seen, raw = _columns(rows, "outcome", "raw_score")
        cuts = lift_curve(
            seen, raw, GAIN_SHARES, replicates=0, rng=rng, lists=_lists(rows, by_date)
        )
        gains += evidence.gains_rows(who, cuts)
    top = min(DECISION_MAX, max(0.02, float(np.quantile(risk, 0.995))))
    thresholds = tuple(np.linspace(0.01, top, 30).round(4).tolist())
    decisions = decision_curve(y, risk, thresholds=thresholds, replicates=0, rng=rng)
    bins = calibration_curve(
        y, risk, 10, clusters=clusters_of(own, groups, cluster), replicates=CURVE_REPLICATES,
        rng=rng, enough=evidence.enough_in_a_bin(policy),
    )  # fmt: skip
    return {
        "calibration": evidence.calibration_table(evidence.calibration_rows(winner, bins), policy),
        "gains": evidence.curve_table(
            "What a list of each length finds",
            gains,
            policy,
            values=("share", "sensitivity", "ppv"),
        ),
        "decision": evidence.curve_table(
            "Net benefit",
            evidence.decision_rows(winner, decisions),
            policy,
            values=("probability_threshold", "net_benefit"),
        ),
        "risk": make.histogram_table(
            _histogram(risk, told["release"]["bands"], _lists(own, by_date)), policy
        ),
    }


def _sampled(told: Mapping[str, Any]) -> tuple[str, bool]:
    """What a study resamples whole, and whether each of its dates has a list of its own."""
    cohort = CohortSpec.model_validate(told["cohort"])
    return str(told["training"]["cluster"]), cohort.lists_by_date


def _lists(rows: pa.Table, by_date: bool) -> NDArray[Any]:
    days = rows["as_of"].to_numpy()
    return days if by_date else np.zeros_like(days)


def _columns(table: pa.Table, *names: str) -> list[NDArray[Any]]:
    return [table[name].to_numpy(zero_copy_only=False) for name in names]


def _histogram(
    risk: NDArray[Any], bands: dict[str, float], lists: NDArray[Any]
) -> list[dict[str, Any]]:
    """How many held-out rows have which risk, in the bands that the study's shares would cut."""
    band = np.full(len(risk), REST, dtype=object)
    for one in np.unique(lists):
        own = np.flatnonzero(lists == one)
        ranked = own[np.argsort(-risk[own], kind="stable")]
        for name, share in reversed(bands.items()):
            band[ranked[: places(share, len(own))]] = name
    rows = []
    for name in (REST, *reversed(bands)):
        counts, at = np.histogram(risk[band == name], bins=RISK_STEPS, range=(0.0, 1.0))
        rows += [
            {"band": name, "low": float(low), "high": float(high), "n": int(count)}
            for low, high, count in zip(at[:-1], at[1:], counts, strict=True)
        ]
    return rows
