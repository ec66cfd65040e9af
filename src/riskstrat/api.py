"""The public Python surface: run a study, look at a run, compare runs, sign off and score.

    import riskstrat

    study = riskstrat.load_study("configs/studies/emergency_admission.yaml")
    run = riskstrat.run(study, data="data/demo")
    run.metrics()          # a table: split, learner, metric, value, low, high, n
    riskstrat.compare(run, riskstrat.load_run("3f2a91c04b7d"))

Tables come as pandas frames. Nothing here is needed for the main job; `riskstrat run` does
the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskstrat.disk import read_json
from riskstrat.pipeline import Options, compare_runs, run_study, score_study
from riskstrat.signing import approve, reject, review, signoffs, submit, withdraw
from riskstrat.store.artefacts import Store
from riskstrat.store.runs import RunFolder, all_runs, find_run
from riskstrat.study import Study
from riskstrat.study import load_study as _load_study

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Run",
    "approve",
    "compare",
    "load_run",
    "load_study",
    "reject",
    "review",
    "run",
    "runs",
    "score",
    "signoffs",
    "submit",
    "withdraw",
]


@dataclass(frozen=True, slots=True)
class Run:
    """One answer to a study, read from its folder.

    Attributes:
        folder: where its files are; `report.html` is the one to open.
    """

    folder: Path

    @property
    def facts(self) -> dict[str, Any]:
        """`run.json`: digests, versions, stages with seconds and memory, verdict, model."""
        return dict(RunFolder(self.folder).facts)

    @property
    def passed(self) -> bool:
        """Whether every gate passed, of at least one."""
        return bool(self.facts["verdict"]["passed"])

    @property
    def winner(self) -> str:
        """The learner that was chosen on validation and registered."""
        return str(read_json(self.folder / "training.json")["winner"])

    def metrics(self) -> pd.DataFrame:
        """One row for each split, learner and metric, with its 95% interval and n."""
        import pandas as pd

        rows = []
        for split, learners in RunFolder(self.folder).metrics.items():
            for learner, metrics in learners.items():
                rows += [
                    {"split": split, "learner": learner, "metric": name}
                    | {key: estimate[key] for key in ("value", "low", "high", "n")}
                    for name, estimate in metrics.items()
                    if isinstance(estimate, dict) and "value" in estimate
                ]
        return pd.DataFrame(rows)

    def at_capacity(self, split: str = "test") -> pd.DataFrame:
        """What each capacity share finds: PPV, sensitivity, lift, with intervals."""
        import pandas as pd

        rows = []
        for learner, metrics in RunFolder(self.folder).metrics[split].items():
            for cut in metrics.get("at_capacity", []):
                row = {"learner": learner, "share": cut["share"], "selected": cut["selected"]}
                for name, estimate in cut.items():
                    if isinstance(estimate, dict):
                        row[name] = estimate["value"]
                        row[f"{name}_low"] = estimate["low"]
                        row[f"{name}_high"] = estimate["high"]
                rows.append(row)
        return pd.DataFrame(rows)

    def predictions(self) -> pd.DataFrame:
        """unit_id, as_of, split, learner, outcome, risk, raw_score. Pseudonymised rows."""
        return self._parquet("predictions.parquet")

    def features(self) -> pd.DataFrame:
        """unit_id, as_of and one column per feature. Pseudonymised rows."""
        return self._parquet("features.parquet")

    def feature_dictionary(self) -> pd.DataFrame:
        """Every feature's name, plain-English meaning, source, window and share missing."""
        import pandas as pd

        return pd.DataFrame(read_json(self.folder / "features.json"))

    def fairness(self) -> pd.DataFrame:
        """group, level, metric, at, value, low, high, n and whether there is enough evidence."""
        return self._parquet("audit/fairness.parquet")

    def importance(self) -> pd.DataFrame:
        """Each feature's mean absolute contribution to the winner's score."""
        return self._parquet("audit/importance.parquet")

    def gates(self) -> pd.DataFrame:
        """Each gate with its value, interval, limit and verdict."""
        import pandas as pd

        return pd.DataFrame(self.facts["verdict"]["gates"])

    def _parquet(self, name: str) -> pd.DataFrame:
        import pyarrow.parquet as pq

        return pq.read_table(self.folder / name).to_pandas()

    def _repr_html_(self) -> str:
        facts = self.facts
        gates = self.facts["verdict"]["gates"]
        verdict = "passed" if self.passed else "did not pass" if gates else "were not set"
        return (
            f"<p><b>{facts['study']}</b> run {facts['run_id']}: gates {verdict}; "
            f"<code>{self.folder / 'report.html'}</code></p>"
        )


def load_study(path: str | Path, overrides: Sequence[str] = ()) -> Study:
    """Read and check a study file. ``overrides`` are like `--set` on the command line.

    Raises:
        StudyError: with every fault's line, key, and nearest valid spelling.
    """
    return _load_study(Path(path), overrides)


def run(
    study: Study | str | Path,
    *,
    data: str | Path = "data/demo",
    store: str | Path = "store",
    memory: str = "4GB",
    threads: int = 0,
    today: date | None = None,
) -> Run:
    """Run a study; finished stages are reused. Raises what the command would say."""
    loaded = study if isinstance(study, Study) else load_study(study)
    options = _options(data, store, memory, threads, today)
    return Run(run_study(loaded, options).folder)


def load_run(reference: str | Path, *, store: str | Path = "store") -> Run:
    """A finished run by its folder, `<study>/<run_id>`, or the beginning of its id."""
    return Run(find_run(Path(reference), Store(Path(store))).folder)


def runs(study: str | None = None, *, store: str | Path = "store") -> list[Run]:
    """Every finished run of a study (or of all), oldest first."""
    return [Run(found.folder) for found in all_runs(Store(Path(store)), study)]


def compare(*compared: Run, split: str = "test") -> pd.DataFrame:
    """Runs side by side: one row per learner and metric, one column per run."""
    import pandas as pd

    found = compare_runs([each.folder for each in compared], Path("store"), split=split)
    _title, columns, rows = found.tables()[0]
    return pd.DataFrame(rows, columns=list(columns))


def score(
    study: Study | str | Path,
    *,
    as_of: date | None = None,
    version: int | None = None,
    research: bool = False,
    data: str | Path = "data/demo",
    store: str | Path = "store",
    memory: str = "4GB",
    threads: int = 0,
    today: date | None = None,
) -> Path:
    """Score a day with the approved model and write the releases; returns their folder.

    Args:
        research: score without an approval; every row is marked and nothing may be handed over.

    Raises:
        SignoffRefused: RS3301 to RS3307, no approval of the version holds.
    """
    loaded = study if isinstance(study, Study) else load_study(study)
    options = _options(data, store, memory, threads, today)
    return score_study(loaded, options, as_of=as_of, version=version, research=research)


def _options(
    data: str | Path, store: str | Path, memory: str, threads: int, today: date | None
) -> Options:
    day = today or date.today()
    return Options.make(
        data=Path(data), store=Path(store), memory=memory, threads=threads, today=day
    )
