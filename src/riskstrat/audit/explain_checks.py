"""Findings about the explanations themselves: do they add up, agree, and hold still?"""

from __future__ import annotations

from collections.abc import Sequence
from math import nan

import numpy as np
import pyarrow as pa

from riskstrat.audit.checks import finding
from riskstrat.audit.explain import ADDS_UP, NotExplained
from riskstrat.audit.stability import LEADING, Sizes, stays_leading
from riskstrat.risk_model import RiskModel
from riskstrat.statistics.estimate import Estimate
from riskstrat.statistics.paired import Comparison
from riskstrat.vocabulary import Finding, Severity

HELD_TWICE = 200
"""rows whose contributions are worked out by LightGBM, too: it takes some fifty times as long"""
STEADY = 0.6
"""share of the leading features that refits should keep, on average"""


def largest_difference(model: RiskModel, rows: pa.Table) -> float | None:
    """The most by which LightGBM's own contributions differ from ours; None for other models.

    Raises:
        NotExplained: RS3611, when that is more than ``ADDS_UP``, or no number.
    """
    theirs = model.contributions_by_lightgbm(rows)
    if theirs is None:
        return None
    values, base = model.contributions(rows)
    ours = np.column_stack([values, np.full(len(values), base)])
    found = float(np.abs(ours - theirs).max()) if len(ours) else 0.0
    if not found <= ADDS_UP:
        raise NotExplained(
            f"LightGBM and riskstrat find different contributions in {len(ours)} rows\n"
            f"  largest difference: {found:.3g} log-odds; allowed: {ADDS_UP:g}",
            fix="nothing was explained; report this as a bug, with the versions of lightgbm and "
            "numba that are installed",
            code="RS3611",
        )
    return found


def check_exact(
    learner: str, rows: int, gap: float, again: int, difference: float | None
) -> list[Finding]:
    """RS3601 and RS3602: the proof that contributions are the score's.

    Args:
        learner: of the model.
        rows: that were explained; ``gap`` the most by which one was missed.
        again: of them explained by LightGBM, too; ``difference`` the most found between the two.
    """
    message = (
        f"{learner}: base and contributions give the score of each of {rows} rows; the largest gap "
        f"is {gap:.1g} log-odds"
    )
    told = [finding("RS3601", Severity.INFO, learner, message, Estimate(gap, nan, nan, rows))]
    if difference is not None:
        message = (
            f"{learner}: LightGBM's own code finds the same contributions in {again} rows; the "
            f"largest difference is {difference:.1g} log-odds"
        )
        number = Estimate(difference, nan, nan, again)
        told.append(finding("RS3602", Severity.INFO, learner, message, number))
    return told


def check_stability(learner: str, own: Sizes, again: Sequence[Sizes]) -> list[Finding]:
    """RS3603: do the leading features lead whoever is drawn?"""
    kept = stays_leading(own, again)
    if not np.isfinite(kept):
        return []
    leading = min(LEADING, int((own.features > 0).sum()))
    message = (
        f"{learner}: of its {leading} leading features, a model of other people drawn from the "
        f"same keeps {100 * kept:.0f}% among its own {leading}, on average of {len(again)} refits"
    )
    severity = Severity.INFO if kept >= STEADY else Severity.WARNING
    number = Estimate(kept, nan, nan, 0)
    return [finding("RS3603", severity, learner, message, number)]


def check_glass_box(winner: str, compared: Comparison) -> list[Finding]:
    """RS3604: what using the model that can be read in full would give up.

    Args:
        winner: the model whose scores are used.
        compared: the winner first, the glass box second.
    """
    found = compared.metrics["average_precision"]
    given_up = Estimate(
        -found.difference.value, -found.difference.high, -found.difference.low, found.difference.n
    )
    free = not given_up.low > 0
    loses = given_up.value >= 0
    told = given_up if loses else found.difference
    message = (
        f"a glass box reaches an average precision of {found.second.value:.3f} where {winner} "
        f"reaches {found.first.value:.3f}: it {'gives up' if loses else 'gains'} {told.value:.4f} "
        f"(95% interval {told.low:.4f} to {told.high:.4f})"
    )
    message += "; no price is shown" if free else ""
    severity = Severity.WARNING if free else Severity.INFO
    return [finding("RS3604", severity, winner, message, given_up)]
