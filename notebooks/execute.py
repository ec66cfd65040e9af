"""Execute the notebooks on the newest runs: `python notebooks/execute.py --data --store`.

Each `*.py` in the percent format becomes an executed notebook in `notebooks/_executed/`. A study
that has not been run yet is run first. Ends with 1 when a cell fails.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import jupytext
import nbformat
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

import riskstrat
from riskstrat.errors import RiskstratError

HERE = Path(__file__).resolve().parent
NEEDED = ("emergency_admission", "school_readiness")


class OwnPython(AsyncKernelManager):
    """A kernel on this very interpreter, whatever kernels are installed elsewhere."""

    def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", self.connection_file]
        return command + list(extra_arguments or [])


def run_what_is_missing(data: Path, store: Path) -> None:
    for name in NEEDED:
        if riskstrat.runs(name, store=store):
            continue
        print(f"{name}: no finished run in {store}; running it first", flush=True)
        riskstrat.run(HERE.parent / "configs" / "studies" / f"{name}.yaml", data=data, store=store)


def execute(source: Path, folder: Path, aside: Path) -> str:
    """Run one notebook; returns an error message, empty when all went well."""
    notebook = jupytext.read(source)
    # Through a socket file: other users of the machine cannot listen.
    manager = OwnPython(kernel_name="python3", transport="ipc", ip=str(aside / source.stem))
    client = NotebookClient(
        notebook, km=manager, timeout=600, resources={"metadata": {"path": str(HERE)}}
    )
    failure = ""
    try:
        client.execute()
    except CellExecutionError as fault:
        failure = str(fault)
    finally:
        run_sync(manager.shutdown_kernel)(now=True)
    nbformat.write(notebook, folder / f"{source.stem}.ipynb")
    return failure


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data/demo"))
    parser.add_argument("--store", type=Path, default=Path("store"))
    parser.add_argument("names", nargs="*", help="notebooks to run; all without any")
    options = parser.parse_args()
    try:
        run_what_is_missing(options.data, options.store)
    except RiskstratError as fault:
        print(f"error {fault.code}: {fault}", file=sys.stderr)
        return fault.exit_code
    folder = HERE / "_executed"
    folder.mkdir(exist_ok=True)
    os.environ["RISKSTRAT_DATA"] = str(options.data.resolve())
    os.environ["RISKSTRAT_STORE"] = str(options.store.resolve())
    failed = 0
    with TemporaryDirectory() as aside:
        # Settings and history of whoever runs this stay out of it.
        os.environ |= {"IPYTHONDIR": aside, "JUPYTER_RUNTIME_DIR": aside, "MPLCONFIGDIR": aside}
        for source in sorted(HERE.glob("*.py")):
            if source.samefile(__file__) or (options.names and source.stem not in options.names):
                continue
            started = time.monotonic()
            failure = execute(source, folder, Path(aside))
            said = "failed" if failure else "executed"
            print(f"{source.stem}: {said} in {time.monotonic() - started:.0f} s", flush=True)
            if failure:
                print(failure, file=sys.stderr)
                failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
