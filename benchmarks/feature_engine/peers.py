"""The engines that are measured side by side, and one measured run of any of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from environments import python_of
from postgres_server import Server, server
from watch import Measured, watch

HERE = Path(__file__).parent
LIMIT = 600
"""seconds after which a peer is said not to finish"""


@dataclass(frozen=True, slots=True)
class Engine:
    """A script that answers a workload.

    ``slow`` engines run once, on the first ``slow`` people of the first block only.
    """

    name: str
    script: str
    variant: str = ""
    env: str = ""
    """the peer's environment; riskstrat's own without"""
    slow: int = 0
    answers: bool = True
    remark: str = ""


LOWER = Engine(
    "lower bound: decode and group by person", "engine_lower.py", answers=False, remark="no cells"
)
KERNEL = Engine(
    "bare kernel, Parquet", "engine_kernel.py", remark="no contracts, coverage or resuming"
)
KERNEL_ONLY = Engine(
    "bare kernel, nothing written", "engine_kernel.py", "none", answers=False, remark="no file"
)
ENGINES = (
    LOWER,
    KERNEL_ONLY,
    KERNEL,
    Engine("DuckDB SQL, CASE and two-level distinct", "engine_duckdb.py", "best"),
    Engine("DuckDB SQL, FILTER, lookup of groups", "engine_duckdb.py", "filter"),
    Engine("DuckDB SQL, FILTER, IN lists, COUNT(DISTINCT)", "engine_duckdb.py", "naive"),
    Engine("Polars, streaming", "engine_polars.py", env="polars"),
    Engine("pandas", "engine_pandas.py", env="pandas"),
    Engine(
        "PostgreSQL, as triage's collate",
        "engine_postgres.py",
        remark="known_on added by us; output is CSV; loading apart",
    ),
    Engine(
        "temporian",
        "engine_temporian.py",
        env="temporian",
        slow=1000,
        remark="one time: rows chosen beforehand for each date",
    ),
    Engine(
        "featuretools",
        "engine_featuretools.py",
        env="featuretools",
        slow=500,
        remark="one time: rows chosen beforehand for each date",
    ),
)


class Bench:
    """Runs engines on one folder of events; holds the PostgreSQL server while it is open."""

    def __init__(self, workload: str, data: Path, work: Path, parts: int) -> None:
        self.workload, self.data, self.work, self.parts = workload, data, work, parts

    def out(self, engine: Engine) -> Path:
        """Where an engine's answers go."""
        return self.work / "out" / self.workload / f"{Path(engine.script).stem}{engine.variant}"

    def files(self, engine: Engine) -> list[Path]:
        """The files of an engine's answers."""
        parts = 1 if engine.slow else self.parts
        return [self.out(engine) / f"{part:03d}.parquet" for part in range(parts)]

    def run(self, engine: Engine) -> Measured | str:
        """One measured run, or why there is none."""
        try:
            python = python_of(engine.env, self.work) if engine.env else Path(sys.executable)
        except (subprocess.CalledProcessError, OSError) as error:
            return f"skipped: its environment could not be made ({type(error).__name__})"
        words = [str(python), str(HERE / engine.script), self.workload, str(self.data)]
        words += [str(self.out(engine)), "--parts", str(1 if engine.slow else self.parts)]
        words += ["--variant", engine.variant] if engine.variant else []
        words += ["--people", str(engine.slow)] if engine.slow else []
        with ExitStack() as stack:
            servers: list[Server] = []
            if engine.script == "engine_postgres.py":
                try:
                    servers = [stack.enter_context(server())]
                except (FileNotFoundError, subprocess.CalledProcessError, StopIteration) as error:
                    return f"skipped: {error}"
            env = {}
            for running in servers:
                env |= {"PGHOST": str(running.folder), "PGVERSION": running.version}
            return watch(words, servers=[s.pid for s in servers], limit=LIMIT, env=env)


def explain(measured: Measured) -> str:
    """Why a run has no figures."""
    if measured.code is None:
        return f"not finished in {LIMIT // 60} minutes"
    return f"failed: {measured.said.splitlines()[-1] if measured.said else measured.code}"


def cost(measured: Measured) -> tuple[float, float, float]:
    """Wall, CPU seconds and peak MB of the part that makes features (imports come before)."""
    wall, cpu, _ = measured.phases["features"]
    counted = [p for name, (_, _, p) in measured.phases.items() if not name.startswith("not")]
    return wall, cpu, max(counted)


def middle(costs: Sequence[tuple[float, float, float]]) -> tuple[float, float, float]:
    """The median of each figure."""
    walls, cpus, peaks = (sorted(column) for column in zip(*costs, strict=True))
    return walls[len(walls) // 2], cpus[len(cpus) // 2], peaks[-1]
