"""The desk of a store: who acts at it, and what is there now of what was signed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from riskstrat.derivation import file_digest
from riskstrat.disk import read_json
from riskstrat.pipeline.options import whoever_asks
from riskstrat.pipeline.packed import lacking
from riskstrat.pipeline.work import GATES
from riskstrat.signoff.binding import REPORT, Binding, found_in
from riskstrat.signoff.case import Case
from riskstrat.signoff.desk import Desk
from riskstrat.signoff.faults import SignoffRefused
from riskstrat.signoff.people import Directory, Identity, identify, proved
from riskstrat.signoff.records import Records
from riskstrat.signoff.rounds import Round
from riskstrat.signoff.spec import SignoffSpec
from riskstrat.signoff.states import State
from riskstrat.signoff.suspension import suspension
from riskstrat.stages.jobs import call
from riskstrat.store.artefacts import Store
from riskstrat.store.files import verified_manifest
from riskstrat.store.ledger import Ledger, login_of_this_process
from riskstrat.store.registry_versions import kept_model
from riskstrat.store.worker import run_in_child
from riskstrat.vocabulary import NO_GATES

ACCOUNTS, ACCOUNTS_FILE = "RISKSTRAT_ACCOUNTS", "accounts.yaml"
MEMORY = "4GB"
SIGNED = frozenset({State.SUBMITTED, State.ONE_VOTE, State.VOTES_IN, State.APPROVED})
"""states in which a changed byte of the run would void what was signed"""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, as the command line or a portal passes it in.

    Attributes:
        by: the name.
        at: now, with its time zone.
        role: the role claimed; '' takes the one that an account has.
        accounts: a file of accounts; by default the one RISKSTRAT_ACCOUNTS names. It is asked
            beside ``accounts.yaml`` of the store, never in its place. Without any a name is taken
            as it is given.
        proved: the identity that a sign-on service proved; name and accounts are not asked then.
    """

    by: str
    at: datetime
    role: str = ""
    accounts: Path | None = None
    proved: Identity | None = None

    def identity(self, store: Path, roles: frozenset[str]) -> Identity:
        """Who it is, if they may act in one of these roles.

        Raises:
            UsageError: RS3326, no name.
            SignoffRefused: RS3327, no account that may do this.
        """
        if self.proved is not None:
            return proved(self.proved, roles)
        day, login = self.at.date(), login_of_this_process()
        found = [
            identify(self.by, self.role, directory, day, roles, login)
            for directory in _directories(self.accounts, store)
        ]
        return found[0] if found else identify(self.by, self.role, None, day, roles)


def _directories(given: Path | None, store: Path) -> list[Directory]:
    """Every file of accounts that is asked: the store's, whose word counts, and the one given."""
    named = os.environ.get(ACCOUNTS, "").strip()
    kept = store / ACCOUNTS_FILE
    asked = [kept] if kept.exists() else []
    asked += [given or Path(named)] if given or named else []
    if not asked:
        return []
    from riskstrat.custody.accounts import read_accounts

    return [read_accounts(path) for path in asked]


def desk_of(store: Path, operator: str = "") -> Desk:
    """The desk of a store, whose log is proved to be whole.

    Raises:
        StorageError: RS7405 or RS7406, the log was changed or cut off.
    """
    ledger = Ledger.of_store(store)
    ledger.verify()
    records = Records(ledger, lambda last: _found(store, last))
    return Desk(records, store / "signoff", operator or whoever_asks())


def _found(store: Path, last: Round) -> Binding:
    """What is there now of what a submission is bound to."""
    case = last.case
    model = kept_model(store / "artifacts", case.study, case.model_id)
    if not model.is_dir() and os.environ.get("MLFLOW_TRACKING_URI"):
        asked = ("register.fetch_model", Store(store), case.study, case.version)
        model = Path(run_in_child(call, *asked, memory=MEMORY).value)
    return found_in(Store(store).run_folder(case.study, case.run_id), model)


def case_of(store: Path, name: str, number: int) -> Case:
    """What is submitted: a version and its run, whole and unchanged since it was registered.

    Raises:
        UsageError: there is no such version.
        SignoffRefused: RS3312, its run is not there.
        StorageError: the model or the run is not what it was.
    """
    asked = ("register.to_be_signed", Store(store), name, number)
    facts: Mapping[str, Any] = run_in_child(call, *asked, memory=MEMORY).value
    run = Store(store).run_folder(name, facts["run_id"])
    _whole(run, f"{name} version {number}", name)
    ran = f"run {name} {facts['run_id']}"
    runs = [entry for entry in Ledger.of_store(store).entries() if entry["what"] == ran]
    _gates_as_logged(run, runs, f"{name} version {number}")
    return Case(
        study=name,
        version=number,
        run_id=facts["run_id"],
        model_id=facts["model_id"],
        made_by=tuple(sorted({entry["who"] for entry in runs})),
        made_under=tuple(sorted({entry["login"] for entry in runs if entry.get("login")})),
        bound=found_in(run, Path(facts["folder"])),
        valid_for=_term(run / "study.yaml").valid_for,
        failed=_not_passed(read_json(run / "audit/gates.json")),
    )


def _not_passed(gates: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The gates that did not pass; where none was set, that: then nothing was decided."""
    return tuple(gate["text"] for gate in gates if not gate["passed"]) if gates else (NO_GATES,)


def _whole(run: Path, version: str, name: str) -> None:
    """Refuse a run that reviewers could not look at: report, evidence and pack, as it left them."""
    missing = [each for each in REPORT if not (run / each).is_file()]
    manifest = None if missing else verified_manifest(run)
    if manifest is None:
        raise SignoffRefused(
            f"{version}: the folder of the run that made it lacks "
            + (", ".join(missing) or "its manifest"),
            fix=f"run the study {name} again, then submit the version",
            code="RS3312",
        )
    if wrong := lacking(run, manifest):
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise SignoffRefused(
            f"{version}: the pack for the board is not whole: {', '.join(wrong[:3])}{more}",
            fix=f"make it anew with `riskstrat pack {run.name}`, then submit the version",
            code="RS3313",
        )


def _gates_as_logged(run: Path, runs: Sequence[Mapping[str, Any]], version: str) -> None:
    """Refuse gates that are not those that every run of this id told the log of.

    A manifest is written anew with the report, so it could come to vouch for other gates.

    Raises:
        SignoffRefused: RS3315.
    """
    logged = {entry["details"][GATES] for entry in runs if GATES in entry["details"]}
    if logged != {file_digest(run / "audit/gates.json")}:
        told = "tells of other gates than" if logged else "does not say which gates"
        raise SignoffRefused(
            f"{version}: the log {told} {run.name}/audit/gates.json holds",
            fix=f"put the run's folder back from a copy; or remove {run} and run the study again",
            code="RS3315",
        )


def _term(path: Path) -> SignoffSpec:
    """How long an approval holds, as the study said when it ran."""
    import yaml

    told = yaml.safe_load(path.read_bytes())
    return SignoffSpec.model_validate(told.get("signoff", {}))


def follow(desk: Desk, store: Path, name: str, day: date, *, rejected: int | None) -> None:
    """Have the registry's aliases follow the log, for those who look there.

    The version that was approved last is champion, as long as its approval holds and it is not
    suspended; a version that was rejected is not challenger either.
    """
    last = desk.records.in_use(name)
    view = desk.records.view(name, last, day) if last else None
    holds = view is not None and view.state is State.APPROVED
    stopped = last is not None and suspension(desk.records.log.entries(), name, last) is not None
    champion = last if holds and not stopped else None
    asked = ("register.place", Store(store), name, champion, rejected)
    run_in_child(call, *asked, memory=MEMORY)


def signed_versions(store: Path, study: str, run_id: str, day: date) -> list[int]:
    """Versions that a run gave and that are before reviewers, or approved: its bytes must stay."""
    records = desk_of(store).records
    asked = {each.case.version for each in records.all(study) if each.case.run_id == run_id}
    return [n for n in sorted(asked) if records.view(study, n, day).state in SIGNED]


def refuse_signed(store: Path, run: Path, day: date) -> None:
    """Refuse to write a run's report or pack anew while somebody's decision rests on them.

    Raises:
        SignoffRefused: RS3314.
    """
    study = run.parent.name
    if signed := signed_versions(store, study, run.name, day):
        raise SignoffRefused(
            f"{study} version {signed[-1]} is before its reviewers or approved; its report and "
            "pack are among the bytes they sign: made anew, they would void the decision",
            fix=f"read them as they are; or `riskstrat withdraw {study} {signed[-1]}`, make them "
            "anew, and submit it again",
            code="RS3314",
        )
