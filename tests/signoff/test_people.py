"""Who may act, under which name, and what they may write."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskstrat.custody.accounts import Account, LocalDirectory, Role
from riskstrat.errors import UsageError
from riskstrat.signoff.faults import SignoffRefused
from riskstrat.signoff.people import (
    AUTHORS,
    MOST_CHARACTERS,
    REVIEWERS,
    Identity,
    identify,
    person,
    proved,
    words,
)

DAY = date(2026, 4, 1)


def account(user: str, role: Role, ends: date = date(2027, 3, 31)) -> Account:
    return Account(user=user, role=role, organisation="icb", starts=date(2024, 4, 1), ends=ends)


KNOWN = LocalDirectory(
    (
        account("e.novak", Role.INFORMATION_GOVERNANCE),
        account("a.lee", Role.GP),
        account("a.lee", Role.DATA_SCIENTIST),
        account("c.patel", Role.DATA_SCIENTIST),
        account("d.jones", Role.COMMISSIONER),
        account("o.old", Role.INFORMATION_GOVERNANCE, ends=date(2026, 3, 31)),
    )
)


@pytest.mark.parametrize(
    ("user", "role", "roles", "found"),
    [
        ("e.novak", "", REVIEWERS, "information_governance"),
        ("a.lee", "", REVIEWERS, "gp"),
        ("a.lee", "", AUTHORS, "data_scientist"),
        ("c.patel", "data_scientist", AUTHORS, "data_scientist"),
    ],
)
def test_an_account_says_as_what_somebody_acts(user, role, roles, found):
    assert identify(user, role, KNOWN, DAY, roles) == Identity(user, found, "accounts")


@pytest.mark.parametrize(
    ("user", "role", "roles"),
    [
        ("nobody", "", REVIEWERS),
        ("c.patel", "", REVIEWERS),  # who builds models does not review them
        ("d.jones", "", REVIEWERS),  # nor who commissions them
        ("e.novak", "", AUTHORS),
        ("e.novak", "gp", REVIEWERS),  # a role they do not have
        ("d.jones", "commissioner", REVIEWERS),
        ("o.old", "", REVIEWERS),  # the account ended yesterday
    ],
)
def test_who_has_no_such_account_may_not(user, role, roles):
    with pytest.raises(SignoffRefused) as refused:
        identify(user, role, KNOWN, DAY, roles)
    assert (refused.value.code, refused.value.exit_code) == ("RS3327", 30)
    assert user not in str(refused.value)


def test_an_account_that_names_a_login_is_that_login_s_alone():
    own = LocalDirectory((replaced("e.novak", login="enovak"), replaced("e.novak", role=Role.GP)))
    by_login = identify("e.novak", "information_governance", own, DAY, REVIEWERS, "enovak")
    assert by_login == Identity("e.novak", "information_governance", "login")
    assert not by_login.proved and Identity("x", "gp", "oidc").proved
    with pytest.raises(SignoffRefused, match="another login") as refused:
        identify("e.novak", "information_governance", own, DAY, REVIEWERS, "somebody")
    assert refused.value.code == "RS3327" and "enovak" not in str(refused.value)
    # An account of theirs that names no login knows the name, and not who typed it.
    assert identify("e.novak", "", own, DAY, REVIEWERS, "somebody").vouched == "accounts"


def replaced(user: str, role: Role = Role.INFORMATION_GOVERNANCE, login: str = "") -> Account:
    return account(user, role).model_copy(update={"login": login})


def test_without_accounts_a_name_is_taken_as_it_is_given():
    said = identify("  Ann   Lee ", "Caldicott Guardian", None, DAY, REVIEWERS)
    assert said == Identity("Ann Lee", "Caldicott Guardian", "said")


@pytest.mark.parametrize("name", ["", " ", "...", "\x00", "a\u202eb", "x" * 81])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(UsageError) as refused:
        identify(name, "", None, DAY, REVIEWERS)
    assert refused.value.code == "RS3326"


@pytest.mark.parametrize("role", ["x" * 81, "\x00"])
def test_a_role_that_is_none_is_refused(role):
    with pytest.raises(UsageError) as refused:
        identify("Ann Lee", role, None, DAY, REVIEWERS)
    assert refused.value.code == "RS3326"


def test_an_identity_that_was_proved_needs_a_role_that_may_do_this():
    ann = Identity("ann", "information_governance", "oidc")
    assert proved(ann, REVIEWERS) == ann
    for other in (Identity("ann", "police", "oidc"), Identity("ann", "", "oidc")):
        with pytest.raises(SignoffRefused) as refused:
            proved(other, REVIEWERS)
        assert refused.value.code == "RS3327"
    with pytest.raises(UsageError):
        proved(Identity(" ", "gp", "oidc"), REVIEWERS)


@given(st.text(min_size=1).filter(person), st.sampled_from([str.upper, str.lower, str.title]))
def test_spelling_does_not_make_two_people_of_one(name, spelt):
    if spelt(name).casefold() == name.casefold():  # some letters have no second case
        assert person(f" {spelt(name)}. ") == person(name)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "x" * (MOST_CHARACTERS + 1),
        "see 943 476 5919",
        "lives at LS1 4AP",
        "P0123456789abcdef0123456789abcdef is wrong",
        "bell\x07",
    ],
)
def test_a_reason_that_the_log_cannot_hold_is_refused(text):
    with pytest.raises(UsageError) as refused:
        words(text, "the reason")
    assert (refused.value.code, refused.value.exit_code) == ("RS3323", 2)
    assert not text.strip() or text.strip() not in str(refused.value)


def test_a_reason_may_name_days_minutes_and_shares():
    said = "minute 4 of 2026-05-12: 51% (49% to 54%) is enough, seen 12 May 2026"
    assert words(f" {said}\n", "the reason") == said
