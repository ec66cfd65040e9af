"""Try every remedy on one group of a finished run, and tell what each gains and costs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from riskstrat.disk import write_bytes
from riskstrat.mitigation.compare import compare, described
from riskstrat.mitigation.gather import Tables, gather
from riskstrat.mitigation.remedies import CURRENT, REMEDIES
from riskstrat.mitigation.trial import FloatArray, Trial
from riskstrat.risk_model.model import EXISTING_SCORE

Progress = Callable[[float, str], None]
NOTES = (
    "Nothing here is used for a list: it shows what each remedy would gain and cost on the people "
    "tested, so that a board can choose. A remedy that is chosen is put into the study, run, "
    "audited and signed off like any other model.",
    "Cuts by group treat two people of the same risk differently because of their group. Whether "
    "that is lawful for what the list is used for is a question for a lawyer, not for this page.",
    "What is learnt anew is ranked only: its risks would have to be calibrated before use.",
)
NOT_LEARNT = "The score is a published one: what would have to be learnt anew is left out."


def mitigate(
    tables: Tables,
    group: str,
    at: float,
    *,
    replicates: int,
    scratch: Path,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Try the remedies.

    Args:
        tables: of the run.
        group, at: whose levels, at which capacity.
        replicates: resamples behind the intervals.
        scratch: scores of remedies that are finished are kept here: a killed run goes on.
        progress: told the share done and what is going on.

    Returns:
        group, at, price, people and outcomes tested, levels judged and too few, remedies (what
        they are), rows (see ``compare.compare``), dropped (features), notes.

    Raises:
        StudyError, TooThinError: as ``gather.gather``.
    """
    tell = progress or (lambda share, text: None)
    tell(0.0, f"{group}: rows and features")
    trial = gather(tables, group, at)
    learns = tables.model.kind != EXISTING_SCORE
    chosen = [name for name, remedy in REMEDIES.items() if learns or not remedy.learns]
    scores: dict[str, FloatArray] = {}
    for done, name in enumerate(chosen):
        tell(0.05 + 0.75 * done / len(chosen), f"{group}: {REMEDIES[name].title.lower()}")
        scores[name] = _scored(trial, name, scratch / f"{_plain(group)}-{at:g}-{name}.npy")
    tell(0.8, f"{group}: the same people under each")
    rows = compare(trial, scores, replicates=replicates)
    tell(1.0, f"{group}: {len(chosen) - 1} remedies beside the model as it is")
    return {
        "group": trial.group,
        "at": trial.at,
        "price": trial.price,
        "people": len(np.unique(trial.test.unit)),
        "rows": len(trial.test),
        "outcomes": int(trial.test.y.sum()),
        "learnt_from": len(trial.train) if learns else 0,
        "judged": list(trial.judged),
        "too_few": list(trial.too_few),
        "dropped": {
            "without_itself": [trial.features[i].name for i in trial.itself],
            "without_proxies": [trial.features[i].name for i in trial.proxies],
        },
        "remedies": described(chosen),
        "measures": rows,
        "notes": [*NOTES, *([] if learns else [NOT_LEARNT])],
    }


def _scored(trial: Trial, name: str, kept: Path) -> FloatArray:
    """A remedy's scores, from the last time where they are finished."""
    if name != CURRENT and kept.exists():
        found = np.load(kept, allow_pickle=False)
        if found.shape == (len(trial.test),):
            return np.asarray(found, dtype=np.float64)
    score = REMEDIES[name].score(trial)
    write_bytes(kept, _bytes(score))
    return score


def _bytes(score: FloatArray) -> bytes:
    from io import BytesIO

    out = BytesIO()
    np.save(out, score, allow_pickle=False)
    return out.getvalue()


def _plain(text: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in text)
