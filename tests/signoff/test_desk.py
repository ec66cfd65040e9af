"""Submit, review, vote, withdraw: who may, what is seen before both votes are in, and how long."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from riskstrat.disk import json_bytes
from riskstrat.errors import RiskstratError, StorageError
from riskstrat.signoff.people import Identity
from riskstrat.signoff.questions import DESPITE
from riskstrat.signoff.rounds import Vote, rounds
from riskstrat.signoff.seal import FILE_BYTES, Sealed
from riskstrat.signoff.spec import SignoffSpec
from riskstrat.signoff.states import State
from riskstrat.store.ledger import Ledger
from riskstrat.vocabulary import Days
from signoff.desks import ANN, ANSWERS, AT, AUTHOR, BEN, CAT, RUNNER, Place, votes

DAY = AT.date()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place.made(tmp_path)


def refused(code: str, exit_code: int = 30):
    """The block ends with this code."""

    class Block:
        def __enter__(self):
            self.raised = pytest.raises(RiskstratError)
            self.caught = self.raised.__enter__()
            return self.caught

        def __exit__(self, *told):
            done = self.raised.__exit__(*told)
            assert (self.caught.value.code, self.caught.value.exit_code) == (code, exit_code)
            assert self.caught.value.fix
            return done

    return Block()


# -- the way to an approval ------------------------------------------------------------------------


def test_two_reviewers_approve_and_the_version_may_be_used(place):
    desk = place.submitted()
    assert desk.records.view("small", 1, DAY).state is State.SUBMITTED
    assert votes(desk, ANN, "approve").state is State.ONE_VOTE
    view = votes(desk, BEN, "approve")
    assert (view.state, view.until) == (State.APPROVED, date(2027, 3, 31))
    approval = desk.records.approval("small", 1, DAY)
    assert approval.digests == {thing: each.digest for thing, each in place.found().items()}
    assert [(each["by"], each["decision"]) for each in approval.decisions] == [
        ("Ann Lee", "approved"),
        ("Ben Okafor", "approved"),
    ]
    assert approval.decisions[0]["answers"] == ANSWERS
    assert desk.records.in_use("small") == 1
    assert place.log.verify()[0] == 7


@pytest.mark.parametrize(
    "decisions", [("approve", "reject"), ("reject", "approve"), ("reject",) * 2]
)
def test_one_rejection_is_enough(place, decisions):
    desk = place.submitted()
    for who, decision in zip((ANN, BEN), decisions, strict=True):
        view = votes(desk, who, decision)
    assert view.state is State.REJECTED
    assert all(f"{word} small 1" in place.told() for word in decisions)
    assert desk.records.in_use("small") is None
    with refused("RS3303"):
        desk.records.approval("small", 1, DAY)


def test_a_rejected_version_may_be_submitted_again_and_old_votes_do_not_count(place):
    desk = place.submitted()
    for who in (ANN, BEN):
        votes(desk, who, "reject")
    view = desk.submit(place.case(), AUTHOR, AT + timedelta(days=1))
    assert (view.state, view.votes, view.decisions) == (State.SUBMITTED, 0, ())
    with refused("RS3322"):  # what was opened before was another submission
        desk.vote("small", 1, ANN, "approve", "as before", AT, ANSWERS)


def test_each_version_stands_for_itself(place):
    place.approved(1)
    desk = place.submitted(2)
    assert desk.records.view("small", 1, DAY).state is State.APPROVED
    assert desk.records.view("small", 2, DAY).state is State.SUBMITTED
    assert desk.records.in_use("small") == 1
    with refused("RS3302"):
        desk.records.approval("small", 2, DAY)
    for who in (ANN, BEN):
        votes(desk, who, "approve", 2, AT + timedelta(hours=1))
    assert desk.records.in_use("small") == 2
    desk.withdraw("small", 2, AUTHOR, "drift", AT)
    assert desk.records.in_use("small") == 1


# -- who may not -----------------------------------------------------------------------------------


@pytest.mark.parametrize("who", [AUTHOR, Identity("c PATEL"), RUNNER])
def test_the_author_neither_reviews_nor_votes(place, who):
    desk = place.submitted()
    with refused("RS3320"):
        desk.review("small", 1, who, {}, AT)
    with refused("RS3320"):
        desk.vote("small", 1, who, "approve", "mine", AT, ANSWERS)
    assert desk.records.view("small", 1, DAY).votes == 0


@pytest.mark.parametrize("name", ["Ann Lee", "ann lee", "ANN  LEE.", "AnnLee"])
def test_one_reviewer_votes_once_however_the_name_is_spelt(place, name):
    desk = place.submitted()
    votes(desk, ANN, "approve")
    with refused("RS3321"):
        desk.vote("small", 1, Identity(name), "approve", "again", AT, ANSWERS)
    assert desk.records.view("small", 1, DAY).votes == 1


def test_a_vote_needs_an_open_review_of_this_submission(place):
    desk = place.submitted()
    with refused("RS3322"):
        desk.vote("small", 1, ANN, "approve", "looks fine", AT, ANSWERS)


def test_a_third_has_no_vote(place):
    desk = place.submitted()
    desk.review("small", 1, CAT, {}, AT)
    for who in (ANN, BEN):
        votes(desk, who, "approve")
    with refused("RS3324"):
        desk.vote("small", 1, CAT, "reject", "too late", AT, ANSWERS)
    with refused("RS3324"):
        desk.review("small", 1, CAT, {}, AT)


@pytest.mark.parametrize("reason", ["", "  ", "x" * 2000, "943 476 5919"])
def test_a_vote_needs_a_reason_that_the_log_can_hold(place, reason):
    desk = place.submitted()
    desk.review("small", 1, ANN, {}, AT)
    with refused("RS3323", 2):
        desk.vote("small", 1, ANN, "reject", reason, AT)
    with refused("RS3323", 2):
        desk.withdraw("small", 1, AUTHOR, reason, AT)
    assert desk.records.view("small", 1, DAY).votes == 0


def test_who_approves_has_answered_every_question_and_who_rejects_need_not(place):
    desk = place.submitted()
    desk.review("small", 1, ANN, {"stop": "the board, if it drifts"}, AT)
    asked = desk.unanswered("small", 1, ANN)
    assert "stop" not in asked and len(asked) == len(ANSWERS) - 1
    with refused("RS3333") as caught:
        desk.vote("small", 1, ANN, "approve", "fine", AT, {"help": "a visit"})
    assert "3 of 5 questions" in caught.value.message
    rest = {name: text for name, text in ANSWERS.items() if name not in ("stop", "help")}
    assert desk.vote("small", 1, ANN, "approve", "fine", AT, rest).votes == 1
    assert votes(desk, BEN, "reject").state is State.REJECTED
    [vote, _] = rounds(place.log.entries())[0].votes
    assert vote.answers["stop"] == "the board, if it drifts"


def test_an_answer_to_a_question_that_nobody_asks_is_a_slip(place):
    desk = place.submitted()
    with refused("RS3332", 2):
        desk.review("small", 1, ANN, {"stopp": "x"}, AT)


def test_what_was_never_submitted_cannot_be_reviewed_voted_on_withdrawn_or_used(place):
    desk = place.desk
    for act in (
        lambda: desk.review("small", 1, ANN, {}, AT),
        lambda: desk.vote("small", 1, ANN, "approve", "x", AT, ANSWERS),
        lambda: desk.records.approval("small", 1, DAY),
    ):
        with refused("RS3301"):
            act()
    with refused("RS3329"):
        desk.withdraw("small", 1, AUTHOR, "x", AT)


@pytest.mark.parametrize("until", ["submitted", "one vote", "approved"])
def test_what_is_under_way_or_approved_is_not_submitted_again(place, until):
    desk = place.approved() if until == "approved" else place.submitted()
    if until == "one vote":
        votes(desk, ANN, "approve")
    with refused("RS3311"):
        desk.submit(place.case(), AUTHOR, AT)


@pytest.mark.parametrize("who", [AUTHOR, RUNNER, ANN])
def test_an_author_or_a_reviewer_who_voted_takes_it_back(place, who):
    desk = place.approved()
    view = desk.withdraw("small", 1, who, "the agreement ends", AT)
    assert (view.state, view.until) == (State.WITHDRAWN, None)
    assert view.why == f"by {who.user} on 2026-04-01"
    with refused("RS3304"):
        desk.records.approval("small", 1, DAY)
    with refused("RS3329"):
        desk.withdraw("small", 1, who, "again", AT)


def test_nobody_else_takes_it_back(place):
    desk = place.submitted()
    desk.review("small", 1, CAT, {}, AT)
    for who in (CAT, BEN):
        with refused("RS3328"):
            desk.withdraw("small", 1, who, "no", AT)


def test_who_submitted_it_once_does_not_vote_on_it_later(place):
    desk = place.submitted()
    desk.withdraw("small", 1, AUTHOR, "a colleague submits it", AT)
    desk.submit(place.case(made_by=()), CAT, AT)
    for who in (AUTHOR, RUNNER, CAT):
        with refused("RS3320"):
            desk.review("small", 1, who, {}, AT)
    for who in (ANN, BEN):
        votes(desk, who, "approve")
    assert desk.records.approval("small", 1, DAY)


# -- blind -----------------------------------------------------------------------------------------

WHY = "my quite unmistakable reason"


def everything_but_sealed_files(root: Path) -> str:
    return "".join(
        path.read_text(encoding="utf-8")
        for path in root.rglob("*")
        if path.is_file() and path.suffix not in (".vote", ".answers")
    )


@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_of_the_first_vote_nothing_is_seen_but_that_it_is_in(place, decision):
    desk = place.submitted()
    view = votes(desk, ANN, decision, why=WHY)
    seen = json.dumps(view.as_dict()) + everything_but_sealed_files(place.root / "log")
    assert (view.votes, view.decisions) == (1, ())
    for told in (WHY, "approve", "reject", *ANSWERS.values()):
        assert told not in seen
    *_, last = place.log.entries()
    assert (last["who"], last["what"]) == ("Ann Lee", "vote on small 1")
    assert last["why"] == "sealed until both votes are in"


def test_both_votes_are_opened_with_the_second(place):
    desk = place.submitted()
    votes(desk, ANN, "approve", why=WHY)
    votes(desk, BEN, "reject", why="not this one")
    entries = [(each["who"], each["what"], each["why"]) for each in place.log.entries()[-2:]]
    assert entries == [
        ("Ann Lee", "approve small 1", WHY),
        ("Ben Okafor", "reject small 1", "not this one"),
    ]
    assert [path.name for path in (place.root / "signoff").iterdir()] == [".lock"]


def test_sealed_votes_are_their_owners_alone_and_look_alike(place):
    desk = place.submitted()
    desk.review("small", 1, BEN, {"stop": "x"}, AT)
    votes(desk, ANN, "approve")
    files = [each for each in (place.root / "signoff").iterdir() if each.name != ".lock"]
    assert len(files) == 3  # a vote, and what two readers answered
    for path in files:
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.stat().st_size == FILE_BYTES
        assert re.fullmatch(r"[0-9a-f]{64}\.(vote|answers)", path.name)


def test_the_longest_vote_fits_its_file():
    longest = "\U0001f600" * 1000
    vote = Vote(
        "s" * 16, ANN, "reject", longest, {f"q{i}": longest for i in range(6)}, "t", "0" * 64
    )
    assert len(json_bytes(vote.as_dict())) < FILE_BYTES


def test_a_seal_without_its_salt_cannot_be_guessed(place):
    desk = place.submitted()
    votes(desk, ANN, "approve", why=WHY)
    [entry] = [each for each in place.log.entries() if each["what"] == "vote on small 1"]
    seal, when = entry["details"]["signoff"]["seal"], entry["at"]
    name = entry["details"]["signoff"]["submission"]
    for salt in ("", "0", "0" * 64):
        guess = Vote(name, ANN, "approve", WHY, ANSWERS, when, salt)
        assert guess.seal != seal
    kept = Sealed(place.root / "signoff").open(seal)
    assert kept is not None and kept.seal == seal


def test_real_salts_are_random_and_256_bits():
    from riskstrat.signoff.desk import Desk
    from riskstrat.signoff.records import Records

    desk = Desk(Records(Ledger(Path("x")), lambda _: {}), Path("x"))
    salts = {desk.salt() for _ in range(20)}
    assert len(salts) == 20 and all(re.fullmatch("[0-9a-f]{64}", each) for each in salts)


def test_a_sealed_vote_that_was_changed_or_is_gone_is_not_counted(place):
    desk = place.submitted()
    votes(desk, ANN, "reject")
    [path] = (place.root / "signoff").glob("*.vote")
    told = json.loads(path.read_bytes())
    path.write_bytes(json_bytes({**told, "decision": "approve"}))
    with refused("RS3330", 74):
        votes(desk, BEN, "approve")
    assert desk.records.view("small", 1, DAY).state is State.VOTES_IN
    path.unlink()
    with refused("RS3330", 74):
        desk.review("small", 1, ANN, {}, AT)
    with refused("RS3302"):
        desk.records.approval("small", 1, DAY)
    path.write_bytes(json_bytes(told))
    assert desk.review("small", 1, ANN, {}, AT).state is State.REJECTED


def test_votes_of_two_users_of_one_machine_are_opened_each_by_its_owner(place, monkeypatch):
    """A vote in a file that the second reviewer's process may not read waits for the first's."""
    desk = place.submitted()
    votes(desk, ANN, "approve")
    [anns] = (place.root / "signoff").glob("*.vote")
    read = Path.read_bytes

    def others_are_closed(path: Path) -> bytes:
        if path == anns:
            raise PermissionError(13, "Permission denied")
        return read(path)

    with monkeypatch.context() as patch:  # the tests may run as root, whom no rights stop
        patch.setattr(Path, "read_bytes", others_are_closed)
        view = votes(desk, BEN, "approve")
    assert (view.state, view.decisions) == (State.VOTES_IN, ())
    assert view.awaits == "the votes, to be opened"
    assert desk.review("small", 1, ANN, {}, AT).state is State.APPROVED


def test_withdrawing_leaves_a_sealed_vote_unseen_for_good(place):
    desk = place.submitted()
    votes(desk, ANN, "reject", why=WHY)
    desk.withdraw("small", 1, AUTHOR, "to be trained again", AT)
    assert list((place.root / "signoff").glob("*.*")) == [place.root / "signoff/.lock"]
    assert WHY not in everything_but_sealed_files(place.root)


# -- void, expired ---------------------------------------------------------------------------------


def change(place: Place, name: str) -> None:
    path = place.root / name
    path.write_bytes(path.read_bytes() + b" ")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("model/artifacts/risk_model/booster.txt", "model (artifacts/risk_model/booster.txt)"),
        ("run/study.yaml", "study (study.yaml)"),
        ("run/report.html", "report (report.html)"),
        ("run/audit/gates.json", "audit (audit/gates.json)"),
        ("checkout/src/riskstrat/errors.py", "code (errors.py)"),
        ("checkout/requirements.lock", "lock (requirements.lock)"),
    ],
)
def test_a_changed_byte_voids_an_approval_and_is_named(place, name, said):
    desk = place.approved()
    before = (place.root / name).read_bytes()
    change(place, name)
    view = desk.records.view("small", 1, DAY)
    assert (view.state, view.why) == (State.VOID, said)
    with refused("RS3306") as caught:
        desk.records.approval("small", 1, DAY)
    assert said in caught.value.message
    (place.root / name).write_bytes(before)
    assert desk.records.approval("small", 1, DAY)


def test_a_changed_byte_stops_a_review_and_a_vote(place):
    desk = place.submitted()
    desk.review("small", 1, ANN, {}, AT)
    change(place, "run/report.html")
    with refused("RS3306"):
        desk.vote("small", 1, ANN, "approve", "fine", AT, ANSWERS)
    with refused("RS3306"):
        desk.review("small", 1, BEN, {}, AT)


def test_what_is_void_is_submitted_anew_as_it_is_now(place):
    desk = place.approved()
    change(place, "run/report.html")
    assert desk.submit(place.case(), AUTHOR, AT).state is State.SUBMITTED
    for who in (BEN, CAT):
        votes(desk, who, "approve")
    assert desk.records.approval("small", 1, DAY)


def test_a_sealed_vote_on_what_is_void_is_gone_once_it_is_submitted_anew_and_that_is_told(place):
    desk = place.submitted()
    votes(desk, BEN, "reject", why="too many are missed")
    change(place, "run/report.html")
    view = desk.submit(place.case(), AUTHOR, AT)
    assert not list(desk.folder.glob("*.vote"))
    [before] = view.earlier
    assert before["state"] == "void" and before["why"].endswith("1 sealed vote never opened")
    assert before["reasons"] == []


@pytest.mark.parametrize(
    ("decided", "term", "last"),
    [
        (datetime(2026, 4, 1, tzinfo=UTC), Days(12, "month"), date(2027, 3, 31)),
        (datetime(2028, 2, 29, tzinfo=UTC), Days(12, "month"), date(2029, 2, 27)),
        (datetime(2026, 12, 31, tzinfo=UTC), Days(6, "month"), date(2027, 6, 29)),
        (datetime(2026, 4, 1, tzinfo=UTC), Days(1), date(2026, 4, 1)),
    ],
)
def test_an_approval_holds_to_the_end_of_its_last_day(place, decided, term, last):
    desk = place.approved(at=decided, valid_for=term)
    assert desk.records.approval("small", 1, last).until == last
    day_after = last + timedelta(days=1)
    assert desk.records.view("small", 1, day_after).state is State.EXPIRED
    with refused("RS3305") as caught:
        desk.records.approval("small", 1, day_after)
    assert f"its last day was {last}" in caught.value.message
    assert desk.submit(place.case(), AUTHOR, decided + timedelta(days=400)).votes == 0


@pytest.mark.parametrize("term", ["0 days", "13 months", "366 days", "2 years"])
def test_no_study_lengthens_the_term(term):
    with pytest.raises(ValueError, match="at most 12 months"):
        SignoffSpec.model_validate({"valid_for": term})


@pytest.mark.parametrize("term", ["1 day", "6 months", "365 days", "1 year"])
def test_a_study_may_shorten_it(term):
    assert str(SignoffSpec.model_validate({"valid_for": term}).valid_for) in (term, "1 year")


# -- despite gates ---------------------------------------------------------------------------------


def test_a_version_whose_gates_did_not_pass_is_submitted_knowingly_or_not_at_all(place):
    failed = ("auroc.low >= 0.9",)
    with refused("RS3310") as caught:
        place.submitted(failed=failed)
    assert "auroc.low >= 0.9" in caught.value.message
    with refused("RS3323", 2):
        place.submitted(failed=failed, despite_gates="x" * 2000)
    desk = place.submitted(failed=failed, despite_gates="a pilot in one practice")
    desk.review("small", 1, ANN, ANSWERS, AT)
    with refused("RS3333") as caught:  # one more question, which only people can answer
        desk.vote("small", 1, ANN, "approve", "fine", AT)
    assert DESPITE in caught.value.message
    for who in (ANN, BEN):
        desk.review("small", 1, who, {**ANSWERS, DESPITE: "one practice, three months"}, AT)
        view = desk.vote("small", 1, who, "approve", "fine", AT)
    assert view.state is State.APPROVED
    assert desk.records.approval("small", 1, DAY).despite_gates == "a pilot in one practice"


def test_a_reason_despite_gates_that_all_passed_is_not_recorded(place):
    desk = place.submitted(despite_gates="just in case")
    assert desk.records.view("small", 1, DAY).despite_gates == ""


# -- the log ---------------------------------------------------------------------------------------


def test_the_log_tells_who_ran_the_command_where_that_is_somebody_else(place):
    place.approved()
    assert {each["details"]["operator"] for each in place.log.entries()} == {"root"}
    assert all("operator" not in str(each["details"]["signoff"]) for each in place.log.entries())


def test_no_entry_of_a_sign_off_can_be_changed_unnoticed(place):
    place.approved()
    text = place.told()
    place.log.path.write_text(text.replace("Ann Lee", "Ann Leo", 1), encoding="utf-8")
    with pytest.raises(StorageError, match="does not follow"):
        place.log.verify()


def test_a_vote_that_does_not_fit_its_seal_is_found_even_if_the_chain_was_made_anew(place):
    desk = place.approved()
    forged = Ledger(place.root / "forged" / "ledger.jsonl")
    for each in place.log.entries():
        details = each["details"]
        if "vote" in details["signoff"]:
            details["signoff"]["vote"]["reason"] = "what I never said"
        told = {name: each[name] for name in ("who", "what", "why")}
        forged.append(at=datetime.fromisoformat(each["at"]), **told, details=details)
    forged.verify()
    with refused("RS3331", 74):
        rounds(forged.entries())
    assert rounds(place.log.entries())
    assert desk.records.view("small", 1, DAY).state is State.APPROVED


@pytest.mark.parametrize(
    "told",
    [
        {"event": "sealed", "submission": "nobody's", "seal": "x"},
        {"event": "opened"},
        {"event": "blessed", "submission": "SUBMISSION"},
        {"event": "sealed", "submission": "SUBMISSION", "seal": "x"},
        {"event": "unsealed", "submission": "SUBMISSION", "vote": {}},
    ],
)
def test_an_entry_that_makes_no_sense_is_refused_not_believed(place, told):
    desk = place.submitted()
    name = desk.records.view("small", 1, DAY).submission
    told = {key: name if value == "SUBMISSION" else value for key, value in told.items()}
    place.log.append(at=AT, who="Ann Lee", what="x", why="x", details={"signoff": told})
    with refused("RS3331", 74):
        desk.records.view("small", 1, DAY)


def test_a_submission_under_an_id_that_is_taken_is_refused(place):
    place.submitted()
    [entry] = place.log.entries()
    told = {name: entry[name] for name in ("who", "what", "why", "details")}
    place.log.append(at=AT, **told)
    with refused("RS3331", 74):
        rounds(place.log.entries())


def test_submissions_of_one_author_at_one_time_are_two_and_the_last_one_counts(place):
    desk = place.submitted()
    case = place.case()
    desk.withdraw("small", 1, AUTHOR, "once more", AT)
    for who in (ANN, AUTHOR):
        desk.submit(case, who, AT)
        desk.withdraw("small", 1, who, "once more", AT)
    desk.submit(case, AUTHOR, AT)
    every = desk.records.all("small")
    assert len({each.id for each in every}) == len(every) == 4
    assert desk.records.view("small", 1, DAY).state is State.SUBMITTED


# -- two at once -----------------------------------------------------------------------------------

VOTER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from signoff.desks import ANSWERS, AT, Place
from riskstrat.errors import RiskstratError
from riskstrat.signoff.people import Identity
desk, who = Place(Path(sys.argv[2])).desk, Identity(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
try:
    view = desk.vote("small", 1, who, "approve", "at once", AT, ANSWERS)
    print(view.state.value)
except RiskstratError as fault:
    print(fault.code)
"""


def at_once(place: Place, names: list[str]) -> list[str]:
    """What each of some processes is told that vote at the same moment."""
    tests = str(Path(__file__).parents[1])
    running = [
        subprocess.Popen(
            [sys.executable, "-c", VOTER, tests, str(place.root), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            env=os.environ,
        )
        for name in names
    ]
    for each in running:
        assert each.stdout is not None and each.stdout.readline() == "ready\n"
    return sorted(each.communicate("go\n", timeout=60)[0].strip() for each in running)


def test_two_who_vote_at_once_decide_together(place):
    desk = place.submitted()
    for who in (ANN, BEN, CAT):
        desk.review("small", 1, who, {}, AT)
    assert at_once(place, ["Ann Lee", "Ben Okafor", "Cat"]) == ["RS3324", "approved", "one_vote"]
    assert desk.records.view("small", 1, DAY).state is State.APPROVED
    assert place.log.verify()


def test_one_who_votes_twice_at_once_votes_once(place):
    desk = place.submitted()
    desk.review("small", 1, ANN, {}, AT)
    assert at_once(place, ["Ann Lee", "ann lee"]) == ["RS3321", "one_vote"]
    assert desk.records.view("small", 1, DAY).votes == 1


def test_a_half_written_vote_of_a_killed_process_is_cleared_away(place):
    desk = place.submitted()
    left = place.root / "signoff" / ".x.vote.host.1.part"
    left.write_text("a vote")
    desk.review("small", 1, ANN, {}, AT)
    assert not left.exists()


def test_a_vote_is_yes_or_no(place):
    desk = place.submitted()
    with pytest.raises(ValueError, match="no vote"):
        desk.vote("small", 1, ANN, "abstain", "x", AT)
