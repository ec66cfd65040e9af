"""`riskstrat check`: every extract against its contract, one refusal never hiding another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from riskstrat.disk import read_json
from riskstrat.errors import RiskstratError
from riskstrat.linkage.spine import check_keys, check_overlaps
from riskstrat.stages.derive import check_one
from riskstrat.stages.engine import accepted_views, as_rows, engine
from riskstrat.stages.jobs import Job
from riskstrat.stages.lineage import in_checking_order
from riskstrat.store.worker import Progress
from riskstrat.vocabulary import Finding, Severity, Unit


def check_all(job: Job, granted: Sequence[Finding], *, progress: Progress) -> dict[str, Any]:
    """Check all sources of a study in a store that will be thrown away.

    Where a list of opt-outs is refused nobody knows whose rows may be read, and none is.

    Returns:
        sources and findings as plain rows, and the refusals in the order of checking.
    """
    study = job.study
    findings, faults, sources = as_rows(granted), [], []
    order = in_checking_order(study)
    unread: set[str] = set()
    for number, source in enumerate(order):
        progress(number / len(order), source.title)
        facts: dict[str, Any] = {"rows_in": None, "accepted": None, "rejected": None}
        if source.source in unread:
            sources.append({"source": source.source, "agency": source.agency, **facts})
            continue
        try:
            check_one(job, source)
        except RiskstratError as fault:
            faults.append(fault)
            findings += as_rows([_as_finding(fault, source.source)])
            if source.role:
                unread = {each.source for each in order if each.unit is Unit.PERSON}
        else:
            made = job.artefact(f"contracts/{source.source}")
            rows_in, accepted = made.facts["rows_in"], made.facts["rows_out"]
            facts = {"rows_in": rows_in, "accepted": accepted, "rejected": rows_in - accepted}
            findings += read_json(made / "findings.json")
        sources.append({"source": source.source, "agency": source.agency, **facts})
    if not faults:
        findings += _linkage_findings(job, faults)
    return {"sources": sources, "findings": findings, "faults": faults}


def _as_finding(fault: RiskstratError, where: str) -> Finding:
    return Finding(
        code=fault.code,
        name="refused",
        severity=Severity.ERROR,
        where=where,
        message=fault.message,
        fix=fault.fix,
    )


def _linkage_findings(job: Job, faults: list[RiskstratError]) -> list[dict[str, Any]]:
    try:
        with engine(job, "linkage") as con:
            accepted_views(con, job, job.study.records)
            check_overlaps(con, job.study.records)
            return as_rows(tuple(check_keys(con, job.study.records, job.study.population)))
    except RiskstratError as fault:
        faults.append(fault)
        return as_rows([_as_finding(fault, "linkage")])
