"""Plain Splink links one workload as its tutorials do; run by bench.py in a process of its own.

The settings are those of Splink's own examples: "Linking the febrl4 datasets" (its detailed model),
"Deduplicating the febrl3 dataset" (also for febrl2), the introductory tutorial for fake_1000, and
for the county "Linking a dataset of real historical persons", with the county's columns in the
place of its own and NHS numbers as one more comparison and blocking rule. Clusters are cut at
several probabilities and the best is told; for the county, at the example's 0.95.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on
from workloads import OPEN_SETS, WORK, judge_county, judge_open, make_county, read_county

CUTS = (0.5, 0.8, 0.9, 0.95, 0.99)


def main() -> int:
    """Train, predict, cluster, then judge; phases and facts go to stdout."""
    reader = argparse.ArgumentParser()
    reader.add_argument("workload")
    reader.add_argument("--data", type=Path, default=Path())
    reader.add_argument("--memory", default="6GB")
    given = reader.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK) as scratch:
        con = duckdb.connect(config={"memory_limit": given.memory, "temp_directory": scratch})
        name = given.workload
        tables = _read(con, name, given.data)
        settings, train = HOW.get(name, HOW["county"])
        print("phase link", flush=True)
        api = DuckDBAPI(connection=con)
        linker = Linker([api.register(table) for table in tables], settings, log_level=None)
        train(linker)
        found = linker.inference.predict(threshold_match_probability=0.2, warning_mode="never")
        clusters = {
            cut: linker.clustering.cluster_pairwise_predictions_at_threshold(
                found, threshold_match_probability=cut
            ).physical_name
            for cut in (CUTS if name in OPEN_SETS else (0.95,))
        }
        print("phase judge", flush=True)
        best = _best(con, name, clusters)
        pairs = _pairs(linker, settings)
    print(json.dumps({"pairs": pairs, **best}), flush=True)
    return 0


def _pairs(linker: Linker, settings: SettingsCreator) -> int:
    """How many pairs the blocking rules let through."""
    blocked = linker.inference.compute_blocked_pairs_for_predict()
    found = linker._db_api.duckdb_con.sql(
        f"SELECT count(*) FROM {blocked.physical_name}"
    ).fetchone()
    return int(found[0]) if found else 0


def _best(con: duckdb.DuckDBPyConnection, name: str, clusters: dict[float, str]) -> dict[str, Any]:
    told = []
    for cut, table in clusters.items():
        links = (
            f"(SELECT CAST(unique_key AS VARCHAR) AS record_key, cluster_id AS entity FROM {table})"
        )
        if name in OPEN_SETS:
            told.append((cut, judge_open(con, links, "truth")))
        else:
            told.append((cut, judge_county(con, make_county(int(name)), links)))
    if name in OPEN_SETS:
        told.sort(key=lambda each: each[1]["f1"]["value"] or 0.0)
    cut, quality = told[-1]
    return {"cut": cut, "quality": quality}


def _read(con: duckdb.DuckDBPyConnection, name: str, data: Path) -> list[str]:
    """The tables to link, their key in ``unique_key``; and the view ``truth``."""
    if name not in OPEN_SETS:
        read_county(con, make_county(int(name)))
        con.execute(
            "CREATE TABLE records AS SELECT record_key AS unique_key, nhs_number, "
            "lower(forename) AS forename, lower(surname) AS surname, date_of_birth, "
            "lower(left(sex, 1)) AS sex, replace(postcode, ' ', '') AS postcode, "
            "left(replace(postcode, ' ', ''), -2) AS sector, "
            "lower(forename) || ' ' || lower(surname) AS forename_surname FROM people"
        )
        return ["records"]
    workload = OPEN_SETS[name]
    for agency, file in workload.files:
        con.execute(
            f"CREATE TABLE records_{agency} AS SELECT "
            f"'{agency}:' || {workload.record} AS unique_key, *, {workload.truth} AS person "
            f"FROM read_parquet('{data / file}')"
        )
    tables = [f"records_{agency}" for agency, _ in workload.files]
    union = " UNION ALL ".join(f"SELECT unique_key AS record_key, person FROM {t}" for t in tables)
    con.execute(f"CREATE VIEW truth AS {union}")
    return tables


def _settings(link_type: Any, comparisons: list[Any], rules: list[Any]) -> SettingsCreator:
    return SettingsCreator(
        link_type=link_type,
        unique_id_column_name="unique_key",
        comparisons=comparisons,
        blocking_rules_to_generate_predictions=rules,
    )


def _trained(
    rules: list[Any], recall: float, pairs: float, sessions: list[Any], fast: bool
) -> Callable[[Linker], None]:
    def train(linker: Linker) -> None:
        training = linker.training
        training.estimate_probability_two_random_records_match(rules, recall=recall)
        training.estimate_u_using_random_sampling(max_pairs=pairs, seed=2)
        for session in sessions:
            training.estimate_parameters_using_expectation_maximisation(
                session, estimate_without_term_frequencies=fast
            )

    return train


FEBRL4 = (
    _settings(
        "link_only",
        [
            cl.NameComparison("given_name").configure(term_frequency_adjustments=True),
            cl.NameComparison("surname").configure(term_frequency_adjustments=True),
            cl.DateOfBirthComparison(
                "date_of_birth",
                input_is_string=True,
                datetime_format="%Y%m%d",
                invalid_dates_as_null=True,
            ),
            cl.DamerauLevenshteinAtThresholds("soc_sec_id", [1, 2]),
            cl.ExactMatch("street_number").configure(term_frequency_adjustments=True),
            cl.DamerauLevenshteinAtThresholds("postcode", [1, 2]).configure(
                term_frequency_adjustments=True
            ),
        ],
        [
            block_on("given_name", "surname"),
            "l.given_name = r.surname and l.surname = r.given_name",
            block_on("date_of_birth"),
            block_on("soc_sec_id"),
            block_on("state", "address_1"),
            block_on("street_number", "address_1"),
            block_on("postcode"),
        ],
    ),
    _trained(
        [block_on("soc_sec_id"), block_on("given_name", "surname", "date_of_birth")],
        0.8,
        1e6,
        [block_on("date_of_birth"), block_on("postcode")],
        True,
    ),
)
FEBRL3 = (
    _settings(
        "dedupe_only",
        [
            cl.NameComparison("given_name"),
            cl.NameComparison("surname"),
            cl.DateOfBirthComparison(
                "date_of_birth", input_is_string=True, datetime_format="%Y%m%d"
            ),
            cl.DamerauLevenshteinAtThresholds("soc_sec_id", [2]),
            cl.ExactMatch("street_number").configure(term_frequency_adjustments=True),
            cl.ExactMatch("postcode").configure(term_frequency_adjustments=True),
        ],
        [
            block_on(column)
            for column in ("soc_sec_id", "given_name", "surname", "date_of_birth", "postcode")
        ],
    ),
    _trained(
        [
            block_on("soc_sec_id"),
            block_on("given_name", "surname", "date_of_birth"),
            "l.given_name = r.surname and l.surname = r.given_name "
            "and l.date_of_birth = r.date_of_birth",
        ],
        0.9,
        1e6,
        [block_on("date_of_birth"), block_on("postcode")],
        False,
    ),
)
FAKE_1000 = (
    _settings(
        "dedupe_only",
        [
            cl.NameComparison("first_name"),
            cl.NameComparison("surname"),
            cl.LevenshteinAtThresholds("dob", 1),
            cl.ExactMatch("city").configure(term_frequency_adjustments=True),
            cl.EmailComparison("email"),
        ],
        # The tutorial's page on scaling adds the date of birth to its first two rules.
        [block_on("first_name", "city"), block_on("surname"), block_on("dob")],
    ),
    _trained(
        [
            block_on("first_name", "dob"),
            "l.first_name = r.first_name and levenshtein(r.surname, l.surname) <= 2",
            block_on("email"),
        ],
        0.7,
        2e6,
        [block_on("first_name", "surname"), block_on("dob")],
        False,
    ),
)
COUNTY = (
    _settings(
        "dedupe_only",
        [
            cl.ForenameSurnameComparison(
                "forename", "surname", forename_surname_concat_col_name="forename_surname"
            ),
            cl.DateOfBirthComparison("date_of_birth", input_is_string=True),
            cl.PostcodeComparison("postcode"),
            cl.ExactMatch("sex"),
            cl.ExactMatch("nhs_number"),
        ],
        [
            block_on("nhs_number"),
            block_on("substr(forename,1,3)", "substr(surname,1,4)"),
            block_on("surname", "date_of_birth"),
            block_on("forename", "date_of_birth"),
            block_on("postcode", "forename"),
            block_on("postcode", "surname"),
            # There the first three letters: this county's are nearly all the same.
            block_on("sector", "date_of_birth"),
            block_on("sector", "forename"),
            block_on("sector", "surname"),
            block_on("substr(forename,1,2)", "substr(surname,1,2)", "substr(date_of_birth,1,4)"),
        ],
    ),
    _trained(
        [
            block_on("forename", "surname", "date_of_birth"),
            block_on("substr(forename,1,2)", "surname", "sector"),
            block_on("date_of_birth", "postcode"),
        ],
        0.6,
        1e7,
        [block_on("forename", "surname"), block_on("date_of_birth")],
        True,
    ),
)
HOW = {
    "febrl2": FEBRL3,
    "febrl3": FEBRL3,
    "febrl4": FEBRL4,
    "splink_fake_1000": FAKE_1000,
    "county": COUNTY,
}

if __name__ == "__main__":
    sys.exit(main())
