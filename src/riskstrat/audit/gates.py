"""The study's conditions, held against what was measured. A gate passes only on evidence.

``verdicts`` has the rule for one number; here numbers are found, and levels of a group are put
together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, nan
from typing import Any

import pyarrow as pa

from riskstrat.audit.fairness import OK, share_text
from riskstrat.audit.gate_words import levels_said, named, outcome, threshold
from riskstrat.audit.spec import Gate
from riskstrat.audit.verdicts import (
    KEPT,
    UNTOLD,
    Interval,
    Verdict,
    both_ways,
    excess,
    holds,
    judge,
    whole,
)
from riskstrat.errors import StudyError
from riskstrat.vocabulary import base_of, compares

__all__ = ["GateResult", "Verdict", "evaluate_gates", "holds"]

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
            '' for everyone. The level named is the one served worse; it may be the reference.
        at: the capacity.
        value, low, high, n: what was measured; NaN where it was not.
        positives: those with the outcome behind it; None where that is not known.
        threshold: ``>= 0.8`` or ``in [0.9, 1.1]``.
        passed: True only for the verdict ``pass``.
        verdict: ``not_enough_evidence`` when nothing can be said either way.
        explanation: one sentence for the report.
        judged: how many levels of a group were judged; 0 for everyone.
        undecided: levels whose interval is too wide to say.
        too_few: levels with fewer people or outcomes than the study judges by; a gate that passes
            says nothing of them.
        against: where the reference decided, the level beside which it is served worse, as
            ``group`` tells it; the numbers are then the reference's over that level's. Else ''.
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
    judged: int = 0
    undecided: tuple[str, ...] = ()
    too_few: tuple[str, ...] = ()
    against: str = ""
    positives: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """For ``run.json``; NaN becomes None."""
        found = {name: getattr(self, name) for name in self.__slots__}
        limits = {key: found[key] for key in ("value", "low", "high")}
        names = {key: list(found[key]) for key in ("undecided", "too_few")}
        return found | names | {key: v if isfinite(v) else None for key, v in limits.items()}


@dataclass(frozen=True, slots=True)
class _Measured:
    """A number a gate can be held against, and where it was found."""

    value: float = nan
    low: float = nan
    high: float = nan
    n: int = 0
    where: str = ""
    level: str = ""
    positives: int | None = None
    turned: bool = False
    """whether this is the reference over the level"""

    @property
    def interval(self) -> Interval:
        return Interval(self.value, self.low, self.high)

    def bound(self, name: str) -> float:
        return float(getattr(self, name))

    def turn(self) -> _Measured:
        other = self.interval.turned()
        return replace(self, value=other.value, low=other.low, high=other.high, turned=True)


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
        extra: further measurements by name, such as ``membership_inference_auc``; ``too_few``
            says why one decides nothing.

    Returns:
        One result per gate, in order. Something that was not measured, a NaN, an interval too
        wide to say, or a group without a level of enough evidence gives
        ``not_enough_evidence``, which does not pass.

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
        return _single(gate, OVERALL, _with_positives(metrics.get(gate.metric), metrics))
    for entry in metrics.get("at_capacity", ()):
        if share_text(entry["share"]) == share_text(gate.at):
            found = _with_positives(entry.get(gate.metric), metrics)
            return _single(gate, AT_CAPACITY, found)
    return _single(gate, AT_CAPACITY, None)


def _with_positives(found: object, metrics: Mapping[str, Any]) -> object:
    """A measurement of everybody, with how many of them had the outcome."""
    return {"positives": metrics.get("outcomes"), **found} if isinstance(found, Mapping) else found


def _is_complete(gate: Gate) -> None:
    base = base_of(gate.metric)
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
        why = f"{named(gate)} was not measured in this run, so nothing was shown."
        return _result(gate, NOT_MEASURED, _Measured(), UNTOLD, why)
    measured = _measured(found)
    if reason := found.get("too_few"):
        return _result(gate, code, measured, UNTOLD, f"{named(gate)} decides nothing: {reason}")
    if not isfinite(measured.value):
        why = f"{named(gate)} could not be estimated from {measured.n:,} rows."
        return _result(gate, code, measured, UNTOLD, why)
    verdict = judge(gate, measured.interval)
    return _result(gate, code, measured, verdict, f"{outcome(gate, measured.interval, verdict)}.")


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
        why = f"{named(gate)} by {gate.group} was not measured in this run."
        return _result(gate, NOT_MEASURED, _Measured(where=gate.group or ""), UNTOLD, why)
    compared = compares(gate.metric)
    if compared:
        found = [row for row in found if row["level"] != row["reference"]]
    usable = [
        _measured(row, str(gate.group), str(row["level"]))
        for row in found
        if row["verdict"] == OK and row["value"] is not None
    ]
    too_few = tuple(row["level"] for row in found if row["verdict"] != OK and row["people"])
    if not usable:
        beside = " beside the reference" if compared else ""
        why = f"No level of {gate.group}{beside} has enough people and outcomes to judge by."
        nobody = _Measured(where=gate.group or "")
        return _result(gate, BY_GROUP, nobody, UNTOLD, why, too_few=too_few)
    return _worst(gate, usable, too_few, found[0]["reference"] if compared else "")


def _worst(
    gate: Gate, levels: Sequence[_Measured], too_few: tuple[str, ...], reference: str
) -> GateResult:
    """The result over the levels: told by the one that decides, with the others named."""
    compared = [*levels, *(level.turn() for level in levels if both_ways(gate))]
    verdicts = [judge(gate, each.interval) for each in compared]
    verdict = whole(verdicts)
    deciding = [each for each, own in zip(compared, verdicts, strict=True) if own == verdict]
    worst = max(deciding, key=lambda each: _shortfall(gate, each))
    open_ = [each.level for each, own in zip(compared, verdicts, strict=True) if own == UNTOLD]
    undecided = tuple(dict.fromkeys(open_))
    beside, other = worst.where, reference
    if worst.turned:
        worst = replace(worst, where=f"{gate.group}: {reference}")
        other = worst.level
    said = outcome(gate, worst.interval, verdict, where=worst.where, against=other)
    notes = [f"{said}; {levels_said(len(levels))} judged."]
    if others := [level for level in undecided if level != worst.level]:
        notes.append(f"Nor can it be told for {', '.join(others)}.")
    if too_few:
        notes.append(f"Too few to judge: {', '.join(too_few)}.")
    return _result(
        gate, BY_GROUP, worst, verdict, " ".join(notes),
        judged=len(levels), undecided=undecided, too_few=too_few,
        against=beside if worst.turned else "",
    )  # fmt: skip


def _shortfall(gate: Gate, found: _Measured) -> float:
    """How far a level is on the wrong side; a limit that could not be estimated is far."""
    number = found.bound(gate.bound)
    return excess(gate, number if isfinite(number) else found.value)


def _result(
    gate: Gate,
    code: str,
    measured: _Measured,
    verdict: Verdict,
    explanation: str,
    *,
    judged: int = 0,
    undecided: tuple[str, ...] = (),
    too_few: tuple[str, ...] = (),
    against: str = "",
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
        threshold=threshold(gate),
        passed=verdict == KEPT,
        verdict=verdict,
        explanation=explanation,
        judged=judged,
        undecided=undecided,
        too_few=too_few,
        against=against,
        positives=measured.positives,
    )


def _measured(found: Mapping[str, Any], group: str = "", level: str = "") -> _Measured:
    value, low, high = (_number(found.get(key)) for key in ("value", "low", "high"))
    where = f"{group}: {level}" if group else ""
    return _Measured(
        value, low, high, int(found.get("n") or 0), where, level, found.get("positives")
    )


def _number(value: Any) -> float:
    return nan if value is None else float(value)
