"""featuretools: only the columns asked for, one pass for each date and window.

It knows one time for each row, so where records come late an entity set is made for each date from
the rows known by then. Its sum of rows without a value is 0, where it should be empty.
"""

from __future__ import annotations

import warnings
from datetime import date

import featuretools as ft
import pandas as pd
from engine import Job, facts, phase, read_job
from featuretools import primitives
from rows_of_day import known_rows, together
from workload import Feature

warnings.filterwarnings("ignore")
PRIMITIVES = {
    "count": primitives.Count,
    "any": primitives.Count,
    "sum": primitives.Sum,
    "mean": primitives.Mean,
    "min": primitives.Min,
    "max": primitives.Max,
    "distinct": primitives.NumUnique,
    "days_since_last": primitives.TimeSinceLast,
}
BASE = {"count": "id", "any": "id", "distinct": "code", "days_since_last": "happened_on"}


def definition(entities: ft.EntitySet, feature: Feature) -> ft.Feature:
    """A column, for featuretools."""
    table = entities[feature.table]
    where = None
    if feature.bit is not None:
        where = ft.Feature(table.ww[f"is_{feature.bit}"]) == True  # noqa: E712
    return ft.Feature(
        ft.Feature(table.ww[BASE.get(feature.op, "value")]),
        parent_dataframe_name="people",
        primitive=PRIMITIVES[feature.op],
        where=where,
    ).rename(feature.name)


def entities_of(job: Job, part: int, day: date) -> ft.EntitySet:
    """People and what was known of them."""
    low, high = job.people_of(part)
    entities = ft.EntitySet("bench")
    people = pd.DataFrame({"person_id": range(low, high)})
    entities.add_dataframe(dataframe_name="people", dataframe=people, index="person_id")
    for table in job.workload.tables:
        rows = known_rows(job, table, part, day).drop(columns="known_on")
        rows["id"] = range(len(rows))
        types = {"code": "Categorical", "value": "Double", "person_id": "Integer"}
        entities.add_dataframe(
            dataframe_name=table.name,
            dataframe=rows,
            index="id",
            time_index="happened_on",
            logical_types=types,
        )
        entities.add_relationship("people", "person_id", table.name, "person_id")
    return entities


def of_dates(job: Job, part: int, numbers: list[int]) -> pd.DataFrame:
    """The columns of one block, at the dates that share an entity set."""
    days = [pd.Timestamp(job.workload.dates[number]) for number in numbers]
    entities = entities_of(job, part, days[-1])
    low, high = job.people_of(part)
    people = pd.DataFrame({"person_id": range(low, high)})
    cutoff = people.merge(pd.DataFrame({"time": days}), how="cross")
    found = []
    for window in job.workload.windows:
        wanted = [f for f in job.workload.features() if f.window == window]
        # `any` is a count too, and a column asked for twice comes once.
        made = ft.calculate_feature_matrix(
            list({_meaning(f): definition(entities, f) for f in reversed(wanted)}.values()),
            entityset=entities,
            cutoff_time=cutoff,
            training_window=f"{window} days",
            include_cutoff_time=False,
            cutoff_time_in_index=True,
            n_jobs=1,
        )
        names = {_meaning(feature): feature.name for feature in reversed(wanted)}
        for feature in wanted:
            if feature.op == "any":
                made[feature.name] = made[names[_meaning(feature)]] > 0
            elif feature.op == "distinct":
                made[feature.name] = made[feature.name].fillna(0)
            elif feature.op == "days_since_last":
                made[feature.name] /= 86_400
        found.append(made.astype("float32"))
    wide = pd.concat(found, axis=1).reset_index()
    wide["date"] = wide["time"].map(dict(zip(days, numbers, strict=True)))
    return wide


def _meaning(feature: Feature) -> tuple:
    return feature.table, PRIMITIVES[feature.op], feature.bit


def main() -> None:
    """Block by block."""
    job = read_job()
    phase("features")
    rows = 0
    for part in job.parts:
        found = [of_dates(job, part, numbers) for numbers in together(job)]
        wide = pd.concat(found, ignore_index=True).drop(columns="time")
        wide.to_parquet(job.result(part), compression="zstd", index=False)
        rows += len(wide)
    facts(rows=rows, version=ft.__version__)


if __name__ == "__main__":
    main()
