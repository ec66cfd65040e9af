"""Findings: what the audit noticed, each with its number. They inform; the gates decide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import nan
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from riskstrat.audit.codes import AUDIT_CODES
from riskstrat.audit.fairness import EVERYONE, NOT_ENOUGH, OK, share_text
from riskstrat.audit.gates import GateResult
from riskstrat.statistics.estimate import BoolArray, Estimate, FloatArray
from riskstrat.statistics.ranked import cumulate, rank_rows, ranked_average_precision
from riskstrat.statistics.resample import find_clusters, replicate
from riskstrat.vocabulary import Finding, Pages, Severity

finding = Pages(AUDIT_CODES).finding

RIGHT_ON_AVERAGE = (0.9, 1.1)
TOO_GOOD = 0.90
MOSTLY_EMPTY = 0.80
ONE_FEATURE = 0.5
MANY_UNKNOWN = 0.20
MANY_TIED = 0.1
UNEQUAL = 0.8


def check_calibration(winner: str, metrics: Mapping[str, Any]) -> Iterator[Finding]:
    """RS301 and RS302: right on average, and neither too extreme nor too timid."""
    low, high = RIGHT_ON_AVERAGE
    for code, metric, words in (
        ("RS301", "calibration_in_the_large", "observed over expected outcomes"),
        ("RS302", "calibration_slope", "calibration slope"),
    ):
        number = Estimate.from_dict(metrics.get(metric))
        if not number.estimable:
            message = f"{winner}: the {words} could not be estimated"
            yield finding(
                code, Severity.WARNING, winner, message, number, positives=metrics.get("outcomes")
            )
            continue
        outside = number.outside(low, high)
        message = f"{winner}: {words} {number.in_words()}; 1 is right"
        severity = Severity.WARNING if outside else Severity.INFO
        yield finding(code, severity, winner, message, number, positives=metrics.get("outcomes"))


def check_discrimination(winner: str, metrics: Mapping[str, Any]) -> Iterator[Finding]:
    """RS306: too good to be true."""
    number = Estimate.from_dict(metrics.get("auroc"))
    if number.estimable and number.value > TOO_GOOD:
        message = (
            f"{winner}: area under the ROC curve {number.in_words()}; above {TOO_GOOD:g} is rare"
        )
        yield finding(
            "RS306", Severity.WARNING, winner, message, number, positives=metrics.get("outcomes")
        )


def check_against_baselines(
    winner: str,
    baselines: Sequence[str],
    tested: pa.Table,
    *,
    clusters: NDArray[Any] | None = None,
    replicates: int,
    seed: int,
) -> Iterator[Finding]:
    """RS303: what the model adds to each rule of thumb, on the same people.

    Args:
        winner, baselines: names in the column ``learner``.
        tested: the rows of ``predictions`` of the split ``test``.
        clusters: labels in the order of the winner's rows; default unit_id.
        replicates, seed: of the paired bootstrap.
    """
    y, own, unit, at = _aligned(tested, winner)
    drawn = unit if clusters is None else clusters[at]
    for name in baselines:
        _, other, other_unit, _ = _aligned(tested, name)
        if len(other) != len(own) or not (other_unit == unit).all():
            continue
        number = precision_gained(
            y,
            own,
            other,
            clusters=drawn,
            replicates=replicates,
            rng=np.random.default_rng(seed),
        )
        better = number.low > 0
        message = (
            f"{winner} {'finds more than' if better else 'is not shown to find more than'} "
            f"{name}: average precision differs by {number.in_words()}"
        )
        severity = Severity.INFO if better else Severity.WARNING
        yield finding("RS303", severity, name, message, number, positives=int(y.sum()))


def precision_gained(
    y: BoolArray,
    ours: FloatArray,
    theirs: FloatArray,
    *,
    clusters: NDArray[Any],
    replicates: int,
    rng: np.random.Generator,
) -> Estimate:
    """Average precision of one score minus that of another, by paired clustered bootstrap.

    Args:
        y: bool (n,), the outcome.
        ours, theirs: float (n,), the scores.
        clusters: (n,) labels of what is resampled whole.
        replicates: resamples.
        rng: source of the resamples.
    """
    who = find_clusters(clusters, len(y))
    first, second = rank_rows(y, ours, who), rank_rows(y, theirs, who)

    def kernel(weights: FloatArray) -> dict[tuple[str, ...], FloatArray]:
        gained = ranked_average_precision(cumulate(first, weights)) - ranked_average_precision(
            cumulate(second, weights)
        )
        return {("gained",): gained}

    return replicate(kernel, len(y), who.count, replicates, rng).estimate(("gained",), len(y))


def check_groups(fairness: pa.Table) -> Iterator[Finding]:
    """RS304: groups without evidence; RS310: groups of which markedly fewer are found."""
    rows = [row for row in fairness.to_pylist() if row["group"] != EVERYONE]
    thin = [row for row in rows if row["metric"] == "auroc" and row["verdict"] == NOT_ENOUGH]
    for row in thin:
        message = (
            f"{row['group']}: too few people or outcomes at level {row['level']} to judge the "
            "model for them"
        )
        group = f"{row['group']}: {row['level']}"
        yield finding(
            "RS304", Severity.WARNING, row["group"], message, group=group,
            positives=row["positives"],
        )  # fmt: skip
    compared = [
        row
        for row in rows
        if (row["metric"], row["verdict"]) == ("sensitivity_ratio", OK)
        and row["level"] != row["reference"]
    ]
    for row in compared:
        number = Estimate.from_dict(row)
        if number.high < UNEQUAL:
            yield _reached_less(row, row["level"], row["reference"], number)
    for group, at in dict.fromkeys((row["group"], row["at"]) for row in compared):
        yield from _reference_reached_less(
            [row for row in compared if (row["group"], row["at"]) == (group, at)]
        )


def _reference_reached_less(rows: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """RS310 of the reference, told once: beside the level that is surest to be reached more."""
    above = [row for row in rows if row["low"] is not None and row["low"] > 1 / UNEQUAL]
    if above:
        row = max(above, key=lambda each: float(each["low"]))
        turned = Estimate(1 / row["value"], 1 / row["high"], 1 / row["low"], row["n"])
        more = f", and markedly less than at {len(above)} of the {len(rows)} others judged"
        yield _reached_less(row, row["reference"], row["level"], turned, more if rows[1:] else "")


def _reached_less(
    row: Mapping[str, Any], level: str, other: str, number: Estimate, more: str = ""
) -> Finding:
    message = (
        f"{row['group']}: of those in need at level {level}, {_cut(row['at'])} finds "
        f"{number.in_words()} times the share it finds at {other}{more}"
    )
    # Whoever is served worse: the level compared, not the reference, is what disclosure control
    # may withhold.
    group = f"{row['group']}: {row['level']}"
    return finding(
        "RS310", Severity.WARNING, row["group"], message, number, group, row["positives"]
    )


def check_features(empty: Mapping[str, int], rows: int) -> Iterator[Finding]:
    """RS305: features that are empty for most of the people tested.

    Args:
        empty: feature -> how many of the rows tested have no value.
        rows: how many were tested.
    """
    for name, count in empty.items():
        if rows and count / rows > MOSTLY_EMPTY:
            share = count / rows
            message = f"{name} is empty for {100 * share:.0f}% of the people tested"
            yield finding("RS305", Severity.INFO, name, message, Estimate(share, nan, nan, rows))


def check_importance(importance: pa.Table) -> Iterator[Finding]:
    """RS307: one feature carries the model."""
    for row in importance.slice(0, 1).to_pylist():
        if row["share"] > ONE_FEATURE and importance.num_rows > 1:
            number = Estimate(row["share"], nan, nan, 0)
            message = f"{row['feature']} carries {100 * row['share']:.0f}% of what the model says"
            yield finding("RS307", Severity.WARNING, row["feature"], message, number)


def check_unknown(rows: int, unknown: int) -> Iterator[Finding]:
    """RS308: the outcome of many is not yet known.

    Args:
        rows: of the cohort.
        unknown: those whose outcome is not yet known.
    """
    if rows and unknown / rows > MANY_UNKNOWN:
        share = unknown / rows
        message = f"the outcome of {100 * share:.0f}% of the cohort's rows is not yet known"
        yield finding("RS308", Severity.WARNING, "cohort", message, Estimate(share, nan, nan, rows))


def check_ties(winner: str, metrics: Mapping[str, Any]) -> Iterator[Finding]:
    """RS309: chance decides who is listed."""
    for at in metrics.get("at_capacity", ()):
        selected, tied, seats = (at.get(k) or 0 for k in ("selected", "tied", "tied_selected"))
        if tied > seats and seats > MANY_TIED * selected:
            share = seats / selected
            message = (
                f"{winner}: at {share_text(at['share'])} of the people, {seats} of {selected} "
                f"places go by chance to some of {tied} people with the same score"
            )
            number = Estimate(share, nan, nan, selected)
            yield finding("RS309", Severity.WARNING, winner, message, number)


def from_gates(gates: Sequence[GateResult]) -> Iterator[Finding]:
    """Gates that did not pass, as findings."""
    for gate in gates:
        if not gate.passed:
            number = Estimate(gate.value, gate.low, gate.high, gate.n)
            severity = Severity.ERROR if gate.verdict == "fail" else Severity.WARNING
            message = f"gate `{gate.text}`: {gate.explanation}"
            yield finding(
                gate.code, severity, gate.name, message, number, gate.group, gate.positives
            )


def _aligned(
    tested: pa.Table, learner: str
) -> tuple[BoolArray, FloatArray, NDArray[Any], NDArray[np.int64]]:
    """Outcome, score, unit and place of one learner's rows, in one order for all learners."""
    own = tested.filter(pc.equal(tested["learner"], learner))
    own = own.append_column("place", pa.array(np.arange(own.num_rows)))
    rows = own.filter(pc.is_valid(own["outcome"])).sort_by(
        [("as_of", "ascending"), ("unit_id", "ascending")]
    )
    return (
        rows["outcome"].to_numpy(zero_copy_only=False).astype(bool),
        np.asarray(rows["raw_score"].to_numpy(), dtype=np.float64),
        rows["unit_id"].to_numpy(zero_copy_only=False),
        rows["place"].to_numpy(),
    )


def _cut(at: str) -> str:
    """``the top 5%`` for a capacity, a published decision as it is written."""
    try:
        return f"the top {100 * float(at):g}%"
    except ValueError:
        return f"`{at}`"
