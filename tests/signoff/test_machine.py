"""Anybody does anything in any order: the desk agrees with a slow, obvious account of it."""

from __future__ import annotations

import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from riskstrat.errors import RiskstratError
from riskstrat.signoff.people import Identity
from riskstrat.signoff.states import State
from riskstrat.vocabulary import Days
from signoff.desks import ANSWERS, AT, Place

NAMES = ("ann", "ben", "cat", "dan")
TERM = 30
"""days that an approval holds here"""


class SigningOff(RuleBasedStateMachine):
    """One version, four people, a calendar, and a report that somebody tampers with.

    The account keeps plain sets and lists; it knows nothing of tables, seals or logs.
    """

    @initialize(votes=st.sampled_from([None, "", "approve", "approve approve", "approve reject"]))
    def open_the_office(self, votes: str | None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="riskstrat-test-"))
        self.place = Place.made(self.folder)
        self.desk = self.place.desk
        self.day = 0
        self.tampered = False
        self.authors: set[str] = set()
        self.readers: set[str] = set()
        self.votes: dict[str, str] = {}
        self.over = ""
        self.decided = 0
        self.entries = 0
        if votes is not None:  # as if some had happened before
            self.submits("dan")
            for who, decision in zip(NAMES, votes.split(), strict=False):
                self.reads_and_votes(who, decision)

    def teardown(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- the account -------------------------------------------------------------------------------

    @property
    def at(self):
        return AT + timedelta(days=self.day)

    def stands(self) -> State:
        if not self.authors:
            return State.UNSUBMITTED
        if self.over == "withdrawn":
            return State.WITHDRAWN
        if len(self.votes) == 2 and "reject" in self.votes.values():
            return State.REJECTED
        if self.tampered:
            return State.VOID
        if len(self.votes) == 2:
            late = self.day > self.decided + TERM - 1
            return State.EXPIRED if late else State.APPROVED
        return State.ONE_VOTE if self.votes else State.SUBMITTED

    def tries(self, act, allowed: bool) -> bool:
        """Do it; what the account allows happens, and everything else is refused with a code."""
        try:
            act()
        except RiskstratError as fault:
            assert not allowed, f"refused: {fault}"
            assert fault.code.startswith("RS33") and fault.exit_code == 30
            return False
        assert allowed, "this should have been refused"
        return True

    # -- what people do ----------------------------------------------------------------------------

    @rule(who=st.sampled_from(NAMES))
    def submits(self, who):
        closed = (State.SUBMITTED, State.ONE_VOTE, State.APPROVED)
        case = self.place.case(valid_for=Days(TERM), made_by=())
        act = lambda: self.desk.submit(case, Identity(who), self.at)  # noqa: E731
        if self.tries(act, self.stands() not in closed):
            self.authors.add(who)  # who submitted it once does not vote on it later
            self.readers, self.votes, self.over = set(), {}, ""
            self.tampered = False  # what is signed is what is there now
            self.entries += 1

    @rule(who=st.sampled_from(NAMES))
    def reviews(self, who):
        allowed = self.stands() in (State.SUBMITTED, State.ONE_VOTE) and who not in self.authors
        act = lambda: self.desk.review("small", 1, Identity(who), {}, self.at)  # noqa: E731
        if self.tries(act, allowed) and who not in self.readers:
            self.readers.add(who)
            self.entries += 1

    @rule(who=st.sampled_from(NAMES), decision=st.sampled_from(["approve", "approve", "reject"]))
    def gives_a_vote(self, who, decision):
        allowed = (
            self.stands() in (State.SUBMITTED, State.ONE_VOTE)
            and who in self.readers
            and who not in self.votes
        )
        told = ("small", 1, Identity(who), decision, "because", self.at, ANSWERS)
        if self.tries(lambda: self.desk.vote(*told), allowed):
            self.votes[who] = decision
            self.decided = self.day
            self.entries += 3 if len(self.votes) == 2 else 1

    @rule(who=st.sampled_from(NAMES), decision=st.sampled_from(["approve", "approve", "reject"]))
    def reads_and_votes(self, who, decision):
        self.reviews(who)
        self.gives_a_vote(who, decision)

    @rule(who=st.sampled_from(NAMES))
    def withdraws(self, who):
        live = (State.SUBMITTED, State.ONE_VOTE, State.APPROVED, State.VOID)
        theirs = who in self.authors or who in self.votes
        act = lambda: self.desk.withdraw("small", 1, Identity(who), "because", self.at)  # noqa: E731
        if self.tries(act, self.stands() in live and theirs):
            self.over = "withdrawn"
            self.entries += 1

    @rule(days=st.sampled_from([0, 0, 1, 20, 40]))
    def time_passes(self, days):
        self.day += days

    @precondition(lambda self: not self.tampered and self.authors)
    @rule(luck=st.integers(1, 6))
    def a_byte_changes(self, luck):
        if luck < 6:
            return
        report = self.folder / "run/report.html"
        report.write_bytes(report.read_bytes() + b"!")
        self.tampered = True

    @precondition(lambda self: self.tampered)
    @rule()
    def the_byte_is_put_back(self):
        report = self.folder / "run/report.html"
        report.write_bytes(report.read_bytes()[:-1])
        self.tampered = False

    # -- what is always true -----------------------------------------------------------------------

    @invariant()
    def the_desk_agrees(self):
        view = self.desk.records.view("small", 1, self.at.date())
        assert view.state is self.stands()
        self.tries(
            lambda: self.desk.records.approval("small", 1, self.at.date()),
            self.stands() is State.APPROVED,
        )

    @invariant()
    def nobody_sees_a_vote_before_both_are_in(self):
        view = self.desk.records.view("small", 1, self.at.date())
        seen = {each["by"]: each["decision"] for each in view.decisions}
        both = {who: {"approve": "approved", "reject": "rejected"}[how]
                for who, how in self.votes.items()} if len(self.votes) == 2 else {}  # fmt: skip
        assert seen == both
        sealed = list((self.folder / "signoff").glob("*.vote"))
        waiting = len(self.votes) == 1 and self.over != "withdrawn"
        assert len(sealed) == waiting

    @invariant()
    def refusals_leave_the_log_as_it_was_and_the_chain_whole(self):
        assert self.place.log.verify()[0] == self.entries


TestSigningOff = SigningOff.TestCase
TestSigningOff.settings = settings(
    max_examples=20,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
