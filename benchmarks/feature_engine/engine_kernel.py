"""The bare kernel: what the machine allows when nothing but the cells is asked for.

One pass over person-sorted arrays, compiled; no contracts, no linkage, no coverage, no resuming.
It is the yardstick, not a product. One thread. ``--variant none`` computes without writing.
"""

from __future__ import annotations

import time
from collections import Counter

import numba as nb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from engine import Job, facts, phase, read_job
from workload import Table, Workload

OPS = {
    name: number
    for number, name in enumerate(
        ("count", "any", "distinct", "sum", "mean", "min", "max", "days_since_last")
    )
}
TILE = 16
"""rows written together, so that each column of the output gets a whole line of cache at once"""


@nb.njit(nogil=True, cache=True)
def cells(
    person, happened, known, code, value, masks, codes, bits, low, days, bands,
    op, slot, band, distinct, out,
):  # fmt: skip
    """Fill ``out`` (float32, columns x rows); rows are people from ``low`` by dates."""
    n, n_days, n_bands = len(person), len(days), bands.max() + 1
    columns, rows = out.shape
    ever, empty = len(bands) - 1, np.float32(np.nan)
    count = np.zeros((n_days, bits + 1, n_bands), np.int32)
    given = np.zeros((n_days, bits + 1, n_bands), np.int32)
    total = np.zeros((n_days, bits + 1, n_bands))
    least = np.zeros((n_days, bits + 1, n_bands))
    most = np.zeros((n_days, bits + 1, n_bands))
    last = np.zeros((n_days, bits + 1), np.int32)
    kinds = np.zeros((n_days, n_bands), np.int32)
    newest = np.full((codes, n_days), n_bands, np.int8)
    touched = np.empty(codes, np.int32)
    valued = op[(op >= 3) & (op <= 6)]
    any_value = len(valued) > 0
    slots = np.zeros(bits + 1, np.bool_)
    for f in range(columns):
        if 3 <= op[f] <= 6:
            slots[slot[f]] = True
    tile = np.empty((columns, TILE), np.float32)
    i = 0
    for row in range(0, rows, n_days):
        me = low + row // n_days
        start = i
        while i < n and person[i] == me:
            i += 1
        if i > start:
            count[:] = 0
            last[:] = -1
            if any_value:
                given[:] = 0
                total[:] = 0
                least[:] = np.inf
                most[:] = -np.inf
        n_touched = 0
        for e in range(start, i):
            mask, v = (masks[code[e]] << 1) | 1, value[e]
            first = True
            for d in range(n_days):
                age = days[d] - happened[e]
                if age <= 0 or known[e] >= days[d]:
                    continue
                b = bands[min(age, ever)]
                m, g = mask, 0
                while m:
                    if m & 1:
                        count[d, g, b] += 1
                        last[d, g] = age if last[d, g] < 0 else min(last[d, g], age)
                        if any_value and slots[g] and v == v:
                            given[d, g, b] += 1
                            total[d, g, b] += v
                            least[d, g, b] = min(least[d, g, b], v)
                            most[d, g, b] = max(most[d, g, b], v)
                    m >>= 1
                    g += 1
                if distinct:
                    c = code[e]
                    if first and newest[c].min() == n_bands:
                        touched[n_touched] = c
                        n_touched += 1
                    first = False
                    newest[c, d] = min(newest[c, d], b)
        if distinct:
            kinds[:] = 0
            for t in range(n_touched):
                for d in range(n_days):
                    if newest[touched[t], d] < n_bands:
                        kinds[d, newest[touched[t], d]] += 1
                newest[touched[t]] = n_bands
        for d in range(n_days):
            at = (row + d) % TILE
            if i == start:
                for f in range(columns):
                    tile[f, at] = np.float32(0) if op[f] <= 3 else empty
            else:
                for b in range(1, n_bands):
                    kinds[d, b] += kinds[d, b - 1]
                    for g in range(bits + 1):
                        count[d, g, b] += count[d, g, b - 1]
                        if any_value and slots[g]:
                            given[d, g, b] += given[d, g, b - 1]
                            total[d, g, b] += total[d, g, b - 1]
                            least[d, g, b] = min(least[d, g, b], least[d, g, b - 1])
                            most[d, g, b] = max(most[d, g, b], most[d, g, b - 1])
                for f in range(columns):
                    o, g, b = op[f], slot[f], band[f]
                    x = empty
                    if o == 0:
                        x = np.float32(count[d, g, b])
                    elif o == 1:
                        x = np.float32(count[d, g, b] > 0)
                    elif o == 2:
                        x = np.float32(kinds[d, b])
                    elif o == 7:
                        if last[d, g] >= 0:
                            x = np.float32(last[d, g])
                    elif given[d, g, b] == 0:
                        if o == 3 and count[d, g, b] == 0:
                            x = np.float32(0)
                    elif o == 3:
                        x = np.float32(total[d, g, b])
                    elif o == 4:
                        x = np.float32(total[d, g, b] / given[d, g, b])
                    elif o == 5:
                        x = np.float32(least[d, g, b])
                    else:
                        x = np.float32(most[d, g, b])
                    tile[f, at] = x
            if at == TILE - 1 or row + d == rows - 1:
                begin = row + d - at
                for f in range(columns):
                    for r in range(at + 1):
                        out[f, begin + r] = tile[f, r]


class Plan:
    """A table's features as small arrays, so that one compiled function serves them all."""

    def __init__(self, workload: Workload, table: Table) -> None:
        self.features = workload.features(table.name)
        windows = workload.windows
        longest = windows[-1] if windows[-1] <= 4000 else windows[-2] + 1
        ages = np.arange(longest + 2)
        # A row older than the last window falls into a band that no feature reads.
        self.bands = np.searchsorted(windows, ages).astype(np.int8)
        self.masks = np.array(table.masks(), np.int64)
        self.codes, self.bits = table.codes, len(table.spans)
        self.op = np.array([OPS[f.op] for f in self.features], np.int64)
        self.slot = np.array([0 if f.bit is None else f.bit + 1 for f in self.features], np.int64)
        self.band = np.array([windows.index(f.window) for f in self.features], np.int64)
        self.distinct = any(f.op == "distinct" for f in self.features)


def read(job: Job, table: Table, part: int) -> list[np.ndarray]:
    """The columns of one table and block."""
    found = pq.read_table(job.events(table.name, part), use_threads=False)
    _, high = job.people_of(part)
    if job.people is not None:
        keep = np.searchsorted(found["person_id"].to_numpy(), high)
        found = found.slice(0, int(keep))
    dates = [found[name].cast(pa.int32()) for name in ("happened_on", "known_on")]
    columns = [found["person_id"], *dates, found["code"], found["value"].cast(pa.float64())]
    arrays = [column.to_numpy() for column in columns]
    for array in arrays:
        # Else the compiled function would depend on whether a column was copied.
        array.setflags(write=False)
    return arrays


def compute(
    job: Job, plans: dict[str, Plan], part: int, spent: Counter[str]
) -> dict[str, np.ndarray]:
    """Every table's cells of a block."""
    low, high = job.people_of(part)
    rows = (high - low) * len(job.workload.days)
    days = np.array(job.workload.days, np.int32)
    found = {}
    for table in job.workload.tables:
        clock = time.process_time()
        columns = read(job, table, part)
        spent["read"] += time.process_time() - clock
        clock, plan = time.process_time(), plans[table.name]
        out = np.empty((len(plan.features), rows), np.float32)
        cells(
            *columns, plan.masks, plan.codes, plan.bits, low, days, plan.bands,
            plan.op, plan.slot, plan.band, plan.distinct, out,
        )  # fmt: skip
        found[table.name] = out
        spent["cells"] += time.process_time() - clock
    return found


def as_table(job: Job, part: int, plans: dict[str, Plan], found: dict[str, np.ndarray]) -> pa.Table:
    """The wide table of a block; NaN becomes empty where a column may be empty."""
    low, high = job.people_of(part)
    dates = len(job.workload.days)
    columns: dict[str, pa.Array] = {
        "person_id": pa.array(np.repeat(np.arange(low, high, dtype=np.int32), dates)),
        "date": pa.array(np.tile(np.arange(dates, dtype=np.int8), high - low)),
    }
    for table, out in found.items():
        for feature, cells_ in zip(plans[table].features, out, strict=True):
            filled = feature.op in ("count", "any", "distinct")
            columns[feature.name] = pa.array(cells_, from_pandas=not filled)
    return pa.table(columns)


def main() -> None:
    """Read, compute and write block by block, and tell where the CPU went."""
    job = read_job()
    plans = {table.name: Plan(job.workload, table) for table in job.workload.tables}
    warm = Job(job.workload, job.data, (0,), 1, job.out, 1, "")
    compute(warm, plans, 0, Counter())
    phase("features")
    spent: Counter[str] = Counter()
    rows = 0
    for part in job.parts:
        found = compute(job, plans, part, spent)
        clock = time.process_time()
        wide = as_table(job, part, plans, found)
        spent["to arrow"] += time.process_time() - clock
        rows += wide.num_rows
        clock = time.process_time()
        if job.variant != "none":
            # Without a dictionary floats are smaller here, and a third cheaper to write.
            settings = {"compression": "zstd", "use_dictionary": False}
            pq.write_table(wide, job.result(part), row_group_size=50_000, **settings)
        spent["write"] += time.process_time() - clock
    facts(rows=rows, spent={name: round(seconds, 3) for name, seconds in spent.items()})


if __name__ == "__main__":
    main()
