"""Work on many things at once, in processes where there may be several."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Any, TypeVar

J = TypeVar("J")
A = TypeVar("A")


def spread(
    work: Callable[[J], A],
    jobs: Sequence[J],
    *,
    workers: int,
    prepare: Callable[..., None],
    given: tuple[Any, ...],
) -> Iterator[tuple[J, A]]:
    """Each job with what came of it, as they finish.

    Args:
        work: a function of a module, so that a process can find it.
        workers: how many processes; 1 for none but this.
        prepare: called once in each process, with what was ``given``.
    """
    if workers <= 1:
        prepare(*given)
        for job in jobs:
            yield job, work(job)
        return
    # Not of the fork server: there is one to a process, and the stages' has their libraries loaded.
    with ProcessPoolExecutor(workers, get_context("spawn"), prepare, given) as pool:
        waiting = {pool.submit(work, job): job for job in jobs}
        try:
            for future in as_completed(waiting):
                yield waiting.pop(future), future.result()
        finally:  # whoever asked may stop early, or be interrupted
            pool.shutdown(wait=False, cancel_futures=True)
