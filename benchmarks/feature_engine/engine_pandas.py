"""Plain pandas: merge, filter, one groupby for each window and group. What most projects write."""

from __future__ import annotations

import numpy as np
import pandas as pd
from engine import Job, facts, phase, read_job
from workload import Feature, Table


def aggregate(groups: pd.api.typing.DataFrameGroupBy, feature: Feature) -> pd.Series:
    """One column, for the people and dates that have rows."""
    match feature.op:
        case "count":
            return groups.size()
        case "any":
            return (groups.size() > 0).astype("int8")
        case "distinct":
            return groups["code"].nunique()
        case "days_since_last":
            return groups["age"].min()
        case "sum":
            return groups["value"].sum(min_count=1)
    return getattr(groups["value"], feature.op)()


def columns(job: Job, table: Table, part: int, dates: pd.DataFrame, rows: pd.Index) -> dict:
    """A table's columns over all people and dates of a block."""
    events = pd.read_parquet(job.events(table.name, part))
    if job.people is not None:
        events = events[events["person_id"] < job.people_of(part)[1]]
    for name in ("happened_on", "known_on"):
        events[name] = pd.to_datetime(events[name])
    seen = events.merge(dates, how="cross")
    seen = seen[(seen["happened_on"] < seen["as_of"]) & (seen["known_on"] < seen["as_of"])]
    seen["age"] = (seen["as_of"] - seen["happened_on"]).dt.days
    seen["mask"] = np.array(table.masks())[seen["code"]]
    grouped: dict[tuple, pd.api.typing.DataFrameGroupBy] = {}
    found = {}
    for feature in job.workload.features(table.name):
        key = feature.bit, feature.window
        if key not in grouped:
            some = seen if feature.bit is None else seen[(seen["mask"] & (1 << feature.bit)) != 0]
            grouped[key] = some[some["age"] <= feature.window].groupby(["person_id", "date"])
        column = aggregate(grouped[key], feature).reindex(rows)
        if feature.op in ("count", "any", "distinct"):
            column = column.fillna(0)
        elif feature.op == "sum":
            column = column.where(grouped[key].size().reindex(rows).notna(), 0)
        found[feature.name] = column.astype("float32")
    return found


def main() -> None:
    """Block by block."""
    job = read_job()
    phase("features")
    numbers = range(len(job.workload.dates))
    dates = pd.DataFrame({"date": numbers, "as_of": pd.to_datetime(list(job.workload.dates))})
    total = 0
    for part in job.parts:
        low, high = job.people_of(part)
        rows = pd.MultiIndex.from_product([range(low, high), numbers], names=["person_id", "date"])
        found: dict[str, pd.Series] = {}
        for table in job.workload.tables:
            found |= columns(job, table, part, dates, rows)
        wide = pd.DataFrame(found).reset_index()
        wide.to_parquet(job.result(part), compression="zstd", index=False)
        total += len(wide)
    facts(rows=total, version=pd.__version__)


if __name__ == "__main__":
    main()
