"""Where sign-offs are asked for, given and taken back.

Every act is decided by the table of ``states`` and is in the log before it counts. One process at a
time acts: two votes given at once come one after the other.
"""

from __future__ import annotations

import fcntl
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from riskstrat.derivation import digest
from riskstrat.disk import disk_errors
from riskstrat.errors import UsageError
from riskstrat.signoff.case import Case, case_details
from riskstrat.signoff.faults import SignoffRefused, one_login, refusal
from riskstrat.signoff.people import LISTED, Identity, words
from riskstrat.signoff.questions import questions_for
from riskstrat.signoff.records import Records
from riskstrat.signoff.rounds import (
    APPROVE,
    DETAILS,
    OPENED,
    REJECT,
    SEALED,
    SUBMITTED,
    UNSEALED,
    WITHDRAWN,
    Round,
    Vote,
)
from riskstrat.signoff.seal import Sealed
from riskstrat.signoff.states import NEVER_SUBMITTED, TABLE, Action, Party, State
from riskstrat.signoff.view import View

BEFORE_THE_VOTE = "sealed until both votes are in"


@dataclass(frozen=True, slots=True)
class Desk:
    """All that acts on sign-offs. What it relies on is passed in; it keeps votes until both are in.

    Attributes:
        records: what the log says, and what is there now.
        folder: for sealed votes, each in a file of its owner's.
        operator: who runs the command, if that is not who acts.
        salt: 256 random bits, as hex digits.
    """

    records: Records
    folder: Path
    operator: str = ""
    salt: Callable[[], str] = field(default=lambda: secrets.token_hex(32), repr=False)

    def unanswered(self, study: str, version: int, by: Identity) -> Mapping[str, str]:
        """Name -> question of what a reviewer has not answered; nothing once they have voted."""
        last = self.records.last(study, version)
        if last is None or last.party(by.user) is not Party.READER:
            return {}
        given = self._sealed.noted(last.id, by.user)
        asked = questions_for(despite_gates=bool(last.case.despite_gates))
        return {name: text for name, text in asked.items() if name not in given}

    def submit(self, case: Case, by: Identity, at: datetime) -> View:
        """Put a version before its reviewers.

        Raises:
            SignoffRefused: RS3310 its gates did not pass and no reason is given, RS3311 it is
                submitted already.
            UsageError: RS3323, the reason is not fit for the log.
        """
        case = replace(case, despite_gates=_despite(case) if case.failed else "")
        with self._alone():
            last, _ = self._allowed(Action.SUBMIT, case.study, case.version, by, at.date())
            told = case_details(case)
            # Counted, too: a clock may show the same time twice, and no two share an id.
            before = len(self.records.all(case.study))
            name = digest(told, by.user, at.isoformat(), before)[:16]
            told |= {"role": by.role, "vouched": by.vouched}
            why = case.despite_gates or "for review"
            self._write(SUBMITTED, case, name, by.user, at, why, told)
            if last is not None:  # void: its sealed vote counts no more, and is nobody's to read
                self._forget(last)
            return self.records.view(case.study, case.version, at.date())

    def review(
        self, study: str, version: int, by: Identity, answers: Mapping[str, str], at: datetime
    ) -> View:
        """Note that somebody opened the review, and keep what they answered for their vote.

        Raises:
            SignoffRefused: RS3301, RS3306, RS3320 or RS3324, there is nothing for them to review.
            UsageError: RS3323 an answer is not fit for the log, RS3332 there is no such question.
        """
        with self._alone():
            last, party = self._acting(Action.REVIEW, study, version, by, at.date())
            if party is Party.STRANGER:
                shown = {thing: each.digest for thing, each in last.case.bound.items()}
                told = {"shown": shown, "role": by.role, "vouched": by.vouched}
                self._write(OPENED, last.case, last.id, by.user, at, "opened the review", told)
            if party is Party.VOTER:
                self._unseal(last, at)
            elif answers:
                self._note(last, by, answers)
            return self.records.view(study, version, at.date())

    def vote(
        self,
        study: str,
        version: int,
        by: Identity,
        decision: str,
        reason: str,
        at: datetime,
        answers: Mapping[str, str] = MappingProxyType({}),
    ) -> View:
        """Give one of the two votes; with the second, both are opened.

        Args:
            decision: ``approve``, which needs every question answered, or ``reject``.

        Raises:
            SignoffRefused: RS3301, RS3306, RS3320 to RS3322, RS3324, they have no vote, or none
                now; RS3333, a question is not answered.
            UsageError: RS3323 the reason is not fit for the log, RS3332 there is no such question.
        """
        said = words(reason, "the reason")
        if decision not in (APPROVE, REJECT):
            raise ValueError(f"`{decision}` is no vote")
        with self._alone():
            last, _ = self._acting(Action.VOTE, study, version, by, at.date())
            self._refuse_one_login(last, by)
            given = self._note(last, by, answers)
            if decision == APPROVE:
                _all_answered(last, given)
            when = at.isoformat(timespec="seconds")
            vote = Vote(last.id, by, decision, said, given, when, self.salt())
            told = {"seal": self._sealed.keep(vote), "vouched": by.vouched}
            self._write(SEALED, last.case, last.id, by.user, at, BEFORE_THE_VOTE, told)
            again = self.records.last(study, version)
            if again is not None and again.state is State.VOTES_IN:
                self._unseal(again, at)
            return self.records.view(study, version, at.date())

    def withdraw(self, study: str, version: int, by: Identity, reason: str, at: datetime) -> View:
        """Take a submission, or the approval that came of it, back.

        Raises:
            SignoffRefused: RS3328 it is not theirs to take back, RS3329 there is nothing to.
            UsageError: RS3323, the reason is not fit for the log.
        """
        said = words(reason, "the reason")
        with self._alone():
            last, _ = self._acting(Action.WITHDRAW, study, version, by, at.date())
            unread = {"unread_votes": last.unread}
            self._write(WITHDRAWN, last.case, last.id, by.user, at, said, unread)
            self._forget(last)
            return self.records.view(study, version, at.date())

    def _refuse_one_login(self, last: Round, by: Identity) -> None:
        """Refuse a listed name whose vote comes from where the run or another vote came from.

        Accounts that know a name do not know who typed it, so the login has to tell people apart.
        Where there are no accounts nothing does: that is shown to everybody, and refuses nothing.
        """
        others = last.same_login(self.records.log.login)
        if by.vouched == LISTED and others:
            raise one_login(last.case.study, last.case.version, others)

    @property
    def _sealed(self) -> Sealed:
        return Sealed(self.folder)

    def _allowed(
        self, action: Action, study: str, version: int, by: Identity, day: date
    ) -> tuple[Round | None, Party]:
        """What is acted on, and what the person is to it; or the refusal the table holds."""
        last = self.records.last(study, version)
        view = self.records.view(study, version, day)
        party = last.party(by.user) if last else Party.STRANGER
        rule = TABLE[view.state, party, action]
        if rule.refused:
            raise refusal(rule.refused, study, version, view.why)
        return last, party

    def _acting(
        self, action: Action, study: str, version: int, by: Identity, day: date
    ) -> tuple[Round, Party]:
        """The same, of an action that the table allows on a submission alone."""
        last, party = self._allowed(action, study, version, by, day)
        if last is None:
            raise refusal(NEVER_SUBMITTED, study, version)
        return last, party

    def _note(self, last: Round, by: Identity, answers: Mapping[str, str]) -> dict[str, str]:
        """The answers given before with those given now, kept where nobody else may read them."""
        asked = questions_for(despite_gates=bool(last.case.despite_gates))
        if unknown := sorted(answers.keys() - asked.keys()):
            raise UsageError(
                f"there is no question {', '.join(f'`{each}`' for each in unknown)}",
                fix=f"answer {', '.join(f'`{each}`' for each in asked)}",
                code="RS3332",
            )
        said = {name: words(text, f"the answer to `{name}`") for name, text in answers.items()}
        given = {**self._sealed.noted(last.id, by.user), **said}
        if said:
            self._sealed.note(last.id, by.user, given)
        return given

    def _unseal(self, last: Round, at: datetime) -> None:
        """Open both votes, or those of them that are ours to open on this machine."""
        if TABLE[last.state, Party.VOTER, Action.UNSEAL].refused:
            return
        opened = {vote.by.user for vote in last.votes}
        waiting = {name: seal for name, seal in last.seals.items() if name not in opened}
        for name, seal in waiting.items():
            vote = self._sealed.open(seal)
            if vote is None:
                continue
            told = {"vote": vote.as_dict()}
            entry = f"{vote.decision} {last.name}"
            self._write(UNSEALED, last.case, last.id, name, at, vote.reason, told, entry)
            opened.add(name)
        if opened == last.seals.keys():
            self._forget(last)

    def _forget(self, last: Round) -> None:
        self._sealed.forget(last.id, last.seals.values(), last.opened)

    def _write(
        self,
        event: str,
        case: Case,
        submission: str,
        who: str,
        at: datetime,
        why: str,
        told: Mapping[str, Any],
        what: str = "",
    ) -> None:
        details: dict[str, Any] = {DETAILS: {**told, "event": event, "submission": submission}}
        if self.operator and self.operator != who:
            details["operator"] = self.operator
        said = what or f"{_VERBS[event]} {case.study} {case.version}"
        self.records.log.append(at=at, who=who, what=said, why=why, details=details)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One act at a time, whatever process it is in."""
        with disk_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            handle = (self.folder / ".lock").open("a+")
        with handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            for leftover in self.folder.glob(".*.part"):  # of one that was killed
                leftover.unlink(missing_ok=True)
            yield


_VERBS = MappingProxyType(
    {SUBMITTED: "submit", OPENED: "review", SEALED: "vote on", WITHDRAWN: "withdraw"}
)
"""event -> how its entry of the log begins"""


def _despite(case: Case) -> str:
    if not case.despite_gates:
        raise SignoffRefused(
            f"{case.study} version {case.version} did not pass its gates: {'; '.join(case.failed)}",
            fix="train one that passes; or say with `--despite-gates REASON` why reviewers should "
            "look at it all the same, which stands in the log and on every list",
            code="RS3310",
        )
    return words(case.despite_gates, "the reason of `--despite-gates`")


def _all_answered(last: Round, given: Mapping[str, str]) -> None:
    asked = questions_for(despite_gates=bool(last.case.despite_gates))
    if missing := [name for name in asked if name not in given]:
        raise SignoffRefused(
            f"{last.name}: {len(missing)} of {len(asked)} questions are not answered: "
            + ", ".join(missing),
            fix="read them with `riskstrat review`, and answer with `--answer "
            f"{missing[0]}='...'`, there or here; a rejection needs no answers",
            code="RS3333",
        )
