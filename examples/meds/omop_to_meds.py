"""Write an OMOP database as a MEDS data set: `python omop_to_meds.py OMOP_FOLDER MEDS_FOLDER`.

One table of subject_id, time, code and numeric_value under `data/`, a shard for each of the splits
train, tuning and held_out. Codes are the OMOP domain and the concept, such as `DRUG//1118084`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

DOMAINS = {
    "condition_occurrence": ("CONDITION", "condition_concept_id", "condition_start_date", None),
    "drug_exposure": ("DRUG", "drug_concept_id", "drug_exposure_start_date", None),
    "procedure_occurrence": ("PROCEDURE", "procedure_concept_id", "procedure_date", None),
    "measurement": ("LAB", "measurement_concept_id", "measurement_date", "value_as_number"),
    "visit_occurrence": ("VISIT", "visit_concept_id", "visit_start_date", None),
}
"""OMOP table -> first part of the code, and the columns of concept, day and value"""
SHARDS = {"train/0": (0, 4), "train/1": (4, 8), "tuning/0": (8, 9), "held_out/0": (9, 10)}
"""shard -> the range of subjects, in tenths"""


def meds_sql(omop: Path) -> str:
    """SQL: every row of a MEDS data set."""
    person = f"read_parquet('{omop / 'person.parquet'}')"
    born = "make_date(year_of_birth::INT, month_of_birth::INT, day_of_birth::INT)::TIMESTAMP"
    parts = [
        f"SELECT person_id, {born}, 'MEDS_BIRTH', NULL FROM {person}",
        f"SELECT person_id, NULL, 'GENDER//' || gender_source_value, NULL FROM {person}",
    ]
    if (death := omop / "death.parquet").exists():
        parts.append(
            f"SELECT person_id, death_date::TIMESTAMP, 'MEDS_DEATH', NULL "
            f"FROM read_parquet('{death}')"
        )
    for table, (domain, concept, day, value) in DOMAINS.items():
        number = f"try_cast({value} AS FLOAT)" if value else "NULL"
        parts.append(
            f"SELECT person_id, {day}::TIMESTAMP, '{domain}//' || {concept}, {number} "
            f"FROM read_parquet('{omop / table}.parquet')"
        )
    rows = " UNION ALL ".join(parts)
    return (
        "SELECT s::BIGINT AS subject_id, t::TIMESTAMP AS time, c::VARCHAR AS code, "
        f"v::FLOAT AS numeric_value FROM ({rows}) AS rows(s, t, c, v)"
    )


def convert(omop: Path, meds: Path) -> None:
    """Write the shards; each is sorted by subject and time, static rows first."""
    with duckdb.connect() as con:
        con.execute(f"CREATE VIEW meds AS {meds_sql(omop)}")
        for shard, (low, high) in SHARDS.items():
            out = meds / "data" / f"{shard}.parquet"
            out.parent.mkdir(parents=True, exist_ok=True)
            con.execute(
                f"COPY (SELECT * FROM meds WHERE subject_id % 10 >= {low} "
                f"AND subject_id % 10 < {high} ORDER BY subject_id, time NULLS FIRST, code) "
                f"TO '{out}' (FORMAT parquet)"
            )


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
