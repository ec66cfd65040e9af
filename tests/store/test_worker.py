"""Work in a child: its value, its fault, or how it ended comes back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import duckdb
import pytest

from riskstrat.errors import ContractError, OutOfMemoryError, RiskstratError, StorageError
from riskstrat.store.worker import StageFault, run_in_child, translate

SECRET = "ZZ-SECRET-9931"


def add(one: int, other: int, *, progress: Any) -> int:
    progress(0.5, "half way")
    progress(1.0, "there")
    return one + other


def refuse(*, progress: Any) -> None:
    raise ContractError("ed: lacks a column", fix="ask for it", code="RS1003")


def trip(*, progress: Any) -> None:
    raise KeyError(SECRET)


def run_out_of_memory(*, progress: Any) -> None:
    raise MemoryError


def end_by(number: int, *, progress: Any) -> None:
    os.kill(os.getpid(), number)
    time.sleep(60)


def exit_early(*, progress: Any) -> None:
    os._exit(3)


def talk(*, progress: Any) -> None:
    warnings.warn(SECRET, stacklevel=1)
    print(SECRET)
    print(SECRET, file=sys.stderr)
    os.write(2, SECRET.encode())


def test_a_plain_script_may_ask_for_work_and_is_not_run_again_in_the_child(tmp_path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from riskstrat.store.worker import run_in_child\n"
        "print('once')\n"
        "print(run_in_child('done'.format, memory='1GB').value)\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("once\ndone\n", "")


def test_a_childs_value_and_progress_come_back() -> None:
    heard: list[tuple[float, str]] = []
    done = run_in_child(add, 2, 3, memory="1GB", progress=lambda *said: heard.append(said))
    assert done.value == 5
    assert heard[-1] == (1.0, "there")
    assert done.peak_mb > 0


def test_a_childs_own_error_comes_back_as_it_was() -> None:
    with pytest.raises(ContractError) as caught:
        run_in_child(refuse, memory="1GB")
    fault = caught.value
    assert (fault.message, fault.fix, fault.code) == ("ed: lacks a column", "ask for it", "RS1003")


def test_a_bug_shows_our_lines_and_never_a_value() -> None:
    with pytest.raises(StageFault) as caught:
        run_in_child(trip, memory="1GB")
    assert caught.value.exit_code == 70
    assert "KeyError" in caught.value.message
    assert "in trip" in caught.value.trace
    assert SECRET not in caught.value.message + caught.value.trace.replace("raise KeyError", "")


def test_a_child_short_of_memory_says_so() -> None:
    with pytest.raises(OutOfMemoryError) as caught:
        run_in_child(run_out_of_memory, memory="1GB")
    assert "--memory" in caught.value.fix


def test_a_child_killed_by_the_system_is_taken_to_lack_memory() -> None:
    with pytest.raises(OutOfMemoryError, match="1GB"):
        run_in_child(end_by, signal.SIGKILL, memory="1GB")


def test_a_child_that_aborts_or_leaves_is_an_internal_error() -> None:
    for work, number in ((end_by, signal.SIGABRT), (exit_early, None)):
        with pytest.raises(StageFault, match="ended unexpectedly"):
            run_in_child(work, *([number] if number else []), memory="1GB")


def test_nobody_hears_what_a_library_says(capfd: pytest.CaptureFixture[str]) -> None:
    run_in_child(talk, memory="1GB")
    heard = capfd.readouterr()
    assert heard.out + heard.err == ""


@pytest.mark.parametrize(
    ("fault", "family"),
    [
        (OSError(28, "No space left on device", "x"), StorageError),
        (PermissionError(13, "Permission denied", "x"), StorageError),
        (duckdb.OutOfMemoryException(SECRET), OutOfMemoryError),
        (duckdb.IOException(f'Could not write file "{SECRET}": No space left'), StorageError),
        (ValueError(SECRET), StageFault),
    ],
    ids=lambda each: getattr(each, "__name__", type(each).__name__),
)
def test_a_librarys_exception_is_restated_without_its_text(
    fault: Exception, family: type[RiskstratError]
) -> None:
    said = translate(fault)
    assert isinstance(said, family)
    assert SECRET not in str(said) + getattr(said, "trace", "")
    assert said.fix


def test_a_run_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    from riskstrat.errors import UsageError
    from riskstrat.store.artefacts import Store
    from riskstrat.store.runs import find_run

    with pytest.raises(UsageError, match="no runs fit `abc`"):
        find_run(Path("abc"), Store(tmp_path))
