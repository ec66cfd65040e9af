"""What each agency sends, still with stand-ins where the ids of people and homes will be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa

from riskstrat.synthetic import care, dissent, hospital, households, medicines, practice, registers
from riskstrat.synthetic.defects import duplicated, misdated
from riskstrat.synthetic.frames import IntArray, serials, stream
from riskstrat.synthetic.plant import Plant, planted
from riskstrat.synthetic.world import HOME, PERSON, RECORD, Extract, World

EXTRACTS: Mapping[str, Extract] = MappingProxyType(
    {
        "gp_registration": registers.gp_registration,
        "demographics": registers.demographics,
        "residence": registers.residence,
        "gp_events": practice.gp_events,
        "prescriptions": medicines.prescriptions,
        "ed_attendances": hospital.ed_attendances,
        "admissions": hospital.admissions,
        "adult_social_care": care.adult_social_care,
        "children_social_care": care.children_social_care,
        "health_visitor_reviews": care.health_visitor_reviews,
        "school_census": care.school_census,
        "eyfs_profile": care.eyfs_profile,
        "police_incidents": households.police_incidents,
        "tenancies": households.tenancies,
        "rent_arrears": households.rent_arrears,
        "benefits": households.benefits,
        "deaths": registers.deaths,
        "opt_outs": dissent.opt_outs,
    }
)
"""What each agency sends, from the simulated world. A new extract is a function and its line."""

RECORD_IDS: Mapping[str, str] = MappingProxyType(
    {
        "gp_events": "event_id",
        "prescriptions": "item_id",
        "ed_attendances": "attendance_id",
        "admissions": "spell_id",
        "adult_social_care": "event_id",
        "children_social_care": "event_id",
        "health_visitor_reviews": "review_id",
        "school_census": "census_id",
        "eyfs_profile": "profile_id",
        "police_incidents": "incident_id",
        "tenancies": "tenancy_id",
        "rent_arrears": "statement_id",
        "benefits": "claim_id",
    }
)


@dataclass(slots=True)
class Draft:
    """One extract of one block before ids are put in, in the order in which it was recorded."""

    name: str
    table: pa.Table
    rng: np.random.Generator
    defects: Counter[str]

    def column(self, name: str) -> IntArray:
        """A column of stand-ins, or of days since 1970."""
        values = self.table.column(name).combine_chunks()
        return np.asarray(values.cast(pa.int32()) if pa.types.is_date(values.type) else values)

    def finished(self, ids: Mapping[str, tuple[str, pa.Array]], block: int) -> pa.Table:
        """The extract as it is sent: ids in the place of stand-ins, some rows twice.

        Args:
            ids: stand-in -> the name of the column, and the id in each row.
            block: the number of the block, for the ids of records.
        """
        table, duplicates = duplicated(
            self.name, identify(self.table, self.name, block, ids), self.rng
        )
        self.defects += duplicates
        return table


def draft(name: str, world: World, seed: int, block: int, plants: Sequence[Plant] = ()) -> Draft:
    """Let an agency write down what happened, with the defects of its dates and planted faults."""
    rng = stream(seed, block, name)
    table, misdates = misdated(name, _table(EXTRACTS[name](world, rng)), world, rng)
    table = planted(plants, name, table, world, seed, block)
    return Draft(name, table.sort_by("recorded_on"), rng, misdates)


def identify(
    table: pa.Table, name: str, block: int, ids: Mapping[str, tuple[str, pa.Array]]
) -> pa.Table:
    """Replace the stand-ins by what an agency calls people, homes and records."""
    columns: dict[str, Any] = {}
    for column in table.column_names:
        if column in (PERSON, HOME):
            called, values = ids[column]
            columns[called] = values
        elif column == RECORD:
            prefix = table.column(RECORD)[0].as_py() if len(table) else ""
            columns[RECORD_IDS[name]] = serials(prefix, block, len(table))
        else:
            columns[column] = table.column(column)
    return pa.table(columns)


def _table(columns: Mapping[str, Any]) -> pa.Table:
    lengths = {len(column) for column in columns.values() if not isinstance(column, str)}
    (count,) = lengths
    plain = {
        name: pa.array([column], pa.string()).take(pa.array(np.zeros(count, np.int64)))
        if isinstance(column, str)
        else column
        for name, column in columns.items()
    }
    return pa.table(plain)
