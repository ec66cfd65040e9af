"""The analyst: content meets pseudonyms, and the record keys are gone.

All extracts of all agencies that were received appear together or not at all. What was received is
dropped then, so that nothing on the analyst's side holds a record key any more.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from riskstrat.contracts.bands import LINK_BAND
from riskstrat.custody.content import HOUSEHOLD_RECORD, OUTPUT, PERSON_RECORD
from riskstrat.custody.faults import CustodyError
from riskstrat.custody.headers import Header, expect, header_for, opened, read_header
from riskstrat.custody.keyspec import Keeper
from riskstrat.custody.places import Places, drop, hand_over
from riskstrat.custody.records import BANDS
from riskstrat.custody.rows import RECORD_KEY, Lookup, batches, plain, write
from riskstrat.custody.spec import CustodySpec
from riskstrat.disk import disk_errors, folder_aside

INDEX = {PERSON_RECORD: "people", HOUSEHOLD_RECORD: "addresses"}


@dataclass(slots=True)
class JoinCounts:
    """What a join did, in counts."""

    rows: dict[str, int] = field(default_factory=dict)
    """extract -> rows"""
    bands: dict[str, dict[str, int]] = field(default_factory=dict)
    """extract -> band -> rows"""


@dataclass(frozen=True, slots=True)
class _Links:
    """One agency's links of one kind, by record key."""

    pseudonyms: Lookup
    ranks: pa.Array
    """int8 (n,): where the band of each stands in ``BANDS``"""


def join(
    spec: CustodySpec,
    data: Path,
    places: Places,
    *,
    progress: Callable[[float, str], None] | None = None,
) -> JoinCounts:
    """Write ``<data>/<extract>.parquet`` of every agency whose content and links are here.

    Each has the columns of its content with ``person_id`` and ``household_id`` where the record
    keys stood, its rows in their order, and ``link_band`` last (none where a table names neither
    people nor addresses). Where a row has both, its band is that of the less sure link.

    Args:
        spec: the custody file.
        data: the analyst's folder of extracts.
        places: the folders under ``--custody``.
        progress: told how far it is.

    Raises:
        CustodyError: RS1610 another project or key, RS1611 no header, RS1613 record keys without
            exactly one link, RS1614 nothing was received, RS1616 other extracts are under
            another key.
    """
    received = _received(spec, places)
    counts = JoinCounts()
    names = [name for agency in received for name in spec.providers[agency].extracts]
    _refuse_other_keys(spec, data, names)
    with disk_errors(data):
        data.mkdir(parents=True, exist_ok=True)
    staging = data / ".joined"
    done = 0
    with folder_aside(staging) as aside:
        for agency, folder in received.items():
            links: dict[str, tuple[Header, _Links]] = {}
            for name in spec.providers[agency].extracts:
                if progress:
                    progress(done / len(names), f"{agency}: {name}")
                _join_one(spec, agency, name, folder, links, aside, counts)
                done += 1
    with disk_errors(data):
        for path in sorted(staging.iterdir()):
            path.replace(data / path.name)
        shutil.rmtree(staging)
    for agency in received:
        drop(places.received(Keeper.ANALYST, agency))
    return counts


def content_received(spec: CustodySpec, places: Places) -> bool:
    """Whether an agency's content is here, or lies ready to be moved here."""
    return any(
        folder.is_dir()
        for agency in spec.providers
        for folder in (
            places.received(Keeper.ANALYST, agency) / "content",
            places.sent(agency) / "for_analyst",
        )
    )


def _received(spec: CustodySpec, places: Places) -> dict[str, Path]:
    """agency -> its folder, of those that have sent all their content."""
    places.of(Keeper.ANALYST)
    found: dict[str, Path] = {}
    for agency, provider in spec.providers.items():
        folder = places.received(Keeper.ANALYST, agency)
        hand_over(places.sent(agency) / "for_analyst", folder / "content")
        hand_over(places.links(agency), folder / "links")
        if not (folder / "content").is_dir():
            continue
        missing = [
            name
            for name in provider.extracts
            if not (folder / "content" / f"{name}.parquet").exists()
        ]
        if missing:
            raise CustodyError(
                f"{folder / 'content'}: {len(missing)} of the agency's {len(provider.extracts)} "
                f"extracts are not there ({', '.join(missing)})",
                fix="bring all that the provider's split left in `for_analyst` here",
                code="RS1614",
            )
        found[agency] = folder
    if not found:
        raise CustodyError(
            f"{places.received(Keeper.ANALYST, '<agency>')}: no content was received",
            fix="run `riskstrat pseudonymise split` and `link`, and bring here what the provider "
            "left in `for_analyst` (as `content`) and the linker in `for_analyst` (as `links`)",
            code="RS1614",
        )
    return found


def _refuse_other_keys(spec: CustodySpec, data: Path, joining: list[str]) -> None:
    """Refuse to put extracts beside others whose pseudonyms are under other keys.

    Raises:
        CustodyError: RS1616, naming them.
    """
    wanted = header_for(spec, "extract", "")
    others = [name for each in spec.providers.values() for name in each.extracts]
    foreign = []
    for name in others:
        path = data / f"{name}.parquet"
        if name in joining or not path.exists():
            continue
        found = read_header(path)
        if found and (found.project != wanted.project or found.keys != wanted.keys):
            foreign.append(f"{name} ({found.project}: {', '.join(sorted(found.keys.values()))})")
    if foreign:
        raise CustodyError(
            f"{data}: {len(foreign)} extracts are under other keys than those that come now: "
            + "; ".join(foreign),
            fix="have their agencies hand over again too, or use another --data folder; nobody "
            "would be the same person in both",
            code="RS1616",
        )


def _join_one(
    spec: CustodySpec,
    agency: str,
    name: str,
    folder: Path,
    links: dict[str, tuple[Header, _Links]],
    aside: Path,
    counts: JoinCounts,
) -> None:
    path = folder / "content" / f"{name}.parquet"
    header = expect(path, spec, "content", agency=agency)
    file = opened(path)
    used: dict[str, _Links] = {}
    for column in (c for c in file.schema_arrow.names if c in OUTPUT):
        index = INDEX[column]
        if index not in links:
            links[index] = _read_links(folder / "links" / f"{index}.parquet", spec, agency)
        theirs, used[column] = links[index]
        if theirs.hand_over != header.hand_over:
            raise CustodyError(
                f"{path}: the links that are here answer another hand-over of {agency}",
                fix="link again after the last split, and bring both here; a record key is valid "
                "for one hand-over",
                code="RS1613",
            )
    joined = _Joined(file.schema_arrow, used)
    rows = (joined.changed(batch) for batch in batches(file, file.schema_arrow.names))
    target = aside / f"{name}.parquet"
    made = header_for(spec, "extract", agency)
    counts.rows[name] = write(target, made.on(joined.schema), rows)
    if joined.unlinked:
        raise CustodyError(
            f"{path}: {joined.unlinked:,} of {counts.rows[name]:,} rows have a record key without "
            "a link",
            fix="split and link the agency's extracts again, and bring both here",
            code="RS1613",
        )
    if used:
        counts.bands[name] = dict(sorted(joined.bands.items()))


def _read_links(path: Path, spec: CustodySpec, agency: str) -> tuple[Header, _Links]:
    """Links of one kind, each record key once.

    Raises:
        CustodyError: RS1614 none are here, RS1613 a record key has several.
    """
    if not path.exists():
        raise CustodyError(
            f"{path}: the linker's links of {agency} are not there",
            fix="run `riskstrat pseudonymise link`, and bring here (as `links`) what it leaves in "
            "`for_analyst`",
            code="RS1614",
        )
    header = expect(path, spec, "links", agency=agency)
    table = opened(path).read(columns=[RECORD_KEY, "pseudonym", "band"])
    keys = plain(table.column(RECORD_KEY))
    several = len(keys) - pc.count_distinct(keys, mode="all").as_py()
    ranks = pc.index_in(plain(table.column("band")), value_set=pa.array(BANDS))
    if several or keys.null_count or ranks.null_count or table.column("pseudonym").null_count:
        raise CustodyError(
            f"{path}: of {len(keys):,} links, {several:,} repeat a record key and "
            f"{keys.null_count:,} have none",
            fix="link the agency's records again, and bring the links here as they were made",
            code="RS1613",
        )
    lookup = Lookup(keys, plain(table.column("pseudonym")))
    return header, _Links(lookup, ranks.cast(pa.int8()))


class _Joined:
    """Content batch by batch, with pseudonyms and a band where record keys stood."""

    def __init__(self, schema: pa.Schema, links: Mapping[str, _Links]) -> None:
        self.links = links
        fields = [
            pa.field(OUTPUT[each.name], pa.string()) if each.name in links else each
            for each in schema
        ]
        fields += [pa.field(LINK_BAND, pa.string())] if links else []
        self.schema = pa.schema(fields)
        self.unlinked = 0
        self.bands: Counter[str] = Counter()

    def changed(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """One batch as the analyst keeps it."""
        arrays: list[pa.Array] = []
        ranks: list[pa.Array] = []
        for name, array in zip(batch.schema.names, batch.columns, strict=True):
            if name not in self.links:
                arrays.append(array)
                continue
            links = self.links[name]
            places = links.pseudonyms.places(array)
            self.unlinked += places.null_count - array.null_count
            arrays.append(links.pseudonyms.at(places))
            ranks.append(links.ranks.take(places))
        if ranks:
            least = pc.max_element_wise(*ranks, skip_nulls=True)  # the less sure stands later
            band = pa.array(BANDS).take(least)
            self._count(band)
            arrays.append(band)
        return pa.record_batch(arrays, schema=self.schema)

    def _count(self, band: pa.Array) -> None:
        found: Iterator[dict[str, object]] = iter(pc.value_counts(band).to_pylist())
        for each in found:
            if each["values"] is not None:
                self.bands[str(each["values"])] += int(str(each["counts"]))
