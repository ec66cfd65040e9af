"""Lists that say in every row whether they may be used: writers take nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from riskstrat.release.standing import Standing, no_standing

MARKED = "not_for_use"
"""the column that says in every row that the list may not be used; there is none on one that may"""


@dataclass(frozen=True, slots=True)
class Stamped:
    """A list, or a table of counts, that says in every row whether it may be used."""

    table: pa.Table
    standing: Standing

    def __post_init__(self) -> None:
        if (self.table.column_names[:1] == [MARKED]) != bool(self.standing.mark):
            raise no_standing("a list's mark does not fit its standing")


def stamp(table: pa.Table, standing: Standing) -> Stamped:
    """A table as it may be written: with the mark as its first column, if there is one."""
    if not standing.mark:
        return Stamped(table, standing)
    column = pa.array([standing.mark] * table.num_rows, pa.string())
    return Stamped(table.add_column(0, MARKED, column), standing)


def only_stamped(given: object) -> Stamped:
    """What a writer was handed, if it says whether it may be used.

    Raises:
        ReleaseRefused: RS3340.
    """
    if not isinstance(given, Stamped):
        raise no_standing("a list was to be written without a standing")
    return given
