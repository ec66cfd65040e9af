"""The study's conditions, held against what was measured. A gate passes only on evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite, nan
from typing import Any, Literal

import pyarrow as pa

from riskstrat.audit.fairness import OK, share_text
from riskstrat.audit.spec import Gate
from riskstrat.errors import StudyError

Verdict = Literal["pass", "fail", "not_enough_evidence"]
NOT: Verdict = "not_enough_evidence"
OVERALL, AT_CAPACITY, BY_GROUP, NOT_MEASURED = "RS320", "RS321", "RS322", "RS323"
CAPACITY_METRICS = frozenset(
    {"ppv", "sensitivity", "specificity", "lift", "number_needed_to_review", "selection_rate"}
)


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate's verdict.

    Attributes:
        code: RS320 overall, RS321 at a capacity, RS322 over a group, RS323 not measured.
        text, name: the gate as the study writes it, and its metric.
        group: ``ethnicity: Asian`` for the level that decided, ``ethnicity`` when none could,
            '' for everyone.
        at: the capacity.
        value, low, high, n: what was measured; NaN where it was not.
        threshold: ``>= 0.8`` or ``in [0.9, 1.1]``.
        passed: True only for the verdict ``pass``.
        verdict: ``not_enough_evidence`` when nothing can be said either way.
        explanation: one sentence for the report.
    """

    code: str
    text: str
    name: str
    group: str
    at: float | None
    value: float
    low: float
    high: float
    n: int
    threshold: str
    passed: bool
    verdict: Verdict
    explanation: str

    def as_dict(self) -> dict[str, Any]:
        """For ``run.json``; NaN becomes None."""
        found = {name: getattr(self, name) for name in self.__slots__}
        limits = {key: found[key] for key in ("value", "low", "high")}
        return found | {key: v if isfinite(v) else None for key, v in limits.items()}


@dataclass(frozen=True, slots=True)
class _Measured:
    """A number a gate can be held against, and where it was found."""

    value: float = nan
    low: float = nan
    high: float = nan
    n: int = 0
    where: str = ""

    def bound(self, name: str) -> float:
        return float(getattr(self, name))


def evaluate_gates(
    gates: Sequence[Gate],
    metrics: Mapping[str, Any],
    fairness: pa.Table,
    extra: Mapping[str, Mapping[str, Any]] | None = None,
) -> tuple[GateResult, ...]:
    """Hold each gate against the winner's results on the held-out dates.

    Args:
        gates: from the study.
        metrics: one learner's entry of ``metrics.json``: metric -> {value, low, high, n}, and
            ``at_capacity``.
        fairness: the table of ``fairness``.
        extra: further measurements by name, such as ``membership_inference_auc``.

    Returns:
        One result per gate, in order. Something that was not measured, a NaN, or a group
        without a level of enough evidence gives ``not_enough_evidence``, which does not pass.

    Raises:
        StudyError: a capacity metric has no ``at=``, or a ratio no group.
    """
    rows = fairness.to_pylist()
    known = {**metrics, **(extra or {})}
    return tuple(_evaluate(gate, known, rows) for gate in gates)


def _evaluate(
    gate: Gate, metrics: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]
) -> GateResult:
    _is_complete(gate)
    if gate.group is not None:
        return _over_levels(gate, rows)
    if gate.at is None:
        return _single(gate, OVERALL, metrics.get(gate.metric))
    for entry in metrics.get("at_capacity", ()):
        if share_text(entry["share"]) == share_text(gate.at):
            return _single(gate, AT_CAPACITY, entry.get(gate.metric))
    return _single(gate, AT_CAPACITY, None)


def _is_complete(gate: Gate) -> None:
    base = gate.metric.removesuffix("_ratio").removesuffix("_difference")
    if base != gate.metric and gate.group is None:
        raise StudyError(
            f"gate `{gate.text}` compares groups but names none",
            fix=f"name the group: `{gate.metric}(sex, at=0.05)`",
        )
    if base in CAPACITY_METRICS and gate.at is None:
        raise StudyError(
            f"gate `{gate.text}` needs a capacity: {base} depends on how many people are listed",
            fix=f"write `{gate.metric}({gate.group + ', ' if gate.group else ''}at=0.05)`",
        )


def _single(gate: Gate, code: str, found: object) -> GateResult:
    if not isinstance(found, Mapping):
        why = f"{_name(gate)} was not measured in this run, so nothing was shown."
        return _result(gate, NOT_MEASURED, _Measured(), NOT, why)
    measured = _measured(found, "")
    if not isfinite(measured.bound(gate.bound)):
        why = f"{_name(gate)} could not be estimated from {measured.n:,} rows."
        return _result(gate, code, measured, NOT, why)
    return _judged(gate, code, measured)


def _over_levels(gate: Gate, rows: Sequence[Mapping[str, Any]]) -> GateResult:
    at = None if gate.at is None else share_text(gate.at)
    # A gate names the group `screenings.race` of the study by its last part.
    found = [
        row
        for row in rows
        if gate.group in (row["group"], row["group"].rpartition(".")[2])
        and (row["metric"], row["at"]) == (gate.metric, at)
    ]
    if not found:
        why = f"{_name(gate)} by {gate.group} was not measured in this run."
        return _result(gate, NOT_MEASURED, _Measured(where=gate.group or ""), NOT, why)
    compared = gate.metric.endswith(("_ratio", "_difference"))
    if compared:
        found = [row for row in found if row["level"] != row["reference"]]
    judged = [
        _measured(row, f"{gate.group}: {row['level']}") for row in found if row["verdict"] == OK
    ]
    usable = [each for each in judged if isfinite(each.bound(gate.bound))]
    left_out = [row["level"] for row in found if row["verdict"] != OK and row["people"]]
    if not usable:
        beside = " beside the reference" if compared else ""
        why = f"No level of {gate.group}{beside} has enough people and outcomes to judge by."
        return _result(gate, BY_GROUP, _Measured(where=gate.group or ""), NOT, why)
    worst = max(usable, key=lambda each: _excess(gate, each.bound(gate.bound)))
    against = f" against {found[0]['reference']}" if compared else ""
    note = f" Too few to judge: {', '.join(left_out)}." if left_out else ""
    return _judged(gate, BY_GROUP, worst, against, f"; {_count(len(usable))} judged.{note}")


def _judged(
    gate: Gate, code: str, measured: _Measured, against: str = "", more: str = "."
) -> GateResult:
    number = measured.bound(gate.bound)
    holds = _holds(gate, number)
    bound = {"value": "", "low": "lower limit of ", "high": "upper limit of "}[gate.bound]
    at_worst = f", at worst in {measured.where}" if measured.where else ""
    said = f"{bound}{_name(gate)} is {number:.3g}{at_worst}{against}"
    wanted = "as required" if holds else "required was"
    why = f"{said[0].upper()}{said[1:]} ({wanted} {_threshold(gate)}){more}"
    return _result(gate, code, measured, "pass" if holds else "fail", why)


def _result(
    gate: Gate, code: str, measured: _Measured, verdict: Verdict, explanation: str
) -> GateResult:
    return GateResult(
        code=code,
        text=gate.text,
        name=gate.metric,
        group=measured.where,
        at=gate.at,
        value=measured.value,
        low=measured.low,
        high=measured.high,
        n=measured.n,
        threshold=_threshold(gate),
        passed=verdict == "pass",
        verdict=verdict,
        explanation=explanation,
    )


def _measured(found: Mapping[str, Any], where: str) -> _Measured:
    value, low, high = (_number(found.get(key)) for key in ("value", "low", "high"))
    return _Measured(value, low, high, int(found.get("n") or 0), where)


def _number(value: Any) -> float:
    return nan if value is None else float(value)


def _holds(gate: Gate, number: float) -> bool:
    return _excess(gate, number) <= 0 and not (gate.operator in (">", "<") and number == gate.limit)


def _excess(gate: Gate, number: float) -> float:
    """How far a number is on the wrong side of the gate; the worst level is the largest."""
    if gate.between is not None:
        return max(gate.between[0] - number, number - gate.between[1])
    limit = inf if gate.limit is None else gate.limit
    return limit - number if gate.operator in (">=", ">") else number - limit


def _threshold(gate: Gate) -> str:
    if gate.between is not None:
        return f"in [{gate.between[0]:g}, {gate.between[1]:g}]"
    return f"{gate.operator} {gate.limit:g}"


def _name(gate: Gate) -> str:
    words = gate.metric.replace("_", " ")
    return words if gate.at is None else f"{words} in the top {100 * gate.at:g}%"


def _count(levels: int) -> str:
    return f"{levels} level{'' if levels == 1 else 's'}"
