"""Everything a page about a model in use shows, already protected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from riskstrat.errors import ReleaseRefused
from riskstrat.vocabulary import Protected

PLAIN = frozenset(
    {"calibration", "gates_then", "identities", "limits", "suspends", "trained", "tested"}
)

SHOWN = ("title", "columns", "rows", "policy", "suppressed", "note")
"""what a page tells of a protected table"""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorData:
    """What watching a version on one day found. Tables of people are `Protected`.

    Attributes:
        title, study: of the study.
        as_of: the day that is watched.
        model, version, standing, run_id, learner: which version, its aliases, who made it.
        policy: of disclosure control.
        trained, tested: first and last date that the version learnt from, and was judged on.
        judged_on: the day whose outcomes judged it now; '' where none are known.
        known_from, not_known: when the day's own outcomes can be known, and why they are not;
            '' where they are.
        since: the day of the last release; '' where there was none.
        limits: the study's ``monitor``.
        suspends: codes of findings that suspend the version.
        identities: digests of what was compared.
        calibration: ``approval`` and ``now``, each of `evidence.calibration_table`.
        gates_then: per gate its text, its verdict at approval, and whether it was carried over.
    """

    title: str
    study: str
    as_of: str
    model: str
    version: str
    standing: str
    run_id: str
    learner: str
    policy: str
    made_up: bool
    trained: tuple[str, ...]
    tested: tuple[str, ...]
    judged_on: str
    known_from: str
    not_known: str
    since: str
    limits: Mapping[str, Any]
    suspends: tuple[str, ...]
    identities: Mapping[str, str]
    volumes: Protected
    missing: Protected
    features: Protected
    cells: Protected
    scores: Protected
    cuts: Protected
    risk: Protected
    findings: Protected
    performance: Protected | None = None
    groups_now: Protected | None = None
    groups_then: Protected | None = None
    gates: Protected | None = None
    gates_then: tuple[tuple[str, str, bool], ...] = ()
    churn: Protected | None = None
    calibration: Mapping[str, Protected] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for part in fields(self):
            table = getattr(self, part.name)
            if isinstance(table, str | bool | None) or part.name in PLAIN:
                continue
            if not isinstance(table, Protected):
                raise ReleaseRefused(
                    f"monitoring: {part.name} is not a Protected table",
                    fix="protect it with `release.monitor_tables` before it reaches a page",
                    code="RS3020",
                )

    def as_dict(self) -> dict[str, Any]:
        """For ``monitor.json``: plain values, tables as protected."""
        return {part.name: _plain(getattr(self, part.name)) for part in fields(self)}


def _plain(value: Any) -> Any:
    if isinstance(value, Protected):
        # What is shown, and not which counts are hidden for the sake of others.
        return _plain({name: getattr(value, name) for name in SHOWN})
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
