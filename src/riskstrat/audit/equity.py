"""Accuracy and fairness beyond the table of groups: one part of the audit, in one call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from riskstrat.audit.benefit import net_benefits
from riskstrat.audit.calibration_curves import calibration_curves
from riskstrat.audit.checks import RIGHT_ON_AVERAGE, finding
from riskstrat.audit.comparisons import check_comparisons, comparisons
from riskstrat.audit.fairness import OK
from riskstrat.audit.label_bias import check_label_bias, need_at_equal_risk
from riskstrat.audit.leaks import check_leaks
from riskstrat.audit.people import EVERYONE, KEYS, People
from riskstrat.audit.proxies import check_proxies, proxies
from riskstrat.audit.spec import AuditSpec
from riskstrat.audit.tested import Tested
from riskstrat.audit.tradeoffs import check_tradeoffs, tradeoffs
from riskstrat.risk_model import RiskModel
from riskstrat.statistics import Estimate
from riskstrat.statistics.estimate import FloatArray
from riskstrat.vocabulary import Finding, Severity


@dataclass(frozen=True, slots=True)
class Equity:
    """What this part leaves.

    Attributes:
        tables: name of a file in the audit's folder -> its table.
        findings: coded.
    """

    tables: Mapping[str, pa.Table]
    findings: tuple[Finding, ...]


def equity(
    people: People,
    test: pa.Table,
    tested: Tested,
    model: RiskModel,
    spec: AuditSpec,
    *,
    fairness: pa.Table,
    measured: Mapping[str, Any],
    importance: pa.Table,
    baselines: Sequence[str],
    seed: int,
) -> Equity:
    """Net benefit, calibration curves, comparisons, trade-offs, proxies, label bias and leaks.

    Args:
        people: the winner's rows.
        test: predictions of the winner and the rules of thumb on the test dates.
        tested: features of the winner's rows, in their order.
        model, spec: the winner and the study's ``audit``.
        fairness, importance: see ``fairness.fairness`` and ``explain.global_importance``.
        measured: the winner's entry of ``metrics.json``.
        baselines: names of the rules of thumb.
        seed: of samples and folds.
    """
    rows = fairness.to_pylist()
    at = measured.get("at_capacity", ())
    thresholds = [one["risk_threshold"] for one in at if one.get("risk_threshold") is not None]
    rules = {
        name: risk for name in baselines if (risk := _risk(test, people, tested, name)) is not None
    }
    shares = {row["feature"]: row["share"] for row in importance.to_pylist()}
    compared = comparisons(rows)
    traded = tradeoffs(rows, middle(spec.capacity))
    told = proxies(people, tested, model, shares, spec.groups, seed=seed)
    needed = need_at_equal_risk(people, spec, tested)
    tables = {
        "net_benefit": net_benefits(
            people, model.name, {k: v for k, v in rules.items() if v is not None}, thresholds
        ),
        "calibration_curves": calibration_curves(people),
        "comparisons": compared,
        "tradeoffs": traded,
        "proxies": told,
        "need": needed,
    }
    findings = (
        *check_comparisons(compared),
        *check_tradeoffs(traded),
        *check_proxies(told),
        *check_label_bias(spec, needed),
        *check_leaks(people, tested, model, seed=seed),
        *check_group_calibration(rows),
    )
    return Equity(tables, findings)


def middle(capacity: Sequence[float]) -> float:
    """The capacity that reports speak of: 5% where it is one of the study's, else the middle."""
    return 0.05 if 0.05 in capacity or not capacity else capacity[len(capacity) // 2]


def _risk(test: pa.Table, people: People, tested: Tested, name: str) -> FloatArray | None:
    """A rule's risks for the rows under audit; None where it is no probability or told others."""
    own = test.filter(pc.equal(test["learner"], name)).sort_by([(key, "ascending") for key in KEYS])
    wanted = tested.rows.append_column("row", pa.array(range(tested.rows.num_rows)))
    wanted = wanted.sort_by([(key, "ascending") for key in KEYS])
    if own.num_rows != wanted.num_rows or any(own[key] != wanted[key] for key in KEYS):
        return None
    order = wanted["row"].to_numpy()
    risk = own["risk"].cast(pa.float64()).to_numpy(zero_copy_only=False)
    found = risk.copy()
    found[order] = risk
    found = found[people.place]
    return found if bool(((found >= 0) & (found <= 1)).all()) else None


def check_group_calibration(rows: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """RS3507: groups for whom the stated risks are too low, or too high."""
    low, high = RIGHT_ON_AVERAGE
    for row in rows:
        judged = row["metric"] == "calibration_in_the_large" and row["verdict"] == OK
        if not judged or row["group"] == EVERYONE or None in (row["low"], row["high"]):
            continue
        number = Estimate.from_dict(row)
        if number.outside(low, high):
            message = (
                f"{row['group']}: at level {row['level']} {number.in_words()} times as many "
                f"outcomes happened as the risks say; they are too "
                f"{'low' if number.low > high else 'high'} for this group"
            )
            where = f"{row['group']}: {row['level']}"
            yield finding("RS3507", Severity.WARNING, row["group"], message, number, where)
