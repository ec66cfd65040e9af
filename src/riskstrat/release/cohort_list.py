"""Who is on the list, for whom: a person-level list, cut to what the recipient may have."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from riskstrat.errors import ReleaseRefused, StudyError
from riskstrat.release.alike import MOST_REASONS, REASONS, RISK, make_alike
from riskstrat.release.bands import REST
from riskstrat.release.identity import release_id
from riskstrat.release.policies import Policy
from riskstrat.release.spec import Recipient
from riskstrat.release.wording import (
    change_in_words,
    coarse_reason,
    plain_reason,
    risk_band,
    risk_in_words,
)

NOT_RECORDED = "not recorded"
BAND_ORDER = ("very_high", "high", "moderate", REST)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ListFacts:
    """What is true of the whole list.

    Attributes:
        outcome: the outcome's title, for the risk in words.
        data_as_at: the last day the data tell of.
        expires_on: the day after which the list must not be used.
        people: what the units are called.
    """

    outcome: str
    data_as_at: date
    expires_on: date
    people: str = "people"


@dataclass(frozen=True, slots=True)
class CohortList:
    """A list as its recipient may have it.

    Attributes:
        table: one row per listed unit.
        listed: how many, before anybody was left out.
        without_owner: left out of an `own_patients` list because nobody is responsible for them.
        coarsened: rows of which some attribute was withheld, so that no row is one of a kind.
        reasons_withheld: reasons that are not shown, for the same end.
    """

    table: pa.Table
    listed: int
    without_owner: int = 0
    coarsened: int = 0
    reasons_withheld: int = 0


Cell = Callable[[Row, ListFacts], Any]

OWN_COLUMNS: Mapping[str, Cell] = MappingProxyType(
    {
        "unit_id": lambda row, _: row["unit_id"],
        "as_of": lambda row, _: row["as_of"],
        "rank": lambda row, _: row["rank"],
        "band": lambda row, _: row["band"],
        "risk": lambda row, _: round(row["risk"], 3),
        "risk_in_words": lambda row, facts: risk_in_words(row["risk"], facts.outcome, facts.people),
        "risk_band": lambda row, _: risk_band(row["risk"]),
        "change_since_last": lambda row, _: row["change"],
        "new_in_band": lambda row, _: row["new_in_band"],
        "tied_at_cut": lambda row, _: "yes" if row["tied"] else "no",
        "reasons": lambda row, _: "; ".join(map(plain_reason, row["reasons"][:MOST_REASONS])),
        "data_as_at": lambda _, facts: facts.data_as_at,
        "expires_on": lambda _, facts: facts.expires_on,
    }
)
"""What an `own_patients` list may hold, besides attributes."""

OWN_DEFAULT = (
    "unit_id", "rank", "band", "risk", "risk_in_words", "change_since_last", "new_in_band",
    "reasons", "data_as_at", "expires_on",
)  # fmt: skip

RELEASE_COLUMNS: Mapping[str, Cell] = MappingProxyType(
    {
        "release_id": lambda row, _: row["release_id"],
        "band": lambda row, _: row["band"],
        RISK: lambda row, _: row[RISK],
        REASONS: lambda row, _: row[REASONS],
        "data_as_at": lambda _, facts: facts.data_as_at,
        "expires_on": lambda _, facts: facts.expires_on,
    }
)
"""What a `pseudonymised` list may hold, besides coarse attributes: no pseudonym, rank or risk."""

RELEASE_DEFAULT = ("release_id", "band", "risk_band", "reasons", "data_as_at", "expires_on")


def listed_columns(recipient: Recipient) -> tuple[str, ...]:
    """The columns of a recipient's list, in order; the owner's is always among its own's."""
    if recipient.rows == "pseudonymised":
        return recipient.columns or RELEASE_DEFAULT
    owner = recipient.own or ""
    wanted = recipient.columns or (*OWN_DEFAULT[:1], owner, *OWN_DEFAULT[1:])
    return wanted if owner in wanted else (*wanted, owner)


def cohort_list(
    banded: pa.Table,
    reasons: pa.Table,
    groups: pa.Table,
    *,
    recipient: Recipient,
    facts: ListFacts,
    policy: Policy,
    key: bytes,
    previous: pa.Table | None = None,
) -> CohortList:
    """The list for one recipient of person-level rows.

    Args:
        banded: as `bands.band_scores` gives it.
        reasons: unit_id, as_of, ``reasons`` (list of text, or text joined by `; `), most telling
            first; ``coarse`` likewise, where the audit words reasons without values.
        groups: unit_id, as_of and one text column per attribute that a list may show.
        recipient: what it may have; `rows: aggregate` gets `aggregate_list` instead.
        key: of `identity.release_key`, for the ids of a pseudonymised list.
        previous: the last list of this study (unit_id, rank, band), if there was one.

    Raises:
        StudyError: if a column is asked for that this kind of list cannot hold.
        ReleaseRefused: if the recipient may have no rows.
    """
    if recipient.rows == "aggregate":
        raise ReleaseRefused(
            f"{recipient.to} may have counts only, not rows of people",
            fix="use the aggregate table of this recipient",
            code="RS3011",
        )
    rows = _rows(banded, reasons, groups, recipient, previous)
    if recipient.rows == "own_patients":
        return _own_patients(rows, groups, recipient, facts)
    return _pseudonymised(rows, groups, recipient, facts, policy, key)


def _own_patients(
    rows: list[Row], groups: pa.Table, recipient: Recipient, facts: ListFacts
) -> CohortList:
    wanted = listed_columns(recipient)
    _known(recipient, set(wanted), OWN_COLUMNS, groups)
    owned = [row for row in rows if row[recipient.own or ""] not in (None, "")]
    table = _table(owned, wanted, OWN_COLUMNS, facts)
    return CohortList(table, len(rows), without_owner=len(rows) - len(owned))


def _pseudonymised(
    rows: list[Row],
    groups: pa.Table,
    recipient: Recipient,
    facts: ListFacts,
    policy: Policy,
    key: bytes,
) -> CohortList:
    wanted = listed_columns(recipient)
    _known(recipient, set(wanted), RELEASE_COLUMNS, groups)
    telling = [name for name in wanted if name in (RISK, REASONS) or name not in RELEASE_COLUMNS]
    for row in rows:
        row.update((name, _text(row[name])) for name in telling if name not in RELEASE_COLUMNS)
        row["release_id"] = release_id(key, row["unit_id"], row["as_of"])
    safe = make_alike(rows, telling, policy.threshold)
    for row, shown in zip(rows, safe, strict=True):
        row.update(shown.cells)
    # Sorted by id within the band: the order of rows must not give the rank away.
    rows.sort(key=lambda row: (BAND_ORDER.index(row["band"]), row["release_id"]))
    return CohortList(
        _table(rows, wanted, RELEASE_COLUMNS, facts),
        len(rows),
        coarsened=sum(shown.withheld > 0 for shown in safe),
        reasons_withheld=sum(shown.reasons_withheld for shown in safe),
    )


def owners(listed: CohortList, own: str) -> Mapping[str, pa.Table]:
    """One table per responsible body, for handing each its own people and nobody else's."""
    found: dict[str, list[int]] = {}
    for place, owner in enumerate(listed.table[own].to_pylist()):
        found.setdefault(owner, []).append(place)
    return {owner: listed.table.take(found[owner]) for owner in sorted(found)}


def _rows(
    banded: pa.Table,
    reasons: pa.Table,
    groups: pa.Table,
    recipient: Recipient,
    previous: pa.Table | None,
) -> list[Row]:
    """The listed units with all they could be shown with, in rank order."""
    banded = banded.filter(pc.is_in(banded["band"], pa.array(recipient.bands, pa.string())))
    told, attributes = (_by_pair(_of(table, banded)) for table in (reasons, groups))
    blank = dict.fromkeys(attribute_names(groups))
    before = {} if previous is None else {row["unit_id"]: row for row in previous.to_pylist()}
    rows = []
    for row in banded.to_pylist():
        pair = (row["unit_id"], row["as_of"])
        said = told.get(pair, {})
        full = _split(said.get("reasons"))
        coarse = _split(said.get("coarse")) or _split([coarse_reason(text) for text in full])
        rows.append(
            {**blank, **attributes.get(pair, {}), **row, "reasons": full, "coarse": coarse}
            | _change(row, before.get(row["unit_id"]), first=previous is None)
        )
    return rows


def _change(row: Row, before: Row | None, *, first: bool) -> Row:
    if first:
        return {"change": "first list", "new_in_band": "first list"}
    rank = None if before is None else before["rank"]
    moved = before is None or before["band"] != row["band"]
    return {
        "change": change_in_words(row["rank"], rank),
        "new_in_band": "yes" if moved else "no",
    }


def _table(
    rows: Sequence[Row], wanted: Sequence[str], cells: Mapping[str, Cell], facts: ListFacts
) -> pa.Table:
    columns = {}
    for name in wanted:
        cell = cells.get(name)
        values = [cell(row, facts) if cell else _text(row[name]) for row in rows]
        columns[name] = pa.array(values, _TYPES.get(name, pa.string()))
    return pa.table(columns)


_TYPES = {
    "as_of": pa.date32(),
    "rank": pa.int64(),
    "risk": pa.float64(),
    "data_as_at": pa.date32(),
    "expires_on": pa.date32(),
}


def attribute_names(groups: pa.Table) -> tuple[str, ...]:
    """The attributes a list may show."""
    return tuple(name for name in groups.column_names if name not in ("unit_id", "as_of"))


def _of(table: pa.Table, listed: pa.Table) -> pa.Table:
    """The rows about listed units: most of a cohort is not, and need not be unpacked."""
    ids = pc.cast(listed["unit_id"], table.schema.field("unit_id").type)
    return table.filter(pc.is_in(table["unit_id"], ids.combine_chunks()))


def _by_pair(table: pa.Table) -> dict[tuple[str, object], Row]:
    return {(row.pop("unit_id"), row.pop("as_of")): row for row in table.to_pylist()}


def _split(said: Any) -> list[str]:
    if said is None:
        return []
    parts = said.split("; ") if isinstance(said, str) else list(said)
    return [str(part) for part in parts if part]


def _text(value: Any) -> str:
    return NOT_RECORDED if value in (None, "") else str(value)


def _known(
    recipient: Recipient, wanted: set[str], cells: Mapping[str, Cell], groups: pa.Table
) -> None:
    available = (*cells, *attribute_names(groups))
    if unknown := sorted(wanted - set(available)):
        raise StudyError(
            f"recipient {recipient.to}: a list of {recipient.rows.replace('_', ' ')} has no "
            f"column {', '.join(unknown)}",
            fix=f"choose from {', '.join(available)}; an attribute must also be named under "
            "`audit: groups` or in the recipient's columns so that it is known on the day",
            code="RS1271",
        )
