"""People who are registered twice: the second registration knows nothing of the first."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskstrat.synthetic.extracts import Draft
from riskstrat.synthetic.frames import FAR, IntArray, dates
from riskstrat.synthetic.world import PERSON

NOTICED = 7
"""days until the first registration is ended"""
ARRIVED = 3
"""days until the second one reaches the platform"""
DESCRIBED = "demographics"


def register_again(drafts: Mapping[str, Draft], switch: IntArray) -> None:
    """Split the registers of people who register again: one spell ends, another begins.

    Spells that are open on the day are cut in two; the description of the person is given again.
    With the links known, nothing is lost and no day is counted twice.

    Args:
        drafts: the extracts of the agency that keeps the registers; they are changed.
        switch: int (persons,), the day of the second registration; FAR for everybody else.
    """
    for name, draft in drafts.items():
        person = draft.column(PERSON)
        if not (switch[person] < FAR).any():
            continue
        if "end_recorded_on" in draft.table.column_names:
            draft.table = _cut(draft, switch[person])
        elif name == DESCRIBED:
            draft.table = _described_again(draft, switch[person])
        draft.table = draft.table.sort_by("recorded_on")


def _cut(draft: Draft, on: IntArray) -> pa.Table:
    """Spells that are open, and known, on the day end on it; new ones begin."""
    starts, known = draft.column("starts_on"), draft.column("recorded_on")
    ends, told = _days(draft.table, "ends_on"), _days(draft.table, "end_recorded_on")
    rows = np.flatnonzero((starts < on) & (known < on) & (ends > on))
    cut = on[rows]
    later = _with(
        draft.table.take(pa.array(rows)),
        {
            "starts_on": dates(cut),
            "end_recorded_on": _open(np.maximum(told[rows], cut + ARRIVED)),
            "recorded_on": dates(cut + ARRIVED),
        },
    )
    ends[rows], told[rows] = cut, cut + NOTICED
    first = _with(draft.table, {"ends_on": _open(ends), "end_recorded_on": _open(told)})
    return pa.concat_tables([first, later])


def _days(table: pa.Table, name: str) -> IntArray:
    """Days since 1970, FAR where there is none."""
    days = pc.fill_null(table.column(name).cast(pa.int32()).cast(pa.int64()), FAR)
    return np.array(days.combine_chunks())


def _open(days: IntArray) -> pa.Array:
    """Dates, null for FAR."""
    return dates(days, days == FAR)


def _described_again(draft: Draft, on: IntArray) -> pa.Table:
    rows = np.flatnonzero(on < FAR)
    again = draft.table.take(pa.array(rows))
    moved = {"valid_from": dates(on[rows]), "recorded_on": dates(on[rows] + ARRIVED)}
    return pa.concat_tables([draft.table, _with(again, moved)])


def _with(table: pa.Table, columns: Mapping[str, pa.Array]) -> pa.Table:
    for name, values in columns.items():
        table = table.set_column(table.schema.get_field_index(name), name, values)
    return table
