"""What can be seen from which day on: a digest of a bucket's rows for every day.

Each row is a fact with a first morning on which it is known; the end of a spell is a fact of its
own. The digest of what is visible on a day is a sum over the facts before it, so it does not
depend on their order, a row that arrives late changes it for later days only, and a row that was
withdrawn or corrected changes it from its day on.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from riskstrat.asof import quoted

if TYPE_CHECKING:
    from riskstrat.contracts.spec import Source

ENDS = ("ends_on", "end_known_on")
WHOLE = 2**64
EPOCH = date(1970, 1, 1)
COLUMNS = b"columns"


def visible_sql(rows: str, columns: Sequence[str], *, spells: bool, ends: Sequence[str]) -> str:
    """SQL with ``visible_on``, ``rows`` and two 64-bit digests: one row per day.

    Args:
        rows: a table with the canonical dates and ``columns``.
        columns: everything that makes a row what it is, ``unit_id`` and the dates included.
        spells: rows are spells, whose ends become known later.
        ends: columns that tell the end of a spell, under any name.
    """
    happened = "starts_on" if spells else "happened_on"
    steady = [name for name in columns if not (spells and name in ends)]
    facts = (
        f"SELECT greatest({happened}, known_on) + 1 AS visible_on, {_hashes(steady)} "
        f"FROM {rows} WHERE {happened} IS NOT NULL AND known_on IS NOT NULL"
    )
    if spells:
        facts += (
            f" UNION ALL SELECT greatest({happened}, known_on, ends_on, end_known_on) + 1, "
            f"{_hashes([*columns])} FROM {rows} WHERE {happened} IS NOT NULL "
            "AND known_on IS NOT NULL AND ends_on IS NOT NULL"
        )
    return (
        "SELECT visible_on, count(*) AS n, "
        f"CAST(sum(h) % {WHOLE} AS UBIGINT) AS one, "
        f"CAST(sum(g) % {WHOLE} AS UBIGINT) AS two "
        f"FROM ({facts}) GROUP BY visible_on ORDER BY visible_on"
    )


def _hashes(columns: Sequence[str]) -> str:
    """SQL: two numbers that tell a row from others, each in its own way."""
    listed = ", ".join(map(quoted, columns))
    return f"hash({listed}) AS h, hash({listed}, 1) AS g"


def end_columns(source: Source | None = None) -> tuple[str, ...]:
    """The columns that tell the end of a spell: the canonical ones, and the contract's own."""
    named = (source.ends_on, source.end_known_on) if source else ()
    return (*ENDS, *(name for name in named if name))


class Visible:
    """The digests of one bucket's rows, to be asked for a day.

    Args:
        table: what :func:`visible_sql` selects; its metadata say which columns the rows have.

    Attributes:
        columns: names and types of the rows' columns, since digests know values only.
    """

    def __init__(self, table: pa.Table) -> None:
        self.columns = (table.schema.metadata or {}).get(COLUMNS, b"").decode()
        self._days = table["visible_on"].cast(pa.int32()).to_numpy()
        self._sums = [
            np.cumsum(table[name].to_numpy(), dtype=np.uint64) for name in ("n", "one", "two")
        ]

    def at(self, day: date) -> tuple[int, int, int]:
        """What can be seen on the morning of a day, as three numbers."""
        upto = int(np.searchsorted(self._days, (day - EPOCH).days, side="right"))
        if not upto:
            return (0, 0, 0)
        n, one, two = (int(sums[upto - 1]) for sums in self._sums)
        return n, one, two
