"""The shuffle: repeated keys set aside, and all rows in order, across the executors."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskstrat.spark.cluster import Desk
from riskstrat.spark.session import session_of, spark_errors

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

PART_ROWS = 4_000_000
"""rows in a part, about"""
TIMES = "__times"


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How tested rows become accepted ones.

    Attributes:
        good: the column that is 0 in rows that passed every test.
        columns: those that are kept, in order.
        key: columns that tell rows apart; none, if nothing does.
        first: of rows with the same key, the first by these columns is kept.
        order: columns by which rows are sorted, the first of them the unit; it is total.
    """

    good: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    first: tuple[str, ...]
    order: tuple[str, ...]


def arrange(
    desk: Desk,
    files: Sequence[Path],
    asked: Arrangement,
    out: Path,
    *,
    rows: int,
) -> int:
    """Write the good rows of some Parquet files, each key once, as sorted parts.

    Missing values come last. Texts are compared by their UTF-8 bytes, as DuckDB compares them.

    Args:
        desk: the cluster.
        files: Parquet files of one schema, which every executor can read.
        asked: what is kept, and in what order.
        out: a folder that does not exist; it will hold ``part-00000.parquet`` and so on, whose
            rows are in order from the first part to the last.
        rows: good rows there are, about.

    Returns:
        How many rows were set aside for their repeated key.
    """
    parts = max(1, min(desk.cluster.width, rows), -(-rows // PART_ROWS))
    session = session_of(desk)
    with spark_errors():
        session.conf.set("spark.sql.shuffle.partitions", str(parts))
        table = session.read.parquet(*map(_address, files)).where(f"{_name(asked.good)} = 0")
        kept, repeated = _keep_first(table.select(*map(_name, asked.columns)), asked)
        ordered = kept.repartitionByRange(parts, _ascending(asked.order[0]))
        ordered = ordered.sortWithinPartitions(*map(_ascending, asked.order))
        ordered.write.parquet(f"file://{out.resolve()}")
    _tidy(out)
    return repeated


def _keep_first(table: DataFrame, asked: Arrangement) -> tuple[DataFrame, int]:
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    if not asked.key:
        return table, 0
    key = list(asked.key)
    counted = table.groupBy(*map(_name, key)).agg(f.count("*").alias(TIMES))
    again = counted.where(f"{TIMES} > 1").persist()
    [row] = again.agg(f.sum(f.col(TIMES) - 1).alias("rows")).collect()
    if not row["rows"]:
        again.unpersist()
        return table, 0
    # As in DuckDB the window runs over repeated keys only: they are few.
    keys = again.select(*map(_name, key))
    window = Window.partitionBy(*map(_name, key)).orderBy(*map(_ascending, asked.first))
    firsts = (
        table.join(keys, key, "left_semi")
        .withColumn(TIMES, f.row_number().over(window))
        .where(f"{TIMES} = 1")
    )
    names = list(map(_name, asked.columns))
    others = table.join(keys, key, "left_anti")
    return others.select(*names).unionAll(firsts.select(*names)), int(row["rows"])


def _tidy(out: Path) -> None:
    """Plain names in the order of the partitions, and nothing else."""
    for number, part in enumerate(sorted(out.glob("part-*.parquet"))):
        part.rename(out / f"part-{number:05d}.parquet")
    for other in out.iterdir():
        if not re.fullmatch(r"part-\d{5,}\.parquet", other.name):
            shutil.rmtree(other) if other.is_dir() else other.unlink()


def _name(column: str) -> str:
    return "`" + column.replace("`", "``") + "`"


def _ascending(column: str) -> Any:
    from pyspark.sql import functions as f

    return f.col(_name(column)).asc_nulls_last()


def _address(path: Path) -> str:
    """A path as Hadoop reads it, whatever pattern characters it holds."""
    return "file://" + re.sub(r"([\[\]{}*?\\])", r"\\\1", str(path.resolve()))
