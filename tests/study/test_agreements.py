"""Agreements: what a study may use, for what, when and for whom."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskstrat.contracts.agreements import check_agreements, legal_basis_matrix
from riskstrat.contracts.catalogue import load_catalogue
from riskstrat.errors import AgreementError

USED = {"stays": {"person_id", "admitted_on", "method"}, "calls": {"household_id", "called_on"}}


@pytest.fixture
def ask(world):
    """Ask for something else than what is allowed, in one respect."""
    catalogue = load_catalogue(world)

    def check(**changes):
        used = changes.pop("used_columns", USED)
        asked = {
            "purpose": "case_finding",
            "sources": [catalogue.sources[name] for name in used],
            "agreements": catalogue.agreements,
            "recipients": ("gp_practice",),
            "today": date(2025, 1, 1),
        }
        return check_agreements(**{**asked, "used_columns": used, **changes})

    return check


def test_what_is_granted_may_be_used(ask):
    assert [(f.code, f.where) for f in ask()] == [("RS1100", "calls"), ("RS1100", "stays")]


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        ({"used_columns": {"stays": {"person_id", "cost"}}}, "RS1102",
         "agreement health (DSA-1) does not cover cost of source stays"),
        ({"purpose": "research"}, "RS1103",
         "does not grant source stays for research (purposes granted: case_finding)"),
        ({"today": date(2019, 12, 31)}, "RS1104", "starts on 2020-01-01, today is 2019-12-31"),
        ({"today": date(2027, 1, 1)}, "RS1104", "ended on 2026-12-31, today is 2027-01-01"),
        ({"recipients": ("gp_practice", "public_health")}, "RS1105",
         "does not allow release to public_health (allowed: gp_practice)"),
    ],
)  # fmt: skip
def test_what_is_not_granted_is_refused_by_its_clause(ask, changes, code, says):
    with pytest.raises(AgreementError) as refused:
        ask(**changes)
    assert refused.value.exit_code == 11
    assert refused.value.code == code
    assert says in refused.value.message
    assert refused.value.fix


def test_a_source_outside_its_agreement_is_refused(ask, world):
    agreement = world / "agreements" / "health.yaml"
    text = agreement.read_text().replace("  stays: {columns:", "  visits: {columns:")
    agreement.write_text(text.replace("  stays: {uk_gdpr", "  visits: {uk_gdpr"))
    catalogue = load_catalogue(world)
    with pytest.raises(AgreementError, match="does not cover source stays") as refused:
        ask(agreements=catalogue.agreements)
    assert refused.value.code == "RS1101"


def test_a_source_without_articles_is_refused(ask, world):
    agreement = world / "agreements" / "council.yaml"
    agreement.write_text(agreement.read_text().replace('calls: {uk_gdpr: ["6(1)(e)"]}',
                                                       "calls: {uk_gdpr: []}"))  # fmt: skip
    with pytest.raises(AgreementError, match="names no legal basis") as refused:
        ask(agreements=load_catalogue(world).agreements)
    assert refused.value.code == "RS1106"


def test_every_missing_clause_is_told_at_once(ask):
    with pytest.raises(AgreementError) as refused:
        ask(purpose="research", today=date(2028, 1, 1), recipients=("somebody",))
    for code in ("RS1103", "RS1104", "RS1105"):
        assert code in refused.value.message


def test_an_agreement_that_ends_soon_is_a_warning(ask):
    found = [finding for finding in ask(today=date(2026, 12, 1)) if finding.code == "RS1107"]
    assert [(f.where, f.severity.value) for f in found] == [("health", "warning")]
    assert "in 30 days" in found[0].message


@given(st.integers(-800, 800))
def test_an_agreement_holds_on_its_first_and_last_day_and_between(days):
    from riskstrat.contracts.spec import SharingAgreement, Source

    source = Source.model_validate(
        {
            "source": "s", "title": "s", "agency": "a", "agreement": "g", "file": "f", "row": "r",
            "shape": "events", "unit": "person", "unit_key": "p", "happened_on": "d",
            "known_on": "d", "coverage": {"from": "2020-01-01", "to": "2021-01-01"},
            "columns": {"p": {"type": "string"}, "d": {"type": "date"}},
        }
    )  # fmt: skip
    agreement = SharingAgreement.model_validate(
        {
            "agreement": "g", "reference": "r", "title": "t", "parties": ["a"],
            "purposes": ["case_finding"], "legal_basis": {"s": {"uk_gdpr": ["6(1)(e)"]}},
            "sources": {"s": {"columns": ["p", "d"]}}, "starts": "2023-01-01", "ends": "2024-01-01",
        }
    )  # fmt: skip
    today = date(2023, 1, 1) + timedelta(days=days)
    asked = {"purpose": "case_finding", "sources": [source], "used_columns": {"s": {"p", "d"}},
             "agreements": {"g": agreement}, "recipients": (), "today": today}  # fmt: skip
    if date(2023, 1, 1) <= today <= date(2024, 1, 1):
        assert check_agreements(**asked)
    else:
        with pytest.raises(AgreementError):
            check_agreements(**asked)


def test_the_legal_basis_of_each_source_is_one_row(world):
    catalogue = load_catalogue(world)
    rows = legal_basis_matrix(
        purpose="case_finding",
        sources=[catalogue.sources["register"], catalogue.sources["calls"]],
        used_columns={"register": {"starts_on", "person_id"}, "calls": set()},
        agreements=catalogue.agreements,
    )
    assert [row.source for row in rows] == ["calls", "register"]
    assert rows[1].uk_gdpr == ("6(1)(e)", "9(2)(h)")
    assert rows[1].statutory_gateway == "s251B"
    assert rows[1].columns == ("person_id", "starts_on")
    assert (rows[1].reference, rows[1].ends) == ("DSA-1", date(2026, 12, 31))
