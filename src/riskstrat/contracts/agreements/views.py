"""What a recipient may see: of one source, and of what is made from several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from riskstrat.contracts.agreements.asked import MadeFrom
from riskstrat.contracts.agreements.spec import ALL, RecipientGrant, Rows, SharingAgreement
from riskstrat.contracts.spec import Source


@dataclass(frozen=True, slots=True)
class View:
    """One grant of one source to one recipient.

    Attributes:
        rows: the kinds of rows it may be given.
        columns: the columns whose values it may see in them.
    """

    rows: frozenset[Rows]
    columns: frozenset[str]


def views(
    agreement: SharingAgreement, recipient: str, source: str, purpose: str
) -> tuple[View, ...]:
    """The grants of a source to a recipient for a purpose: its own, then those of sub-licences.

    None means that it may be handed nothing the source went into. Whether a sub-licence has
    expired is not asked here: one that has is refused before anything is handed out.
    """
    grant = agreement.sources.get(source)
    if grant is None:
        return ()
    found = []
    own = agreement.recipients.get(recipient)
    if own is not None and (not own.only_for or purpose in own.only_for):
        columns = _seen(own, source, grant.columns)
        if columns is not None:
            found.append(View(own.rows, columns))
    found += [
        View(licence.rows, grant.columns)
        for licence in agreement.sub_licences
        if licence.to == recipient and source in licence.sources and licence.purpose == purpose
    ]
    return tuple(found)


def _seen(own: RecipientGrant, source: str, granted: frozenset[str]) -> frozenset[str] | None:
    """The columns of a source that a recipient sees; None where it may have nothing of it."""
    if own.sees is None:
        return granted
    told = own.sees.get(source)
    if told is None:
        return None
    return granted if told == ALL else granted & told


def may_see(
    made_from: MadeFrom,
    recipient: str,
    rows: Rows,
    *,
    purpose: str,
    sources: Mapping[str, Source],
    agreements: Mapping[str, SharingAgreement],
) -> bool:
    """Whether a recipient may be shown, in rows of a kind, what is made from these columns.

    Every source needs one grant that covers the kind of rows and every column shown of it:
    grants are not added up, or rows of one and columns of another would give what neither does.
    """
    for name in made_from.all:
        shown = made_from.shows.get(name, frozenset())
        grants = views(agreements[sources[name].agreement], recipient, name, purpose)
        if not any(rows in view.rows and shown <= view.columns for view in grants):
            return False
    return True
