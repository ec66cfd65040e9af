"""A gate's verdict in one sentence, for the report and the findings."""

from __future__ import annotations

from riskstrat.audit.spec import Gate
from riskstrat.audit.verdicts import BROKEN, KEPT, Interval, Verdict, tolerance


def outcome(
    gate: Gate, found: Interval, verdict: Verdict, *, where: str = "", against: str = ""
) -> str:
    """What was found, and why that is the verdict, without a full stop.

    Args:
        gate: the condition.
        found: what was measured.
        verdict: see ``verdicts.judge``.
        where: the level that decides, such as ``ethnicity: asian``.
        against: the reference level, where levels are compared.

    Examples:
        >>> gate = Gate.model_validate("auroc.low >= 0.70")
        >>> outcome(gate, Interval(0.75, 0.71, 0.79), "pass")
        'Lower limit of auroc is 0.71 (as required >= 0.7)'
    """
    bound = {"value": "", "low": "lower limit of ", "high": "upper limit of "}[gate.bound]
    at_worst = f", at worst in {where}" if where else ""
    compared = f" against {against}" if against else ""
    number = getattr(found, gate.bound)
    said = f"{bound}{named(gate)} is {number:.3g}{at_worst}{compared}"
    said = f"{said[0].upper()}{said[1:]}"
    limit = threshold(gate)
    if verdict == KEPT:
        return f"{said} (as required {limit})"
    if verdict == BROKEN:
        return f"{said} (required was {limit})"
    if not found.known:
        return f"{said} without an interval: whether it is {limit} cannot be told"
    spread = f"{said}; its interval, {found.low:.3g} to {found.high:.3g},"
    wide = found.half_width > tolerance(gate)
    return f"{spread} {'is too wide to say' if wide else 'does not show'} whether it is {limit}"


def threshold(gate: Gate) -> str:
    """``>= 0.8`` or ``in [0.9, 1.1]``."""
    if gate.between is not None:
        return f"in [{gate.between[0]:g}, {gate.between[1]:g}]"
    return f"{gate.operator} {gate.limit:g}"


def named(gate: Gate) -> str:
    """``sensitivity ratio in the top 5%``."""
    words = gate.metric.replace("_", " ")
    return words if gate.at is None else f"{words} in the top {100 * gate.at:g}%"


def levels_said(levels: int) -> str:
    """``1 level``, ``4 levels``."""
    return f"{levels} level{'' if levels == 1 else 's'}"
