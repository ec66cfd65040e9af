"""What the model remembers, as tables and sentences that a report may show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from riskstrat.disk import read_json
from riskstrat.release.disclosure import protect_estimates
from riskstrat.release.policies import Policy
from riskstrat.vocabulary import PRIVACY_METRICS

FILE = "audit/privacy.json"
COLUMNS = ("metric", "value", "low", "high", "n", "positives", "verdict")
BY_LEVEL = ("group", "level", "metric", "value", "low", "high", "n", "positives")
FEW = 10


def privacy_tables(folder: Path, policy: Policy) -> dict[str, Any]:
    """What the report says of the model's memory, by the names of ``ReportData``.

    Args:
        folder: of the run; nothing is said where its audit did not look.
        policy: of the report.
    """
    if not (folder / FILE).exists():
        return {}
    told: Mapping[str, Any] = read_json(folder / FILE)
    rows = [
        {"metric": name, "verdict": "not_enough_evidence" if "too_few" in row else "ok", **row}
        for name, row in told["measured"].items()
        if name.endswith(("_auc", "_positives", "_fpr"))
    ]
    rows.sort(key=lambda row: PRIVACY_METRICS.index(row["metric"]))
    levels = [{"metric": PRIVACY_METRICS[0], **row} for row in told["levels"]]
    return {
        "privacy": protect_estimates(
            "Attacks on the model", COLUMNS, [[row.get(c) for c in COLUMNS] for row in rows],
            policy=policy, positives="positives",
        ),
        "privacy_by_group": protect_estimates(
            "How well people are told apart, by group (0.5 is a guess)", BY_LEVEL,
            [[row.get(c) for c in BY_LEVEL] for row in levels],
            policy=policy, positives="positives",
        ),
        "privacy_said": tuple(_said(told)),
    }  # fmt: skip


def _said(told: Mapping[str, Any]) -> Iterator[str]:
    """Sentences about the model's own text, and about how the twins were learnt."""
    if told["twins"]:
        share = told["share_learnt"]
        yield (
            f"{told['twins']} twins were learnt, each from {share:.0%} of the rows the model was "
            "learnt from; one with fewer rows remembers more, so the model itself gives away less."
        )
    found = told["structure"]
    if not found:
        yield "Nothing was learnt from people: the score was published by somebody else."
        return
    for name, what in (
        ("smallest_leaf_people", "Every leaf or coefficient of the model rests on"),
        ("rarest_reason_people", "Every reason that the model can give is true of"),
    ):
        if found[name] is not None:
            few = found[name] < FEW
            yield f"{what} {'fewer than 10' if few else f'at least {found[name]:,}'} people."
    if found["degrees_of_freedom"] is not None:
        yield f"{found['degrees_of_freedom']:,} degrees of freedom are left."
    if found["rare_levels"]:
        names = ", ".join(found["rare_levels"])
        yield f"Categories that fewer than 10 people hold: in {names}."
    if found["extremes"]:
        yield "The model's file holds the least and the largest value of each feature."
