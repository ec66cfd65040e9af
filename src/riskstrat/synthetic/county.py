"""Make a county: block after block of people, one extract after another, truth kept apart."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from riskstrat.synthetic import true_links, truth
from riskstrat.synthetic.areas import make_areas
from riskstrat.synthetic.extracts import EXTRACTS, draft
from riskstrat.synthetic.files import Files
from riskstrat.synthetic.frames import pseudonyms
from riskstrat.synthetic.numbers import Counted
from riskstrat.synthetic.plant import Plant, read_plant, told
from riskstrat.synthetic.raw import RawBlock
from riskstrat.synthetic.world import HOME, PERSON, World, make_world

BLOCK = 25_000
"""People simulated together: bounds the memory, whatever the size of the county."""
RAW = "raw"
"""the folder of the extracts as agencies hold them"""


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
    linked: bool = False,
    plants: Sequence[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> CountySummary:
    """Write a made-up county's extracts, and its sealed truth into `<directory>-truth`.

    By default they are raw: `raw/<agency>/<source>.parquet` under the agency's own ids, and its
    `people.parquet` or `addresses.parquet` with identifiers, errors and all. Truth has the links.

    The same people and seed give the same bytes, and the same lives whether linked or not. Both
    folders are written aside and renamed: half a county is never seen, an earlier one is replaced.

    Args:
        directory: where the extracts go, one Parquet file each.
        people: how many people are registered on 1 April 2015, about.
        seed: of all randomness.
        linked: write extracts as if all links were known: `<source>.parquet`, one pseudonym for
            each person and each home in the place of local ids and identifiers.
        plants: faults to plant, such as `under_recorded:ethnicity=asian:0.4`; see `plant`.
        progress: called with (blocks done, blocks) after each block of people.

    Raises:
        ValueError: if `people` is not positive, a fault is none that can be planted, or
            `directory` holds anything but a county.
    """
    if people < 1:
        raise ValueError(f"a county needs people, but people={people}")
    faults = tuple(read_plant(text) for text in plants)
    directory = Path(directory)
    sealed = directory.with_name(f"{directory.name}-truth")
    for target in (directory, sealed):
        _refuse_to_replace(target)
    aside = [target.with_name(f".{target.name}.partial") for target in (directory, sealed)]
    for folder in aside:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    counts = _write(aside[0], aside[1], people, seed, progress, faults, linked=linked)
    # Truth first: a county without its truth is never seen.
    for folder, target in zip(reversed(aside), (sealed, directory), strict=True):
        shutil.rmtree(target, ignore_errors=True)
        folder.rename(target)
    return CountySummary(directory, sealed, **counts)


def _write(
    folder: Path,
    sealed: Path,
    people: int,
    seed: int,
    progress: Callable[[int, int], None] | None,
    plants: Sequence[Plant],
    *,
    linked: bool,
) -> dict[str, Any]:
    areas = make_areas(people, seed)
    files, truths = Files(folder if linked else folder / RAW), Files(sealed)
    files.append("area_deprivation" if linked else "public/area_deprivation", areas.table())
    blocks = -(-people // BLOCK)
    counts: Counter[str] = Counter()
    defects: Counter[str] = Counter()
    counted = Counted(people, len(areas))
    for block in range(blocks):
        size = people // blocks + (block < people % blocks)
        world = make_world(areas, size, seed, block)
        if linked:
            defects += _write_linked(world, files, truths, seed, block, plants)
        else:
            defects += RawBlock(world, files, truths, counted, seed, block, plants).write()
        counts.update(truth.count(world))
        if progress is not None:
            progress(block + 1, blocks)
    files.close()
    truths.close()
    found = dict(sorted(defects.items()))
    faults = {"faults": told(plants)} if plants else {}
    if linked:
        truth.describe(sealed, people, seed, found, faults)
    else:
        more = {**true_links.planted(), **faults}
        truth.describe(sealed, people, seed, found, more, true_links.README)
    return {**counts, "rows": dict(files.rows), "defects": found}


def _write_linked(
    world: World, files: Files, truths: Files, seed: int, block: int, plants: Sequence[Plant]
) -> Counter[str]:
    """One block with all links known: one pseudonym per person and home, whoever sends it."""
    persons = pseudonyms("P", seed, block, len(world.population.persons))
    homes = pseudonyms("H", seed, block, len(world.population.homes.family))
    named = {PERSON: ("person_id", persons), HOME: ("household_id", homes)}
    defects: Counter[str] = Counter()
    for name in EXTRACTS:
        extract = draft(name, world, seed, block, plants)
        ids = {
            column: (called, values.take(pa.array(extract.column(column))))
            for column, (called, values) in named.items()
            if column in extract.table.column_names
        }
        files.append(name, extract.finished(ids, block))
        defects += extract.defects
    for name, rows in truth.tables(world, persons).items():
        truths.append(name, rows)
    return defects


def _refuse_to_replace(target: Path) -> None:
    """Replace only folders that hold nothing but a county."""
    if target.exists():
        known = {".parquet", ".json", ".md"}
        files = [entry for entry in target.rglob("*") if not entry.is_dir()]
        strange = [entry for entry in files if entry.suffix not in known]
        if strange:
            raise ValueError(f"{target} holds {len(strange)} other files; choose an empty folder")
