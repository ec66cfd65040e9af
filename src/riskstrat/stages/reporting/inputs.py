"""Plain facts of a run that its report tells and no other file of its folder holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from riskstrat.contracts.agreements.flow import data_flow
from riskstrat.disk import read_json
from riskstrat.stages.jobs import Job
from riskstrat.stages.register import policy_of
from riskstrat.study.origins import StudyOrigins


def inputs_of(
    job: Job, run: Mapping[str, Any], stages: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Plain facts of the run that are not in another file of its folder."""
    study = job.study
    basis = study.legal_basis()
    asked = StudyOrigins.of(study).asked()
    findings = [*read_json(job.folder("linkage") / "findings.json")]
    sources = []
    for source in study.sources:
        checked = job.artefact(f"contracts/{source.source}")
        found = read_json(checked / "findings.json")
        findings += found
        spans = [f"{span.start} to {span.end}" for span in source.coverage]
        sources.append(
            {
                "source": source.source,
                "agency": source.agency,
                "title": source.title,
                "rows_in": checked.facts["rows_in"],
                "accepted": checked.facts["rows_out"],
                "rejected": checked.facts["rows_in"] - checked.facts["rows_out"],
                "covers": ", ".join(spans) if len(spans) < 3 else f"{len(spans)} stretches",
                "findings": len(found),
            }
        )
    return {
        "sources": sources,
        "findings": findings,
        "agreements": [
            {
                "agreement": row.reference,
                "sources": row.title,
                "columns": len(row.columns),
                "uk_gdpr": "; ".join(row.uk_gdpr),
                "statutory_gateway": row.statutory_gateway,
                "common_law": row.common_law,
                "ends": row.ends.isoformat(),
            }
            for row in basis
            if row.studied
        ],
        "sharing": [
            {
                "source": row.source,
                "purpose": row.purpose,
                "opt_outs": list(row.opt_outs),
                "recipients": dict(row.recipients),
            }
            for row in basis
            if row.granted
        ],
        "data_flow": [asdict(arrow) for arrow in data_flow(asked, study.catalogue.agreements)],
        "policy": policy_of(study).name,
        "run": {key: value for key, value in run.items() if key != "verdict"},
        "stages": [dict(stage) for stage in stages],
    }
