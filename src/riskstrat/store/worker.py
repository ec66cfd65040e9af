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
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from types import MappingProxyType, ModuleType
from typing import Any, Protocol

from riskstrat.errors import OutOfMemoryError, RiskstratError

ROWS = ["pandas", "riskstrat.stages.derive", "riskstrat.stages.features"]
"""what works on rows; pyarrow loads pandas at its first array, in every child anew if not here"""
LEARNING = ["riskstrat.stages.learn", "riskstrat.store.registry_loaded"]
_preload = [*ROWS, *LEARNING]
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


@dataclass(slots=True)
class _Child:
    """A process that works for us, and the pipe between us."""

    process: multiprocessing.context.ForkServerProcess
    pipe: Connection

    @classmethod
    def start(cls) -> _Child:
        """A new one, waiting for work."""
        ours, theirs = _context().Pipe()
        process = _context().Process(target=_main, args=(theirs,), daemon=True)
        with _without_the_caller():
            process.start()
        theirs.close()
        return cls(process, ours)

    def end(self, patience: float) -> None:
        """Close the pipe, which ends it, and kill it if it goes on."""
        self.pipe.close()
        self.process.join(patience)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


_kept: list[_Child] = []
"""at most one: the child that keeps what is dear to start"""


@cache
def _context() -> multiprocessing.context.ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_preload)
    return context


@contextmanager
def _without_the_caller() -> Iterator[None]:
    """Hide the program that called us, which every child would else import, as a module.

    Nothing in a child is of it. A script that calls us outside ``if __name__ == "__main__"`` would
    call us once more in each child, and the command line would be loaded there in vain.
    """
    caller = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = caller


def without_learning() -> None:
    """Begin children with what works on rows alone: half a second in place of three.

    It counts for the first child of a process and all after it, which then load for themselves
    what they need besides: only for what a process does last.
    """
    _preload[:] = ROWS


def run_in_child(
    work: Callable[..., Any],
    *arguments: Any,
    memory: str,
    progress: Progress | None = None,
    keep: bool = False,
) -> Done:
    """Run ``work(*arguments, progress=...)`` in a child and return what it returned.

    Args:
        work: a function that can be pickled.
        arguments: of the function.
        memory: what it was given, for messages.
        progress: told how far it is.
        keep: work in the same child as the last such call, and leave it waiting for the next,
            until :func:`end_kept`.

    Raises:
        RiskstratError: the child's own, unchanged in family, message and code.
        OutOfMemoryError: the child was killed, or ran out of the memory it was given.
        StageFault: anything else, with its traceback.
    """
    started = time.monotonic()
    child = _kept.pop() if keep and _kept else _Child.start()
    kind, patience = "stopped", 0.0
    try:
        kind, value, peak = _ask(child, work, arguments, progress)
        patience = 10.0
    finally:
        if keep and kind in ("done", "error"):
            _kept.append(child)
        else:
            # Stopped by hand, or hung after its last word: nothing of it may go on writing.
            child.end(patience)
    if kind == "done":
        return Done(value, time.monotonic() - started, peak)
    if kind == "error":
        raise value
    raise _how_it_ended(child.process.exitcode, memory)


def end_kept(last_work: Callable[[], object]) -> None:
    """End the child that was kept, if there is one; the last thing it does is ``last_work``."""
    while _kept:
        child = _kept.pop()
        with suppress(OSError, EOFError):
            child.pipe.send((_alone, (last_work,)))
            child.pipe.poll(60)
        child.end(patience=10)


def _alone(work: Callable[[], object], *, progress: Progress) -> None:
    work()


def _ask(
    child: _Child, work: Callable[..., Any], arguments: tuple[Any, ...], progress: Progress | None
) -> tuple[str, Any, float]:
    try:
        child.pipe.send((work, arguments))
    except (BrokenPipeError, ConnectionResetError):
        return "gone", None, 0.0
    return _listen(child.pipe, progress)


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


def _main(pipe: Connection) -> None:
    _die_with_the_run()
    _be_silent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(EOFError, OSError):  # the other end is closed: nothing more is asked
        while True:
            work, arguments = pipe.recv()
            pipe.send((*_done(pipe, work, arguments), peak_mb()))
    # Some native libraries hang in their clean-up handlers; everything is already written.
    os._exit(0)


def _done(
    pipe: Connection, work: Callable[..., Any], arguments: tuple[Any, ...]
) -> tuple[str, Any]:
    last = 0.0

    def report(share: float, words: str = "") -> None:
        nonlocal last
        if share >= 1 or time.monotonic() - last > 0.05:
            last = time.monotonic()
            pipe.send(("progress", (share, words), 0.0))

    try:
        return "done", work(*arguments, progress=report)
    except Exception as fault:
        return "error", as_fault(fault)


def as_fault(fault: Exception) -> RiskstratError:
    """An exception as one of ours: as it is, short of memory, or translated."""
    if isinstance(fault, RiskstratError):
        return fault
    return _short_of_memory("the work") if isinstance(fault, MemoryError) else translate(fault)


def translate(fault: Exception) -> RiskstratError:
    """A library's exception as one of ours: memory, disk, or a bug with its traceback."""
    from pathlib import Path

    from riskstrat.disk import storage_error

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
