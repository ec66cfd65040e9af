"""The stages in order. The parent process: it decides what to reuse, and who works on the rest."""

from riskstrat.pipeline.check import Checked, check_study
from riskstrat.pipeline.decisions import decide
from riskstrat.pipeline.finished import (
    Comparison,
    compare_runs,
    export_model,
    make_demo_county,
    render_again,
)
from riskstrat.pipeline.options import Listener, Options, Silent
from riskstrat.pipeline.run import PartResult, RunResult, run_study, run_until
from riskstrat.pipeline.score import score_study

__all__ = [
    "Checked",
    "Comparison",
    "Listener",
    "Options",
    "PartResult",
    "RunResult",
    "Silent",
    "check_study",
    "compare_runs",
    "decide",
    "export_model",
    "make_demo_county",
    "render_again",
    "run_study",
    "run_until",
    "score_study",
]
