"""The features of one source and relation as small numbers, for the compiled kernel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from riskstrat.features import kernel
from riskstrat.features.plan import Feature, Split
from riskstrat.vocabulary import ColumnType

if TYPE_CHECKING:
    from riskstrat.contracts.spec import Source
    from riskstrat.expressions import Expression

Ints: TypeAlias = NDArray[Any]
_OPS = MappingProxyType(
    {
        "count": kernel.COUNT,
        "any": kernel.ANY,
        "open": kernel.OPEN,
        "days_since_last": kernel.LAST,
        "days_since_first": kernel.FIRST,
        "trend": kernel.TREND,
        "distinct": kernel.DISTINCT,
        "sum": kernel.SUM,
        "mean": kernel.MEAN,
        "min": kernel.LEAST,
        "max": kernel.MOST,
    }
)


@dataclass(frozen=True, slots=True)
class Slot:
    """Rows that are counted together: a filter and a split; one counter per part."""

    where: Expression | None
    split: Split | None

    @property
    def key(self) -> tuple[object, ...]:
        """What tells slots apart."""
        split = (self.split.column, self.split.groups) if self.split else None
        return (self.where.canonical if self.where else None, split)

    @property
    def parts(self) -> int:
        """How many counters it has."""
        return len(self.split.groups) if self.split else 1

    @property
    def takes_all(self) -> bool:
        """Whether every row counts, and nothing has to be looked up."""
        return self.where is None and self.split is None


@dataclass(slots=True)
class Numbering:
    """Gives each key a number, in the order first asked for."""

    given: dict[tuple[object, ...], int] = field(default_factory=dict)

    def __call__(self, *key: object) -> int:
        """The number of a key."""
        return self.given.setdefault(key, len(self.given))

    def __len__(self) -> int:
        return len(self.given)


class SourceProgram:
    """What to load of a source's rows, and what to make of them.

    Args:
        source: the contract.
        features: aggregates and ``known`` companions (without attributes) that share the source
            and the relation.

    Attributes:
        features: as given; the rows of the kernel's output, in this order.
        slots: filter and split of each slot.
        value_columns: (column, is whole), the columns of ``Events.wholes`` and ``numbers``.
        code_pairs: (slot, column) whose distinct values are counted.
        wants_open: whether the ends of spells must be loaded.
    """

    def __init__(self, source: Source, features: Sequence[Feature]) -> None:
        self.source, self.features = source, tuple(features)
        self.slots: list[Slot] = []
        self._slot_numbers = Numbering()
        self._values = Numbering()
        self._codes = Numbering()
        self._old: set[int] = set()
        self.wants_open = any(f.function == "open" or f.value == "open" for f in features)
        spans = {f.window * n for f in features if f.window for n in _spans(f)}
        self.windows = tuple(sorted(spans)) or (0,)
        self._asked = [self._ask(feature) for feature in self.features]

    # -- what is asked ---------------------------------------------------------------------------

    def _slot(self, feature: Feature) -> int:
        known = feature.function == "known"
        split = None if known or not feature.split else feature.split
        where = (
            None if known or feature.where is None or feature.where.always_true else feature.where
        )
        slot = Slot(where, split)
        number = self._slot_numbers(slot.key)
        if number == len(self.slots):
            self.slots.append(slot)
        return number

    def _ask(self, feature: Feature) -> tuple[Feature, int, int]:
        """(feature, slot, number of its value or code pair)."""
        slot = self._slot(feature)
        if feature.function == "days_since_first":
            self._old.add(slot)
        if feature.function == "distinct":
            return feature, slot, self._codes(slot, feature.value)
        if _OPS.get(feature.function, -1) >= kernel.SUM:
            return feature, slot, self._values(slot, feature.value)
        return feature, slot, -1

    @property
    def value_columns(self) -> tuple[tuple[str, bool], ...]:
        """The columns with values, each once, and whether they hold whole numbers."""
        names = dict.fromkeys(str(column) for _, column in self._values.given)
        return tuple((name, self._is_whole(name)) for name in names)

    @property
    def code_pairs(self) -> tuple[tuple[int, str], ...]:
        """Slot and column of each set of values to tell apart."""
        return tuple((int(str(slot)), str(column)) for slot, column in self._codes.given)

    def _is_whole(self, column: str) -> bool:
        return self.source.columns[column].type is not ColumnType.NUMBER

    # -- as arrays -------------------------------------------------------------------------------

    def arrays(self, code_parts: Sequence[Ints]) -> kernel.Program:
        """The program for rows whose values were numbered.

        Args:
            code_parts: for each of ``code_pairs``, the part every number is in.
        """
        cells = _starts(slot.parts for slot in self.slots)
        values = [(int(str(slot)), str(column)) for slot, column in self._values.given]
        value_cells = _starts(self.slots[slot].parts for slot, _ in values)
        pairs = self.code_pairs
        code_cells = _starts(self.slots[slot].parts for slot, _ in pairs)
        code_cell = [first + parts for first, parts in zip(code_cells, code_parts, strict=False)]
        columns = {name: i for kind in (True, False) for i, name in enumerate(self._of_kind(kind))}
        looked_up = [number for number, slot in enumerate(self.slots) if not slot.takes_all]
        ops = [self._op(*asked, cells, value_cells, code_cells) for asked in self._asked]
        return kernel.Program(
            bands=np.searchsorted(self.windows, np.arange(self.windows[-1] + 1)).astype(np.int16),
            sizes=_whole([len(self.windows), cells[-1], value_cells[-1], code_cells[-1]]),
            slot_part=_whole(
                [looked_up.index(s) if s in looked_up else -1 for s in range(len(self.slots))]
            ),
            slot_cell=_whole(cells[:-1]),
            slot_old=np.array([s in self._old for s in range(len(self.slots))], np.bool_),
            value_slot=_whole([slot for slot, _ in values]),
            value_whole=np.array([self._is_whole(name) for _, name in values], np.bool_),
            value_column=_whole([columns[name] for _, name in values]),
            value_cell=_whole(value_cells[:-1]),
            code_column=_whole(range(len(pairs))),
            code_at=_whole(_starts(len(parts) for parts in code_parts)[:-1]),
            code_cell=np.concatenate([*code_cell, np.zeros(0, np.int64)]).astype(np.int32),
            wants_open=self.wants_open,
            op=_whole([op[0] for op in ops]),
            cell=_whole([op[1] for op in ops]),
            band=_whole([op[2] for op in ops]),
            extra=_whole([op[3] for op in ops]),
            whole=np.array([op[4] for op in ops], np.bool_),
        )

    def _of_kind(self, whole: bool) -> list[str]:
        return [name for name, is_whole in self.value_columns if is_whole == whole]

    def _op(
        self,
        feature: Feature,
        slot: int,
        pair: int,
        cells: Sequence[int],
        value_cells: Sequence[int],
        code_cells: Sequence[int],
    ) -> tuple[int, int, int, int, bool]:
        """(op, cell, band, extra, whole) of one feature."""
        part = feature.split.part if feature.split and feature.function != "known" else 0
        rows = cells[slot] + part
        band = self.windows.index(feature.window) if feature.window else 0
        if feature.function == "known":
            if not feature.window:
                return kernel.KNOWN_EVER, rows, 0, 0, False
            op = kernel.KNOWN_OR_OPEN if feature.value == "open" else kernel.KNOWN
            return op, rows, band, 0, False
        op = _OPS[feature.function]
        if op == kernel.TREND:
            return op, rows, band, self.windows.index(2 * (feature.window or 0)), False
        if op == kernel.DISTINCT:
            return op, code_cells[pair] + part, band, 0, False
        if op >= kernel.SUM:
            return op, value_cells[pair] + part, band, rows, self._is_whole(str(feature.value))
        return op, rows, band, 0, False


def op_of(feature: Feature) -> int:
    """The kernel's operation for a feature."""
    return _OPS.get(feature.function, kernel.KNOWN)


def _spans(feature: Feature) -> tuple[int, ...]:
    return (1, 2) if feature.function == "trend" else (1,)


def _starts(sizes: Iterable[int]) -> list[int]:
    """Where each of several runs begins, and where the last ends."""
    return list(accumulate(sizes, initial=0))


def _whole(values: Iterable[int]) -> Ints:
    return np.array(list(values), np.int64)
