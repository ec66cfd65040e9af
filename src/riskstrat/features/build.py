"""Fill the blocks of a bucket with cells, and put all blocks together into one sorted file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
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

MOST_DATES = 400
"""beyond so many as-of dates a block is a month of them"""
CATEGORY = pa.dictionary(pa.int16(), pa.string())
MOST_HELD = 100_000_000
"""cells of a month that are held at once: 400 MB"""
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
    """its as-of date; of a month of dates, the first day of the month"""
    folder: str
    keys: tuple[str, ...]
    """of each feature's column, in the order of the plan"""
    rows: int
    computed: int
    """how many of the columns had to be computed now"""

    def as_json(self) -> dict[str, Any]:
        """For a file, or to come from another process."""
        return {**asdict(self), "opens": self.opens.isoformat()}

    @classmethod
    def of_json(cls, said: Mapping[str, Any]) -> FilledBlock:
        """What :meth:`as_json` wrote."""
        return cls(
            **{**said, "opens": date.fromisoformat(said["opens"]), "keys": tuple(said["keys"])}
        )

    def is_kept(self, root: Path) -> bool:
        """Whether its cells are still there, as they were written."""
        return not Block(root / self.folder).lacks(self.keys)


@dataclass(frozen=True, slots=True)
class BucketInputs:
    """What the features of one bucket are computed from.

    Attributes:
        con: a connection with ``pairs``, ``relations`` and the views ``source_<name>`` of the
            bucket.
        sources: the contracts, by name.
        seen: a digest of what can be seen of the sources a feature reads on a day.
        code: the version of the code that computes cells.
        files: the bucket's files for the compiled kernel; without them all is done in SQL.
    """

    con: duckdb.DuckDBPyConnection
    sources: Mapping[str, Source]
    seen: Callable[[Feature, date], str]
    code: str
    files: Rows | None = None
    cells: int = CELLS


def fill(
    inputs: BucketInputs,
    plan: FeaturePlan,
    root: Path,
    *,
    monthly: bool = False,
    told: Callable[[int], None] | None = None,
) -> tuple[FilledBlock, ...]:
    """Compute what is not kept yet of every block of a bucket.

    Args:
        inputs: the bucket.
        plan: the features.
        root: the folder of kept cells.
        monthly: a block is a month of as-of dates rather than one.
        told: called with the number of rows whenever some are done.
    """
    con = inputs.con
    rows = con.execute("SELECT unit_id, as_of FROM pairs ORDER BY as_of, unit_id").to_arrow_table()
    todo = [_Todo.of(part, inputs, plan, root, monthly) for part in _parts(rows, monthly=monthly)]
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
        cls, rows: pa.Table, inputs: BucketInputs, plan: FeaturePlan, root: Path, monthly: bool
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
        return cls(day.replace(day=1) if monthly else day, rows, block, keys, lacking)

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


def _parts(rows: pa.Table, *, monthly: bool) -> Iterator[pa.Table]:
    """The rows of each block, in order."""
    if not rows.num_rows:
        return
    days = rows["as_of"]
    months = pc.add(pc.multiply(pc.year(days), 12), pc.month(days)) if monthly else None
    label = (days.cast(pa.int32()) if months is None else months).to_numpy()
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
    monthly: bool = False,
    told: Callable[[int], None] | None = None,
) -> FeatureSummary:
    """Put the blocks of all buckets together, sorted by (as_of, unit_id).

    Args:
        plan: the features to put together: all that were filled, or the first of them.
        buckets: each bucket's blocks, buckets in the order of their units.
        root: the folder of kept cells.
        out: the Parquet file to write (zstd); whoever calls renames it into place.
        monthly: a block is a month of dates.
        told: called with the number of rows whenever some are written.
    """
    names = [column.name for column in plan.columns]
    missing, bare = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    rows = 0
    blocks = sorted((block for bucket in buckets for block in bucket), key=lambda b: b.opens)
    with SortedParquet(out, feature_schema(plan)) as file:
        for _, together in groupby(blocks, key=lambda b: b.opens):
            kept = [_Kept(root, names, block) for block in together]
            for part in _by_day(kept) if monthly else (each.table() for each in kept):
                file.write(part)
                if told:
                    told(part.num_rows)
            for each in kept:
                for name, counts in each.counts().items():
                    missing[name] += counts.missing
                    bare[name] += counts.not_covered
                rows += each.block.rows
    return FeatureSummary(rows, missing, bare)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A block whose cells are read back."""

    root: Path
    names: Sequence[str]
    block: FilledBlock

    def table(self) -> pa.Table:
        table = Block(self.root / self.block.folder).read(self._keys)
        return table.rename_columns([*KEYS, *self.names])

    def counts(self) -> dict[str, Counts]:
        counts = Block(self.root / self.block.folder).counts(self._keys)
        return {name: counts[key] for name, key in zip(self.names, self._keys, strict=True)}

    @property
    def _keys(self) -> tuple[str, ...]:
        return self.block.keys[: len(self.names)]


def _by_day(kept: Sequence[_Kept]) -> Iterator[pa.Table]:
    """The rows of several buckets' months, day by day: within a day, buckets are in order.

    All of the month is held where it is small, else it is read again for each of its days.
    """
    rows = sum(each.block.rows for each in kept)
    held = rows * len(kept[0].names) <= MOST_HELD
    tables = [each.table() for each in kept] if held else None
    days: set[int] = set()
    for number, each in enumerate(kept):
        days |= set(_day_numbers(tables[number] if tables else each.table()).tolist())
    for day in sorted(days):
        for number, each in enumerate(kept):
            table = tables[number] if tables else each.table()
            start, stop = np.searchsorted(_day_numbers(table), [day, day + 1])
            yield table.slice(start, stop - start)


def _day_numbers(table: pa.Table) -> Any:
    return table["as_of"].cast(pa.int32()).to_numpy()


def feature_schema(plan: FeaturePlan) -> pa.Schema:
    """The columns of a feature table: unit_id, as_of, float32 or categories."""
    fields = [pa.field("unit_id", pa.string()), pa.field("as_of", pa.date32())]
    for column in plan.columns:
        is_number = column.kind is FeatureKind.NUMBER
        fields.append(pa.field(column.name, pa.float32() if is_number else CATEGORY))
    return pa.schema(fields)
