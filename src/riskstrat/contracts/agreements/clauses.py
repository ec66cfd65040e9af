"""The clauses on sources, purposes, units and time that a study needs and an agreement lacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from riskstrat.asof import after
from riskstrat.contracts.agreements.asked import Asked, Derived
from riskstrat.contracts.agreements.spec import SharingAgreement
from riskstrat.contracts.spec import Source
from riskstrat.vocabulary import Days, Finding, Severity

KNOWN = "known"
"""how a feature says whether an agency knows the unit"""


def refused(code: str, name: str, where: str, message: str, fix: str) -> Finding:
    """A clause that is missing."""
    return Finding(
        code=code, name=name, severity=Severity.ERROR, where=where, message=message, fix=fix
    )


def named(agreement: SharingAgreement) -> str:
    """An agreement by its name and its paper."""
    return f"agreement {agreement.agreement} ({agreement.reference})"


def listed(names: Sequence[str] | frozenset[str]) -> str:
    """Names in order, or that there are none."""
    return ", ".join(sorted(names)) or "none"


def source_clauses(asked: Asked, source: Source, agreement: SharingAgreement) -> Iterator[Finding]:
    """What is missing for one source: grant, columns, purpose, lock, basis, features."""
    name = source.source
    grant = agreement.sources.get(name)
    if grant is None:
        what = f"{named(agreement)} does not cover source {name}"
        fix = f"leave {name} out of the study, or have it added under `sources` of the agreement"
        yield refused("RS1101", "source_not_granted", name, what, fix)
    elif beyond := asked.columns.get(name, frozenset()) - grant.columns:
        what = f"{named(agreement)} does not cover {listed(beyond)} of source {name}"
        fix = f"leave {listed(beyond)} of {name} out of the study, or have the agreement extended: "
        fix += f"{listed(beyond)} under `sources.{name}.columns`"
        yield refused("RS1102", "columns_not_granted", name, what, fix)
    yield from _purpose(asked, name, agreement)
    basis = agreement.legal_basis.get(name)
    if grant is not None and not (basis and basis.uk_gdpr):
        what = f"{named(agreement)} names no legal basis (UK GDPR article) for source {name}"
        fix = f"have the articles relied on entered under `legal_basis.{name}` of the agreement"
        yield refused("RS1106", "no_legal_basis", name, what, fix)
    if grant is not None and grant.derive is not None:
        of_it = [each for each in asked.derived if each.source == name and each.how != KNOWN]
        yield from _derived(of_it, name, agreement, grant.derive)


def _purpose(asked: Asked, name: str, agreement: SharingAgreement) -> Iterator[Finding]:
    purpose = asked.purpose
    if purpose not in agreement.purposes:
        what = f"{named(agreement)} does not grant source {name} for {purpose} "
        what += f"(purposes granted: {listed(agreement.purposes)})"
        fix = f"leave {name} out of the study, or have `{purpose}` added to the purposes of "
        fix += agreement.agreement
        yield refused("RS1103", "purpose_not_granted", name, what, fix)
    grant = agreement.sources.get(name)
    if grant and grant.only_for and purpose not in grant.only_for:
        what = f"{named(agreement)} locks source {name} to {listed(grant.only_for)}; the study is "
        what += f"for {purpose}"
        fix = f"leave {name} out of the study: a purpose lock is mostly the law's, and then no "
        fix += f"party can lift it; if it can be, have `{purpose}` added to "
        fix += f"`sources.{name}.only_for`"
        yield refused("RS1108", "purpose_lock", name, what, fix)


def _derived(
    features: Sequence[Derived], name: str, agreement: SharingAgreement, granted: frozenset[str]
) -> Iterator[Finding]:
    """One finding for each way of making features that is not granted, naming the features."""
    for how in sorted({each.how for each in features} - granted):
        made = [each.name for each in features if each.how == how]
        told = ", ".join(made[:3]) + (f" and {len(made) - 3} more" if made[3:] else "")
        what = f"{named(agreement)} grants features of {name} by {listed(granted)}, not by {how}; "
        what += f"the study has {told}"
        fix = f"drop `{how}` from the blocks on {name}, or have it added to "
        fix += f"`sources.{name}.derive` of the agreement"
        yield refused("RS1109", "feature_not_granted", name, what, fix)


def unit_clauses(asked: Asked, agreement: SharingAgreement) -> Iterator[Finding]:
    """What the study is about, against what the agreement allows results about."""
    if agreement.units and asked.unit not in agreement.units:
        granted = listed([unit.value for unit in agreement.units])
        what = f"{named(agreement)} allows results about {granted}; the study is about each "
        what += asked.unit.value
        fix = f"ask about {granted}, or have `{asked.unit.value}` added to the units of "
        fix += agreement.agreement
        yield refused("RS1110", "unit_not_granted", agreement.agreement, what, fix)


# -- time ----------------------------------------------------------------------------------------


def in_force(agreement: SharingAgreement, today: date) -> Iterator[Finding]:
    """An agreement holds on its first and last day and between."""
    where = agreement.agreement
    if today < agreement.starts:
        what = f"{named(agreement)} starts on {agreement.starts}, today is {today}"
        fix = f"wait until {agreement.starts}, or agree an earlier start"
        yield refused("RS1104", "agreement_not_started", where, what, fix)
    if today > agreement.ends:
        what = f"{named(agreement)} ended on {agreement.ends}, today is {today}"
        fix = f"have {where} renewed and its `ends` corrected; until then its data may not be used"
        yield refused("RS1104", "agreement_ended", where, what, fix)


def days_within(asked: Asked, agreement: SharingAgreement) -> Iterator[Finding]:
    """No day is judged or scored for after the agreement's last one."""
    beyond = sorted({day for day in asked.days if day > agreement.ends})
    if beyond:
        what = f"{named(agreement)} ends on {agreement.ends}, and the study asks about {beyond[-1]}"
        fix = f"ask about days up to {agreement.ends} (`cohort.as_of`, `release.as_of`, "
        fix += f"`--as-of`), or have {agreement.agreement} renewed"
        yield refused("RS1114", "day_after_the_end", agreement.agreement, what, fix)


def kept_until(agreement: SharingAgreement, source: Source) -> date | None:
    """The last day an extract may be kept; None where the agreement sets no limit.

    Counted from the day to which the extract is complete: it cannot have arrived before.
    """
    if not agreement.retention_months:
        return None
    complete_to = max(span.end for span in source.coverage)
    return after(complete_to, Days(agreement.retention_months, "month"))


def retained(source: Source, agreement: SharingAgreement, today: date) -> Iterator[Finding]:
    """An extract is not used longer than it may be kept."""
    until = kept_until(agreement, source)
    if until is None or today <= until:
        return
    complete_to = max(span.end for span in source.coverage)
    what = f"{named(agreement)} lets an extract of {source.source} be kept for "
    what += f"{agreement.retention_months} months; this one is complete to {complete_to}, so it "
    what += f"had to go by {until}, and today is {today}"
    fix = f"delete it and ask {source.agency} for a new one (`coverage` then says so), or have the "
    fix += "retention agreed anew"
    yield refused("RS1115", "retention_over", source.source, what, fix)
