"""The workloads as plain data: tables, codes, dates and features. Every engine is made from them.

Only the standard library is used, since each peer reads this file in an environment of its own.

What a feature means is riskstrat's: a row counts on ``as_of`` if it happened and was known before
that day; ``age`` is the number of days since it happened, and window ``w`` holds ``age <= w``.
A count, ``any`` or ``distinct`` without rows is 0. A sum without rows is 0, but empty where there
are rows and none has a value. ``mean``, ``min``, ``max`` and ``days_since_last`` are empty where
there is nothing to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

EPOCH = date(1970, 1, 1)
ZERO_WITHOUT_ROWS = frozenset({"count", "any", "distinct"})


@dataclass(frozen=True, slots=True)
class Table:
    """One agency's events.

    ``groups`` are lists of codes, as ranges [from, to); ``overlapping`` are lists that share codes
    with others. A row's groups are the bits of a mask, ``groups`` first.
    """

    name: str
    share: float
    """of all rows"""
    codes: int
    groups: tuple[tuple[int, int], ...] = ()
    overlapping: tuple[tuple[str, int, int], ...] = ()
    value: str = "number"
    """``number`` (two decimals) or ``integer``"""
    never: float = 0.0
    """share of people this agency never meets"""

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """Code ranges in the order of the mask's bits."""
        return (*self.groups, *((low, high) for _, low, high in self.overlapping))

    def masks(self) -> list[int]:
        """Each code's mask of groups."""
        return [
            sum(1 << bit for bit, (low, high) in enumerate(self.spans) if low <= code < high)
            for code in range(self.codes)
        ]


@dataclass(frozen=True, slots=True)
class Block:
    """Aggregates over one table, as riskstrat's study files put it.

    ``by`` makes one feature for each of the table's groups; ``where`` names an overlapping list.
    """

    table: str
    aggregates: tuple[str, ...]
    windows: tuple[int, ...] = ()
    by: bool = False
    where: str = ""


@dataclass(frozen=True, slots=True)
class Feature:
    """One column. ``bit`` is the mask's bit its rows must have, None for every row."""

    name: str
    table: str
    op: str
    bit: int | None
    window: int


@dataclass(frozen=True, slots=True)
class Workload:
    """People, what is recorded of them, and what is asked."""

    name: str
    people: int
    block_people: int
    """people of one block: a file of each table, and what an engine works on at once"""
    first: date
    last: date
    dates: tuple[date, ...]
    windows: tuple[int, ...]
    tables: tuple[Table, ...]
    blocks: tuple[Block, ...]
    late: bool = True
    """whether rows reach the platform after they happened"""

    @property
    def parts(self) -> int:
        """How many blocks of people there are."""
        return -(-self.people // self.block_people)

    @property
    def days(self) -> tuple[int, ...]:
        """The as-of dates as days since 1970."""
        return tuple((day - EPOCH).days for day in self.dates)

    def people_of(self, part: int) -> tuple[int, int]:
        """The people of a block, [from, to)."""
        low = part * self.block_people
        return low, min(low + self.block_people, self.people)

    def features(self, table: str | None = None) -> list[Feature]:
        """Every column, in the order of the output; of one table only, if named."""
        tables = {each.name: each for each in self.tables}
        found = [f for block in self.blocks for f in _features(block, tables[block.table], self)]
        order = list(tables)
        found.sort(key=lambda feature: order.index(feature.table))
        return [f for f in found if table in (None, f.table)]


def _features(block: Block, table: Table, workload: Workload) -> list[Feature]:
    """The columns of a block, named as riskstrat names them."""
    parts: list[tuple[str, int | None]] = [("", None)]
    name = table.name
    if block.by:
        parts = [(f"__code_g{bit + 1}", bit) for bit in range(len(table.groups))]
    if block.where:
        names = [each for each, _, _ in table.overlapping]
        parts, name = [("", len(table.groups) + names.index(block.where))], block.where
    windows = block.windows or workload.windows
    found = []
    for aggregate in block.aggregates:
        column = {"distinct": "_code", "sum": "_value", "mean": "_value"}.get(aggregate, "")
        column = "_value" if aggregate in ("min", "max") else column
        for part, bit in parts:
            if aggregate == "days_since_last":
                text = f"{name}__days_since_last{part}"
                found.append(Feature(text, table.name, aggregate, bit, windows[-1]))
                continue
            for window in windows:
                text = f"{name}__{aggregate}{column}{part}__{window}d"
                found.append(Feature(text, table.name, aggregate, bit, window))
    return found


_DISTINCT = (90, 365, 1095, 36_500)
WIDE = Workload(
    name="wide",
    people=1_200_000,
    block_people=18_750,
    first=date(2015, 1, 1),
    last=date(2024, 12, 31),
    dates=(date(2024, 1, 1), date(2024, 4, 1), date(2024, 7, 1), date(2024, 10, 1)),
    windows=(30, 90, 180, 365, 730, 1095, 36_500),
    tables=(
        Table(
            "gp",
            0.45,
            2000,
            ((0, 5), (5, 20), (20, 60), (60, 100), (100, 300), (300, 1000)),
            (("gp_watched", 3, 12),),
        ),
        Table("rx", 0.30, 500, ((0, 5), (5, 20), (20, 60), (60, 200))),
        Table("ae", 0.06, 40, ((0, 3), (3, 10)), value="integer", never=0.3),
        Table("adm", 0.05, 300, ((0, 3), (3, 10)), value="integer", never=0.4),
        Table("soc", 0.08, 60, never=0.85),
        Table("pol", 0.02, 30, value="integer", never=0.92),
        Table("hou", 0.04, 10, never=0.8),
    ),
    blocks=(
        Block("gp", ("count", "sum", "mean", "min", "max", "days_since_last")),
        Block("gp", ("distinct",), _DISTINCT),
        Block("gp", ("count", "days_since_last"), by=True),
        Block("gp", ("any",), (365,), by=True),
        Block("gp", ("max",), where="gp_watched"),
        Block("rx", ("count", "sum", "days_since_last")),
        Block("rx", ("distinct",), _DISTINCT),
        Block("rx", ("count", "days_since_last"), by=True),
        Block("ae", ("count", "mean", "days_since_last")),
        Block("ae", ("count", "days_since_last"), by=True),
        Block("adm", ("count", "sum", "max", "days_since_last")),
        Block("adm", ("count", "days_since_last"), by=True),
        Block("soc", ("count", "days_since_last")),
        Block("soc", ("distinct",), (365, 36_500)),
        Block("pol", ("count", "any", "days_since_last")),
        Block("hou", ("count", "days_since_last")),
    ),
)


def _small(name: str, *, late: bool) -> Workload:
    """10,000 people with 30 visits each on average, twelve months, 30 columns."""
    return Workload(
        name=name,
        people=10_000,
        block_people=10_000,
        first=date(2021, 1, 1),
        last=date(2023, 12, 31),
        dates=tuple(date(2023, month, 1) for month in range(1, 13)),
        windows=(30, 90, 180),
        tables=(
            Table("visits", 1.0, 20, ((0, 1), (1, 2), (2, 4), (4, 8), (8, 20)), value="integer"),
        ),
        blocks=(
            Block("visits", ("count", "sum", "mean", "min", "max")),
            Block("visits", ("count",), by=True),
        ),
        late=late,
    )


WORKLOADS = {
    each.name: each
    for each in (WIDE, _small("small_late", late=True), _small("small_prompt", late=False))
}
