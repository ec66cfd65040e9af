"""Fill the blocks of a bucket with cells, and put all blocks together into one sorted file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskstrat.asof import literal
from riskstrat.features.cells import KEYS, Block, Counts, column_key
from riskstrat.features.frame import Frame, limited
from riskstrat.features.plan import Feature, FeaturePlan
from riskstrat.features.reference import reference_table
from riskstrat.features.write import SortedParquet
from riskstrat.vocabulary import FeatureKind

if TYPE_CHECKING:
    from riskstrat.contracts.spec import Source
    from riskstrat.features.fast import Rows

MOST_DATES = 40
"""beyond so many as-of dates a block is a year of them"""
CATEGORY = pa.dictionary(pa.int16(), pa.string())
CELLS = 24_000_000
"""rows times features filled at once: about 100 MB of float32, and as much again to keep them"""


@dataclass(frozen=True, slots=True)
class FeatureSummary:
    """What was written: how many rows, and per feature how many cells are empty and why."""

    rows: int
    missing: Mapping[str, int]
    not_covered: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class FilledBlock:
    """A block all of whose cells are kept."""

    opens: date
    """its as-of date; of a year of dates, the first of January"""
    folder: str
    keys: tuple[str, ...]
    """of each feature's column, in the order of the plan"""
    rows: int
    computed: int
    """how many of the columns had to be computed now"""


@dataclass(frozen=True, slots=True)
class BucketInputs:
    """What the features of one bucket are computed from.

    Attributes:
        con: a connection with ``pairs``, ``relations`` and the views ``source_<name>`` of the
            bucket.
        sources: the contracts, by name.
        seen: what can be seen of the sources a feature reads on a day, as plain numbers.
        code: the version of the code that computes cells.
        files: the bucket's files for the compiled kernel; without them all is done in SQL.
    """

    con: duckdb.DuckDBPyConnection
    sources: Mapping[str, Source]
    seen: Callable[[Feature, date], Any]
    code: str
    files: Rows | None = None
    cells: int = CELLS
    filled: list[FilledBlock] = field(default_factory=list)


def fill(
    inputs: BucketInputs,
    plan: FeaturePlan,
    root: Path,
    *,
    yearly: bool = False,
    told: Callable[[int], None] | None = None,
) -> tuple[FilledBlock, ...]:
    """Compute what is not kept yet of every block of a bucket.

    Args:
        inputs: the bucket.
        plan: the features.
        root: the folder of kept cells.
        yearly: a block is a year of as-of dates rather than one.
        told: called with the number of rows whenever some are done.
    """
    con = inputs.con
    rows = con.execute("SELECT unit_id, as_of FROM pairs ORDER BY as_of, unit_id").to_arrow_table()
    todo = [_Todo.of(part, inputs, plan, root, yearly) for part in _parts(rows, yearly=yearly)]
    for lacking, together in groupby(todo, key=lambda each: each.lacking):
        for some in _chunks(list(together), len(lacking), inputs.cells):
            if lacking:
                _fill(inputs, limited(plan, lacking), some)
            if told:
                told(sum(each.rows.num_rows for each in some))
    return tuple(each.filled() for each in todo)


@dataclass(frozen=True, slots=True)
class _Todo:
    """A block, and which of its columns are not kept yet."""

    opens: date
    rows: pa.Table
    block: Block
    keys: Mapping[str, str]
    lacking: tuple[Feature, ...]

    @classmethod
    def of(
        cls, rows: pa.Table, inputs: BucketInputs, plan: FeaturePlan, root: Path, yearly: bool
    ) -> _Todo:
        day = rows["as_of"][-1].as_py()
        block = Block.of(root, rows)
        keys = {
            feature.column.name: column_key(
                feature.column.digest, inputs.seen(feature, day), inputs.code
            )
            for feature in plan.features
        }
        lacks = block.lacks(keys.values())
        lacking = tuple(f for f in plan.features if keys[f.column.name] in lacks)
        return cls(date(day.year, 1, 1) if yearly else day, rows, block, keys, lacking)

    @property
    def days(self) -> tuple[date, date]:
        """The first and the last as-of date."""
        return self.rows["as_of"][0].as_py(), self.rows["as_of"][-1].as_py()

    def filled(self) -> FilledBlock:
        return FilledBlock(
            self.opens,
            self.block.folder.name,
            tuple(self.keys.values()),
            self.rows.num_rows,
            len(self.lacking),
        )


def _parts(rows: pa.Table, *, yearly: bool) -> Iterator[pa.Table]:
    """The rows of each block, in order."""
    if not rows.num_rows:
        return
    days = rows["as_of"]
    label = (pc.year(days) if yearly else days.cast(pa.int32())).to_numpy()
    cuts = [0, *(np.flatnonzero(np.diff(label)) + 1).tolist(), rows.num_rows]
    for start, stop in pairwise(cuts):
        yield rows.slice(start, stop - start)


def _chunks(todo: Sequence[_Todo], features: int, cells: int) -> Iterator[list[_Todo]]:
    """Blocks to fill at once: as many as the number of cells allows, at least one."""
    chunk: list[_Todo] = []
    size = 0
    for each in todo:
        more = each.rows.num_rows * max(features, 1)
        if chunk and size + more > cells:
            yield chunk
            chunk, size = [], 0
        chunk.append(each)
        size += more
    if chunk:
        yield chunk


def _fill(inputs: BucketInputs, plan: FeaturePlan, blocks: Sequence[_Todo]) -> None:
    first, last = blocks[0].days[0], blocks[-1].days[1]
    pairs = (
        f"(SELECT unit_id, as_of FROM pairs WHERE as_of BETWEEN "
        f"DATE {literal(first.isoformat())} AND DATE {literal(last.isoformat())})"
    )
    frame = Frame(inputs.con, plan, inputs.sources, pairs)
    try:
        table = _computed(frame, plan.features, inputs.files)
        covered = {f.column.name: frame.covered(f) for f in plan.features}
    finally:
        frame.drop()
    start = 0
    for each in blocks:
        stop = start + each.rows.num_rows
        columns, counts = {}, {}
        for feature in plan.features:
            name = feature.column.name
            key = each.keys[name]
            columns[key] = _one_piece(table[name].slice(start, stop - start), feature)
            bare = int(np.count_nonzero(~covered[name][start:stop]))
            counts[key] = Counts(columns[key].null_count, bare)
        each.block.keep_rows(each.rows)
        each.block.keep(columns, counts)
        start = stop


def _one_piece(column: pa.ChunkedArray, feature: Feature) -> pa.Array:
    """A column as it is kept: categories as numbers of their levels."""
    if feature.column.kind is FeatureKind.NUMBER or pa.types.is_dictionary(column.type):
        return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    levels = pa.array(feature.column.levels, pa.string())
    numbers = pc.index_in(column, value_set=levels).combine_chunks().cast(pa.int16())
    return pa.DictionaryArray.from_arrays(numbers, levels)


def _computed(frame: Frame, features: Sequence[Feature], files: Rows | None) -> pa.Table:
    if files is None:
        return reference_table(frame, features)
    # The compiler and what it compiled are loaded only where they are used.
    from riskstrat.features.fast import fast_table

    return fast_table(frame, features, files)


def assemble(
    plan: FeaturePlan,
    buckets: Sequence[Sequence[FilledBlock]],
    root: Path,
    out: Path,
    *,
    yearly: bool = False,
    told: Callable[[int], None] | None = None,
) -> FeatureSummary:
    """Put the blocks of all buckets together, sorted by (as_of, unit_id).

    Args:
        plan: the features.
        buckets: each bucket's blocks, buckets in the order of their units.
        root: the folder of kept cells.
        out: the Parquet file to write (zstd); whoever calls renames it into place.
        yearly: a block is a year of dates, which the rows of several buckets share.
        told: called with the number of rows whenever some are written.
    """
    names = [column.name for column in plan.columns]
    missing, bare = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    rows = 0
    blocks = sorted((block for bucket in buckets for block in bucket), key=lambda b: b.opens)
    with SortedParquet(out, feature_schema(plan)) as file:
        for _, together in groupby(blocks, key=lambda b: b.opens):
            tables = []
            for block in together:
                kept = Block(root / block.folder)
                table, counts = kept.read(block.keys)
                tables.append(table.rename_columns([*KEYS, *names]))
                for name, key in zip(names, block.keys, strict=True):
                    missing[name] += counts[key].missing
                    bare[name] += counts[key].not_covered
                rows += block.rows
                if told:
                    told(block.rows)
                if not yearly:
                    file.write(tables.pop())
            if yearly:
                order = [("as_of", "ascending"), ("unit_id", "ascending")]
                file.write(pa.concat_tables(tables).sort_by(order))
    return FeatureSummary(rows, missing, bare)


def feature_schema(plan: FeaturePlan) -> pa.Schema:
    """The columns of a feature table: unit_id, as_of, float32 or categories."""
    fields = [pa.field("unit_id", pa.string()), pa.field("as_of", pa.date32())]
    for column in plan.columns:
        is_number = column.kind is FeatureKind.NUMBER
        fields.append(pa.field(column.name, pa.float32() if is_number else CATEGORY))
    return pa.schema(fields)
