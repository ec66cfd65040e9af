"""What leaves for a day: protected together, held against what left before, and read through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pyarrow as pa

from riskstrat.derivation import digest
from riskstrat.release.aggregate import aggregate_draft, band_draft
from riskstrat.release.anonymity import WITHHELD
from riskstrat.release.breaches import Breach
from riskstrat.release.cohort_list import CohortList, ListFacts, cohort_list, owners
from riskstrat.release.disclosure import protect_all
from riskstrat.release.earlier import Before, Leaving
from riskstrat.release.identity import release_key
from riskstrat.release.interval.audit import audit
from riskstrat.release.interval.published import Told, of_list
from riskstrat.release.policies import Policy
from riskstrat.release.scan.expected import expected_of
from riskstrat.release.scan.scan import scan_folder
from riskstrat.release.spec import Recipient
from riskstrat.release.stamp import MARKED, stamp
from riskstrat.release.who import BAND, Who, one_place, who_is_told_of
from riskstrat.release.write import protected_table
from riskstrat.stages.releasing.handover import Handover
from riskstrat.vocabulary import Protected

IDS = ("unit_id", "release_id")


@dataclass(frozen=True, slots=True)
class Handed:
    """What one body receives.

    Attributes:
        recipient: of the study; ``owner`` is the body within it, such as one practice.
        released: the list, or the table of counts, and ``table`` its cells.
    """

    recipient: Recipient
    owner: str
    released: CohortList | Protected
    table: pa.Table

    @property
    def folder(self) -> PurePosixPath:
        """Its folder within that of the day."""
        return PurePosixPath(self.recipient.to, self.owner)

    @property
    def ids(self) -> frozenset[str]:
        """The ids of the people on its list."""
        named = [name for name in IDS if name in self.table.column_names]
        return frozenset(each for name in named for each in self.table[name].to_pylist())

    @property
    def counted(self) -> frozenset[int]:
        """What anybody sees who counts its rows: how many there are, in all and in each band."""
        if isinstance(self.released, Protected):
            return frozenset()
        bands = self.table[BAND].to_pylist() if BAND in self.table.column_names else []
        return frozenset({self.table.num_rows, *Counter(bands).values()})


@dataclass(frozen=True, slots=True)
class Disclosed:
    """All that leaves for a day, protected together.

    Attributes:
        bands: everybody in scope, by band.
        handed: what each body receives.
        reach: recipient -> whom a list of that length reaches.
        leaving: all of it that counts people, for the ledger of releases.
    """

    bands: Protected
    handed: tuple[Handed, ...]
    reach: Mapping[str, tuple[Protected, ...]]
    leaving: Leaving = field(repr=False)

    @property
    def tables(self) -> tuple[Protected, ...]:
        """Every protected table, each once."""
        return tuple(table for table, _ in self.leaving.tables)


def disclosed(hand: Handover, known: Before) -> Disclosed:
    """Make every table and list of a day, so that they may leave together.

    Raises:
        ReleaseRefused: RS3034, two kinds of place are asked for.
    """
    release = hand.study.spec.release
    if hand.policy.one_place:
        one_place(release.recipients, release.places)
    counted = [each for each in release.recipients if each.rows == "aggregate"]
    told_of = [each for each in release.recipients if each.rows != "own_patients"]
    attributes = {name for each in told_of for name in (*each.by, *each.columns)}
    who = who_is_told_of(
        hand.banded,
        hand.groups,
        sorted(attributes & set(hand.groups.column_names) - {"unit_id", "as_of"}),
        places=release.places,
    )
    lists = {each.to: _list(hand, each) for each in release.recipients if each not in counted}
    told = tuple(_told(each, lists[each.to], who) for each in told_of if each.to in lists)
    title = f"{hand.study.spec.title}: people in each band"
    drafts = [band_draft(hand.banded, policy=hand.policy, who=who)]
    drafts += [
        aggregate_draft(
            hand.banded, hand.groups, recipient=each, policy=hand.policy, title=title, who=who
        )
        for each in counted
    ]
    open_lists = [each for _, each in told if each.facts]
    bands, *tables = protect_all(drafts, earlier=known.earlier, lists=open_lists)
    counts = {each.to: table for each, table in zip(counted, tables, strict=True)}
    reach = {each.to: hand.reach_for(each) for each in release.recipients}
    made: dict[str, CohortList | Protected] = {**counts, **lists}
    handed = tuple(part for each in release.recipients for part in _handed(each, made))
    received = [(bands, tuple(reach)), *((table, (to,)) for to, table in counts.items())]
    received += _reached(reach)
    places = {name for each in told_of for name in (*each.by, *each.columns)} & who.places
    return Disclosed(bands, handed, reach, Leaving(tuple(received), told, tuple(sorted(places))))


def audited(out: Disclosed, known: Before, policy: Policy) -> tuple[Breach, ...]:
    """What the tables of a day, together and with all before, would tell and may not.

    Args:
        policy: that they should have been made under.
    """
    lists = [each for _, each in out.leaving.lists if each.facts]
    places = (*known.places, *out.leaving.places)
    return audit(out.tables, policy, earlier=known.earlier, lists=lists, places=places)


def scanned(hand: Handover, out: Disclosed, folder: Path, policy: Policy) -> tuple[Breach, ...]:
    """What the finished files would tell and may not, each folder as its recipient has it."""
    everybody = frozenset(
        each
        for each in {*hand.banded["unit_id"].to_pylist(), *(i for h in out.handed for i in h.ids)}
        if len(each) > 5 and not (each.isdecimal() and len(each) < 9)
    )
    found: list[Breach] = []
    for each in out.handed:
        table = stamp(each.table, hand.standing).table
        is_list = not isinstance(each.released, Protected)
        shown = [out.bands, *out.reach[each.recipient.to]]
        shown += [each.released] if isinstance(each.released, Protected) else []
        expected = expected_of(
            shown,
            marked=MARKED,
            columns=table.column_names if is_list else (),
            policy=policy,
            rows=each.recipient.rows,
            listed=each.table.num_rows,
            own=each.ids,
            names=_names(hand),
            everybody=everybody,
            exact=each.counted,
        )
        found += [
            Breach(one.code, f"{each.folder}, {one.where}", one.message)
            for one in scan_folder(folder / each.folder, expected)
        ]
    return tuple(found)


def _names(hand: Handover) -> frozenset[str]:
    """What names the run, its data, the model and the approval: no ids of people."""
    signed = hand.standing.facts().get("signed_off", {})
    told = [*hand.identities.values(), *signed.get("digests", {}).values()]
    return frozenset(map(str, (*told, signed.get("submission", ""))))


# -- lists ---------------------------------------------------------------------------------------


def _list(hand: Handover, recipient: Recipient) -> CohortList:
    spec = hand.study.spec
    key = release_key(hand.secret, digest(hand.study.text), hand.as_of, recipient.to, spec.seed)
    facts = ListFacts(
        outcome=spec.outcome.title or spec.outcome.name.replace("_", " "),
        data_as_at=hand.data_as_at,
        expires_on=hand.expires_on,
    )
    return cohort_list(
        hand.banded,
        hand.reasons_for(recipient),
        hand.groups,
        recipient=recipient,
        facts=facts,
        policy=hand.policy,
        key=key,
        previous=hand.previous,
    )


def _told(recipient: Recipient, listed: CohortList, who: Who) -> tuple[str, Told]:
    """What a list tells whoever counts its rows: its bands, and the attributes it shows."""
    shown = [name for name in listed.table.column_names if name in who.levels]
    columns = [name for name in (BAND, *shown) if name in listed.table.column_names]
    rows = zip(*(listed.table[name].to_pylist() for name in columns), strict=True)
    named = [(name, who.dimension(name)) for name in columns]
    return recipient.to, of_list("a list of people", who.population, named, rows, WITHHELD)


def _handed(recipient: Recipient, made: Mapping[str, CohortList | Protected]) -> Iterator[Handed]:
    released = made[recipient.to]
    if isinstance(released, Protected):
        yield Handed(recipient, "", released, protected_table(released))
    elif recipient.own is None:
        yield Handed(recipient, "", released, released.table)
    else:
        for owner, table in owners(released, recipient.own).items():
            yield Handed(recipient, owner, CohortList(table, listed=table.num_rows), table)


def _reached(
    reach: Mapping[str, tuple[Protected, ...]],
) -> list[tuple[Protected, tuple[str, ...]]]:
    """Each table of whom a list reaches once, with its recipients."""
    found: dict[Protected, tuple[str, ...]] = {}
    for to, tables in reach.items():
        for table in tables:
            found[table] = (*found.get(table, ()), to)
    return list(found.items())
