"""A small world of agreements, what a study may ask of it, and how to ask for something else."""

from __future__ import annotations

from copy import deepcopy
from datetime import date
from types import MappingProxyType
from typing import Any

from riskstrat.contracts.agreements.asked import Asked, Derived, Handed, MadeFrom
from riskstrat.contracts.agreements.check import check_agreements
from riskstrat.contracts.agreements.spec import SharingAgreement
from riskstrat.contracts.spec import Source
from riskstrat.vocabulary import Finding, Unit

TODAY = date(2025, 1, 1)


def source(name: str, agreement: str, columns: tuple[str, ...], **says: Any) -> Source:
    """A contract with only what an agreement looks at."""
    told = {
        "source": name, "title": name, "agency": f"Agency of {name}", "agreement": agreement,
        "file": f"{name}.csv", "row": "row", "shape": "events", "unit": "person",
        "unit_key": "person_id", "happened_on": "day", "known_on": "day",
        "coverage": {"from": "2020-01-01", "to": "2025-01-01"},
        "columns": {
            "person_id": {"type": "string"}, "day": {"type": "date"},
            **{column: {"type": "string"} for column in columns},
        },
    }  # fmt: skip
    return Source.model_validate({**told, **says})


def opt_out_list(agreement: str = "health", **says: Any) -> Source:
    """A list of opt-outs, complete to 1 January 2025."""
    told = {
        "source": "opt_outs", "title": "Opt-outs", "agency": "ICB", "agreement": agreement,
        "file": "opt_outs.csv", "row": "opt-out", "role": "opt_outs", "shape": "spells",
        "unit": "person", "unit_key": "person_id", "starts_on": "starts_on", "ends_on": "ends_on",
        "known_on": "recorded_on", "coverage": {"from": "2015-01-01", "to": "2025-01-01"},
        "columns": {
            "person_id": {"type": "string"},
            "kind": {"type": "string", "required": True,
                     "codes": ["type_1", "national", "risk_stratification"]},
            "starts_on": {"type": "date"}, "ends_on": {"type": "date"},
            "recorded_on": {"type": "date"},
        },
    }  # fmt: skip
    return Source.model_validate({**told, **says})


STAYS = source("stays", "health", ("method", "cost"))
CALLS = source("calls", "police", ("kind",))
SOURCES = MappingProxyType({"stays": STAYS, "calls": CALLS, "opt_outs": opt_out_list()})

AGREEMENTS: dict[str, dict[str, Any]] = {
    "health": {
        "agreement": "health", "reference": "DSA-1", "title": "Health", "parties": ["ICB"],
        "purposes": ["case_finding", "commissioning"], "units": ["person"],
        "legal_basis": {
            "stays": {"uk_gdpr": ["6(1)(e)"], "confidence": "section_251"},
            "opt_outs": {"uk_gdpr": ["6(1)(e)"]},
        },
        "sources": {
            "stays": {"columns": ["person_id", "day", "method"], "derive": ["count", "attribute"]},
            "opt_outs": {
                "columns": ["person_id", "kind", "starts_on", "ends_on", "recorded_on"]
            },
        },
        "recipients": {
            "gp_practice": {"rows": ["own_patients"]},
            "commissioner": {"rows": ["pseudonymised", "aggregate"],
                             "sees": {"stays": ["day"]}},
        },
        "opt_outs": {"national": {}, "risk_stratification": {}},
        "starts": "2020-01-01", "ends": "2026-12-31", "retention_months": 24,
    },
    "police": {
        "agreement": "police", "reference": "DSA-2", "title": "Police", "parties": ["Police"],
        "purposes": ["case_finding", "empty_homes"],
        "legal_basis": {"calls": {"uk_gdpr": ["6(1)(e)", "10"]}},
        "sources": {"calls": {"columns": ["person_id", "day", "kind"]}},
        "recipients": {
            "gp_practice": {"sees": {"calls": []}},
            "commissioner": {"sees": {"calls": []}},
        },
        "sub_licences": [
            {"to": "university", "sources": ["calls"], "purpose": "case_finding",
             "expires": "2025-06-30", "reference": "SUB-1"}
        ],
        "starts": "2020-01-01", "ends": "2027-06-30",
    },
}  # fmt: skip


def agreements(**changes: dict[str, Any]) -> dict[str, SharingAgreement]:
    """The agreements, with keys of one of them replaced: ``police={"ends": "2024-01-01"}``.

    A key may lead further down: ``health={"sources.stays.only_for": ["empty_homes"]}``.
    """
    told = deepcopy(AGREEMENTS)
    for name, replaced in changes.items():
        for path, value in replaced.items():
            *way, last = path.split(".")
            place = told[name]
            for key in way:
                place = place[key]
            if value is None:
                del place[last]
            else:
                place[last] = value
    return {name: SharingAgreement.model_validate(each) for name, each in told.items()}


def of(**columns: str) -> MappingProxyType[str, frozenset[str]]:
    """Columns by source: ``of(stays="day method")``."""
    return MappingProxyType({name: frozenset(texts.split()) for name, texts in columns.items()})


SCORE = MadeFrom(rests_on=of(stays="person_id day method", calls="person_id day"))


def handed(recipient: str, rows: Any, *columns: Handed) -> tuple[Handed, ...]:
    """A score for a recipient, and more."""
    return (Handed(recipient, rows, "band", SCORE), *columns)


def shown(recipient: str, rows: Any, column: str, **shows: str) -> Handed:
    """A column for a recipient that shows some columns of a source."""
    return Handed(recipient, rows, column, MadeFrom(of(**shows), SCORE.rests_on))


def asked(**changes: Any) -> Asked:
    """What is allowed, asked in another way in some respect."""
    told: dict[str, Any] = {
        "purpose": "case_finding",
        "unit": Unit.PERSON,
        "sources": tuple(SOURCES.values()),
        "columns": of(
            stays="person_id day method", calls="person_id day",
            opt_outs="person_id kind starts_on ends_on recorded_on",
        ),
        "derived": (
            Derived("stays__count", "stays", "count"), Derived("stays__known", "stays", "known"),
            Derived("calls__trend", "calls", "trend"),
        ),
        "handed": (
            *handed("gp_practice", "own_patients"),
            *handed("commissioner", "pseudonymised"),
        ),
        "days": (date(2024, 4, 1), date(2025, 1, 1)),
    }  # fmt: skip
    return Asked(**{**told, **changes})


def ask(today: date = TODAY, agreed: Any = None, **changes: Any) -> tuple[Finding, ...]:
    """Ask, and be told or refused."""
    return check_agreements(asked(**changes), agreed or agreements(), today=today)
