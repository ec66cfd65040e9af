"""temporian: moving windows sampled at each date.

It knows one time for each row, so where records come late each date has an event set of the rows
known by then. Its sum of rows without a value is 0, where it should be empty; it has no operator
for distinct values.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import temporian as tp
from engine import Job, facts, phase, read_job
from rows_of_day import known_rows, together
from workload import Feature, Table

DAY = 86_400.0
HALF = DAY / 2
"""dates are asked half a day early, so that a window holds whole days before the date"""


def column(rows: dict, feature: Feature, at: tp.EventSet) -> tp.EventSet:
    """One column: a moving window, sampled."""
    days = tp.duration.days(feature.window)
    value = rows[feature.bit]
    match feature.op:
        case "count" | "any":
            return value.moving_count(days, sampling=at)
        case "days_since_last":
            return value.since_last(sampling=at)
        case "sum":
            return value.moving_sum(days, sampling=at)
        case "mean":
            return value.simple_moving_average(days, sampling=at)
        case "min":
            return value.moving_min(days, sampling=at)
    return value.moving_max(days, sampling=at)


def of_table(job: Job, table: Table, part: int, day: date, at: tp.EventSet) -> pd.DataFrame:
    """A table's columns, by person and time asked."""
    known = known_rows(job, table, part, day)
    known["timestamp"] = known["happened_on"].astype("int64") / _per_second(known["happened_on"])
    flags = [f"is_{bit}" for bit in range(len(table.spans))]
    known = known[["person_id", "timestamp", "value", *flags]]
    events = tp.from_pandas(known, indexes=["person_id"], timestamps="timestamp")
    rows = {None: events["value"]}
    for bit, flag in enumerate(flags):
        rows[bit] = events.filter(events[flag])["value"]
    features = [f for f in job.workload.features(table.name) if f.op != "distinct"]
    moving = [f for f in features if f.op != "days_since_last"]
    columns = [column(rows, f, at).rename(f.name) for f in moving]
    frames = [_frame(tp.glue(*columns))]
    for feature in features:
        if feature.op == "days_since_last":
            # People without any row are left out of this one.
            last = _frame(column(rows, feature, at).rename(feature.name))
            frames.append((last + HALF) / DAY)
    wide = pd.concat(frames, axis=1)
    for feature in features:
        if feature.op == "any":
            wide[feature.name] = wide[feature.name] > 0
    return wide[[f.name for f in features]].astype(np.float32)


def _frame(events: tp.EventSet) -> pd.DataFrame:
    return tp.to_pandas(events).set_index(["person_id", "timestamp"])


def _per_second(times: pd.Series) -> float:
    return {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}[np.datetime_data(times.dtype)[0]]


def of_dates(job: Job, part: int, numbers: list[int]) -> pd.DataFrame:
    """The columns of one block, at the dates that share an event set."""
    low, high = job.people_of(part)
    people = pd.DataFrame({"person_id": np.arange(low, high, dtype=np.int32)})
    seconds = [job.workload.days[number] * DAY - HALF for number in numbers]
    asked = people.merge(pd.DataFrame({"timestamp": seconds}), how="cross")
    at = tp.from_pandas(asked, indexes=["person_id"], timestamps="timestamp")
    last = job.workload.dates[numbers[-1]]
    found = [of_table(job, table, part, last, at) for table in job.workload.tables]
    wide = pd.concat(found, axis=1).reset_index()
    wide["date"] = wide["timestamp"].map(dict(zip(seconds, numbers, strict=True)))
    return wide.drop(columns="timestamp")


def main() -> None:
    """Block by block."""
    job = read_job()
    phase("features")
    rows = 0
    for part in job.parts:
        found = [of_dates(job, part, numbers) for numbers in together(job)]
        wide = pd.concat(found, ignore_index=True)
        wide.to_parquet(job.result(part), compression="zstd", index=False)
        rows += len(wide)
    facts(rows=rows, version=tp.__version__)


if __name__ == "__main__":
    main()
