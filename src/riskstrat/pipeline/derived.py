"""From extracts to features: the way that training, scoring, watching and explaining all go."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from riskstrat.contracts.optouts import few
from riskstrat.pipeline.work import Work
from riskstrat.store.artefacts import Artefact

UNITS = ("contracts", "linkage", "prepared")
FEATURES = ("cohort", "features")


def derive_units(work: Work) -> None:
    """Extracts checked, people in their households and areas, units cut into buckets.

    Raises:
        RiskstratError: of the stage; what was finished before it is kept.
    """
    for stage in UNITS:
        derive_stage(work, stage)


def derive_features(work: Work) -> None:
    """The cohort of a study or a day, and its features, from units that are there.

    Raises:
        RiskstratError: of the stage; what was finished before it is kept.
    """
    for stage in FEATURES:
        derive_stage(work, stage)


def derive_stage(work: Work, stage: str) -> None:
    """One of these stages, reused or made."""
    if stage == "contracts":
        _check_extracts(work)
    else:
        work.stage(stage, _SENTENCES[stage])


def _check_extracts(work: Work) -> None:
    """Check every extract that has not been checked before, births and deaths first."""
    stage = "contracts"
    work.listener.starts(work.prefix + stage)

    def finished() -> dict[str, Artefact]:
        known = {
            source.source: work.store.artefact(stage, work.lineage[f"{stage}/{source.source}"])
            for source in work.study.sources
        }
        return {name: artefact for name, artefact in known.items() if artefact}

    found = finished()
    if missing := [s.source for s in work.study.sources if s.source not in found]:
        work.child("derive.contracts_stage", missing)
        found = finished()
    facts = [artefact.facts for artefact in found.values()]
    rows_in = sum(each["rows_in"] for each in facts)
    rows_out = sum(each["rows_out"] for each in facts)
    total = {
        "rows_in": rows_in,
        "rows_out": rows_out,
        "seconds": round(sum(each["seconds"] for each in facts), 3),
        "cpu_seconds": round(sum(each["cpu_seconds"] for each in facts), 3),
        "peak_mb": max(each["peak_mb"] for each in facts),
    }
    summary = f"{len(found)} sources, {rows_out:,} rows accepted, {rows_in - rows_out:,} rejected"
    if work.study.opt_outs:
        total["withheld"] = sum(each["withheld"] for each in facts)
        summary += f"; {few(total['withheld'])} of people who opted out not read"
    work.record(stage, total, summary, reused=not missing)


def _say_linkage(facts: Mapping[str, Any]) -> str:
    """What linkage did, in one sentence."""
    return f"{facts['rows_out']:,} spells in households and areas"


def _say_prepared(facts: Mapping[str, Any]) -> str:
    """How the units were cut, in one sentence."""
    cuts = "one bucket" if facts["buckets"] == 1 else f"{facts['buckets']:,} buckets"
    return f"{facts['rows_out']:,} units with {facts['rows_in']:,} rows in {cuts}"


def _say_cohort(facts: Mapping[str, Any]) -> str:
    """What the cohort is, in one sentence."""
    if "outcomes" not in facts:
        return f"{facts['rows_out']:,} units in scope"
    return (
        f"{facts['rows_out']:,} units and dates, outcome known for {facts['known']:,}: "
        f"{facts['outcomes']:,} yes"
    )


def _say_features(facts: Mapping[str, Any]) -> str:
    return (
        f"{facts['features']} features of {facts['rows_out']:,} units and dates "
        f"from {facts['sources']} sources"
    )


_SENTENCES: Mapping[str, Callable[[Mapping[str, Any]], str]] = MappingProxyType(
    {
        "linkage": _say_linkage,
        "prepared": _say_prepared,
        "cohort": _say_cohort,
        "features": _say_features,
    }
)
"""what each stage did, in one sentence"""
