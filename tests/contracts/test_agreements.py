"""Agreements as code: what is not granted is refused, by the clause that is missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.agreed import (
    CALLS,
    SOURCES,
    STAYS,
    TODAY,
    agreements,
    ask,
    asked,
    handed,
    of,
    opt_out_list,
    shown,
)
from riskstrat.contracts.agreements.asked import Derived, Handed, MadeFrom
from riskstrat.contracts.agreements.flow import data_flow, mermaid
from riskstrat.contracts.agreements.matrix import legal_basis_matrix
from riskstrat.contracts.agreements.spec import EVERY_ROWS
from riskstrat.errors import AgreementError
from riskstrat.release.spec import Recipient
from riskstrat.vocabulary import Unit

COLUMNS = asked().columns


def test_what_is_granted_may_be_used():
    assert [(f.code, f.where) for f in ask()] == [
        ("RS1100", "calls"), ("RS1100", "opt_outs"), ("RS1100", "stays"),
    ]  # fmt: skip


ASKED = {
    "a column": (
        {"columns": {**COLUMNS, **of(stays="person_id day method cost")}}, "RS1102",
        "agreement health (DSA-1) does not cover cost of source stays",
    ),
    "a purpose": (
        {"purpose": "research"}, "RS1103",
        "does not grant source stays for research (purposes granted: case_finding, commissioning)",
    ),
    "a day before the start": (
        {"today": date(2019, 12, 31)}, "RS1104", "starts on 2020-01-01, today is 2019-12-31",
    ),
    "a stranger": (
        {"handed": handed("somebody", "aggregate")}, "RS1105",
        "agreement health (DSA-1) does not allow release to somebody "
        "(allowed: commissioner, gp_practice)",
    ),
    "a way of making features": (
        {"derived": (Derived("stays__sum_cost", "stays", "sum"),)}, "RS1109",
        "grants features of stays by attribute, count, not by sum; the study has stays__sum_cost",
    ),
    "a unit": (
        {"unit": Unit.HOUSEHOLD}, "RS1110",
        "results about person; the study is about each household",
    ),
    "a recipient's column": (
        {"handed": handed("commissioner", "pseudonymised",
                          shown("commissioner", "pseudonymised", "method", stays="method"))},
        "RS1111",
        "does not let commissioner see method of source stays, which column `method` would show",
    ),
    "a column that only a score may rest on": (
        {"handed": handed("gp_practice", "own_patients",
                          shown("gp_practice", "own_patients", "calls", calls="day"))},
        "RS1111", "does not let gp_practice see day of source calls",
    ),
    "rows of another kind": (
        {"handed": handed("commissioner", "own_patients")}, "RS1112",
        "does not allow commissioner rows of the kind `own_patients` made from stays "
        "(allowed: aggregate, pseudonymised)",
    ),
    "an as-of date after the end": (
        {"days": (date(2027, 1, 1),)}, "RS1114",
        "ends on 2026-12-31, and the study asks about 2027-01-01",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ASKED)
def test_what_is_not_granted_is_refused_by_its_clause(name):
    changes, code, says = ASKED[name]
    with pytest.raises(AgreementError) as refused:
        ask(**changes)
    assert refused.value.exit_code == 11
    assert code in refused.value.code + refused.value.message
    assert says in refused.value.message
    assert refused.value.fix


AGREED = {
    "no such source": ({"health": {"sources.stays": None}}, "RS1101",
                       "does not cover source stays"),
    "no articles": ({"police": {"legal_basis.calls.uk_gdpr": []}}, "RS1106",
                    "names no legal basis (UK GDPR article) for source calls"),
    "a purpose lock": ({"police": {"sources.calls.only_for": ["empty_homes"]}}, "RS1108",
                       "locks source calls to empty_homes; the study is for case_finding"),
    "it has ended": ({"police": {"ends": "2024-12-31"}}, "RS1104",
                     "ended on 2024-12-31, today is 2025-01-01"),
    "a recipient no more": ({"health": {"recipients.commissioner": None}}, "RS1105",
                            "does not allow release to commissioner (allowed: gp_practice)"),
    "a recipient for something else": (
        {"health": {"recipients.gp_practice.only_for": ["commissioning"]}}, "RS1105",
        "does not allow gp_practice to be handed what stays went into for case_finding; it is a "
        "recipient for commissioning",
    ),
    "a source a recipient may have nothing of": (
        {"health": {"recipients.commissioner.sees": {}}}, "RS1105",
        "does not allow commissioner to be handed what stays went into for case_finding",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", AGREED)
def test_a_clause_taken_out_of_an_agreement_is_missed(name):
    changes, code, says = AGREED[name]
    with pytest.raises(AgreementError) as refused:
        ask(agreed=agreements(**changes))
    assert code in refused.value.code + refused.value.message
    assert says in refused.value.message
    assert refused.value.fix


@pytest.mark.parametrize("column", ["person_id", "day", "method"])
def test_every_column_that_is_read_must_be_granted(column):
    left = [name for name in ("person_id", "day", "method") if name != column]
    with pytest.raises(AgreementError, match=f"does not cover {column} of source stays"):
        ask(agreed=agreements(health={"sources.stays.columns": left}))


def test_every_missing_clause_is_told_at_once_with_its_change():
    with pytest.raises(AgreementError) as refused:
        ask(
            purpose="research", today=date(2028, 1, 1), unit=Unit.AREA,
            handed=handed("somebody", "aggregate"),
        )  # fmt: skip
    for code in ("RS1103", "RS1104", "RS1105", "RS1110", "RS1115"):
        assert code in refused.value.message
    assert refused.value.fix.count("\n    - ") >= 5


def test_an_agreement_that_ends_soon_is_a_warning():
    found = [f for f in ask(today=date(2026, 12, 1)) if f.code == "RS1107"]
    assert [(f.where, f.severity.value) for f in found] == [("health", "warning")]
    assert "in 30 days" in found[0].message


@given(st.integers(-800, 1200))
def test_an_agreement_holds_on_its_first_and_last_day_and_between(days):
    today = TODAY + timedelta(days=days)
    agreed = agreements(
        health={"starts": "2023-07-01", "ends": "2026-06-30", "retention_months": 0}
    )
    if date(2023, 7, 1) <= today <= date(2026, 6, 30):
        assert ask(today=today, agreed=agreed)
    else:
        with pytest.raises(AgreementError, match=r"starts on|ended on"):
            ask(today=today, agreed=agreed)


def test_an_extract_may_be_kept_so_many_months_from_the_day_it_is_complete_to():
    assert ask(today=date(2027, 1, 1), agreed=agreements(health={"ends": "2029-12-31"}))
    with pytest.raises(AgreementError, match="had to go by 2027-01-01, and today is 2027-01-02"):
        ask(today=date(2027, 1, 2), agreed=agreements(health={"ends": "2029-12-31"}))


# -- sub-licences --------------------------------------------------------------------------------

ONLY_CALLS = {
    "sources": (CALLS,), "columns": of(calls="person_id day"), "derived": (),
    "days": (date(2024, 4, 1),),
}  # fmt: skip


def licensed(**changes):
    made = MadeFrom(of(calls="day"), of(calls="person_id"))
    return {**ONLY_CALLS, "handed": (Handed("university", "aggregate", "people", made),), **changes}


def test_a_sub_licence_hands_its_sources_on_until_it_expires():
    assert ask(**licensed())
    assert ask(**licensed(), today=date(2025, 6, 30))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"today": date(2025, 7, 1)}, "expired on 2025-06-30, today is 2025-07-01"),
        ({"days": (date(2025, 7, 1),)}, "expired on 2025-06-30, the study asks about 2025-07-01"),
    ],
)
def test_an_expired_sub_licence_is_refused(changes, says):
    with pytest.raises(AgreementError, match=r"sub-licence \(SUB-1\) to university") as refused:
        ask(**licensed(**changes))
    assert refused.value.code == "RS1113"
    assert says in refused.value.message


def test_a_sub_licence_is_for_its_own_sources_purpose_and_rows():
    with pytest.raises(AgreementError, match=r"health .* does not allow release to university"):
        ask(handed=handed("university", "aggregate"))
    agreed = agreements(police={"sub_licences": [
        {"to": "university", "sources": ["calls"], "purpose": "empty_homes",
         "expires": "2026-01-01"}
    ]})  # fmt: skip
    with pytest.raises(AgreementError, match="for case_finding"):
        ask(**licensed(), agreed=agreed)
    own = tuple(replace(each, rows="own_patients") for each in licensed()["handed"])
    with pytest.raises(AgreementError, match="rows of the kind `own_patients`"):
        ask(**licensed(handed=own))


def test_rows_of_one_grant_and_columns_of_another_are_not_added_up():
    """The university sees every column in counts, and no column in rows of people."""
    agreed = agreements(police={
        "recipients.university": {"rows": ["pseudonymised"], "sees": {"calls": []}},
    })  # fmt: skip
    assert ask(**licensed(), agreed=agreed)
    rows = tuple(replace(each, rows="pseudonymised") for each in licensed()["handed"])
    agreed = agreements(police={
        "recipients.university": {"rows": ["pseudonymised"], "sees": {"calls": []}},
        "sub_licences": [{"to": "university", "sources": ["calls"], "purpose": "case_finding",
                          "expires": "2025-06-30", "rows": ["aggregate"]}],
    })  # fmt: skip
    with pytest.raises(AgreementError, match="does not let university see day"):
        ask(**licensed(handed=rows), agreed=agreed)


# -- the role matrix -----------------------------------------------------------------------------

ROLES = {
    "gp": {"rows": ["own_patients"]},
    "caseworker": {"rows": ["own_patients"], "sees": {"stays": [], "calls": ["day"]}},
    "commissioner": {"rows": ["aggregate"]},
    "scientist": {"rows": ["pseudonymised"]},
    "governance": {"rows": []},
    "police": {"rows": ["aggregate"], "sees": {"calls": ["day"], "stays": []}},
    "provider": {"rows": ["aggregate"]},
}
"""Who may receive rows of which kind; a supplier is in no agreement, for it gets yes or no only."""


@pytest.mark.parametrize("rows", sorted(EVERY_ROWS))
@pytest.mark.parametrize("role", [*ROLES, "supplier"])
def test_every_role_is_handed_its_own_kind_of_rows_and_no_other(role, rows):
    agreed = agreements(health={"recipients": ROLES}, police={"recipients": ROLES})
    if rows in ROLES.get(role, {}).get("rows", ()):
        assert ask(agreed=agreed, handed=handed(role, rows))
    else:
        with pytest.raises(AgreementError) as refused:
            ask(agreed=agreed, handed=handed(role, rows))
        assert refused.value.exit_code == 11


@pytest.mark.parametrize(
    ("role", "column", "allowed"),
    [
        ("gp", {"stays": "method"}, True),
        ("gp", {"calls": "day"}, True),
        ("caseworker", {"calls": "day"}, True),
        ("caseworker", {"stays": "day"}, False),
        ("police", {"calls": "day"}, True),
        ("police", {"stays": "method"}, False),
    ],
)
def test_a_role_sees_the_columns_of_its_own_domains(role, column, allowed):
    agreed = agreements(health={"recipients": ROLES}, police={"recipients": ROLES})
    rows = ROLES[role]["rows"][0]
    told = handed(role, rows, shown(role, rows, "told", **column))
    if allowed:
        assert ask(agreed=agreed, handed=told)
    else:
        with pytest.raises(AgreementError, match=f"does not let {role} see"):
            ask(agreed=agreed, handed=told)


# -- what an agreement may say -------------------------------------------------------------------


def test_a_list_of_recipients_may_see_everything_as_before():
    for told in (["gp_practice"], {"gp_practice": "all"}):
        one = agreements(police={"recipients": told})["police"]
        assert one.recipients["gp_practice"].rows == EVERY_ROWS
        assert one.recipients["gp_practice"].sees is None


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"legal_basis": {"stays": {"uk_gdpr": ["6"]}}}, "no `legal_basis` for opt_outs"),
        ({"ends": "2019-01-01"}, "before it starts"),
        ({"opt_outs": {"type_1": {"sources": ["gp_event"]}, "national": {}}},
         "`opt_outs.type_1` names gp_event"),
        ({"opt_outs": {}}, "the national data opt-out binds it"),
        ({"opt_outs": {"national": {"sources": ["opt_outs"]}}}, "opt-out binds it"),
        ({"opt_outs": {"local": {}}}, "opt_outs"),
    ],
)  # fmt: skip
def test_an_agreement_that_contradicts_itself_is_refused(changes, says):
    with pytest.raises(ValidationError, match=says):
        agreements(health=changes)


def test_who_exempts_a_source_from_the_national_opt_out_is_named():
    told = {"national": {"exempt": {"stays": "CAG 1/2024"}}}
    assert agreements(health={"opt_outs": told})["health"].opt_outs


# -- the matrix and the flow ---------------------------------------------------------------------


def matrix(**changes):
    return legal_basis_matrix(
        purpose="case_finding", sources=SOURCES.values(), used_columns=asked().columns,
        agreements=agreements(**changes),
    )  # fmt: skip


def test_the_matrix_has_a_row_for_each_table_and_purpose_and_a_cell_for_each_recipient():
    rows = {(row.source, row.purpose): row for row in matrix()}
    assert list(rows) == [
        ("calls", "case_finding"), ("calls", "empty_homes"),
        ("opt_outs", "case_finding"), ("opt_outs", "commissioning"),
        ("stays", "case_finding"), ("stays", "commissioning"),
    ]  # fmt: skip
    assert dict(rows["stays", "case_finding"].recipients) == {
        "commissioner": "pseudonymised rows, counts: 1 of 3 columns",
        "gp_practice": "own patients: all columns",
        "university": "nothing",
    }
    assert rows["calls", "case_finding"].recipients["university"] == (
        "pseudonymised rows, counts: all columns"
    )
    assert rows["calls", "case_finding"].recipients["gp_practice"].endswith("scores only")
    assert set(rows["opt_outs", "case_finding"].recipients.values()) == {"nothing"}
    row = rows["stays", "case_finding"]
    assert (row.reference, row.uk_gdpr, row.kept_until) == ("DSA-1", ("6(1)(e)",), date(2027, 1, 1))
    assert row.opt_outs == ("national", "risk_stratification")
    assert row.studied and row.columns == ("day", "method", "person_id")
    assert not rows["stays", "commissioning"].studied


def test_a_locked_purpose_grants_nobody_anything():
    rows = matrix(police={"sources.calls.only_for": ["empty_homes"]})
    locked = next(row for row in rows if (row.source, row.purpose) == ("calls", "case_finding"))
    assert not locked.granted and set(locked.recipients.values()) == {"nothing"}


def test_the_flow_leads_from_every_agency_to_every_recipient():
    text = mermaid(data_flow(asked(), agreements()))
    assert text.startswith("flowchart LR\n")
    for words in ("Agency of stays", "DSA-2", "gp_practice", "national, risk_stratification"):
        assert words in text
    assert text.count("-->") == 3 + 2 + 2
    assert all(line.count('"') in (0, 2) for line in text.splitlines())


def test_nothing_in_a_name_ends_a_label_of_the_chart():
    odd = STAYS.model_copy(update={"agency": 'The "A&E" <ward> #1'})
    text = mermaid(data_flow(asked(sources=(odd, CALLS, opt_out_list())), agreements()))
    assert "The #quot;A&E#quot; #lt;ward#gt; #35;1" in text


def test_the_kinds_of_rows_are_those_of_a_release():
    assert frozenset(get_args(Recipient.model_fields["rows"].annotation)) == EVERY_ROWS
