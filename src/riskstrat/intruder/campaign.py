"""All attacks, one after another, on what one project made."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from time import perf_counter
from types import MappingProxyType
from typing import Protocol

import numpy as np

from riskstrat.errors import UsageError
from riskstrat.intruder import handed
from riskstrat.intruder.acquaintances import MOST, find_acquaintances
from riskstrat.intruder.enumeration import Effort, enumerate_identifiers
from riskstrat.intruder.findings import Attack, Progress, Report, silent
from riskstrat.intruder.frequency import guess_tokens
from riskstrat.intruder.joins import compute_release_ids, join_ids
from riskstrat.intruder.judge import Judge
from riskstrat.intruder.linking import link_rows
from riskstrat.intruder.recipes import guesses
from riskstrat.intruder.releases import Release, read_releases
from riskstrat.intruder.sealed import Sealed
from riskstrat.intruder.singling_out import single_out
from riskstrat.intruder.targets import Ids, Target, ids_in, of_releases
from riskstrat.intruder.traces import places, search

KNOWN_PEOPLE = 5_000
"""people and homes whose identifiers are taken to be known, a seeded sample"""


class Watcher(Protocol):
    """Is told what is at work, as the command line draws it."""

    def starts(self, stage: str) -> None:
        """An attack begins."""

    def moves(self, share: float, words: str = "") -> None:
        """It is so far."""

    def ends(self, stage: str, summary: str, seconds: float, *, reused: bool) -> None:
        """It is done."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is attacked, who judges, and how hard.

    Attributes:
        data: the analyst's extracts.
        store: the store: its releases, reports, registry, derived tables and log.
        truth: a made-up county's sealed truth; only the judge reads it.
        custody: the keepers' folders; only the judge reads the linker's table and the keys.
        other: the extracts of another project, whose pseudonyms may not join.
        tokens: a linkage file with `tokens`, for the attack on what it hands over.
        release_keys: secrets that release ids were made with; only the judge uses them, and they
            are looked for in every file.
        seed: of all samples.
        effort: how much is hashed, in how many processes.
        most: people or rows of a release that are tried.
    """

    data: Path | None = None
    store: Path | None = None
    truth: Path | None = None
    custody: Path | None = None
    other: Path | None = None
    tokens: Path | None = None
    release_keys: tuple[bytes, ...] = ()
    seed: int = 0
    effort: Effort = field(default_factory=Effort)
    most: int = MOST

    def __post_init__(self) -> None:
        if not (self.data or self.store):
            raise UsageError(
                "there is nothing to attack", fix="give the extracts with --data or a --store"
            )
        for option in ("data", "store", "truth", "custody", "other"):
            folder = getattr(self, option)
            if folder is not None and not folder.is_dir():
                raise UsageError(
                    f"{folder}: there is no such folder", fix=f"check --{option}, or leave it out"
                )


class Campaign:
    """The outputs and the judge, read once for all attacks."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.judge = Judge(asked.store or Path(), asked.release_keys)
        self.sealed = Sealed(asked.truth, asked.custody, asked.release_keys)

    def rng(self, name: str) -> np.random.Generator:
        """The draws of one attack; they do not depend on which others are made."""
        return np.random.default_rng([self.asked.seed, zlib.crc32(name.encode())])

    @cached_property
    def releases(self) -> list[Release]:
        """Everything that left."""
        return read_releases(self.asked.store) if self.asked.store else []

    @cached_property
    def ids(self) -> list[Ids]:
        """The ids in the extracts."""
        return ids_in(self.asked.data) if self.asked.data else []

    @cached_property
    def targets(self) -> list[Target]:
        """The ids in extracts and releases, to be guessed."""
        return [*(each.target for each in self.ids), *of_releases(self.releases)]

    @cached_property
    def names(self) -> list[str]:
        """Names that stand in files or are known, and make poor keys."""
        studies = {release.study for release in self.releases}
        folder = {self.asked.data.name} if self.asked.data else set()
        return sorted(studies | folder | set(self.sealed.names_in_the_files()))


def _enumeration(at: Campaign, progress: Progress) -> list[Attack]:
    rng = at.rng("enumeration")
    return enumerate_identifiers(
        at.targets,
        known=at.sealed.known_people(KNOWN_PEOPLE, rng),
        guesses=guesses(at.names),
        rng=rng,
        effort=at.asked.effort,
        progress=progress,
    )


def _singling_out(at: Campaign, _progress: Progress) -> list[Attack]:
    return single_out(at.releases)


def _linkage(at: Campaign, progress: Progress) -> list[Attack]:
    rng, most = at.rng("linkage"), at.asked.most
    return [
        find_acquaintances(at.releases, at.judge, rng, most=most, progress=progress),
        link_rows(at.releases, at.judge, rng, most=most, progress=progress),
    ]


def _joins(at: Campaign, _progress: Progress) -> list[Attack]:
    extracts = _as_sets(at.ids)
    other = _as_sets(ids_in(at.asked.other)) if at.asked.other else None
    people = set().union(*extracts.values())
    return [
        compute_release_ids(at.releases, people, at.judge),
        *join_ids(at.releases, extracts, other),
    ]


def _as_sets(ids: Iterable[Ids]) -> dict[str, set[str]]:
    return {each.name: set(each.values.to_pylist()) for each in ids}


def _tokens(at: Campaign, progress: Progress) -> list[Attack]:
    asked = at.asked
    tables = handed.over(asked.tokens, asked.data, asked.truth, at.rng("tokens"))
    return [guess_tokens(tables, progress)]


def _bytes(at: Campaign, progress: Progress) -> list[Attack]:
    searched = places(at.asked.data, at.asked.store, at.asked.custody)
    workers = at.asked.effort.workers
    return search(searched, at.sealed.identifiers(), workers=workers, progress=progress)


ATTACKS: Mapping[str, Callable[[Campaign, Progress], list[Attack]]] = MappingProxyType(
    {
        "enumeration": _enumeration,
        "singling_out": _singling_out,
        "linkage": _linkage,
        "joins": _joins,
        "tokens": _tokens,
        "bytes": _bytes,
    }
)
"""name -> the attacks of that kind, in the order in which they are made"""


def attack(asked: Asked, watcher: Watcher | None = None, only: Iterable[str] = ()) -> Report:
    """Make all attacks, or only some kinds of them.

    Raises:
        UsageError: a folder or an attack that is not there.
        StorageError: a release is damaged.
    """
    chosen = list(only) or list(ATTACKS)
    if unknown := [name for name in chosen if name not in ATTACKS]:
        raise UsageError(f"no attack `{unknown[0]}`", fix=f"one of {', '.join(ATTACKS)}")
    at, found = Campaign(asked), []
    for name in (each for each in ATTACKS if each in chosen):
        if watcher:
            watcher.starts(name)
        started = perf_counter()
        made = ATTACKS[name](at, watcher.moves if watcher else silent)
        found += made
        if watcher:
            watcher.ends(name, _sentence(made), perf_counter() - started, reused=False)
    return Report(tuple(found), _facts(at, chosen))


def _sentence(made: list[Attack]) -> str:
    tried = [each for each in made if not each.skipped]
    if not tried:
        return f"not tried: {made[0].skipped}"
    claimed, right = sum(each.claimed for each in tried), sum(each.confirmed for each in tried)
    return f"{claimed:,} claimed, {right:,} confirmed"


def _facts(at: Campaign, chosen: list[str]) -> dict[str, object]:
    asked = at.asked
    return {
        "attacked": {
            "data": asked.data.as_posix() if asked.data else None,
            "store": asked.store.as_posix() if asked.store else None,
            "releases": len(at.releases),
        },
        "judged_by": at.sealed.told_by or "the store's own tables alone",
        "kinds": chosen,
        "seed": asked.seed,
    }
