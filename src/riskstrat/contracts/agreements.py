"""May this study use these columns of these sources, for this purpose, today, for these readers?"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from riskstrat.contracts.spec import DisclosurePolicy, SharingAgreement, Source
from riskstrat.errors import AgreementError
from riskstrat.vocabulary import Finding, Severity

ENDS_SOON = timedelta(days=90)


def check_agreements(
    *,
    purpose: str,
    sources: Iterable[Source],
    used_columns: Mapping[str, Collection[str]],
    agreements: Mapping[str, SharingAgreement],
    recipients: Sequence[str],
    today: date,
) -> tuple[Finding, ...]:
    """Hold a study against the agreement of every source it uses.

    Args:
        purpose: what the study is for.
        sources: the sources it uses.
        used_columns: source -> the columns of it that the study reads.
        agreements: by name.
        recipients: who receives lists or tables made from the sources.
        today: the day on which the agreements must be in force.

    Returns:
        One finding per source whose agreement covers the study (RS1100, information), and one
        per agreement that ends within 90 days (RS1107, a warning).

    Raises:
        AgreementError: naming every clause that is missing and the smallest change.
    """
    used = sorted(sources, key=lambda source: source.source)
    refused: list[Finding] = []
    told: list[Finding] = []
    for source in used:
        agreement = agreements[source.agreement]
        columns = frozenset(used_columns.get(source.source, ()))
        gaps = list(_gaps(source, agreement, columns, purpose))
        refused.extend(gaps)
        if not gaps:
            told.append(_covered(source, agreement, columns, purpose))
    for name in sorted({source.agreement for source in used}):
        agreement = agreements[name]
        refused.extend(_out_of_force(agreement, today))
        refused.extend(_recipients_beyond(agreement, recipients))
        if agreement.starts <= today <= agreement.ends <= today + ENDS_SOON:
            told.append(_ends_soon(agreement, today))
    if refused:
        raise _refusal(refused)
    return tuple(told)


def _refusal(refused: Sequence[Finding]) -> AgreementError:
    changes = list(dict.fromkeys(finding.fix for finding in refused))
    fix = changes[0] if len(changes) == 1 else "\n    - " + "\n    - ".join(changes)
    if len(refused) == 1:
        return AgreementError(refused[0].message, fix=fix, code=refused[0].code)
    lines = "\n  ".join(f"{finding.code} {finding.message}" for finding in refused)
    what = f"the sharing agreements do not allow this study ({len(refused)} clauses missing):"
    return AgreementError(f"{what}\n  {lines}", fix=fix, code=refused[0].code)


def _finding(
    code: str, name: str, severity: Severity, where: str, message: str, fix: str = ""
) -> Finding:
    return Finding(code=code, name=name, severity=severity, where=where, message=message, fix=fix)


def _named(agreement: SharingAgreement) -> str:
    return f"agreement {agreement.agreement} ({agreement.reference})"


def _gaps(
    source: Source, agreement: SharingAgreement, columns: frozenset[str], purpose: str
) -> Iterator[Finding]:
    """The clauses on one source that the study would need and the agreement lacks."""
    name, named = source.source, _named(agreement)
    grant = agreement.sources.get(name)
    if grant is None:
        what = f"{named} does not cover source {name}"
        fix = f"leave {name} out of the study, or have it added under `sources` of the agreement"
        yield _finding("RS1101", "source_not_granted", Severity.ERROR, name, what, fix)
    elif beyond := sorted(columns - grant.columns):
        listed = ", ".join(beyond)
        what = f"{named} does not cover {listed} of source {name}"
        fix = f"leave {listed} of {name} out of the study, or have the agreement extended"
        yield _finding("RS1102", "columns_not_granted", Severity.ERROR, name, what, fix)
    if purpose not in agreement.purposes:
        granted = ", ".join(sorted(agreement.purposes)) or "none"
        what = f"{named} does not grant source {name} for {purpose} (purposes granted: {granted})"
        fix = f"leave {name} out of the study, or have `{purpose}` added to the purposes of "
        fix += agreement.agreement
        yield _finding("RS1103", "purpose_not_granted", Severity.ERROR, name, what, fix)
    basis = agreement.legal_basis.get(name)
    if grant is not None and not (basis and basis.uk_gdpr):
        what = f"{named} names no legal basis (UK GDPR article) for source {name}"
        fix = f"have the articles relied on entered under `legal_basis.{name}` of the agreement"
        yield _finding("RS1106", "no_legal_basis", Severity.ERROR, name, what, fix)


def _out_of_force(agreement: SharingAgreement, today: date) -> Iterator[Finding]:
    where, named = agreement.agreement, _named(agreement)
    if today < agreement.starts:
        what = f"{named} starts on {agreement.starts}, today is {today}"
        fix = f"wait until {agreement.starts}, or agree an earlier start"
        yield _finding("RS1104", "agreement_not_started", Severity.ERROR, where, what, fix)
    if today > agreement.ends:
        what = f"{named} ended on {agreement.ends}, today is {today}"
        fix = f"have {where} renewed and its `ends` corrected; until then its data may not be used"
        yield _finding("RS1104", "agreement_ended", Severity.ERROR, where, what, fix)


def _recipients_beyond(agreement: SharingAgreement, recipients: Sequence[str]) -> Iterator[Finding]:
    if beyond := [name for name in recipients if name not in agreement.recipients]:
        allowed = ", ".join(sorted(agreement.recipients)) or "nobody"
        listed = ", ".join(beyond)
        what = f"{_named(agreement)} does not allow release to {listed} (allowed: {allowed})"
        fix = f"drop {listed} from `release.recipients`, or have them added to "
        fix += agreement.agreement
        where = agreement.agreement
        yield _finding("RS1105", "recipient_not_allowed", Severity.ERROR, where, what, fix)


def _covered(
    source: Source, agreement: SharingAgreement, columns: frozenset[str], purpose: str
) -> Finding:
    what = f"{_named(agreement)} covers {len(columns)} columns of {source.source} for {purpose}"
    return _finding("RS1100", "covered", Severity.INFO, source.source, what)


def _ends_soon(agreement: SharingAgreement, today: date) -> Finding:
    days = (agreement.ends - today).days
    what = f"{_named(agreement)} ends on {agreement.ends}, in {days} day{'s' * (days != 1)}"
    fix = "have it renewed before then, or the next run is refused"
    where = agreement.agreement
    return _finding("RS1107", "agreement_ends_soon", Severity.WARNING, where, what, fix)


@dataclass(frozen=True, slots=True)
class BasisRow:
    """One line of the legal-basis matrix: why one source may be used in this study."""

    source: str
    title: str
    agency: str
    agreement: str
    reference: str
    purpose: str
    columns: tuple[str, ...]
    uk_gdpr: tuple[str, ...]
    statutory_gateway: str
    common_law: str
    starts: date
    ends: date
    retention_months: int
    disclosure: DisclosurePolicy
    recipients: tuple[str, ...]


def legal_basis_matrix(
    *,
    purpose: str,
    sources: Iterable[Source],
    used_columns: Mapping[str, Collection[str]],
    agreements: Mapping[str, SharingAgreement],
) -> tuple[BasisRow, ...]:
    """Why each source may be used: one row per source, by name.

    A source whose agreement does not name it has an empty basis; :func:`check_agreements`
    refuses such a study.
    """
    rows: list[BasisRow] = []
    for source in sorted(sources, key=lambda source: source.source):
        agreement = agreements[source.agreement]
        basis = agreement.legal_basis.get(source.source)
        rows.append(
            BasisRow(
                source=source.source,
                title=source.title,
                agency=source.agency,
                agreement=agreement.agreement,
                reference=agreement.reference,
                purpose=purpose,
                columns=tuple(sorted(used_columns.get(source.source, ()))),
                uk_gdpr=basis.uk_gdpr if basis else (),
                statutory_gateway=basis.statutory_gateway if basis else "",
                common_law=basis.common_law if basis else "",
                starts=agreement.starts,
                ends=agreement.ends,
                retention_months=agreement.retention_months,
                disclosure=agreement.disclosure,
                recipients=tuple(sorted(agreement.recipients)),
            )
        )
    return tuple(rows)
