"""Planted defects: rows an agency might really send by mistake, always beside the good rows.

Lateness is planted where records are dated (frames.recorded), and the month without emergency
department records where they are made (hospital.ed_attendances); neither touches the truth.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskstrat.synthetic.frames import END, FAR, IntArray, dates, day
from riskstrat.synthetic.world import PERSON, World

DUPLICATES: Mapping[str, float] = MappingProxyType(
    {"ed_attendances": 0.01, "admissions": 0.01, "gp_events": 0.01, "school_census": 0.01}
)
"""Share of rows sent twice, exactly, with the same key (domain facts B4)."""
MISDATED: Mapping[str, str] = MappingProxyType(
    {
        "ed_attendances": "arrived_on",
        "gp_events": "event_date",
        "adult_social_care": "started_on",
        "police_incidents": "occurred_on",
    }
)
"""Sources with a few extra rows whose happened date is impossible."""
MISDATED_SHARE = 0.0002  # for each of: in the future, before birth, after death
MOST = 0.0008  # stays inside the contracts' tolerance, however small the county
FUTURE = (day("2031-01-01"), day("2039-12-31"))


def misdated(
    name: str, table: pa.Table, world: World, rng: np.random.Generator
) -> tuple[pa.Table, Counter[str]]:
    """The table with extra rows dated in the future, before birth or after death."""
    column = MISDATED.get(name)
    planted: Counter[str] = Counter()
    if column is None or not len(table):
        return table, planted
    pieces = [table]
    for kind, rows, moved in _impossible(table, world, rng):
        extra = table.take(pa.array(rows))
        at = extra.schema.get_field_index(column)
        extra = extra.set_column(at, column, dates(moved))
        if kind == "after_death":
            late = extra.schema.get_field_index("recorded_on")
            extra = extra.set_column(late, "recorded_on", dates(moved + 10))
        pieces.append(extra)
        planted[f"{name}.{kind}"] += len(rows)
    return pa.concat_tables(pieces), planted


def duplicated(
    name: str, table: pa.Table, rng: np.random.Generator
) -> tuple[pa.Table, Counter[str]]:
    """The table with some rows sent twice."""
    share = DUPLICATES.get(name, 0.0)
    count = min(int(rng.binomial(len(table), share)), int(1.8 * share * len(table)))
    if not count:
        return table, Counter()
    again = np.sort(rng.choice(len(table), count, replace=False))
    return (
        pa.concat_tables([table, table.take(pa.array(again))]),
        Counter({f"{name}.duplicate_key": count}),
    )


def _impossible(
    table: pa.Table, world: World, rng: np.random.Generator
) -> list[tuple[str, npt.NDArray[np.int64], IntArray]]:
    def some(rows: IntArray) -> IntArray:
        limit = min(int(MOST * len(table)), len(rows))
        count = min(int(rng.poisson(MISDATED_SHARE * len(table))), limit)
        return rng.choice(rows, count, replace=False) if count else np.empty(0, np.int64)

    rows = some(np.arange(len(table)))
    found = [("date_in_future", rows, rng.integers(*FUTURE, len(rows)))]
    if PERSON in table.column_names:
        person = table.column(PERSON).to_numpy()
        rows = some(np.arange(len(table)))
        born = world.population.persons.born[person[rows]]
        found.append(("before_birth", rows, born - rng.integers(60, 2000, len(rows))))
        died = world.history.died[person]
        rows = some(np.flatnonzero((died < FAR) & (died < END - 250)))
        found.append(("after_death", rows, died[rows] + rng.integers(40, 200, len(rows))))
    return found
