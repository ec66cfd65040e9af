"""Each stage works in a child process: a native abort or a memory kill ends as a plain message.

Libraries written in C++ may abort the process, and the kernel may kill it for memory; no
``except`` can promise a clear message then. So the parent imports nothing heavy, hands a
stage to a child, shows its progress, and translates how it ended. Children come from a fork
server that has the heavy libraries loaded once, and never run in a process that has already
used OpenMP threads.
"""

from __future__ import annotations

import ctypes
import errno
import multiprocessing
import os
import resource
import signal
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from types import MappingProxyType
from typing import Any, Protocol

from riskstrat.errors import OutOfMemoryError, RiskstratError

PRELOAD = ["riskstrat.stages.derive"]
_PR_SET_PDEATHSIG = 1
NO_ROOM = ("no space left", "could not write file", "disk is full", "file too large")
"""how the libraries that write say that there is no room"""
DEBUG = "RISKSTRAT_DEBUG"
"""for made-up data only: also show a library's own words, which may quote the data"""


def _rebuild(items: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(items)


# Our values are immutable; read-only mappings travel to the child as what they hold.
ForkingPickler.register(MappingProxyType, lambda mapping: (_rebuild, (dict(mapping),)))


class Progress(Protocol):
    """Told how far a stage is: a share in [0, 1] and a few words without row values."""

    def __call__(self, share: float, words: str = "") -> None:
        """Say it."""


class StageFault(RiskstratError):  # noqa: N818 - named like the other verdicts
    """A bug: the only error that may show a traceback."""

    exit_code = 70

    def __init__(self, message: str, *, fix: str = "", code: str = "", trace: str = "") -> None:
        super().__init__(message, fix=fix, code=code)
        self.trace = trace

    def __reduce__(self) -> tuple[object, ...]:
        return (_stage_fault, (self.message, self.fix, self.code, self.trace))


def _stage_fault(message: str, fix: str, code: str, trace: str) -> StageFault:
    return StageFault(message, fix=fix, code=code, trace=trace)


@dataclass(frozen=True, slots=True)
class Done:
    """What a child gave back, and what it cost."""

    value: Any
    seconds: float
    peak_mb: float


@cache
def _context() -> multiprocessing.context.ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)
    return context


def run_in_child(
    work: Callable[..., Any], *arguments: Any, memory: str, progress: Progress | None = None
) -> Done:
    """Run ``work(*arguments, progress=...)`` in a child and return what it returned.

    Raises:
        RiskstratError: the child's own, unchanged in family, message and code.
        OutOfMemoryError: the child was killed, or ran out of the memory it was given.
        StageFault: anything else, with its traceback.
    """
    started = time.monotonic()
    ours, theirs = _context().Pipe()
    child = _context().Process(target=_main, args=(theirs, work, arguments), daemon=True)
    child.start()
    theirs.close()
    try:
        kind, value, peak = _listen(ours, progress)
        child.join(timeout=10)
    finally:
        # Stopped by hand, or hung after its last word: nothing of it may go on writing.
        if child.is_alive():
            child.kill()
            child.join()
        ours.close()
    if kind == "done":
        return Done(value, time.monotonic() - started, peak)
    if kind == "error":
        raise value
    raise _how_it_ended(child.exitcode, memory)


def _listen(pipe: Connection, progress: Progress | None) -> tuple[str, Any, float]:
    while True:
        try:
            kind, value, peak = pipe.recv()
        except (EOFError, ConnectionResetError):
            return "gone", None, 0.0
        if kind != "progress":
            return kind, value, peak
        if progress:
            progress(*value)


def _die_with_the_run() -> None:
    """On Linux: be killed when the fork server goes, as it does when the run is killed.

    Otherwise an orphan could go on writing to a search that the next run has resumed.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    run = multiprocessing.parent_process()
    if run is not None and not run.is_alive():  # it went before we could ask
        os._exit(1)


def _be_silent() -> None:
    """Libraries speak to the terminal, and what they say may quote the data: nobody hears it."""
    if os.environ.get(DEBUG):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)


def _main(pipe: Connection, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    _die_with_the_run()
    _be_silent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    last = 0.0

    def report(share: float, words: str = "") -> None:
        nonlocal last
        if share >= 1 or time.monotonic() - last > 0.05:
            last = time.monotonic()
            pipe.send(("progress", (share, words), 0.0))

    try:
        value = work(*arguments, progress=report)
        pipe.send(("done", value, peak_mb()))
    except RiskstratError as fault:
        pipe.send(("error", fault, peak_mb()))
    except MemoryError:
        pipe.send(("error", _short_of_memory("the work"), peak_mb()))
    except Exception as fault:
        pipe.send(("error", translate(fault), peak_mb()))
    pipe.close()
    # Some native libraries hang in their clean-up handlers; everything is already written.
    os._exit(0)


def translate(fault: Exception) -> RiskstratError:
    """A library's exception as one of ours: memory, disk, or a bug with its traceback."""
    from pathlib import Path

    from riskstrat.store.files import storage_error

    name = type(fault).__name__
    if isinstance(fault, OSError) and fault.errno:
        return storage_error(fault, Path(str(fault.filename or "store")))
    if name == "OutOfMemoryException":
        return _short_of_memory("the database engine")
    if any(sign in str(fault).lower() for sign in NO_ROOM):
        return storage_error(OSError(errno.ENOSPC, ""), Path("the store"))
    # The text of a library's exception may hold row values: the type and our own lines only.
    trace = "".join(traceback.format_tb(fault.__traceback__))
    if os.environ.get(DEBUG):
        trace += f"{fault}\n"
    return StageFault(
        f"internal error: {name}",
        fix="this is a bug in riskstrat; please report the lines above",
        code="RS0070",
        trace=trace,
    )


def _short_of_memory(what: str) -> OutOfMemoryError:
    return OutOfMemoryError(
        f"{what} ran out of the memory it was given",
        fix="give it more with `--memory 8GB`, or fewer windows and blocks in the study",
    )


def _how_it_ended(exit_code: int | None, memory: str) -> RiskstratError:
    if exit_code == -signal.SIGKILL:
        return OutOfMemoryError(
            f"the stage was killed, most likely for want of memory (it was given {memory})",
            fix="free memory on this machine or lower `--memory`; finished stages are reused",
        )
    return StageFault(f"the stage ended unexpectedly (exit {exit_code})", code="RS0070")


def peak_mb() -> float:
    """Largest resident memory of this process so far, in MB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
