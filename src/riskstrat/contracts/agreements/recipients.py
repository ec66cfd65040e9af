"""The clauses on who may be handed what that a study needs and an agreement lacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from riskstrat.contracts.agreements.asked import Asked, Handed
from riskstrat.contracts.agreements.clauses import listed, named, refused
from riskstrat.contracts.agreements.spec import Rows, SharingAgreement
from riskstrat.contracts.agreements.views import View, views
from riskstrat.vocabulary import Finding


def recipient_clauses(asked: Asked, agreement: SharingAgreement) -> Iterator[Finding]:
    """What is missing for each recipient of something made from this agreement's sources."""
    # A source that is not granted at all is said once, for the study.
    ours = {s.source for s in asked.sources if s.agreement == agreement.agreement}
    for recipient in asked.recipients:
        handed = [each for each in asked.handed if each.recipient == recipient]
        needed = sorted({name for each in handed for name in each.made_from.all} & ours)
        if needed and not _is_named(agreement, recipient):
            yield _stranger(agreement, recipient)
            continue
        grants = {
            name: views(agreement, recipient, name, asked.purpose)
            for name in needed
            if name in agreement.sources
        }
        if without := [name for name, found in grants.items() if not found]:
            yield _without_grant(asked, agreement, recipient, without)
        for rows in dict.fromkeys(each.rows for each in handed):
            of_kind = [each for each in handed if each.rows == rows]
            yield from _rows(agreement, recipient, rows, of_kind, grants)


def _is_named(agreement: SharingAgreement, recipient: str) -> bool:
    return recipient in agreement.recipients or any(
        licence.to == recipient for licence in agreement.sub_licences
    )


def _stranger(agreement: SharingAgreement, recipient: str) -> Finding:
    allowed = {*agreement.recipients, *(licence.to for licence in agreement.sub_licences)}
    what = f"{named(agreement)} does not allow release to {recipient} "
    what += f"(allowed: {', '.join(sorted(allowed)) or 'nobody'})"
    fix = f"drop {recipient} from `release.recipients`, or have it added to {agreement.agreement}"
    return refused("RS1105", "recipient_not_allowed", agreement.agreement, what, fix)


def _without_grant(
    asked: Asked, agreement: SharingAgreement, recipient: str, names: Sequence[str]
) -> Finding:
    """A recipient that may have nothing into which some sources went, for this purpose."""
    own = agreement.recipients.get(recipient)
    only = f"; it is a recipient for {listed(own.only_for)}" if own and own.only_for else ""
    what = f"{named(agreement)} does not allow {recipient} to be handed what {listed(names)} went "
    what += f"into for {asked.purpose}{only}"
    fix = f"leave {listed(names)} out of the study, drop {recipient}, or have the grant under "
    fix += f"`recipients.{recipient}` extended (a source with an empty list under `sees` may go "
    fix += "into a score and is shown in no column)"
    return refused("RS1105", "recipient_not_allowed", agreement.agreement, what, fix)


def _rows(
    agreement: SharingAgreement,
    recipient: str,
    rows: Rows,
    handed: Sequence[Handed],
    grants: Mapping[str, tuple[View, ...]],
) -> Iterator[Finding]:
    """Rows of a kind that a recipient may not have, or columns it may not see in them."""
    used = {name for each in handed for name in each.made_from.all}
    granted = {name: found for name, found in grants.items() if found and name in used}
    fitting = {
        name: [view for view in found if rows in view.rows] for name, found in granted.items()
    }
    if unfit := [name for name, found in fitting.items() if not found]:
        kinds = frozenset(kind for name in unfit for view in granted[name] for kind in view.rows)
        what = f"{named(agreement)} does not allow {recipient} rows of the kind `{rows}` made from "
        what += f"{listed(unfit)} (allowed: {listed(kinds)})"
        fix = f"give {recipient} `rows:` of a kind that is allowed, or have `{rows}` added to "
        fix += f"`recipients.{recipient}.rows`"
        yield refused("RS1112", "rows_not_granted", agreement.agreement, what, fix)
    for name, found in fitting.items():
        if found:
            yield from _columns(agreement, recipient, name, found, handed)


def _columns(
    agreement: SharingAgreement,
    recipient: str,
    name: str,
    grants: Sequence[View],
    handed: Sequence[Handed],
) -> Iterator[Finding]:
    """A released column that shows what the recipient may not see."""
    # A column that is not granted at all is said once, for the study.
    granted = agreement.sources[name].columns
    for each in handed:
        shown = each.made_from.shows.get(name, frozenset()) & granted
        if any(shown <= view.columns for view in grants):
            continue
        most = max(grants, key=lambda view: len(view.columns & shown))
        beyond = listed(shown - most.columns)
        what = f"{named(agreement)} does not let {recipient} see {beyond} of source {name}, which "
        what += f"column `{each.column}` would show"
        fix = f"drop `{each.column}` from what {recipient} receives, or have {beyond} added to "
        fix += f"`recipients.{recipient}.sees.{name}`"
        yield refused("RS1111", "column_not_for_recipient", agreement.agreement, what, fix)


def licence_clauses(asked: Asked, agreement: SharingAgreement, today: date) -> Iterator[Finding]:
    """A sub-licence that this study would use and that has expired.

    Its recipient may have another grant; what it then sees would change with the day of the run,
    so the sub-licence is renewed or taken out.
    """
    used = {s.source for s in asked.sources if s.agreement == agreement.agreement}
    for licence in agreement.sub_licences:
        fits = licence.purpose == asked.purpose and licence.sources & used
        last = max((today, *asked.days))
        if not fits or licence.to not in asked.recipients or last <= licence.expires:
            continue
        reference = f" ({licence.reference})" if licence.reference else ""
        when = f"today is {today}" if today > licence.expires else f"the study asks about {last}"
        what = f"{named(agreement)}: the sub-licence{reference} to {licence.to} for "
        what += f"{listed(licence.sources)} expired on {licence.expires}, {when}"
        fix = f"have it renewed and its `expires` corrected, or drop {licence.to} from "
        fix += "`release.recipients`, or the entry from `sub_licences`"
        yield refused("RS1113", "sub_licence_expired", agreement.agreement, what, fix)
