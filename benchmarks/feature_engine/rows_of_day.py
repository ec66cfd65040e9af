"""For peers that know one time only: the rows that a date may see, chosen beforehand in pandas."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
from engine import Job
from workload import Table


def together(job: Job) -> list[list[int]]:
    """The dates that one event set serves: all, or each alone where records come late."""
    numbers = list(range(len(job.workload.dates)))
    at_once = job.variant == "one_time" or not job.workload.late
    return [numbers] if at_once else [[number] for number in numbers]


def known_rows(job: Job, table: Table, part: int, day: date) -> pd.DataFrame:
    """A table's rows that were known before ``day``, with a column ``is_<bit>`` for each group.

    With ``--variant one_time`` what happened and was not yet known comes too, as it does for
    someone who uses the peer as its manual says.
    """
    events = pd.read_parquet(job.events(table.name, part))
    events = events[events["person_id"] < job.people_of(part)[1]]
    for name in ("happened_on", "known_on"):
        events[name] = pd.to_datetime(events[name])
    seen = events["happened_on"] if job.variant == "one_time" else events["known_on"]
    events = events[seen < pd.Timestamp(day)].copy()
    masks = np.array(table.masks())[events["code"]]
    for bit in range(len(table.spans)):
        events[f"is_{bit}"] = (masks & (1 << bit)) != 0
    events["value"] = events["value"].astype("float64")
    return events.reset_index(drop=True)
