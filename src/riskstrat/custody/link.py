"""The linker: identifiers in, pseudonyms out. It never sees content, and tells nobody an entity.

It works on every record it has been told of: those just received, and, of agencies that sent
nothing new, those it kept. So a new extract of one agency is linked against all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pyarrow as pa

from riskstrat.asof import literal
from riskstrat.custody import records
from riskstrat.custody.faults import CustodyError
from riskstrat.custody.headers import Header, expect, header_for
from riskstrat.custody.keyspec import Domain, Keeper
from riskstrat.custody.places import Places, drop, hand_over
from riskstrat.custody.pseudonyms import pseudonyms
from riskstrat.custody.quality import REVIEWED, Judge, Judged, refuse_unknown
from riskstrat.custody.rows import write
from riskstrat.custody.spec import CustodySpec
from riskstrat.custody.truth import received_truth
from riskstrat.disk import folder_aside

FILES: Mapping[Domain, str] = {Domain.PERSON: "people", Domain.HOUSEHOLD: "addresses"}
"""domain -> the index that is linked under its key"""


class Linked(Protocol):
    """What a linkage engine gives back: one entity for each record."""

    @property
    def table(self) -> pa.Table:
        """``record_key``, ``entity``, ``probability``, ``band``, ``how``: each record once."""


Linker = Callable[[duckdb.DuckDBPyConnection, str, str | None], Linked]
"""(connection, name of a view with ``record_key``, ``agency`` and identifiers, name of a view with
``record_key`` and ``entity`` of those that were linked before, if any) -> links"""
Key = Callable[[str], bytes]
"""key id -> the key, from the linker's own store"""


@dataclass(slots=True)
class LinkCounts:
    """What linking did, in counts."""

    agencies: tuple[str, ...] = ()
    """those whose records were received and have new links"""
    records: dict[str, dict[str, int]] = field(default_factory=dict)
    """``people`` or ``addresses`` -> agency -> records, received or kept"""
    entities: dict[str, int] = field(default_factory=dict)
    """``people`` or ``addresses`` -> how many different ones there are"""
    bands: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    """``people`` or ``addresses`` -> agency -> band -> records"""
    moved: dict[str, int] = field(default_factory=dict)
    """``people`` or ``addresses`` -> kept records that new evidence gives another pseudonym"""
    quality: dict[str, dict[str, Any]] = field(default_factory=dict)
    """``people`` or ``addresses`` -> how good the links are, protected; see ``quality``"""


def link(
    spec: CustodySpec,
    places: Places,
    con: duckdb.DuckDBPyConnection,
    key: Key,
    *,
    linkers: Mapping[Domain, Linker],
    judge: Judge | None = None,
    reviewed: pa.Table | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> LinkCounts:
    """Link what was received, and write each agency's links for the analyst.

    What was received is dropped in the end; the linker's entity table, which holds the identifiers
    and who each pseudonym is, takes it in for the next time and for re-identification.

    Args:
        spec: the custody file.
        places: the folders under ``--custody``.
        con: a connection within the memory the work may use.
        key: gives the keys of people and of households.
        linkers: links the records of a domain.
        judge: tells how good the links are.
        reviewed: who some of the records are truly about, by record key; it counts before a truth
            that was handed over.
        progress: told how far it is.

    Raises:
        CustodyError: RS1610 and RS1611 a file of another hand-over, RS1612 record keys that are
            reused or none, RS1614 nothing was received, RS1615 records without exactly one
            entity, RS1617 a truth about none of the records, or what
            :class:`~riskstrat.custody.register.Keyring` says of a key.
    """
    received = _received(spec, places)
    counts = LinkCounts(agencies=tuple(received))
    keys = {domain: str(spec.key_ids()[domain]) for domain in FILES}
    done: list[Domain] = []
    for step, (domain, name) in enumerate(FILES.items()):
        if not any(name in files for files in received.values()):
            continue
        if progress:
            progress(step / 2, f"linking {name}")
        secret = key(keys[domain])  # before the long work: a missing key should not cost an hour
        kept = places.entities(keys[domain]) / f"{name}.parquet"
        fresh = {agency: files[name] for agency, files in received.items() if name in files}
        known = records.gather(con, name, fresh, kept)
        linked = linkers[domain](con, records.view(name), known)
        records.take(con, name, linked.table)
        _name_them(con, name, secret, domain)
        _count(con, name, counts)
        if judge:
            by = _judged(spec, fresh, linked, reviewed)
            counts.quality[name] = judge.domain(con, name, records.whole(name), by)
        done.append(domain)
    if reviewed is not None:
        every = [records.whole(FILES[domain]) for domain in done]
        refuse_unknown(con, reviewed, every, "the reviewed sample")
    for domain in done:
        _keep(spec, places, con, domain, keys[domain])
    for agency in received:
        _answer(spec, places, con, agency, received[agency])
    for agency in received:
        drop(places.received(Keeper.LINKER, agency))
    return counts


def _judged(
    spec: CustodySpec,
    fresh: Mapping[str, tuple[Path, Header]],
    linked: Linked,
    reviewed: pa.Table | None,
) -> Judged:
    """What the links of a domain are judged by: the engine's own doubts, and truth if any."""
    doubts = getattr(linked, "doubts", None)
    curve = getattr(linked, "counts", {}).get("unlinkable", ())
    if reviewed is not None:
        return Judged(doubts, reviewed, REVIEWED, tuple(fresh), curve)
    return Judged(doubts, received_truth(fresh, spec), fresh=tuple(fresh), unlinkable=curve)


def _received(spec: CustodySpec, places: Places) -> dict[str, dict[str, tuple[Path, Header]]]:
    """agency -> ``people`` and ``addresses`` -> the file received, and its header."""
    found: dict[str, dict[str, tuple[Path, Header]]] = {}
    places.of(Keeper.LINKER)
    for agency, provider in spec.providers.items():
        folder = places.received(Keeper.LINKER, agency)
        hand_over(places.sent(agency) / "for_linker", folder)
        expected = {"people": provider.people, "addresses": provider.addresses}
        for name, index in expected.items():
            path = folder / f"{name}.parquet"
            if index and path.exists():
                kind = "tokens" if index.hand_over == "tokens" else "identifiers"
                header = expect(path, spec, kind, agency=agency)  # type: ignore[arg-type]
                found.setdefault(agency, {})[name] = (path, header)
    if not found:
        raise CustodyError(
            f"{places.received(Keeper.LINKER, '<agency>')}: no identifiers were received",
            fix="run `riskstrat pseudonymise split` for an agency, and bring what it leaves in "
            "`for_linker` here",
            code="RS1614",
        )
    return found


def something_received(spec: CustodySpec, places: Places) -> bool:
    """Whether an agency's identifiers are here, or lie ready to be moved here."""
    folders = [
        folder
        for agency in spec.providers
        for folder in (places.received(Keeper.LINKER, agency), places.sent(agency) / "for_linker")
    ]
    return any(
        (folder / f"{name}.parquet").exists() for folder in folders for name in FILES.values()
    )


def _name_them(con: duckdb.DuckDBPyConnection, name: str, secret: bytes, domain: Domain) -> None:
    """Give every entity its pseudonym: a table ``<name>_names``."""
    con.execute(f"CREATE TEMP TABLE {name}_names (entity VARCHAR, pseudonym VARCHAR)")
    distinct = f"SELECT DISTINCT entity FROM {name}_links ORDER BY entity"
    for batch in con.execute(distinct).to_arrow_table().to_batches(max_chunksize=100_000):
        entities = batch.column(0)
        named = pa.table({"entity": entities, "pseudonym": pseudonyms(secret, domain, entities)})
        con.register("fresh_names", named)
        con.execute(f"INSERT INTO {name}_names SELECT entity, pseudonym FROM fresh_names")
        con.unregister("fresh_names")


def _count(con: duckdb.DuckDBPyConnection, name: str, counts: LinkCounts) -> None:
    told: dict[str, dict[str, int]] = {}
    rows: list[Any] = con.execute(
        f"SELECT agency, band, count(*) FROM {records.whole(name)} GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    for agency, band, count in rows:
        told.setdefault(agency, {})[band] = count
    counts.bands[name] = told
    counts.records[name] = {agency: sum(bands.values()) for agency, bands in told.items()}
    found = con.execute(f"SELECT count(*) FROM {name}_names").fetchone()
    counts.entities[name] = int(found[0]) if found else 0
    found = con.execute(f"SELECT coalesce(sum(records), 0) FROM {records.moved(name)}").fetchone()
    counts.moved[name] = int(found[0]) if found else 0


def _keep(
    spec: CustodySpec, places: Places, con: duckdb.DuckDBPyConnection, domain: Domain, key_id: str
) -> None:
    """Replace the linker's entity table of a domain, and keep what its people were called."""
    name = FILES[domain]
    _keep_moved(spec, places, con, domain, key_id)
    folder = places.of(Keeper.LINKER, "entities", key_id)
    header = Header(spec.project, "entities", spec.population, {domain.value: key_id})
    sql = f"SELECT * FROM {records.whole(name)} ORDER BY pseudonym, agency, record_key"
    rows = con.execute(sql).to_arrow_reader(records.BATCH)
    write(folder / f"{name}.parquet", header.on(rows.schema), iter(rows))


def _keep_moved(
    spec: CustodySpec, places: Places, con: duckdb.DuckDBPyConnection, domain: Domain, key_id: str
) -> None:
    """Add pseudonyms that are no more to the table of those, where they lead to one person."""
    path = places.moved(key_id)
    now = (
        f"SELECT old, min(new) AS new FROM {records.moved(FILES[domain])} GROUP BY old "
        f"HAVING count(*) = 1"
    )
    con.execute(f"CREATE OR REPLACE TEMP TABLE moved_now AS {now}")
    sql = "SELECT old, new FROM moved_now ORDER BY old"
    if path.exists():
        # Who moved before, and now again, is found under their newest name at once.
        sql = (
            f"SELECT old, max(new) AS new FROM (SELECT then.old, coalesce(m.new, then.new) AS new "
            f"FROM read_parquet({literal(path.as_posix())}) AS then "
            f"LEFT JOIN moved_now AS m ON m.old = then.new WHERE then.old NOT IN "
            f"(SELECT old FROM moved_now) UNION ALL SELECT old, new FROM moved_now) "
            f"GROUP BY old ORDER BY old"
        )
    pairs = con.execute(sql).to_arrow_table()
    if pairs.num_rows:
        places.of(Keeper.LINKER, "rekey")
        header = Header(spec.project, "moved", spec.population, {domain.value: key_id})
        write(path, header.on(pairs.schema), iter(pairs.to_batches()))


def _answer(
    spec: CustodySpec,
    places: Places,
    con: duckdb.DuckDBPyConnection,
    agency: str,
    files: Mapping[str, tuple[Path, Header]],
) -> None:
    """Write one agency's links. Sorted by record key, they tell nothing of the index's order."""
    with folder_aside(places.links(agency)) as aside:
        for name, (_, theirs) in files.items():
            sql = (
                f"SELECT record_key, pseudonym, band FROM {records.whole(name)} "
                f"WHERE agency = {literal(agency)} ORDER BY record_key"
            )
            rows = con.execute(sql).to_arrow_reader(records.BATCH)
            header = header_for(spec, "links", agency, theirs.hand_over)
            write(aside / f"{name}.parquet", header.on(rows.schema), iter(rows))
