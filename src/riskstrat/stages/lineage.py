"""What each stage of a study derives from: the digests that decide what is reused.

A stage's digest covers its own spec, the digests of its parents, the seed where it draws, the
versions of the libraries that compute it, and the source text of its code. The machine, the
number of threads, the memory and today's date are not part of it: they may not change a byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path

from riskstrat.contracts.files import extract_files, is_one_file
from riskstrat.contracts.spec import Source
from riskstrat.derivation import code_version, digest
from riskstrat.stages.links import SURE, read_linkage, unsure_sources
from riskstrat.store.artefacts import Store
from riskstrat.study import Study
from riskstrat.study.origins import StudyOrigins
from riskstrat.vocabulary import Unit

FOUNDATION = (
    "asof.py",
    "attributes.py",
    "expressions",
    "stages/derive.py",
    "stages/engine.py",
    "vocabulary.py",
)
BY_BUCKET = ("stages/prepared.py", "stages/spread.py", *FOUNDATION)
LINKS = ("stages/linkage_error.py", "stages/links.py", "stages/score.py", "vocabulary.py")
LINKAGE_ERROR = "linkage_error"
EXPLANATIONS, GLASSBOX, CONTRIBUTIONS = "explanations", "glassbox", "contributions"
MITIGATION = "mitigation"
TAUGHT = ("training", "audit", "statistics", "risk_model", "stages/learn.py", "vocabulary.py")
ENGINE = ("duckdb", "pyarrow")
KERNEL = (*ENGINE, "numba", "numpy")
LEARNING = ("lightgbm", "numpy", "optuna", "scikit-learn", "scipy")

CODE: Mapping[str, tuple[str, ...]] = {
    "contracts": ("contracts", "spark", "stages/pieces.py", *FOUNDATION),
    "linkage": ("linkage", *FOUNDATION),
    "prepared": ("buckets", *BY_BUCKET),
    "cohort": ("cohort", "buckets", "stages/cohort.py", *BY_BUCKET),
    "features": ("features", "buckets", "stages/features.py", *BY_BUCKET),
    "training": ("training", "statistics", "risk_model", "stages/learn.py", "vocabulary.py"),
    "audit": ("privacy", *TAUGHT),
    LINKAGE_ERROR: ("audit", "statistics", "risk_model", *LINKS),
    EXPLANATIONS: ("stages/explain.py", *TAUGHT),
    GLASSBOX: ("glassbox", "stages/explain.py", "stages/glassbox.py", *TAUGHT),
    MITIGATION: ("mitigation", "stages/mitigate.py", *TAUGHT),
    CONTRIBUTIONS: ("audit", "risk_model", "stages/contributions.py", "vocabulary.py"),
    "scores": ("audit", "release", "risk_model", "stages/score.py", "vocabulary.py"),
    "run": ("release", "publish", "stages"),
}


@dataclass(frozen=True, slots=True)
class Lineage:
    """The identity of everything a study derives; ``contracts/<source>`` names one source."""

    digests: Mapping[str, str]
    fingerprints: Mapping[str, str]
    """source -> SHA-256 of its extract, one file or several"""
    sure: tuple[str, ...] = ()
    """sources of which only rows whose link is sure are read"""

    def __getitem__(self, stage: str) -> str:
        return self.digests[stage]

    def __contains__(self, stage: str) -> bool:
        return stage in self.digests

    @property
    def data(self) -> str:
        """One fingerprint for all extracts together."""
        return digest(dict(self.fingerprints))


def stage_digest(stage: str, *parts: object, libraries: tuple[str, ...] = ENGINE) -> str:
    """Digest of a stage: its inputs, the versions that compute it, and its code."""
    versions = {name: version(name) for name in libraries}
    return digest(stage, parts, versions, code_version(CODE[stage]))


def extract_fingerprint(source: Source, store: Store, data: Path) -> str:
    """What identifies a source's extract: of several files, their names and bytes together.

    A file that is added, taken away or renamed makes another extract.
    """
    files = extract_files(source, data)
    if not files:
        return "missing"
    if is_one_file(source, files):
        return store.fingerprints([data / source.file])[0]
    found = store.fingerprints(data / name for name in files)
    return digest(list(zip(files, found, strict=True)))


def trace(
    study: Study,
    store: Store,
    data: Path,
    *,
    score_on: date | None = None,
    model: str = "",
    sure: bool = False,
) -> Lineage:
    """Work out every digest of a study, without running anything.

    Args:
        score_on: trace the cohort and features of that one day, without outcomes.
        model: digest of the model that scores the day.
        sure: read only rows whose link is sure, as far as the cohort and features.
    """
    linkage = read_linkage(data)
    left_out = unsure_sources(study.sources, linkage) if sure and linkage else ()
    fingerprints = {
        source.source: extract_fingerprint(source, store, data) for source in study.sources
    }
    digests = _contract_digests(study, fingerprints, left_out)
    spec = study.spec
    accepted = {name: digests[f"contracts/{name}"] for name in fingerprints}
    relating = {s.source: accepted[s.source] for s in study.sources if s.relates}
    digests["linkage"] = stage_digest(
        "linkage", relating, study.population.source, accepted[study.population.source]
    )
    members = sorted(
        (block.source, block.through) for block in spec.features.blocks if block.through
    )
    digests["prepared"] = stage_digest("prepared", accepted, digests["linkage"], spec.unit, members)
    codelists = {name: dict(each.groups) for name, each in study.catalogue.codelists.items()}
    spine = (accepted, digests["linkage"], codelists, spec.unit)
    day = score_on.isoformat() if score_on else None
    asked = None if score_on else spec.outcome
    digests["cohort"] = stage_digest("cohort", spine, spec.cohort, asked, day)
    asked_of = (digests["cohort"], spine, spec.features, spec.outcome, sorted(study.attributes))
    digests["features"] = stage_digest("features", *asked_of, libraries=KERNEL)
    if score_on:
        hidden = StudyOrigins.of(study).hidden_features()
        banded = (model, spec.release.bands, spec.audit.reasons, spec.study, spec.seed, hidden)
        parents = (digests["cohort"], digests["features"])
        digests["scores"] = stage_digest("scores", parents, banded, libraries=ENGINE + LEARNING)
        explaining = (*ENGINE, "lightgbm", "numba", "numpy")
        digests[CONTRIBUTIONS] = stage_digest(CONTRIBUTIONS, parents, model, libraries=explaining)
        return Lineage(digests, fingerprints)
    if sure:
        return Lineage(digests, fingerprints, left_out)
    learnt = (digests["cohort"], digests["features"], spec.training, spec.seed)
    digests["training"] = stage_digest(
        "training", learnt, spec.audit.capacity, libraries=ENGINE + LEARNING
    )
    audited = (digests["training"], spec.audit, spec.seed)
    digests["audit"] = stage_digest("audit", audited, libraries=(*ENGINE, *LEARNING, "fairlearn"))
    digests |= _explained(study, digests["training"])
    digests[MITIGATION] = stage_digest(
        MITIGATION, (digests["audit"], spec.seed), libraries=(*ENGINE, *LEARNING, "fairlearn")
    )
    if linkage is not None:
        again = trace(study, store, data, sure=True)
        held = (digests["audit"], again["cohort"], again["features"], linkage)
        digests[LINKAGE_ERROR] = stage_digest(LINKAGE_ERROR, held, libraries=ENGINE + LEARNING)
    return Lineage(digests, fingerprints)


def _explained(study: Study, training: str) -> dict[str, str]:
    """What is said of a trained model beside its audit."""
    spec, libraries = study.spec, (*LEARNING, *KERNEL)
    refitted, compared = (training, spec.audit.refits), (training, spec.audit.capacity)
    more = (*libraries, "interpret-core")
    return {
        EXPLANATIONS: stage_digest(EXPLANATIONS, refitted, spec.seed, libraries=libraries),
        GLASSBOX: stage_digest(GLASSBOX, compared, spec.seed, libraries=more),
    }


def _contract_digests(
    study: Study, fingerprints: Mapping[str, str], sure: tuple[str, ...]
) -> dict[str, str]:
    """Opt-outs, births and deaths first: every other source is checked against them."""
    digests: dict[str, str] = {}
    codelists = {name: dict(each.labels) for name, each in study.catalogue.codelists.items()}
    first: list[str] = []
    for source in in_checking_order(study):
        name = f"contracts/{source.source}"
        # What binds is part of what was made: another purpose may leave out other people.
        of_people = (first, study.bound_by) if source.unit is Unit.PERSON else ()
        bands = (SURE,) if source.source in sure else ()
        digests[name] = stage_digest(
            "contracts", source, fingerprints[source.source], codelists, of_people, *bands
        )
        if source.role or source.born_on or source.status == "death":
            first = [*first, digests[name]]
    return digests


def in_checking_order(study: Study) -> tuple[Source, ...]:
    """Sources in the order they must be checked: opt-outs, births, deaths, the rest by name."""

    def rank(source: Source) -> tuple[int, str]:
        if source.role:
            return 0, source.source
        vital = 1 if source.born_on else 2 if source.status == "death" else 3
        return vital, source.source

    return tuple(sorted(study.sources, key=rank))
