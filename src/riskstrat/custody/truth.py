"""Who records are truly about, where somebody knows: it travels under record keys.

A provider that knows (a made-up county's sealed truth; an agency with a gold standard) hands it
over beside its index, so that the linker is told no local id. A linker whose reviewers judged a
sample has it by record key already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from riskstrat.asof import literal, quoted
from riskstrat.custody.faults import CustodyError, listed
from riskstrat.custody.headers import Header, expect, opened
from riskstrat.custody.rows import RECORD_KEY, Lookup, need_columns, plain, write
from riskstrat.custody.spec import CustodySpec

PERSON = "person"
"""the column that says who, or which home, a record is about: any text, the same for the same"""
KEPT = frozenset({RECORD_KEY, PERSON})
ENDING = ".truth.parquet"
Truth = Mapping[str, pa.Table]
"""``people`` or ``addresses`` -> agency, id, person, and a column for each group"""


def read_truth(folder: Path) -> Truth:
    """The truth in local ids, as a folder holds it.

    ``links.parquet``: agency, local_id, person. ``groups.parquet``, if there is one: person_id and
    a column for each group. ``address_links.parquet``, if there is one: agency, address_id,
    household. ``homes.parquet``, if there is one: household, uprn; homes with one UPRN are one,
    and a household without one has no home that could be found.

    Raises:
        CustodyError: RS1601, ``links.parquet`` is not there, or a file lacks a column.
    """
    need_columns(folder / "links.parquet", ["agency", "local_id", PERSON])
    found = {"people": _people(folder)}
    if (folder / "address_links.parquet").exists():
        need_columns(folder / "address_links.parquet", ["agency", "address_id", "household"])
        found["addresses"] = _addresses(folder)
    return found


def _scan(path: Path) -> str:
    return f"read_parquet({literal(path.as_posix())}, hive_partitioning=false)"


def _texts(names: Sequence[str], alias: str) -> str:
    return "".join(f", CAST({alias}.{quoted(name)} AS VARCHAR) AS {quoted(name)}" for name in names)


def _people(folder: Path) -> pa.Table:
    links, groups = folder / "links.parquet", folder / "groups.parquet"
    named, joined = "", ""
    if groups.exists():
        columns = need_columns(groups, ["person_id"]).names
        named = _texts([name for name in columns if name != "person_id"], "g")
        joined = f"LEFT JOIN {_scan(groups)} AS g ON g.person_id = l.person"
    return _ask(
        f"SELECT l.agency, CAST(l.local_id AS VARCHAR) AS id, CAST(l.person AS VARCHAR) AS person"
        f"{named} FROM {_scan(links)} AS l {joined}"
    )


def _addresses(folder: Path) -> pa.Table:
    links, homes = folder / "address_links.parquet", folder / "homes.parquet"
    who, joined = "l.household", ""
    if homes.exists():
        need_columns(homes, ["household", "uprn"])
        who, joined = "h.uprn", f"LEFT JOIN {_scan(homes)} AS h USING (household)"
    return _ask(
        f"SELECT l.agency, CAST(l.address_id AS VARCHAR) AS id, CAST({who} AS VARCHAR) AS person "
        f"FROM {_scan(links)} AS l {joined} WHERE {who} IS NOT NULL"
    )


def _ask(sql: str) -> pa.Table:
    with duckdb.connect() as con:
        return con.execute(sql).to_arrow_table()


def hand_over_truth(
    table: pa.Table, agency: str, known: Lookup, target: Path, header: Header
) -> int:
    """Write an agency's part of the truth under the record keys of this split.

    Args:
        table: agency, id, person and groups; ids that the index lacks, or that were left out of
            it, are left out here.
        agency: whose.
        known: from local id to record key.
        target: the file to write.
        header: of the index that was split.

    Returns:
        How many records it is about.
    """
    own = table.filter(pc.equal(table["agency"], agency))
    keys = known.at(known.places(plain(own["id"])))
    told = own.drop_columns(["agency", "id"]).add_column(0, RECORD_KEY, keys)
    told = told.filter(pc.is_valid(told[RECORD_KEY])).sort_by(RECORD_KEY)
    marked = Header(header.project, "truth", agency, header.keys, header.hand_over)
    return write(target, marked.on(told.schema), iter(told.to_batches()))


def received_truth(files: Mapping[str, tuple[Path, Header]], spec: CustodySpec) -> pa.Table | None:
    """What agencies handed over of the truth with their index: record_key, person and groups.

    Args:
        files: agency -> the index received, and its header.
        spec: the custody file.

    Raises:
        CustodyError: RS1610 and RS1611 a file of another hand-over, RS1617 two truths.
    """
    found = []
    for agency, (index, header) in files.items():
        path = index.with_name(index.stem + ENDING)
        if path.exists():
            if expect(path, spec, "truth", agency=agency).hand_over != header.hand_over:
                raise CustodyError(
                    f"{path}: the truth belongs to another hand-over of {agency}",
                    fix="split the agency's extracts again with --truth",
                    code="RS1610",
                )
            found.append(opened(path).read().replace_schema_metadata())
    if not found:
        return None
    return _once(pa.concat_tables(found, promote_options="default"), "the truth handed over")


def read_reviewed(path: Path) -> pa.Table:
    """A sample that reviewers judged: record_key, person, and a column for each group.

    Raises:
        CustodyError: RS1601 no Parquet file with these columns, RS1617 a record judged twice.
    """
    need_columns(path, [RECORD_KEY, PERSON])
    table = pq.read_table(path).replace_schema_metadata()
    columns = {name: plain(pc.cast(table[name], pa.string())) for name in table.column_names}
    return _once(pa.table(columns), str(path))


def _once(table: pa.Table, what: str) -> pa.Table:
    """A truth that says of each record once who it is about.

    Raises:
        CustodyError: RS1617, with the counts.
    """
    keys, people = table[RECORD_KEY], table[PERSON]
    twice = len(keys) - keys.null_count - pc.count_distinct(keys, mode="only_valid").as_py()
    if twice or keys.null_count or people.null_count:
        raise CustodyError(
            f"{what}: of {len(keys):,} records, {twice:,} are named twice, {keys.null_count:,} "
            f"have no record key and {people.null_count:,} no person",
            fix="give each record once, with the person it is about; leave out those nobody knows",
            code="RS1617",
        )
    return table


def groups_of(table: pa.Table) -> tuple[str, ...]:
    """The groups by which a truth can be told."""
    return tuple(name for name in table.column_names if name not in KEPT)


def refuse_strangers(table: pa.Table, known: int, where: Path | str) -> None:
    """Refuse a truth about records that nobody handed over.

    Args:
        table: the truth.
        known: how many of its records the linker holds.
        where: what to name.

    Raises:
        CustodyError: RS1617, with the counts.
    """
    if known < table.num_rows:
        raise CustodyError(
            f"{where}: {table.num_rows - known:,} of {table.num_rows:,} records are none that the "
            f"linker holds; {listed([RECORD_KEY])} is new at every hand-over",
            fix="judge a sample of the records as they are in the linker's entity table now",
            code="RS1617",
        )
