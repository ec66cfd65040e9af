"""Calling a function of ours on the executors, once for each item."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from riskstrat.errors import RiskstratError
from riskstrat.spark.cluster import Desk
from riskstrat.spark.session import session_of, spark_errors
from riskstrat.store.worker import as_fault

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA = "number long, fault boolean, body binary"
STOP = "stop"
TOLD = "told"
LISTEN_SECONDS = 0.5

Told = Callable[[int], None]
Work = Callable[[Any, Told], Any]


def each_on_executors(desk: Desk, work: Work, items: Sequence[Any], told: Told | None) -> list[Any]:
    """Call ``work(item, told)`` for every item, each in a task of its own.

    A DataFrame of numbers, one in each partition, carries the calls: unlike RDDs it goes through
    Spark Connect, too. After a fault no further item is begun.

    Args:
        desk: the cluster, and a folder its executors share with this process.
        work: a function of a module, or a partial of one, that can be pickled; it writes what is
            large to the store and returns what JSON can hold.
        items: one per call; they can be pickled.
        told: called with the number of rows whenever some are done.

    Returns:
        What each call returned, in the order of the items.

    Raises:
        RiskstratError: the first of the calls', unchanged in family, message and code.
        OutOfMemoryError: workers ended again and again.
    """
    if not items:
        return []
    notes = desk.place / f"calls-{uuid4().hex}"
    notes.mkdir()
    try:
        session = session_of(desk)
        carried = bytes(ForkingPickler.dumps(work))
        pickled = [bytes(ForkingPickler.dumps(item)) for item in items]
        numbers = session.range(0, len(items), 1, len(items))
        answers = numbers.mapInArrow(_carrier(carried, pickled, str(notes)), SCHEMA)
        with spark_errors(), ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(answers.collect)
            _listen(waiting, notes, told)
            rows = sorted(waiting.result(), key=lambda row: int(row["number"]))
    finally:
        shutil.rmtree(notes, ignore_errors=True)
    for row in rows:
        if row["fault"]:
            raise pickle.loads(row["body"])  # noqa: S301 - from our own executors
    return [json.loads(bytes(row["body"])) for row in rows]


def _listen(waiting: Future[Any], notes: Path, told: Told | None) -> None:
    """Pass on how many rows are done; a task that is run again tells nothing twice."""
    known: dict[str, int] = {}
    while True:
        done = wait([waiting], timeout=LISTEN_SECONDS).done
        for file in notes.glob(f"*.{TOLD}") if told else ():
            with suppress(OSError, ValueError):  # it is just being written
                rows = int(file.read_text(encoding="ascii"))
                if told and rows > known.get(file.name, 0):
                    told(rows - known.get(file.name, 0))
                    known[file.name] = rows
        if done:
            return


# -- on an executor ------------------------------------------------------------------------------


def _carrier(
    work: bytes, items: Sequence[bytes], notes: str
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """What Spark ships: a name of ours and bytes, so that no value of it is looked into there."""

    def carry(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                yield answer(number, work, items[number], Path(notes))

    return carry


def answer(number: int, work: bytes, item: bytes, notes: Path) -> pa.RecordBatch:
    """One item's answer: JSON, or the fault with which it ended; nothing, after another's fault."""
    import pyarrow as pa

    if (notes / STOP).exists():
        return _row(pa, number, fault=False, body=b"null")
    counter = _Counter(notes / f"{number}.{TOLD}")
    try:
        found = pickle.loads(work)(pickle.loads(item), counter)  # noqa: S301 - from our own driver
        return _row(pa, number, fault=False, body=json.dumps(found).encode())
    except Exception as fault:
        known = fault if isinstance(fault, RiskstratError) else as_fault(fault)
        with suppress(OSError):
            (notes / STOP).touch()
        return _row(pa, number, fault=True, body=bytes(ForkingPickler.dumps(known)))


def _row(pa: Any, number: int, *, fault: bool, body: bytes) -> pa.RecordBatch:
    arrays = [pa.array([number], pa.int64()), pa.array([fault]), pa.array([body], pa.binary())]
    return pa.RecordBatch.from_arrays(arrays, names=["number", "fault", "body"])


class _Counter:
    """Rows done so far, in a file that the driver reads."""

    def __init__(self, file: Path) -> None:
        self._file, self._rows = file, 0

    def __call__(self, rows: int) -> None:
        self._rows += int(rows)
        with suppress(OSError):  # a driver that has gone reads no more
            self._file.write_text(str(self._rows), encoding="ascii")
