"""May this study use these sources, for this purpose, today, and hand out what it makes?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from riskstrat.contracts.agreements.asked import Asked
from riskstrat.contracts.agreements.clauses import (
    days_within,
    in_force,
    named,
    retained,
    source_clauses,
    unit_clauses,
)
from riskstrat.contracts.agreements.recipients import licence_clauses, recipient_clauses
from riskstrat.contracts.agreements.spec import SharingAgreement
from riskstrat.contracts.optouts import list_clauses
from riskstrat.contracts.spec import Source
from riskstrat.errors import AgreementError
from riskstrat.vocabulary import Finding, Severity

ENDS_SOON = timedelta(days=90)


def check_agreements(
    asked: Asked, agreements: Mapping[str, SharingAgreement], *, today: date
) -> tuple[Finding, ...]:
    """Hold what a study asks against the agreement of every source it uses.

    Args:
        asked: what it reads, makes and hands out.
        agreements: by name.
        today: the day on which the agreements must be in force.

    Returns:
        One finding per source whose agreement covers the study (RS1100, information), and one
        per agreement that ends within 90 days (RS1107, a warning).

    Raises:
        AgreementError: naming every clause that is missing and the smallest change.
    """
    missing: list[Finding] = []
    told: list[Finding] = []
    for source in sorted(asked.sources, key=lambda source: source.source):
        agreement = agreements[source.agreement]
        gaps = [
            *source_clauses(asked, source, agreement),
            *retained(source, agreement, today),
        ]
        missing += gaps
        if not gaps:
            told.append(_covered(asked, source, agreement))
    for name in sorted({source.agreement for source in asked.sources}):
        agreement = agreements[name]
        missing += in_force(agreement, today)
        if today <= agreement.ends:  # else no day is within, and it is said
            missing += days_within(asked, agreement)
        missing += unit_clauses(asked, agreement)
        missing += recipient_clauses(asked, agreement)
        missing += licence_clauses(asked, agreement, today)
        if agreement.starts <= today <= agreement.ends <= today + ENDS_SOON:
            told.append(_ends_soon(agreement, today))
    missing += list_clauses(asked.sources, agreements, asked.purpose, asked.days)
    if missing:
        raise _refusal(missing)
    return tuple(told)


def _refusal(missing: Sequence[Finding]) -> AgreementError:
    changes = list(dict.fromkeys(finding.fix for finding in missing))
    fix = changes[0] if len(changes) == 1 else "\n    - " + "\n    - ".join(changes)
    if len(missing) == 1:
        return AgreementError(missing[0].message, fix=fix, code=missing[0].code)
    lines = "\n  ".join(f"{finding.code} {finding.message}" for finding in missing)
    what = f"the sharing agreements do not allow this study ({len(missing)} clauses missing):"
    return AgreementError(f"{what}\n  {lines}", fix=fix, code=missing[0].code)


def _covered(asked: Asked, source: Source, agreement: SharingAgreement) -> Finding:
    columns = len(asked.columns.get(source.source, ()))
    return Finding(
        code="RS1100",
        name="covered",
        severity=Severity.INFO,
        where=source.source,
        message=f"{named(agreement)} covers {columns} columns of {source.source} for "
        f"{asked.purpose}",
    )


def _ends_soon(agreement: SharingAgreement, today: date) -> Finding:
    days = (agreement.ends - today).days
    return Finding(
        code="RS1107",
        name="agreement_ends_soon",
        severity=Severity.WARNING,
        where=agreement.agreement,
        message=f"{named(agreement)} ends on {agreement.ends}, in {days} day{'s' * (days != 1)}",
        fix="have it renewed before then, or the next run is refused",
    )
