"""The stages in order. The parent process: it decides what to reuse, and who works on the rest."""

from riskstrat.pipeline.check import Checked, check_study
from riskstrat.pipeline.contributions import explain_everyone
from riskstrat.pipeline.finished import (
    Comparison,
    MadePack,
    compare_runs,
    export_model,
    make_demo_county,
    make_pack,
    render_again,
)
from riskstrat.pipeline.glassbox import compare_with_glass_box
from riskstrat.pipeline.mitigate import Mitigated, try_remedies
from riskstrat.pipeline.monitor import Monitored, monitor_study, suspend_version
from riskstrat.pipeline.options import Listener, Options, Silent
from riskstrat.pipeline.run import PartResult, RunResult, run_study, run_until
from riskstrat.pipeline.score import score_study
from riskstrat.pipeline.stress import Stressed, stress_study

__all__ = [
    "Checked",
    "Comparison",
    "Listener",
    "MadePack",
    "Mitigated",
    "Monitored",
    "Options",
    "PartResult",
    "RunResult",
    "Silent",
    "Stressed",
    "check_study",
    "compare_runs",
    "compare_with_glass_box",
    "explain_everyone",
    "export_model",
    "make_demo_county",
    "make_pack",
    "monitor_study",
    "render_again",
    "run_study",
    "run_until",
    "score_study",
    "stress_study",
    "suspend_version",
    "try_remedies",
]
