"""Ids that join: the same id in two outputs, or an id that can be computed from another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from time import perf_counter

from riskstrat.intruder.findings import Attack, not_tried
from riskstrat.intruder.judge import Judge, possible_keys
from riskstrat.intruder.releases import IDS, OWN_PATIENTS, PSEUDONYMISED, Release
from riskstrat.intruder.targets import bodies
from riskstrat.release.identity import release_id

COMPUTED, SAME = "RS3102", "RS3111"
TITLES = {COMPUTED: "Release ids computed", SAME: "Ids that join"}
SEEDS = range(20)
"""tried besides the study's own"""
PROBE = 5_000
"""pseudonyms of which some must give an id before all are tried"""
ENOUGH = 8
"""bytes that two pseudonyms must have in common to be one"""


def compute_release_ids(
    releases: Sequence[Release], pseudonyms: Iterable[str], judge: Judge
) -> Attack:
    """Work out the ids of pseudonymised lists from pseudonyms, as anybody can who has both.

    Args:
        pseudonyms: all that an intruder may have seen: of the extracts, or of lists for care.
    """
    lists = [each for each in releases if each.kind == PSEUDONYMISED]
    known = set(pseudonyms) | _ids(releases, OWN_PATIENTS)
    if not lists or not known:
        why = "there is no pseudonymised list" if not lists else "no pseudonyms are at hand"
        return not_tried(COMPUTED, TITLES[COMPUTED], why)
    started, tried, found, where = perf_counter(), 0, 0, []
    units = sorted(known)
    for release in lists:
        ids = {row["release_id"] for row in release.rows if "release_id" in row}
        hits = ids & known
        seeds = tuple(dict.fromkeys((*judge.seeds(release.study), *SEEDS)))
        for key in possible_keys(release, seeds):
            few = _sealed(key, units[:: max(1, len(units) // PROBE)], release)
            tried += len(few)
            if few & ids:
                tried += len(units)
                hits |= ids & _sealed(key, units, release)
        found += len(hits)
        where += [f"{release.name}: {len(hits):,} of {len(ids):,}"] if hits else []
    return Attack(
        COMPUTED,
        TITLES[COMPUTED],
        f"{len(lists)} pseudonymised lists",
        "guesses",
        tried,
        found,
        found,
        "every pseudonym is sealed by the public rule with the published study, its seed and no "
        "secret, and compared with the ids; a match of 128 bits is its own proof",
        perf_counter() - started,
        notes=tuple(where),
    )


def _sealed(key: bytes, units: Iterable[str], release: Release) -> set[str]:
    return {release_id(key, unit, release.as_of) for unit in units}


def _ids(releases: Iterable[Release], *kinds: str) -> set[str]:
    return {
        row[column]
        for release in releases
        if release.kind in kinds
        for column in IDS
        if column in release.columns
        for row in release.rows
    }


def join_ids(
    releases: Sequence[Release],
    extracts: Mapping[str, set[str]],
    other: Mapping[str, set[str]] | None = None,
) -> list[Attack]:
    """Look for ids that two outputs share though nobody may join them.

    Args:
        extracts: column of ids -> the pseudonyms in a project's extracts.
        other: the same of another project.
    """
    attacks = [_between_releases(releases, set().union(*extracts.values()))]
    if other is None:
        why = "the extracts of another project were not given"
        return [*attacks, not_tried(SAME, f"{TITLES[SAME]}: two projects", why)]
    return [*attacks, _between_projects(extracts, other)]


def _between_releases(releases: Sequence[Release], pseudonyms: set[str]) -> Attack:
    lists = [each for each in releases if each.kind == PSEUDONYMISED]
    if not lists:
        return not_tried(SAME, TITLES[SAME], "there is no pseudonymised list")
    started, tried, found, where = perf_counter(), 0, 0, []
    ids = [_ids([each], PSEUDONYMISED) for each in lists]
    lasting = pseudonyms | _ids(releases, OWN_PATIENTS)
    for release, own in zip(lists, ids, strict=True):
        tried += len(own)
        if same := len(own & lasting):
            found += same
            where.append(f"{release.name}: {same:,} are pseudonyms")
    for (one, a), (other, b) in combinations(zip(lists, ids, strict=True), 2):
        tried += len(a)
        if same := len(a & b):
            found += same
            where.append(f"{one.name} and {other.name}: {same:,}")
    return Attack(
        SAME,
        TITLES[SAME],
        f"{len(lists)} pseudonymised lists, with each other, with pseudonyms",
        "ids",
        tried,
        found,
        found,
        "ids are compared as sets; the same id twice is its own proof",
        perf_counter() - started,
        notes=tuple(where),
    )


def _between_projects(mine: Mapping[str, set[str]], theirs: Mapping[str, set[str]]) -> Attack:
    started, tried, found, where = perf_counter(), 0, 0, []
    for name, ids in sorted(mine.items()):
        for twin, others in sorted(theirs.items()):
            tried += len(ids)
            if same := max(len(ids & others), _same_digests(ids, others)):
                found += same
                where.append(f"{name} and {twin}: {same:,}")
    return Attack(
        SAME,
        f"{TITLES[SAME]}: two projects",
        "pseudonyms of two projects",
        "ids",
        tried,
        found,
        found,
        "pseudonyms are compared as they stand, and as far as both go behind any prefix",
        perf_counter() - started,
        notes=tuple(where),
    )


def _same_digests(ids: set[str], others: set[str]) -> int:
    """How many agree but for a prefix or for being cut shorter."""
    one, other = bodies(sorted(ids)), bodies(sorted(others))
    common = min(len(one[0]), len(other[0])) if one and other else 0
    if common < ENOUGH:
        return 0
    return len({each[:common] for each in one} & {each[:common] for each in other})
