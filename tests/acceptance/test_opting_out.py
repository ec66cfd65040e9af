"""Somebody objects, their agency sends its list again: they are in nothing that is made later."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from acceptance.messy import Messy, add_opt_outs
from acceptance.search import Needles, search
from pipeline.test_opt_outs import the_list_itself
from pipeline.world import read

KINDS = ("type_1", "national", "risk_stratification")
DAY = date(2025, 11, 3)
RELEASE = "releases/messy/2025-04-01"

pytestmark = pytest.mark.slow


@dataclass(frozen=True, slots=True)
class Afterwards:
    """A world in which three people on a list objected, one by each kind, and all was made again.

    Attributes:
        world: as it is then.
        objectors: their pseudonyms, in the order of ``KINDS``.
        others: pseudonyms of some who are on the list and did not object.
        local: pseudonym -> what the ICB calls them.
        practice: pseudonym -> where they are registered.
        named: pseudonym -> how a request of their practice ended before.
        made: files of the store that are new or not what they were.
        run: the folder of the second run.
    """

    world: Messy
    objectors: tuple[str, ...]
    others: tuple[str, ...]
    local: Mapping[str, str]
    practice: Mapping[str, str]
    named: Mapping[str, int]
    made: tuple[Path, ...]
    run: Path


@pytest.fixture(scope="module")
def afterwards(messy: Messy, tmp_path_factory: pytest.TempPathFactory) -> Afterwards:
    world = messy.copy(tmp_path_factory.mktemp("objecting") / "world")
    local, practice = local_ids(world), practices(world)
    able = tuple(p for p in sorted(listed(world)) if p in local and p in practice)
    objectors = able[: len(KINDS)]
    named = {person: world.reidentify(person, practice[person]).code for person in able[:4]}
    told = {"starts_on": DAY, "ends_on": None, "recorded_on": DAY}
    add_opt_outs(
        world.data / "raw/icb/opt_outs.parquet",
        [
            {"local_id": local[person], "kind": kind, **told}
            for person, kind in zip(objectors, KINDS, strict=True)
        ],
    )
    there = digests(world.store)
    world.heard.unlink()
    world.pseudonymise()
    run = world.say("run", "--threads", 1).folder
    world.say("score", "--as-of", "2025-04-01", "--research", "--threads", 1)
    made = tuple(p for p, digest in digests(world.store).items() if there.get(p) != digest)
    return Afterwards(world, objectors, able[len(KINDS) :], local, practice, named, made, run)


def listed(world: Messy) -> set[str]:
    """The pseudonyms of everybody on a practice's list."""
    found = set()
    for path in sorted(world.store.glob(f"{RELEASE}/gp_practice/*/list.csv")):
        with path.open(encoding="utf-8-sig", newline="") as handle:
            found |= {row["unit_id"] for row in csv.DictReader(handle)}
    return found


def local_ids(world: Messy) -> dict[str, str]:
    """Pseudonym -> the ICB's own id, of people whom it knows once: by the row in its index."""
    ids = pq.read_table(world.data / "raw/icb/people.parquet")["local_id"].to_pylist()
    [path] = world.custody.glob("linker/entities/*-person-*/people.parquet")
    found: dict[str, list[str]] = {}
    for row in pq.read_table(path, columns=["seat", "pseudonym"]).to_pylist():
        agency, _, place = row["seat"].partition("/")
        if agency == "icb":
            found.setdefault(row["pseudonym"], []).append(ids[int(place)])
    return {person: told[0] for person, told in found.items() if len(told) == 1}


def practices(world: Messy) -> dict[str, str]:
    """Pseudonym -> practice, of people with one registration, which is open."""
    found: dict[str, list[str]] = {}
    for row in pq.read_table(world.data / "gp_registration.parquet").to_pylist():
        open_at = "" if row["ends_on"] else row["practice_id"]
        found.setdefault(row["person_id"], []).append(open_at)
    return {person: told[0] for person, told in found.items() if len(told) == 1 and told[0]}


def digests(folder: Path) -> dict[Path, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def scored(run: Path) -> int:
    """How many people the list was cut from."""
    return sum(s["rows_out"] for s in read(run / "run.json")["stages"] if s["stage"] == "scores")


def test_they_are_in_nothing_that_is_made_afterwards(afterwards: Afterwards) -> None:
    store, made = afterwards.world.store, afterwards.made
    parts = [path.relative_to(store).parts for path in made]
    stages = {part[1] for part in parts if part[0] == "derived"}
    assert stages >= {"contracts", "prepared", "cohort", "features", "training", "scores"}
    assert {part[0] for part in parts} >= {
        "runs", "releases", "research", "artifacts", "mlflow.db", "log",
    }  # fmt: skip
    found = search(made, needles(dict(zip(KINDS, afterwards.objectors, strict=True))))
    # The platform's own list of objections is what tells it whom to leave out.
    lists = {store / name for name in the_list_itself(store)}
    assert set(found) <= lists, found
    assert {kind for hits in found.values() for kind in hits} == set(KINDS)
    # No list of before is left, either.
    assert search([store / "releases"], Needles({"who": frozenset(afterwards.objectors)})) == {}
    # Those who did not object are found, by the same search, where they should be.
    others = search(made, needles({"other": afterwards.others[0]}))
    assert {path.suffix for path in others} >= {".parquet", ".csv", ".xlsx"}


def needles(who: Mapping[str, str]) -> Needles:
    return Needles({kind: frozenset({person}) for kind, person in who.items()})


def test_nobody_else_is_left_out(afterwards: Afterwards, messy: Messy) -> None:
    [before] = messy.store.glob("runs/messy/*")
    assert scored(afterwards.run) == scored(before) - len(KINDS)
    assert not set(afterwards.objectors) & listed(afterwards.world)
    assert set(afterwards.others[:20]) & listed(afterwards.world)


def test_they_are_not_named_to_their_practice_any_more(afterwards: Afterwards) -> None:
    assert set(afterwards.named.values()) == {0}
    world, practice = afterwards.world, afterwards.practice
    for person in afterwards.objectors:
        said = world.reidentify(person, practice[person])
        assert said.code == 30
        assert person not in said.err + said.out
    other = afterwards.others[0]
    assert world.reidentify(other, practice[other]).code == 0


def test_only_counts_of_it_are_told(afterwards: Afterwards) -> None:
    world = afterwards.world
    told = {*afterwards.objectors, *(afterwards.local[person] for person in afterwards.objectors)}
    logs = [world.heard, world.store / "log", *world.custody.glob("*/log"), afterwards.run]
    assert search(logs, Needles({"who": frozenset(told)})) == {}
    assert "of people who opted out not read" in world.heard.read_text(encoding="utf-8")
    manifest = read(world.store / RELEASE / "icb_commissioner" / "manifest.json")
    assert manifest["opt_outs"]["opt_outs"]["people"].keys() >= {"any", *KINDS}
