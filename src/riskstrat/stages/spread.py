"""The same work for every bucket: on the threads of this machine, or on the executors of a Spark.

A function of ``stages`` is named rather than passed, so that it may be called in another process,
on another machine that sees the same store.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import replace
from functools import partial
from importlib import import_module
from threading import Lock
from typing import Any

from riskstrat.derivation import code_version
from riskstrat.errors import UsageError
from riskstrat.spark.cluster import Desk
from riskstrat.stages.engine import LEAST_BYTES, OWN_BYTES, left_over
from riskstrat.stages.jobs import Job, amount, verify_once

WORKER_BYTES = 200 * 2**20
"""a bucket is not worked on with less: of little memory, few of the threads make use"""
Told = Callable[[int], None]
EVERYTHING = ("",)
"""all code of the package"""


def spread(job: Job, function: str, items: Sequence[Any], told: Told | None = None) -> list[Any]:
    """Call ``riskstrat.stages.<module>.<name>(job, item, told)`` for every item.

    Args:
        job: the whole job; each call gets its part of memory and threads.
        function: ``module.name``; it writes what is large to the store, aside and renamed, for it
            may run twice, and returns what is small and JSON can hold.
        items: one per call.
        told: called with the number of rows whenever some are done.

    Returns:
        What each call returned, in the order of the items.
    """
    if job.cluster:
        return _spread_on_spark(job, function, items, told)
    workers = max(1, min(job.threads, len(items), left_over(job) // WORKER_BYTES))
    part = part_of(job, workers)
    call = function_named(function)
    lock = Lock()

    def say(rows: int) -> None:
        if told:
            with lock:
                told(rows)

    if workers == 1:
        return [call(part, item, say) for item in items]
    with ThreadPoolExecutor(workers) as pool:
        waiting = [pool.submit(call, part, item, say) for item in items]
        try:
            wait(waiting, return_when=FIRST_EXCEPTION)
        finally:
            for each in waiting:
                each.cancel()
        return [each.result() for each in waiting]


def _spread_on_spark(job: Job, function: str, items: Sequence[Any], told: Told | None) -> list[Any]:
    """Every call is a task of its own, with one thread and its part of its machine's memory."""
    from riskstrat.spark.calls import each_on_executors

    desk = desk_of(job)
    each = max(amount(job.memory) // desk.cluster.abreast, OWN_BYTES + LEAST_BYTES)
    part = replace(job, memory=f"{each / 2**20:.0f}MiB", threads=1, cluster=None)
    work = partial(call_named, part, function, code_version(EVERYTHING))
    return each_on_executors(desk, work, items, told)


def call_named(job: Job, function: str, code: str, item: Any, told: Told) -> Any:
    """Call ``riskstrat.stages.<module>.<name>`` on an executor.

    Raises:
        UsageError: the executor has other code than the ``code`` of who asks.
    """
    if code_version(EVERYTHING) != code:
        raise UsageError(
            "the executors of Spark have another riskstrat than this one",
            fix="install the same version on every machine, or share its environment",
        )
    verify_once()
    job.store.at_work()
    return function_named(function)(job, item, told)


def desk_of(job: Job) -> Desk:
    """The Spark of a job, and what it shares with this process."""
    if job.cluster is None:
        raise RuntimeError("this job has no cluster")
    return Desk(job.cluster, job.store.scratch("spark", "work"))


def part_of(job: Job, workers: int) -> Job:
    """The job with the memory and threads of one of several workers."""
    each = OWN_BYTES + left_over(job) // workers
    return replace(job, memory=f"{each / 2**20:.0f}MiB", threads=max(1, job.threads // workers))


def function_named(function: str) -> Callable[..., Any]:
    """``riskstrat.stages.<module>.<name>``."""
    module, name = function.rsplit(".", 1)
    found: Callable[..., Any] = getattr(import_module(f"riskstrat.stages.{module}"), name)
    return found


class Rate:
    """Tells how many rows are done, and how many a second."""

    def __init__(self, total: int, what: str, progress: Callable[[float, str], None]) -> None:
        import time

        self._clock = time.monotonic
        self.total, self.what, self.progress = max(total, 1), what, progress
        self.done, self.started = 0, self._clock()

    def __call__(self, rows: int) -> None:
        """So many more rows are done."""
        self.done += rows
        seconds = max(self._clock() - self.started, 1e-3)
        self.progress(
            min(self.done / self.total, 1.0),
            f"{self.done:,} of {self.total:,} {self.what}, {self.done / seconds:,.0f} a second",
        )
