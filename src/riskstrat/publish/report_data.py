"""Everything a report shows, already protected: what the pipeline fills in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Literal

from riskstrat.errors import ReleaseRefused
from riskstrat.publish.tables import PlainTable
from riskstrat.vocabulary import Protected

REQUIRED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "sources": ("source", "agency", "rows_in", "accepted", "rejected"),
        "flow": ("as_of", "step", "n"),
        "outcomes": ("as_of", "n", "yes", "no", "not_yet_known", "rate"),
        "folds": ("role", "as_of", "n"),
        "performance": ("split", "learner", "metric", "value", "low", "high", "n", "status"),
        "at_capacity": (
            "split", "learner", "share", "selected", "metric", "value", "low", "high", "n",
            "status",
        ),
        "calibration": ("learner", "predicted", "observed", "low", "high", "n", "status"),
        "gains": ("learner", "share", "sensitivity", "ppv"),
        "decision": ("learner", "probability_threshold", "net_benefit"),
        "risk": ("band", "low", "high", "n"),
        "fairness": (
            "group", "level", "metric", "at", "value", "low", "high", "n", "verdict", "status",
        ),
        "tradeoffs": (
            "group", "level", "reference", "rate", "rate_reference", "apart", "value", "low",
            "high", "of_reference", "n", "status",
        ),
        "curves": ("group", "level", "risk", "observed", "low", "high", "n", "status"),
        "need": ("group", "level", "reference", "marker", "value", "low", "high", "n", "status"),
        "proxies": (
            "group", "level", "value", "low", "high", "n", "set_aside", "features", "model_share",
            "status",
        ),
        "benefit": ("group", "level", "policy", "threshold", "value", "low", "high", "n", "status"),
        "mitigation": (
            "group", "remedy", "metric", "level", "value", "low", "high", "n", "change",
            "change_low", "change_high", "status",
        ),
        "links": ("domain", "agency", "metric", "basis", "value", "low", "high", "n", "status"),
        "links_by_group": (
            "domain", "agency", "group", "level", "metric", "basis", "value", "low", "high", "n",
            "status",
        ),
        "link_bounds": (
            "at", "metric", "value", "low", "high", "chance_low", "chance_high", "n", "status",
        ),
        "link_bounds_by_group": (
            "group", "level", "at", "metric", "value", "low", "high", "n", "status",
        ),
        "unlinkable": ("domain", "probability", "value", "n"),
        "left_out": ("source", "rejected"),
        "privacy": ("metric", "value", "low", "high", "n", "positives", "verdict", "status"),
        "privacy_by_group": (
            "group", "level", "metric", "value", "low", "high", "n", "positives", "status",
        ),
        "sure_performance": ("split", "learner", "metric", "value", "low", "high", "n", "status"),
        "sure_at_capacity": ("split", "share", "metric", "value", "low", "high", "n", "status"),
        "gates": ("code", "text", "value", "low", "high", "n", "verdict", "status"),
        "findings": ("code", "severity", "where", "message"),
        "bands": ("band", "people", "expected", "expected_share"),
        "agreements": ("agreement", "sources", "uk_gdpr", "ends"),
        "recipients": ("recipient", "gets"),
        "sharing": ("source", "purpose", "opt_outs"),
        "data_flow": ("origin", "to", "what", "under"),
        "dictionary": ("name", "meaning", "source", "window", "share_missing"),
        "importance": ("feature", "meaning", "agency", "importance"),
        "importance_by_agency": ("agency", "importance"),
        "stability": ("meaning", "importance", "rank", "rank_low", "rank_high", "refits"),
        "stability_by_agency": ("meaning", "importance", "rank", "rank_low", "rank_high", "refits"),
        "effects": ("feature", "meaning", "level", "effect", "low", "high", "n", "status"),
        "rival_performance": ("split", "learner", "metric", "value", "low", "high", "n", "status"),
        "rival_at_capacity": (
            "split", "learner", "share", "selected", "metric", "value", "low", "high", "n",
            "status",
        ),
        "rival_differences": ("metric", "share", "value", "low", "high", "n", "status"),
        "rival_effects": ("feature", "meaning", "level", "effect", "low", "high", "n", "status"),
        "robustness": (
            "drill", "case", "metric", "at", "role", "value", "low", "high", "n", "status",
        ),
        "rival_importance": ("feature", "meaning", "agency", "importance"),
        "stages": ("stage", "seconds"),
    }
)  # fmt: skip
"""The columns each table must have, under the name of its field; more are shown as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """One run, ready to be read. A table left out becomes a sentence saying so.

    Tables of people are `Protected` (from `release.report_tables`); tables that count nobody
    are `PlainTable`.

    Attributes:
        title: the study's title.
        question: what is asked, in one sentence.
        study: the study's name; ``study_text`` its file, for the annex.
        outcome: the outcome's title; ``horizon`` how far it looks ahead, such as `12 months`.
        scope: who is in scope, as the study says it.
        units: what the units are called (people, households).
        as_of: the day the list is for; ``data_as_at`` the last day the data tell of.
        status: `draft` until somebody approved or rejected; ``approvals`` who, when and why
            (by, role, on, decision, reason).
        made_up: the data come from the made-up county.
        champion: the learner whose scores are used; ``split`` the one that judges it.
        capacity: the share at which the summary speaks.
        reidentification: who can get back to a person, and how that is controlled.
        known_when: how it is made sure that only what was known on the day is used.
        answers: question -> answer, shown on the first page after the report's own.
        notes: what training had to decide, in sentences.
        compared: how many comparisons between groups there were, in sentences.
        label_bias: who is recorded rather than who needs, as the study says it.
        privacy_said: how many people stand behind each part of the model.
        remedies: of each group on which remedies were tried: what they are, and notes.
        links_said: how well records were linked and how that is known; empty where nothing is.
        provenance: digests, versions, seed.
    """

    title: str
    question: str
    study: str
    outcome: str
    horizon: str
    purpose: str
    run_id: str
    champion: str
    policy: str
    scope: str = ""
    units: str = "people"
    model: str = ""
    version: str = ""
    as_of: str = ""
    data_as_at: str = ""
    status: Literal["draft", "approved", "rejected"] = "draft"
    approvals: tuple[Mapping[str, str], ...] = ()
    made_up: bool = False
    split: str = "test"
    capacity: float = 0.05
    reidentification: tuple[str, ...] = ()
    known_when: tuple[str, ...] = ()
    answers: Mapping[str, str] = field(default_factory=dict)
    limits: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    compared: tuple[str, ...] = ()
    label_bias: str = ""
    remedies: tuple[Mapping[str, Any], ...] = ()
    links_said: tuple[str, ...] = ()
    privacy_said: tuple[str, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    study_text: str = ""

    sources: Protected | None = None
    flow: Protected | None = None
    outcomes: Protected | None = None
    folds: Protected | None = None
    performance: Protected | None = None
    at_capacity: Protected | None = None
    calibration: Protected | None = None
    gains: Protected | None = None
    decision: Protected | None = None
    risk: Protected | None = None
    fairness: Protected | None = None
    tradeoffs: Protected | None = None
    curves: Protected | None = None
    need: Protected | None = None
    proxies: Protected | None = None
    benefit: Protected | None = None
    mitigation: Protected | None = None
    links: Protected | None = None
    links_by_group: Protected | None = None
    link_bounds: Protected | None = None
    link_bounds_by_group: Protected | None = None
    unlinkable: Protected | None = None
    left_out: Protected | None = None
    privacy: Protected | None = None
    privacy_by_group: Protected | None = None
    sure_performance: Protected | None = None
    sure_at_capacity: Protected | None = None
    gates: Protected | None = None
    findings: Protected | None = None
    bands: Protected | None = None
    agreements: PlainTable | None = None
    recipients: PlainTable | None = None
    sharing: PlainTable | None = None
    data_flow: PlainTable | None = None
    dictionary: PlainTable | None = None
    importance: PlainTable | None = None
    importance_by_agency: PlainTable | None = None
    stability: PlainTable | None = None
    stability_by_agency: PlainTable | None = None
    effects: Protected | None = None
    rival_performance: Protected | None = None
    rival_at_capacity: Protected | None = None
    rival_differences: Protected | None = None
    rival_effects: Protected | None = None
    rival_importance: PlainTable | None = None
    robustness: Protected | None = None
    robustness_quick: tuple[str, ...] = ()
    stages: PlainTable | None = None

    def __post_init__(self) -> None:
        for part in fields(self):
            table = getattr(self, part.name)
            if part.name not in REQUIRED or table is None:
                continue
            plain = part.name in _PLAIN
            wanted: type[PlainTable | Protected] = PlainTable if plain else Protected
            if not isinstance(table, wanted):
                raise ReleaseRefused(
                    f"report: {part.name} is not a {wanted.__name__} table",
                    fix="protect it with `release.report_tables` before it reaches a report",
                    code="RS3020",
                )
            if missing := [name for name in REQUIRED[part.name] if name not in table.columns]:
                raise ReleaseRefused(
                    f"report: table {part.name} lacks {', '.join(missing)}",
                    fix=f"give it the columns {', '.join(REQUIRED[part.name])}",
                    code="RS3021",
                )


_PLAIN = frozenset(
    {"agreements", "recipients", "sharing", "data_flow", "dictionary", "importance",
     "importance_by_agency", "stages", "stability", "stability_by_agency", "rival_importance"}
)  # fmt: skip
