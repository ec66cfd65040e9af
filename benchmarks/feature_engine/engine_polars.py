"""Polars, lazy and streaming: join, filter, group, one expression for each column."""

from __future__ import annotations

import polars as pl
from engine import Job, facts, phase, read_job
from workload import Feature, Table


def aggregate(feature: Feature) -> pl.Expr:
    """One column of a group."""
    where = pl.col("age") <= feature.window
    if feature.bit is not None:
        where &= (pl.col("mask") & (1 << feature.bit)) != 0
    value = pl.col("value").filter(where)
    match feature.op:
        case "count":
            found = where.sum()
        case "any":
            found = where.any()
        case "days_since_last":
            found = pl.col("age").filter(where).min()
        case "sum":
            # Polars sums nothing to 0, where rows without a value should give nothing.
            some = (where & pl.col("value").is_not_null()).any()
            found = pl.when(some | ~where.any()).then(value.sum())
        case "mean":
            found = value.mean()
        case "min":
            found = value.min()
        case _:
            found = value.max()
    return found.cast(pl.Float32).alias(feature.name)


def visible(job: Job, table: Table, part: int, dates: pl.LazyFrame) -> pl.LazyFrame:
    """Each row beside each date on which it could be seen."""
    events = pl.scan_parquet(job.events(table.name, part))
    if job.people is not None:
        events = events.filter(pl.col("person_id") < job.people_of(part)[1])
    masks = pl.LazyFrame(
        {"code": range(table.codes), "mask": table.masks()},
        schema={"code": pl.Int32, "mask": pl.Int32},
    )
    age = (pl.col("as_of") - pl.col("happened_on")).dt.total_days().cast(pl.Int32)
    seen = (pl.col("happened_on") < pl.col("as_of")) & (pl.col("known_on") < pl.col("as_of"))
    joined = events.join(masks, on="code") if table.spans else events
    return joined.join(dates, how="cross").filter(seen).with_columns(age=age)


def main() -> None:
    """One lazy query for each block."""
    job = read_job()
    phase("features")
    dates = pl.LazyFrame(
        {"date": range(len(job.workload.dates)), "as_of": list(job.workload.dates)},
        schema={"date": pl.Int8, "as_of": pl.Date},
    )
    keys, rows = ["person_id", "date"], 0
    for part in job.parts:
        low, high = job.people_of(part)
        people = pl.LazyFrame({"person_id": pl.arange(low, high, dtype=pl.Int32, eager=True)})
        wide = people.join(dates.select("date"), how="cross")
        for table in job.workload.tables:
            features = job.workload.features(table.name)
            seen = visible(job, table, part, dates)
            one = [aggregate(f) for f in features if f.op != "distinct"]
            wide = wide.join(seen.group_by(keys).agg(one), on=keys, how="left")
            if kinds := [f for f in features if f.op == "distinct"]:
                newest = seen.group_by([*keys, "code"]).agg(a=pl.col("age").min())
                counts = [(pl.col("a") <= f.window).sum().alias(f.name) for f in kinds]
                wide = wide.join(newest.group_by(keys).agg(counts), on=keys, how="left")
        columns = []
        for feature in job.workload.features():
            column = pl.col(feature.name)
            if feature.op in ("count", "any", "distinct"):
                column = column.fill_null(0)
            elif feature.op == "sum":
                # No row at all: nothing was spent. The table's count tells the two apart.
                count = _count_beside(job, feature)
                column = pl.when(pl.col(count).fill_null(0) == 0).then(0.0).otherwise(column)
            columns.append(column.cast(pl.Float32).alias(feature.name))
        found = wide.select(*keys, *columns).collect(engine="streaming")
        found.write_parquet(job.result(part), compression="zstd", row_group_size=50_000)
        rows += found.height
    facts(rows=rows, version=pl.__version__)


def _count_beside(job: Job, feature: Feature) -> str:
    return next(
        f.name
        for f in job.workload.features(feature.table)
        if f.op == "count" and (f.bit, f.window) == (feature.bit, feature.window)
    )


if __name__ == "__main__":
    main()
