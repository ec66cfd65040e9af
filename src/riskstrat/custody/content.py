"""One extract on its way from an agency to the analyst: record keys where local ids stood."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from riskstrat.custody.faults import CustodyError, listed
from riskstrat.custody.headers import Header, opened
from riskstrat.custody.rows import Lookup, as_text, batches, need_columns, write
from riskstrat.custody.spec import DIRECT, Extract
from riskstrat.disk import disk_errors

PERSON_RECORD, HOUSEHOLD_RECORD = "person_record_key", "household_record_key"
"""the columns of content that stand where the local ids stood"""
OUTPUT = {PERSON_RECORD: "person_id", HOUSEHOLD_RECORD: "household_id"}
"""what the analyst's extract has in their place"""


@dataclass(slots=True)
class SplitCounts:
    """What a split did, in counts."""

    agency: str
    indexed: dict[str, int] = field(default_factory=dict)
    """``people`` or ``addresses`` -> records handed to the linker"""
    rows: dict[str, int] = field(default_factory=dict)
    """extract -> rows handed to the analyst"""
    unindexed: dict[str, int] = field(default_factory=dict)
    """extract -> rows left out, for the index lacks their id"""
    objected: dict[str, int] = field(default_factory=dict)
    """index or extract -> rows left out, for the person objects"""
    without_id: dict[str, int] = field(default_factory=dict)
    """extract -> rows whose id is empty; they go on as they are"""
    kept_back: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """extract -> columns that no contract asks for, which never left the agency"""


class Content:
    """One extract on its way to the analyst."""

    def __init__(
        self,
        name: str,
        extract: Extract,
        data: Path,
        wanted: Sequence[str],
        known: Mapping[str, Lookup],
        objecting: Lookup | None,
        counts: SplitCounts,
    ) -> None:
        self.name, self.extract, self.counts = name, extract, counts
        self.objecting = objecting
        self.path = data / extract.file
        self.ids = {
            column: (record, known[index])
            for column, record, index in (
                (extract.person, PERSON_RECORD, "people"),
                (extract.household, HOUSEHOLD_RECORD, "addresses"),
            )
            if column
        }
        schema = need_columns(self.path, list(self.ids))
        self.columns = self._columns(schema.names, wanted)
        self.schema = pa.schema(
            [
                pa.field(self.ids[c][0], pa.string())
                if c in self.ids
                else pa.field(c, _value_type(schema.field(c).type))
                for c in self.columns
            ]
        )
        self.read = self.unindexed = self.objected = self.without_id = 0

    def _columns(self, present: Sequence[str], wanted: Sequence[str]) -> list[str]:
        """The columns that go on, in the contract's order; identifiers are refused by name."""
        place = {OUTPUT[record]: column for column, (record, _) in self.ids.items()}
        chosen = [place.get(each, each) for each in wanted]
        chosen = [column for column in dict.fromkeys(chosen) if column in present]
        chosen = [*(column for column in self.ids if column not in chosen), *chosen]
        if named := sorted(set(chosen) & {each.value for each in DIRECT}):
            raise CustodyError(
                f"{self.name}: the contract asks for {listed(named)}, and the analyst may hold no "
                "identifier",
                fix="take them out of the contract; what they say belongs into the people index "
                "or the addresses index",
                code="RS1604",
            )
        if back := tuple(column for column in present if column not in chosen):
            self.counts.kept_back[self.name] = back
        return chosen

    def write(self, target: Path, header: Header) -> None:
        """Write the content with record keys in the place of local ids, its rows in their order.

        Raises:
            CustodyError: RS1602, more rows than tolerated name an id that the index lacks.
        """
        with disk_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
        file = opened(self.path)
        self.counts.rows[self.name] = write(target, header.on(self.schema), self._rows(file))
        for told, count in (
            (self.counts.unindexed, self.unindexed),
            (self.counts.objected, self.objected),
            (self.counts.without_id, self.without_id),
        ):
            if count:
                told[self.name] = count
        if self.unindexed > self.extract.unindexed * self.read:
            raise CustodyError(
                f"{self.path}: {self.unindexed:,} of {self.read:,} rows name an id that the index "
                "of the agency lacks",
                fix="ask the agency for an index drawn on the same day, or tolerate a share of "
                f"such rows, which are then left out: `{self.name}: {{unindexed: 0.01}}`",
                code="RS1602",
            )

    def _rows(self, file: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
        for batch in batches(file, self.columns):
            yield self._changed(batch)

    def _changed(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """One batch under record keys, without the rows that may not go on."""
        self.read += batch.num_rows
        keep = objects = None
        arrays = []
        for column, array in zip(self.columns, batch.columns, strict=True):
            if column not in self.ids:
                arrays.append(
                    array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
                )
                continue
            record, known = self.ids[column]
            cells = as_text(array)
            # An empty text is no id either.
            given = pc.fill_null(pc.not_equal(cells, ""), False)
            places = known.places(cells)
            found = pc.or_(pc.is_valid(places), pc.invert(given))
            if self.objecting and record == PERSON_RECORD:
                objects = pc.is_valid(self.objecting.places(cells))
            keep = found if keep is None else pc.and_(keep, found)
            self.without_id += batch.num_rows - (pc.sum(given).as_py() or 0)
            arrays.append(known.at(places))
        changed = pa.record_batch(arrays, schema=self.schema)
        if keep is None:
            return changed
        if objects is not None:
            self.objected += pc.sum(objects).as_py() or 0
            missing = pc.and_(pc.invert(keep), pc.invert(objects))
            keep = pc.and_(keep, pc.invert(objects))
        else:
            missing = pc.invert(keep)
        self.unindexed += pc.sum(missing).as_py() or 0
        return changed if pc.all(keep).as_py() else changed.filter(keep)


def _value_type(kind: pa.DataType) -> pa.DataType:
    """The type of a column once written: categories become plain values.

    A category's list of levels may name what only rows held that were left out.
    """
    return kind.value_type if pa.types.is_dictionary(kind) else kind
