"""The glass-box rival of a finished run: fitted off the main path, and put into its report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from riskstrat.pipeline.beside import put_beside
from riskstrat.pipeline.options import Listener, Options
from riskstrat.stages.lineage import GLASSBOX
from riskstrat.study import Study


@dataclass(frozen=True, slots=True)
class Compared:
    """What a glass box would cost, and the run whose report says so."""

    folder: Path
    winner: str
    price: Mapping[str, Any]
    """the difference in average precision: the glass box's less the winner's"""

    def as_dict(self) -> dict[str, Any]:
        """For a program to read."""
        return {"folder": str(self.folder), "winner": self.winner, "price": dict(self.price)}


def compare_with_glass_box(
    study: Study,
    options: Options,
    listener: Listener | None = None,
    *,
    run: Path | None = None,
) -> Compared:
    """Fit the rival on a run's rows, judge both on the same people, and write its report anew.

    Args:
        run: the run, where it must be that one; by default the one that the study, the extracts
            and this version give.

    Raises:
        UsageError: RS3612, the run named was made from something else; RS3613, there is none.
        RiskstratError: as for a run.
    """
    made = put_beside(study, options, listener, run, GLASSBOX, _say)
    return Compared(made.folder, made.facts["winner"], made.facts["price"])


def _say(facts: Mapping[str, Any]) -> str:
    price = facts["price"]
    return (
        f"learnt from {facts['rows_in']:,} rows; average precision {price['value']:+.4f} "
        f"({price['low']:+.4f} to {price['high']:+.4f}) against {facts['winner']}"
    )
