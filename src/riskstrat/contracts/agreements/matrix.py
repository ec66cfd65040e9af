"""The legal-basis matrix: each table, each purpose, and what each recipient may have of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from riskstrat.contracts.agreements.clauses import kept_until
from riskstrat.contracts.agreements.spec import DisclosurePolicy, Rows, SharingAgreement
from riskstrat.contracts.agreements.views import View, views
from riskstrat.contracts.optouts import binding
from riskstrat.contracts.spec import Source

ROWS_IN_WORDS: Mapping[Rows, str] = {
    "own_patients": "own patients",
    "pseudonymised": "pseudonymised rows",
    "aggregate": "counts",
}
NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class BasisRow:
    """One line of the matrix: why one source may be used for one purpose, and who gets what.

    Attributes:
        columns: those the study reads; none for a purpose that is not the study's.
        studied: whether this is the study's purpose.
        granted: whether the agreement grants the purpose for this source, locks included.
        kept_until: the last day the extract may be kept, where there is a limit.
        opt_outs: the kinds that bind.
        recipients: recipient -> what it may have, in words.
    """

    source: str
    title: str
    agency: str
    agreement: str
    reference: str
    purpose: str
    studied: bool
    granted: bool
    columns: tuple[str, ...]
    uk_gdpr: tuple[str, ...]
    statutory_gateway: str
    common_law: str
    starts: date
    ends: date
    retention_months: int
    kept_until: date | None
    disclosure: DisclosurePolicy
    opt_outs: tuple[str, ...]
    recipients: Mapping[str, str]


def legal_basis_matrix(
    *,
    purpose: str,
    sources: Iterable[Source],
    used_columns: Mapping[str, frozenset[str]],
    agreements: Mapping[str, SharingAgreement],
) -> tuple[BasisRow, ...]:
    """Table by purpose by recipient: one row per source and purpose, sources by name.

    The study's purpose comes first, then the other purposes of the source's agreement. A source
    whose agreement does not name it has an empty basis; such a study is refused.
    """
    ordered = sorted(sources, key=lambda source: source.source)
    everyone = sorted({name for s in ordered for name in _named(agreements[s.agreement])})
    rows: list[BasisRow] = []
    for source in ordered:
        agreement = agreements[source.agreement]
        used = tuple(sorted(used_columns.get(source.source, ())))
        rows.append(_row(source, agreement, purpose, everyone, used))
        others = sorted(agreement.purposes - {purpose})
        rows += [_row(source, agreement, each, everyone) for each in others]
    return tuple(rows)


def _row(
    source: Source,
    agreement: SharingAgreement,
    purpose: str,
    everyone: Sequence[str],
    used: tuple[str, ...] | None = None,
) -> BasisRow:
    """One line; ``used`` are the columns the study reads, if the purpose is the study's."""
    name = source.source
    basis = agreement.legal_basis.get(name)
    grant = agreement.sources.get(name)
    unlocked = grant is not None and (not grant.only_for or purpose in grant.only_for)
    granted = unlocked and purpose in agreement.purposes
    handed = granted and source.role is None  # a list of opt-outs is handed to nobody
    return BasisRow(
        source=name,
        title=source.title,
        agency=source.agency,
        agreement=agreement.agreement,
        reference=agreement.reference,
        purpose=purpose,
        studied=used is not None,
        granted=granted,
        columns=used or (),
        uk_gdpr=basis.uk_gdpr if basis else (),
        statutory_gateway=basis.statutory_gateway if basis else "",
        common_law=basis.common_law if basis else "",
        starts=agreement.starts,
        ends=agreement.ends,
        retention_months=agreement.retention_months,
        kept_until=kept_until(agreement, source),
        disclosure=agreement.disclosure,
        opt_outs=tuple(sorted(binding(agreement, source, purpose))),
        recipients={
            who: in_words(agreement, who, name, purpose) if handed else NOTHING for who in everyone
        },
    )


def _named(agreement: SharingAgreement) -> set[str]:
    return {*agreement.recipients, *(licence.to for licence in agreement.sub_licences)}


def in_words(agreement: SharingAgreement, recipient: str, source: str, purpose: str) -> str:
    """What a recipient may have of a source for a purpose: kinds of rows, and columns."""
    grant = agreement.sources.get(source)
    found = views(agreement, recipient, source, purpose)
    if grant is None or not found:
        return NOTHING
    return "; ".join(dict.fromkeys(_view_in_words(view, len(grant.columns)) for view in found))


def _view_in_words(view: View, granted: int) -> str:
    kinds = ", ".join(text for kind, text in ROWS_IN_WORDS.items() if kind in view.rows)
    if not kinds:
        return NOTHING
    if not view.columns:
        return f"{kinds}: scores only"
    if len(view.columns) == granted:
        return f"{kinds}: all columns"
    return f"{kinds}: {len(view.columns)} of {granted} columns"
