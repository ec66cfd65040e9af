"""Make a county: block after block of people, one extract after another, truth kept apart."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from riskstrat.synthetic import (
    care,
    hospital,
    households,
    medicines,
    practice,
    registers,
    truth,
)
from riskstrat.synthetic.areas import Areas, make_areas
from riskstrat.synthetic.defects import duplicated, misdated
from riskstrat.synthetic.frames import pseudonyms, serials, stream
from riskstrat.synthetic.world import HOME, PERSON, RECORD, Extract, World, make_world

BLOCK = 25_000
"""People simulated together: bounds the memory, whatever the size of the county."""

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


@dataclass(frozen=True, slots=True)
class CountySummary:
    """What was written: counts only."""

    directory: Path
    truth_directory: Path
    people: int
    """Everybody who is ever in the county; `registered` of them on 1 April 2015."""
    registered: int
    households: int
    rows: Mapping[str, int]
    defects: Mapping[str, int]


def make_county(
    directory: Path,
    *,
    people: int,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> CountySummary:
    """Write a made-up county's extracts, and its sealed truth into `<directory>-truth`.

    The same people and seed give the same bytes. Both folders are written aside and renamed, so
    half a county is never seen; an earlier county in their place is replaced.

    Args:
        directory: where the extracts go, one Parquet file each.
        people: how many people are registered on 1 April 2015, about.
        seed: of all randomness.
        progress: called with (blocks done, blocks) after each block of people.

    Raises:
        ValueError: if `people` is not positive, or `directory` holds anything but a county.
    """
    if people < 1:
        raise ValueError(f"a county needs people, but people={people}")
    directory = Path(directory)
    sealed = directory.with_name(f"{directory.name}-truth")
    for target in (directory, sealed):
        _refuse_to_replace(target)
    aside = [target.with_name(f".{target.name}.partial") for target in (directory, sealed)]
    for folder in aside:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    counts = _write(aside[0], aside[1], people, seed, progress)
    # Truth first: a county without its truth is never seen.
    for folder, target in zip(reversed(aside), (sealed, directory), strict=True):
        shutil.rmtree(target, ignore_errors=True)
        folder.rename(target)
    return CountySummary(directory, sealed, **counts)


def identify(table: pa.Table, name: str, seed: int, block: int, world: World) -> pa.Table:
    """Replace the stand-ins by what an agency holds: here, one pseudonym per person and home.

    A later version may put names, numbers and addresses here, agency by agency.
    """
    columns: dict[str, Any] = {}
    for column in table.column_names:
        if column == PERSON:
            ids = pseudonyms("P", seed, block, len(world.population.persons))
            columns["person_id"] = ids.take(table.column(PERSON).combine_chunks())
        elif column == HOME:
            ids = pseudonyms("H", seed, block, len(world.population.homes.family))
            columns["household_id"] = ids.take(table.column(HOME).combine_chunks())
        elif column == RECORD:
            prefix = table.column(RECORD)[0].as_py() if len(table) else ""
            columns[RECORD_IDS[name]] = serials(prefix, block, len(table))
        else:
            columns[column] = table.column(column)
    return pa.table(columns)


class _Files:
    """One open Parquet file per extract, all of one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writers: dict[str, pq.ParquetWriter] = {}
        self.rows: Counter[str] = Counter()

    def append(self, name: str, table: pa.Table) -> None:
        if name not in self._writers:
            path = self._folder / f"{name}.parquet"
            self._writers[name] = pq.ParquetWriter(path, table.schema, compression="zstd")
        self._writers[name].write_table(table)
        self.rows[name] += len(table)

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()


def _write(
    folder: Path,
    sealed: Path,
    people: int,
    seed: int,
    progress: Callable[[int, int], None] | None,
) -> dict[str, Any]:
    areas = make_areas(people, seed)
    files, truths = _Files(folder), _Files(sealed)
    files.append("area_deprivation", areas.table())
    blocks = -(-people // BLOCK)
    counts: Counter[str] = Counter()
    defects: Counter[str] = Counter()
    for block in range(blocks):
        size = people // blocks + (block < people % blocks)
        world = _write_block(files, truths, areas, size, seed, block, defects)
        counts.update(truth.count(world))
        if progress is not None:
            progress(block + 1, blocks)
    files.close()
    truths.close()
    truth.describe(sealed, people, seed, dict(sorted(defects.items())))
    return {**counts, "rows": dict(files.rows), "defects": dict(sorted(defects.items()))}


def _write_block(
    files: _Files,
    truths: _Files,
    areas: Areas,
    people: int,
    seed: int,
    block: int,
    defects: Counter[str],
) -> World:
    world = make_world(areas, people, seed, block)
    for name, extract in EXTRACTS.items():
        rng = stream(seed, block, name)
        table, misdates = misdated(name, _table(extract(world, rng)), world, rng)
        table = identify(table.sort_by("recorded_on"), name, seed, block, world)
        table, duplicates = duplicated(name, table, rng)
        defects.update(misdates + duplicates)
        files.append(name, table)
    ids = pseudonyms("P", seed, block, len(world.population.persons))
    for name, rows in truth.tables(world, ids).items():
        truths.append(name, rows)
    return world


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


def _refuse_to_replace(target: Path) -> None:
    """Replace only folders that hold nothing but a county."""
    if target.exists():
        known = {".parquet", ".json", ".md"}
        strange = [entry for entry in target.iterdir() if entry.suffix not in known]
        if strange:
            raise ValueError(f"{target} holds {len(strange)} other files; choose an empty folder")
