"""Curves of a finished run, protected: calibration, gains, decisions, and the spread of risks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from riskstrat.release import evidence
from riskstrat.release import report_tables as make
from riskstrat.release.bands import REST, places
from riskstrat.release.policies import Policy
from riskstrat.statistics import calibration_curve, decision_curve, lift_curve
from riskstrat.vocabulary import Protected

GAIN_SHARES = tuple(round(0.01 * step, 2) for step in (1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 40, 50))
RISK_STEPS = 20
CURVE_REPLICATES = 100
DECISION_MAX = 0.5


def curve_tables(
    folder: Path, winner: str, policy: Policy, *, seed: int, bands: dict[str, float]
) -> dict[str, Protected]:
    """Calibration, gains, decision curve and the spread of risks, on the held-out rows."""
    table = pq.read_table(folder / "predictions.parquet")
    test = table.filter(pc.equal(table["split"], "test"))
    own = test.filter(pc.equal(test["learner"], winner))
    y, risk = _columns(own, "outcome", "risk")
    rng = np.random.default_rng([seed, 1])
    gains: list[dict[str, Any]] = []
    others = sorted(set(test["learner"].to_pylist()) - {winner})
    for who in (winner, *others):
        rows = test.filter(pc.equal(test["learner"], who))
        seen, raw = _columns(rows, "outcome", "raw_score")
        cuts = lift_curve(seen, raw, GAIN_SHARES, replicates=2, rng=rng)
        gains += evidence.gains_rows(who, cuts)
    top = min(DECISION_MAX, max(0.02, float(np.quantile(risk, 0.995))))
    thresholds = tuple(np.linspace(0.01, top, 30).round(4).tolist())
    decisions = decision_curve(y, risk, thresholds=thresholds, replicates=CURVE_REPLICATES, rng=rng)
    return {
        "calibration": evidence.calibration_table(
            evidence.calibration_rows(winner, calibration_curve(y, risk, 10)), policy
        ),
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
        "risk": make.histogram_table(_histogram(risk, bands), policy),
    }


def _columns(table: pa.Table, *names: str) -> list[NDArray[Any]]:
    return [table[name].to_numpy(zero_copy_only=False) for name in names]


def _histogram(risk: NDArray[Any], bands: dict[str, float]) -> list[dict[str, Any]]:
    """How many held-out rows have which risk, in the bands that the study's shares would cut."""
    band = np.full(len(risk), REST, dtype=object)
    ranked = np.argsort(-risk, kind="stable")
    for name, share in reversed(bands.items()):
        band[ranked[: places(share, len(risk))]] = name
    rows = []
    for name in (REST, *reversed(bands)):
        counts, at = np.histogram(risk[band == name], bins=RISK_STEPS, range=(0.0, 1.0))
        rows += [
            {"band": name, "low": float(low), "high": float(high), "n": int(count)}
            for low, high, count in zip(at[:-1], at[1:], counts, strict=True)
        ]
    return rows
