"""A study that is trained and audited, held against what linkage error could hide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from riskstrat.errors import AgreementError, ContractError, LinkageError, StudyError, TooThinError
from riskstrat.pipeline.derived import derive_features, derive_units
from riskstrat.pipeline.work import Work
from riskstrat.stages.lineage import LINKAGE_ERROR, Lineage, trace
from riskstrat.store.artefacts import Artefact

REFUSALS = (ContractError, LinkageError, TooThinError, StudyError, AgreementError)
"""what too few rows may run into; anything else is a fault of the run itself"""


def hold_links(work: Work) -> Artefact | None:
    """What linkage error could hide; None where the extracts came linked already.

    The cohort, its outcomes and features are derived once more from rows whose link is sure, and
    the model that was tested is scored on them. Nothing is trained again.

    Raises:
        RiskstratError: of a stage, but for what too few sure rows run into: that is a result.
    """
    if LINKAGE_ERROR not in work.lineage:
        return None
    sure = trace(work.study, work.store, work.options.data, sure=True)
    refused = ""
    if sure.sure and work.store.artefact(LINKAGE_ERROR, work.lineage[LINKAGE_ERROR]) is None:
        refused = derive_sure(work, sure)
    return work.stage(LINKAGE_ERROR, _say, sure, refused)


def derive_sure(work: Work, sure: Lineage) -> str:
    """Derive cohort and features from sure links; the code of what refused it, or ''."""
    again = Work(work.study, work.options, sure, work.listener, stages=work.stages, prefix="sure ")
    try:
        derive_units(again)
        derive_features(again)
    except REFUSALS as fault:
        return fault.code
    return ""


def _say(facts: Mapping[str, Any]) -> str:
    known = {"truth": "measured", "estimated": "estimated"}.get(facts["basis"], "not known")
    left = facts["left_out"]
    again = f"{left:,} rows are not surely linked" if left else "every link is sure"
    if facts["refused"]:
        again += f", and without them there is no result [{facts['refused']}]"
    return f"quality of the outcome's links {known}; {again}; {facts['findings']} findings"
