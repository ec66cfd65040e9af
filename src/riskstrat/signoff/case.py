"""What is submitted for sign-off, and how the log tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from riskstrat.signoff.binding import Binding, Bound
from riskstrat.vocabulary import Days, parse_days


@dataclass(frozen=True, slots=True)
class Case:
    """What is submitted.

    Attributes:
        study, version: the registered model.
        run_id, model_id: the run that made it, and the registry's id of its files.
        made_by: who ran the study, as the log tells: they are authors, too.
        made_under: the logins under which it was run.
        bound: the bytes that are signed.
        valid_for: how long an approval holds.
        failed: the gates that did not pass, as the study writes them.
        despite_gates: why it is submitted all the same; '' if all passed.
    """

    study: str
    version: int
    run_id: str
    model_id: str
    made_by: tuple[str, ...]
    bound: Binding
    valid_for: Days
    failed: tuple[str, ...] = ()
    despite_gates: str = ""
    made_under: tuple[str, ...] = ()


def case_details(case: Case) -> dict[str, Any]:
    """A submission as its entry of the log tells it."""
    bound = {
        thing: {"digest": each.digest, "parts": dict(each.parts)}
        for thing, each in case.bound.items()
    }
    return {
        "study": case.study,
        "version": case.version,
        "run_id": case.run_id,
        "model_id": case.model_id,
        "made_by": list(case.made_by),
        "bound": bound,
        "valid_for": str(case.valid_for),
        "failed": list(case.failed),
        "despite_gates": case.despite_gates,
        "made_under": list(case.made_under),
    }


def case_of(told: Mapping[str, Any]) -> Case:
    """The case that `case_details` told of.

    Raises:
        KeyError, TypeError, ValueError: it tells of none.
    """
    period = parse_days(told["valid_for"])
    if not isinstance(period, Days):
        raise ValueError(f"`{period}` is no length of time")
    return Case(
        study=told["study"],
        version=int(told["version"]),
        run_id=told["run_id"],
        model_id=told["model_id"],
        made_by=tuple(told["made_by"]),
        bound={
            thing: Bound(each["digest"], MappingProxyType(dict(each["parts"])))
            for thing, each in told["bound"].items()
        },
        valid_for=period,
        failed=tuple(told["failed"]),
        despite_gates=told["despite_gates"],
        made_under=tuple(told.get("made_under", ())),
    )
