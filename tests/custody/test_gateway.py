"""The way back: for direct care, for one's own, within limits, and never unseen."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from custody.sites import NOON, Site, nhs_number
from riskstrat.custody.accounts import Account, LocalDirectory, Role, read_accounts
from riskstrat.custody.faults import CustodyError, ReidentificationRefused
from riskstrat.custody.gateway import Gateway, Person, Request
from riskstrat.custody.keyspec import Domain, Keeper
from riskstrat.custody.lifecycle import rotate
from riskstrat.custody.objections import Objectors
from riskstrat.custody.reidentify import open_gateway
from riskstrat.errors import StorageError, StudyError
from riskstrat.store.ledger import Ledger

WHY = "medication review"
EVERYBODY = tuple(
    Account(
        user=f"some.{role.value}",
        role=role,
        organisation="PR000",
        starts=date(2024, 1, 1),
        ends=date(2026, 12, 31),
    )
    for role in Role
)
MORE = (
    Account(
        user="dr.b",
        role=Role.GP,
        organisation="PR001",
        starts=date(2024, 1, 1),
        ends=date(2026, 1, 1),
    ),
    Account(
        user="dr.late",
        role=Role.GP,
        organisation="PR000",
        starts=date(2026, 1, 1),
        ends=date(2026, 2, 1),
    ),
    Account(
        user="dr.gone",
        role=Role.GP,
        organisation="PR000",
        starts=date(2024, 1, 1),
        ends=date(2025, 6, 1),
    ),
)


def gateway(site: Site, **options: Any) -> Gateway:
    made = open_gateway(
        site.spec,
        site.places,
        site.data,
        LocalDirectory(EVERYBODY + MORE),
        ledger(site),
        opted_out=Objectors(site.data, site.spec.reidentification.opt_outs),
    )
    return replace(made, **options)


def ledger(site: Site) -> Ledger:
    return Ledger(site.places.log(Keeper.GATEWAY))


def asked(site: Site, n: int = 3, **changes: Any) -> Request:
    """A practice asks for its own patient: persons 0, 3, 6 ... are registered with PR000."""
    request = Request("some.gp", Role.GP, "PR000", site.pseudonym_of(n), WHY)
    return replace(request, **changes)


def refused(site: Site, request: Request, at: datetime = NOON, **options: Any) -> str:
    with pytest.raises(ReidentificationRefused) as told:
        gateway(site, **options).request(request, at)
    assert told.value.exit_code == 30
    *_, last = ledger(site).entries()
    assert last["what"] == "reidentify refused"
    assert last["details"]["code"] == told.value.code
    for secret in (request.pseudonym, "Ermintrude", "Quackenbush", "99900"):
        assert secret not in str(told.value)
    return told.value.code


def test_a_practice_learns_who_its_own_patient_is(joined: Site) -> None:
    person = gateway(joined).request(asked(joined), NOON)
    assert person.identifiers == {
        "nhs_number": nhs_number(3),
        "forename": "Ermintrude003",
        "surname": "Quackenbush003",
        "date_of_birth": "1933-04-04",
    }


def test_the_answer_cannot_slip_into_a_log_by_accident(joined: Site) -> None:
    person = gateway(joined).request(asked(joined), NOON)
    request = asked(joined)
    for shown in (repr(person), str(person), f"{person}", repr(request), repr(gateway(joined))):
        assert "Ermintrude" not in shown
        assert request.pseudonym not in shown
        assert joined.key(Domain.LOG).hex() not in shown


# -- the role matrix -----------------------------------------------------------------------------

ANSWERS: Mapping[Role, str] = {
    Role.DATA_SCIENTIST: "RS1642",  # pseudonymised rows, no way back
    Role.COMMISSIONER: "RS1642",  # aggregates
    Role.INFORMATION_GOVERNANCE: "RS1642",  # logs and metadata, no rows
    Role.GP: "",  # own patients
    Role.CASEWORKER: "RS1643",  # own caseload: this project names no list of it
    Role.POLICE: "RS1642",  # incidents and areas alone
    Role.SUPPLIER: "RS1642",  # yes or no alone
    Role.PROVIDER: "RS1642",  # an aggregate report alone
}


def test_the_matrix_has_every_role() -> None:
    assert ANSWERS.keys() == set(Role)


@pytest.mark.parametrize("role", Role)
def test_who_may_learn_who_a_pseudonym_is(joined: Site, role: Role) -> None:
    request = asked(joined, user=f"some.{role.value}", role=role)
    if ANSWERS[role]:
        assert refused(joined, request) == ANSWERS[role]
    else:
        assert isinstance(gateway(joined).request(request, NOON), Person)


@pytest.mark.parametrize("role", [role for role in Role if ANSWERS[role] == "RS1642"])
def test_no_config_file_can_let_them(site: Site, role: Role) -> None:
    told = f"reidentification: {{responsible: {{{role.value}: {{}}}}}}\nproject: trial"
    site.change("project: trial", told)
    with pytest.raises(StudyError, match=r"reidentification\.responsible"):
        _ = site.spec


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.GP])
def test_nobody_passes_for_a_practice_without_its_account(joined: Site, role: Role) -> None:
    assert refused(joined, asked(joined, user=f"some.{role.value}")) == "RS1641"


def test_a_caseworker_learns_of_their_own_caseload_alone(joined: Site) -> None:
    path = joined.data / "caseload.parquet"
    spells = joined.extract("gp_registration").slice(0, 4)
    at = spells.schema.get_field_index("practice_id")
    teams = pa.array(["PR000", "PR000", "TEAM2", "TEAM2"])
    pq.write_table(spells.set_column(at, "practice_id", teams), path)
    listed = "{responsible: {gp: {}, caseworker: {file: caseload.parquet}}}"
    joined.change("project: trial", f"reidentification: {listed}\nproject: trial")
    request = asked(joined, user="some.caseworker", role=Role.CASEWORKER)
    own = replace(request, pseudonym=joined.pseudonym_of(1))
    assert gateway(joined).request(own, NOON).identifiers["forename"] == "Ermintrude001"
    assert refused(joined, replace(request, pseudonym=joined.pseudonym_of(3))) == "RS1643"
    # The practice's list is the practice's: a caseworker's is asked instead, never both.
    assert refused(joined, replace(request, pseudonym=joined.pseudonym_of(6))) == "RS1643"


def test_the_board_reads_a_log_that_names_nobody(joined: Site) -> None:
    gateway(joined).request(asked(joined), NOON)
    refused(joined, asked(joined, 4))
    text = ledger(joined).path.read_text(encoding="utf-8")
    for n in (3, 4):
        assert joined.pseudonym_of(n) not in text
        assert f"Ermintrude{n:03d}" not in text
        assert nhs_number(n) not in text
    assert WHY in text


# -- whose patient -------------------------------------------------------------------------------


def moved(site: Site, n: int) -> None:
    """Person n moves from PR000 to PR001 on 10 June, which is recorded on 12 June."""
    path = site.data / "gp_registration.parquet"
    table = pq.read_table(path)
    rows = table.to_pylist()
    [row] = [r for r in rows if r["person_id"] == site.pseudonym_of(n)]
    new = row | {
        "practice_id": "PR001",
        "starts_on": date(2025, 6, 10),
        "recorded_on": date(2025, 6, 12),
    }
    row |= {"ends_on": date(2025, 6, 10), "end_recorded_on": date(2025, 6, 30)}
    pq.write_table(pa.Table.from_pylist([*rows, new], schema=table.schema), path)


def test_practice_a_does_not_learn_of_practice_bs_patient(joined: Site) -> None:
    assert refused(joined, asked(joined, 4)) == "RS1643"
    other = asked(joined, 4, user="dr.b", organisation="PR001")
    assert gateway(joined).request(other, NOON).identifiers["forename"] == "Ermintrude004"
    assert refused(joined, asked(joined, 3, user="dr.b", organisation="PR001")) == "RS1643"


@pytest.mark.parametrize(
    ("day", "old", "new"),
    [
        (date(2025, 6, 9), True, False),
        (date(2025, 6, 12), True, False),  # recorded today: not known this morning
        (date(2025, 6, 13), False, True),
        (date(2025, 7, 20), False, True),
    ],
)
def test_who_has_moved_is_known_to_the_new_practice_alone_from_when_it_was_recorded(
    joined: Site, day: date, old: bool, new: bool
) -> None:
    moved(joined, 3)
    at = datetime.combine(day, NOON.timetz())
    for user, practice, allowed in (("some.gp", "PR000", old), ("dr.b", "PR001", new)):
        request = asked(joined, 3, user=user, organisation=practice)
        if allowed:
            assert gateway(joined).request(request, at)
        else:
            assert refused(joined, request, at) == "RS1643"


def test_a_pseudonym_nobody_has_is_answered_as_one_of_somebody_elses_patient(joined: Site) -> None:
    answers = []
    for pseudonym in ("P" + "0" * 32, joined.pseudonym_of(4), "x' OR '1'='1", ""):
        with pytest.raises(ReidentificationRefused) as told:
            gateway(joined).request(asked(joined, pseudonym=pseudonym), NOON)
        answers.append((told.value.code, str(told.value)))
    assert len(set(answers)) == 1


def test_who_left_without_a_new_practice_is_nobodys(joined: Site) -> None:
    path = joined.data / "gp_registration.parquet"
    table = pq.read_table(path)
    gone = pa.array([date(2025, 1, 1)] * table.num_rows, pa.date32())
    for name in ("ends_on", "end_recorded_on"):
        table = table.set_column(table.schema.get_field_index(name), name, gone)
    pq.write_table(table, path)
    assert refused(joined, asked(joined)) == "RS1643"


def test_a_list_of_before_the_rotation_still_means_the_same_person(joined: Site) -> None:
    old = asked(joined)
    rotate(joined.spec, joined.places, Domain.PERSON, NOON, joined.acting.note)
    joined.change("person: trial-person-1", "person: trial-person-2")
    joined.all()
    assert gateway(joined).request(old, NOON).identifiers["forename"] == "Ermintrude003"


# -- accounts, reasons, limits, objections -------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"user": "nobody"},
        {"user": "dr.late"},
        {"user": "dr.gone"},
        {"user": "dr.b"},
        {"organisation": "PR001"},
        {"user": "some.gp' --"},
    ],
)
def test_who_has_no_such_account_on_the_day_is_refused(
    joined: Site, changes: dict[str, Any]
) -> None:
    assert refused(joined, asked(joined, **changes)) == "RS1641"


@pytest.mark.parametrize("day", [date(2024, 1, 1), date(2026, 1, 1)])
def test_an_account_is_active_on_its_first_and_last_day(day: date) -> None:
    assert MORE[0].active(day)
    assert not MORE[0].active(MORE[0].ends + timedelta(days=1))
    assert not MORE[0].active(MORE[0].starts - timedelta(days=1))


@pytest.mark.parametrize(
    "reason",
    [
        "",
        "   ",
        "x" * 201,
        "review of 943 476 5919",
        "review of 9434765919",
        "lives in QZ1 2XJ",
        "call 01632 960123",
        "P" + "ab" * 16,
        "two\nlines",
    ],
)
def test_a_reason_that_is_none_or_names_somebody_is_refused_and_not_kept(
    joined: Site, reason: str
) -> None:
    assert refused(joined, asked(joined, reason=reason)) == "RS1640"
    for entry in ledger(joined).entries():
        if entry["what"].startswith("reidentify"):
            assert entry["why"] == "(not fit for the log)"


def test_a_user_that_is_no_plain_name_does_not_reach_the_log(joined: Site) -> None:
    refused(joined, asked(joined, user="Ermintrude003 943 476 5919"))
    *_, last = ledger(joined).entries()
    assert last["who"] == "(no name)"


def test_beyond_the_limit_of_an_hour_requests_are_refused_and_later_allowed(joined: Site) -> None:
    for minute in range(3):
        at = NOON + timedelta(minutes=minute)
        gateway(joined, per_hour=3).request(asked(joined), at)
    assert refused(joined, asked(joined), NOON + timedelta(minutes=4), per_hour=3) == "RS1644"
    other = asked(joined, 4, user="dr.b", organisation="PR001")
    assert gateway(joined, per_hour=3).request(other, NOON + timedelta(minutes=5))
    assert gateway(joined, per_hour=3).request(asked(joined), NOON + timedelta(minutes=65))


def test_beyond_the_limit_of_a_day_requests_are_refused(joined: Site) -> None:
    for hour in range(3):
        gateway(joined, per_day=3).request(asked(joined), NOON + timedelta(hours=2 * hour))
    assert refused(joined, asked(joined), NOON + timedelta(hours=23), per_day=3) == "RS1644"


def test_refused_requests_count_too_so_pseudonyms_cannot_be_tried(joined: Site) -> None:
    for _ in range(3):
        refused(joined, asked(joined, 4), per_hour=3)
    assert refused(joined, asked(joined, 3), per_hour=3) == "RS1644"


def test_who_objects_is_named_to_nobody(joined: Site) -> None:
    """Person 5 opted out in 2020, and is registered with PR002."""
    request = asked(joined, 3)
    assert refused(joined, request, opted_out=lambda pseudonym, day: True) == "RS1645"
    objects = Objectors(joined.data, joined.spec.reidentification.opt_outs)
    assert objects(joined.pseudonym_of(5), date(2025, 6, 2))
    assert not objects(joined.pseudonym_of(5), date(2019, 12, 31))
    assert not objects(joined.pseudonym_of(3), date(2025, 6, 2))


def test_without_a_list_of_opt_outs_nobody_is_named(joined: Site) -> None:
    (joined.data / "opt_outs.parquet").unlink()
    with pytest.raises(CustodyError, match="no list of opt-outs") as told:
        gateway(joined).request(asked(joined), NOON)
    assert told.value.code == "RS1648"
    *_, last = ledger(joined).entries()
    assert last["details"]["code"] == "RS1648"
    joined.change("project: trial", "reidentification: {opt_outs: null}\nproject: trial")
    assert gateway(joined).request(asked(joined), NOON)


def test_of_whom_the_linker_has_tokens_alone_nobody_learns(joined: Site) -> None:
    assert refused(joined, asked(joined), identity=lambda pseudonym: None) == "RS1646"


# -- the log -------------------------------------------------------------------------------------


def test_every_request_and_its_answer_are_logged_with_a_keyed_digest(joined: Site) -> None:
    one = gateway(joined, operator="desk.1")
    one.request(asked(joined), NOON)
    refused(joined, asked(joined, 4))
    one.request(asked(joined), NOON)
    told = [e for e in ledger(joined).entries() if e["what"].startswith("reidentify")]
    assert [e["what"].split()[1] for e in told] == [
        "asked",
        "allowed",
        "asked",
        "refused",
        "asked",
        "allowed",
    ]
    assert {e["who"] for e in told} == {"some.gp"}
    assert told[0]["details"]["operator"] == "desk.1"
    digests = [e["details"]["pseudonym"] for e in told]
    assert digests[0] == digests[4] == one.digest(joined.pseudonym_of(3))
    assert digests[0] != digests[2]
    ledger(joined).verify()


def test_what_cannot_be_logged_is_not_told(joined: Site) -> None:
    path = ledger(joined).path
    path.write_bytes(path.read_bytes() + b"spoilt\n")
    looked_up: list[str] = []

    def look(pseudonym: str) -> Mapping[str, str]:
        looked_up.append(pseudonym)
        return {}

    with pytest.raises(StorageError, match="damaged"):
        gateway(joined, identity=look).request(asked(joined), NOON)
    assert not looked_up


def test_a_fault_on_the_way_is_logged_as_a_refusal(joined: Site) -> None:
    def fail(pseudonym: str) -> Mapping[str, str]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        gateway(joined, identity=fail).request(asked(joined), NOON)
    *_, last = ledger(joined).entries()
    assert (last["what"], last["details"]["code"]) == ("reidentify refused", "RS0070")


# -- the accounts file ---------------------------------------------------------------------------

EXAMPLE = Path(__file__).parents[2] / "configs/accounts/example.yaml"


def test_the_example_of_accounts_can_be_read(tmp_path: Path) -> None:
    copy = tmp_path / "accounts.yaml"
    copy.write_bytes(EXAMPLE.read_bytes())
    assert read_accounts(copy).accounts_of("a.lee")
    assert not read_accounts(copy).accounts_of("nobody")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("role: gp", "role: king", 1), "is not one of"),
        (lambda text: text.replace("ends:", "end:", 1), "did you mean `ends`"),
        (lambda text: text.replace("2024-04-01", "2034-04-01", 1), "before it starts"),
    ],
)
def test_a_faulty_accounts_file_names_the_line(
    tmp_path: Path, change: Callable[[str], str], said: str
) -> None:
    copy = tmp_path / "accounts.yaml"
    copy.write_text(change(EXAMPLE.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(StudyError, match=said) as told:
        read_accounts(copy)
    assert "accounts.yaml:" in str(told.value)


def test_accounts_that_everybody_may_change_are_refused(tmp_path: Path) -> None:
    copy = tmp_path / "accounts.yaml"
    copy.write_bytes(EXAMPLE.read_bytes())
    copy.chmod(0o666)
    with pytest.raises(CustodyError, match="everybody may write") as told:
        read_accounts(copy)
    assert told.value.code == "RS1647"


def test_a_request_is_json_safe_to_keep_nowhere() -> None:
    with pytest.raises(TypeError):
        json.dumps(Person({"forename": "Ermintrude003"}))
