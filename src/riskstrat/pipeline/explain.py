"""A study that is trained and audited: how far its explanations can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from riskstrat.pipeline.work import Work
from riskstrat.stages.lineage import EXPLANATIONS
from riskstrat.store.artefacts import Artefact


def explain_more(work: Work) -> Artefact:
    """Contributions held against scores, refits on other people, and effects by value."""
    return work.stage(EXPLANATIONS, _say)


def _say(facts: Mapping[str, Any]) -> str:
    refits = f"; {facts['refits']} refits" if facts["refits"] else ""
    return f"contributions of {facts['rows_out']:,} rows add up (gap {facts['gap']:.0e}){refits}"
