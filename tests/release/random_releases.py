"""Random releases of random counties, made by the real stages: tables, lists, policies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from riskstrat.release import evidence
from riskstrat.release.bands import band_scores
from riskstrat.release.breaches import Breach
from riskstrat.release.earlier import Before, before
from riskstrat.release.policies import Policy, strictest
from riskstrat.release.spec import Recipient, ReleaseSpec
from riskstrat.release.standing import Preview
from riskstrat.stages.releasing.disclosed import Disclosed, audited, disclosed, scanned
from riskstrat.stages.releasing.handover import Handover, Seen
from riskstrat.stages.releasing.release import write_folder
from riskstrat.study import Study
from riskstrat.study.load import load_study

CONFIGS = Path(__file__).parents[2] / "configs"
DAY = date(2025, 4, 1)
NAMED = ("hes", "opensafely", "dfe", "strict")
SIZES = {
    "sex": 3,
    "age_band": 7,
    "imd_quintile": 6,
    "ethnicity": 9,
    "rural": 2,
    "first_language": 4,
}
PLACES = {"lsoa_code": 24, "ward": 6, "practice_id": 8}
SHARES = (
    {"very_high": 0.005, "high": 0.05, "moderate": 0.2},
    {"very_high": 0.05, "high": 0.1, "moderate": 0.2},
    {"high": 0.05, "moderate": 0.3},
    {"high": 0.1},
)
TOPICS = ("falls", "A&E attendances", "age", "admissions", "medicines", "frailty", "housing")
RULES = {
    "rounding": {"base": 1},
    "primary suppression": {"threshold": 1},
    "secondary suppression": {"hides_more": False},
    "totals of what is shown": {"adds_up_shown": False},
    "hiding of zeros": {"hides_zero": False, "hides_all": False},
    "one kind of place": {"one_place": False},
}
"""rule -> what turning it off changes of a policy"""


@dataclass(frozen=True)
class RandomRelease:
    """One release: whom it is about, who receives what, under which policy."""

    seed: int
    hand: Handover
    policy: Policy
    places: tuple[str, ...]

    def again(self, seed: int) -> RandomRelease:
        """Another release of the very same people, under the same policy, with other tables."""
        rng = np.random.default_rng([seed, 20260402])
        spec = self.hand.study.spec
        told = spec.release.model_copy(update={"recipients": tuple(_recipients(rng, self.places))})
        study = replace(the_study(), spec=spec.model_copy(update={"release": told}))
        return replace(self, hand=replace(self.hand, study=study, seen=_seen(told)))


@cache
def the_study() -> Study:
    return load_study(CONFIGS / "studies" / "emergency_admission.yaml")


def random_release(seed: int, *, people: int | None = None, without: str = "") -> RandomRelease:
    """A release, the same for the same seed; made, but not judged, ``without`` a rule."""
    rng = np.random.default_rng([seed, 20260401])
    n = people or int(rng.choice([150, 400, 1_200, 5_000]))
    groups, told = _people(rng, n)
    bands = dict(SHARES[rng.integers(len(SHARES))])
    places = tuple(PLACES) if without == "one kind of place" else (str(rng.choice(list(PLACES))),)
    release = ReleaseSpec(bands=bands, recipients=tuple(_recipients(rng, places)))
    banded = band_scores(told, {str(k): v for k, v in release.bands.items()}, key=str(seed))
    names = rng.choice(NAMED, size=int(rng.integers(1, 3)), replace=False)
    policy = strictest(map(str, names))
    spec = the_study().spec.model_copy(update={"release": release})
    hand = Handover(
        study=replace(the_study(), spec=spec),
        seen=_seen(release),
        as_of=DAY,
        version={"name": "m", "version": 1, "aliases": [], "passed": True, "not_passed": ""},
        policy=replace(policy, **RULES[without]) if without else policy,
        banded=banded,
        reasons=_reasons(rng, banded),
        groups=groups,
        previous=None,
        certainty=(),
        standing=Preview(),
        identities={"run_id": f"{seed:012x}", "scores": "5c" * 32},
        opt_outs={},
        secret=b"s" * 32,
        fairness=_fairness(rng, policy),
    )
    return RandomRelease(seed, hand, policy, places)


def _seen(release: ReleaseSpec) -> dict[str, Seen]:
    return {each.to: Seen(("reasons", "coarse"), frozenset(), {}) for each in release.recipients}


def _people(rng: np.random.Generator, n: int) -> tuple[pa.Table, pa.Table]:
    pairs = {
        "unit_id": [f"P{value:016x}" for value in rng.integers(0, 2**60, n)],
        "as_of": pa.array([DAY] * n, pa.date32()),
    }
    levels = {name: _levels(rng, n, size) for name, size in SIZES.items()}
    small = rng.choice(PLACES["lsoa_code"], n, p=rng.dirichlet(np.ones(PLACES["lsoa_code"])))
    levels["lsoa_code"] = small
    levels["ward"] = small * PLACES["ward"] // PLACES["lsoa_code"]  # nested
    moved = rng.random(n) < 0.2
    levels["practice_id"] = np.where(moved, rng.integers(0, 8, n), small % 8)  # overlapping
    risk = rng.beta(1, 8, n) * (1 + levels["age_band"]) / 4
    risk = np.clip(risk + 0.05 * (levels["imd_quintile"] == 0), 0, 0.99)
    words = {name: [f"{name[:4]} {int(i)}" for i in each] for name, each in levels.items()}
    words["imd_quintile"] = [w if rng.random() > 0.02 else None for w in words["imd_quintile"]]
    scores = {"raw_score": risk, "risk": risk}
    return pa.table(pairs | words), pa.table(pairs | scores)


def _levels(rng: np.random.Generator, n: int, size: int) -> np.ndarray:
    size = int(rng.integers(2, size + 1))
    return rng.choice(size, n, p=rng.dirichlet(np.full(size, 0.7)))


def _recipients(rng: np.random.Generator, places: Sequence[str]) -> Iterator[Recipient]:
    every = [*SIZES, *places]
    for number in range(int(rng.integers(1, 4))):
        by = [str(each) for each in rng.choice(every, int(rng.integers(1, 4)), replace=False)]
        if len(places) > 1 and number < 2:
            by = [places[number], *(each for each in by if each not in PLACES)][:2]
        by = [*(each for each in by if each not in PLACES), *(e for e in by if e in PLACES)][:3]
        yield Recipient(to=f"counts_{number}", rows="aggregate", by=tuple(by), bands=_bands(rng))
    if rng.random() < 0.5:
        shown = [str(each) for each in rng.choice(every, 2, replace=False)]
        columns = ("release_id", "band", "risk_band", *shown, "reasons")
        yield Recipient(to="rows", rows="pseudonymised", columns=columns, bands=_bands(rng))
    if rng.random() < 0.3:
        yield Recipient(to="own", rows="own_patients", own="practice_id")


def _bands(rng: np.random.Generator) -> tuple[Any, ...]:
    return (("very_high", "high", "moderate"), ("very_high", "high"), ("high", "moderate"))[
        int(rng.choice(3, p=[0.7, 0.2, 0.1]))
    ]


def _reasons(rng: np.random.Generator, banded: pa.Table) -> pa.Table:
    chosen = [list(rng.choice(TOPICS, 3, replace=False)) for _ in range(banded.num_rows)]
    told = [[f"{int(rng.integers(1, 9))} {topic} in the last year" for topic in c] for c in chosen]
    return pa.table(
        {
            "unit_id": banded["unit_id"],
            "as_of": banded["as_of"],
            "reasons": pa.array(told, pa.list_(pa.string())),
            "coarse": pa.array(chosen, pa.list_(pa.string())),
        }
    )


def _fairness(rng: np.random.Generator, policy: Policy) -> Any:
    rows = []
    for share, (group, size) in [(s, g) for s in ("0.05", "0.2") for g in SIZES.items()]:
        for level in range(size):
            n = int(rng.integers(0, 900))
            value = float(rng.integers(0, n + 1) / n) if n else float("nan")
            rows.append(
                {"group": group, "level": f"{group[:4]} {level}", "metric": "sensitivity",
                 "at": share, "value": value, "low": value * 0.9, "high": min(1.0, value * 1.1),
                 "n": n, "people": n * 7, "positives": n, "verdict": "ok", "reference": ""}
            )  # fmt: skip
    return evidence.fairness_table(rows, policy)


# -- making and judging --------------------------------------------------------------------------


@dataclass(frozen=True)
class Judged:
    """What the audit and the scanner found of a release, and what was released."""

    out: Disclosed
    audit: tuple[Breach, ...]
    scan: tuple[Breach, ...]


def judge(made: RandomRelease, folder: Path, known: Before | None = None) -> Judged:
    """Make a release under its policy, write its files, and judge it under the whole policy."""
    known = known or Before()
    out = disclosed(made.hand, known)
    found = audited(out, known, made.policy)
    for handed in out.handed:
        write_folder(made.hand, out, handed, folder / handed.folder)
    return Judged(out, found, scanned(made.hand, out, folder, made.policy))


def left(releases: Sequence[tuple[RandomRelease, Disclosed]]) -> Before:
    """What the ledger would tell of some releases of one study."""
    study = the_study().name
    return before(
        [out.leaving.as_dict(study, made.hand.as_of) for made, out in releases], study, DAY
    )
