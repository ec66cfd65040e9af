"""What scoring may rest on: an approval that holds, or a mark on everything that is written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from riskstrat.derivation import digest
from riskstrat.pipeline.desk import MEMORY, desk_of, follow
from riskstrat.pipeline.options import Options
from riskstrat.release.standing import Cleared
from riskstrat.signoff.binding import Bound, changes
from riskstrat.signoff.faults import SignoffRefused
from riskstrat.signoff.rounds import Round
from riskstrat.signoff.suspension import refuse_suspended
from riskstrat.stages.jobs import call
from riskstrat.store.ledger import Ledger
from riskstrat.store.registry_versions import CHAMPION
from riskstrat.store.worker import run_in_child
from riskstrat.study import Study
from riskstrat.study.rules import rules_of


def clearance(
    study: Study, options: Options, number: int | None, *, research: bool
) -> Mapping[str, Any]:
    """The registered version to score with, if there is an approval of it that holds.

    Args:
        study: as it was given now.
        number: the version; by default the one that was approved last.
        research: score without asking for an approval.

    Raises:
        UsageError: there is no such version.
        SignoffRefused: RS3301 to RS3308, there is no approval that holds.
        StorageError: the log was changed.
    """
    chosen = number or (
        None if research else desk_of(options.store.root).records.in_use(study.name)
    )
    asked = ("register.chosen_version", options.store, study.name, chosen, not research)
    facts: Mapping[str, Any] = run_in_child(call, *asked, memory=MEMORY).value
    try:
        if not research:
            cleared(study, options, facts["version"])
    except SignoffRefused as refused:
        _note(study, options, facts, refused)
        raise
    if not research and CHAMPION not in facts["aliases"] and number is None:
        _follow(study, options)  # whoever approved it was stopped before the alias could follow
        return {**facts, "aliases": [CHAMPION]}
    return facts


def cleared(study: Study, options: Options, number: int) -> Cleared:
    """The approval of a version that holds at this moment, for the study as it was given.

    Raises:
        SignoffRefused: RS3301 to RS3308; RS3720, the version is suspended.
        StorageError: the log was changed.
    """
    records = desk_of(options.store.root).records
    approval = records.approval(study.name, number, options.today)
    refuse_suspended(records.log.entries(), study.name, number)
    if approval.digests["study"] != digest(study.text):
        raise SignoffRefused(
            f"{study.path}: with what overrides it, this is not the study that {study.name} "
            f"version {number} was approved with on {approval.on}",
            fix="score with the study and the `--set` that it was run with; or run it as it is now "
            "and have that version reviewed",
            code="RS3307",
        )
    if changed := _other_rules(study, records.last(study.name, number)):
        raise SignoffRefused(
            f"{study.path}: {changed} {'is' if ', ' not in changed else 'are'} not what "
            f"{study.name} version {number} was approved with on {approval.on}",
            fix="put back what was signed; or run the study as it is now and have that version "
            "reviewed",
            code="RS3308",
        )
    return Cleared(approval)


def _other_rules(study: Study, signed: Round | None) -> str:
    """The agreements, contracts and codelists that differ from those signed, in words."""
    before = signed.case.bound["rules"] if signed else Bound.of({})
    now = Bound.of(rules_of(study))
    return ", ".join(part for each in changes({"rules": before}, {"rules": now})
                     for part in each.parts)  # fmt: skip


def _note(
    study: Study, options: Options, facts: Mapping[str, Any], refused: SignoffRefused
) -> None:
    """Write down that a use was refused; a champion whose approval no longer holds is none."""
    at = datetime.now(UTC)
    Ledger.of_store(options.store.root).append(
        at=at,
        who=options.user,
        what=f"refused to score {study.name} {facts['version']}",
        why=f"purpose: {study.spec.purpose}",
        details={"code": refused.code, "because": refused.message.splitlines()[0]},
    )
    if CHAMPION in facts["aliases"]:
        _follow(study, options)


def _follow(study: Study, options: Options) -> None:
    store = options.store.root
    follow(desk_of(store), store, study.name, options.today, rejected=None)
