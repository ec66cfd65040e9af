"""The records that are linked: where they are, who they truly are, how well they were linked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
WORK = HERE.parent / ".work" / "linkage"
CONFIGS = ROOT / "configs" / "linkage"
GROUPS = ("sex", "age_band", "ethnicity", "imd_quintile", "agency")


@dataclass(frozen=True, slots=True)
class OpenSet:
    """A published dataset with truth."""

    name: str
    files: tuple[tuple[str, str], ...]
    """name of a file in the linkage file -> path under the data folder"""
    record: str
    truth: str
    """SQL of the true entity"""

    @property
    def config(self) -> Path:
        """Our linkage file for it."""
        return CONFIGS / f"{self.name}.yaml"


_FEBRL = "regexp_extract(rec_id, 'rec-([0-9]+)-', 1)"
OPEN_SETS = {
    each.name: each
    for each in (
        OpenSet("febrl2", (("people", "febrl/febrl2.parquet"),), "rec_id", _FEBRL),
        OpenSet("febrl3", (("people", "febrl/febrl3.parquet"),), "rec_id", _FEBRL),
        OpenSet(
            "febrl4",
            (("a", "febrl/febrl4a.parquet"), ("b", "febrl/febrl4b.parquet")),
            "rec_id",
            _FEBRL,
        ),
        OpenSet(
            "splink_fake_1000",
            (("people", "splink_fake_1000/fake_1000.parquet"),),
            "unique_id",
            "CAST(cluster AS VARCHAR)",
        ),
    )
}


def make_county(people: int) -> Path:
    """The raw indexes of a made-up county and their truth, made once."""
    folder = WORK / f"county{people}"
    if folder.exists():
        return folder
    from riskstrat.synthetic import make_county as made

    WORK.mkdir(parents=True, exist_ok=True)
    aside = WORK / f"making{people}"
    made(aside, people=people, seed=7)
    for extract in aside.glob("raw/*/*.parquet"):
        if extract.stem not in ("people", "addresses"):
            extract.unlink()
    aside.with_name(f"making{people}-truth").rename(truth_of(folder))
    aside.rename(folder)
    return folder


def truth_of(county: Path) -> Path:
    """The folder of a county's sealed truth."""
    return county.with_name(f"{county.name}-truth")


def read_county(con: duckdb.DuckDBPyConnection, county: Path) -> None:
    """The view ``people``: every agency's index, with a record key that tells nothing."""
    parts = [
        f"SELECT '{index.parent.name}' AS agency, md5('{index.parent.name}:' || local_id) "
        f"AS record_key, * FROM read_parquet('{index}')"
        for index in sorted(county.glob("raw/*/people.parquet"))
    ]
    con.execute(f"CREATE VIEW people AS {' UNION ALL BY NAME '.join(parts)}")


def judge_county(con: duckdb.DuckDBPyConnection, county: Path, links: str) -> dict[str, Any]:
    """Quality of links (record_key, entity) against the sealed truth, of all pairs and of those
    of which at least one record has no valid NHS number; the latter by group."""
    from riskstrat.linkage.identifiers import number_sql, tidy_sql
    from riskstrat.linkage.quality import linkage_quality

    valid, _ = number_sql("nhs_number", "tidy")
    truth = truth_of(county)
    con.execute(
        f"CREATE TABLE judged AS SELECT l.entity, t.person, p.agency, "
        f"{valid} IS NULL AS open, g.* EXCLUDE (person_id) FROM {links} AS l "
        f"JOIN (SELECT *, {tidy_sql('nhs_number')} AS tidy FROM people) AS p USING (record_key) "
        f"JOIN read_parquet('{truth / 'links.parquet'}') AS t "
        f"ON t.agency = p.agency AND t.local_id = p.local_id "
        f"LEFT JOIN read_parquet('{truth / 'groups.parquet'}') AS g ON g.person_id = t.person"
    )
    return {
        "all": linkage_quality(con, "judged", replicates=200)[0].as_dict(),
        "without_number": [
            each.as_dict()
            for each in linkage_quality(
                con, "judged", groups=GROUPS, only_open=True, replicates=200
            )
        ],
    }


def judge_open(con: duckdb.DuckDBPyConnection, links: str, truth: str) -> dict[str, Any]:
    """Quality of links (record_key, entity) against a view of record_key and person."""
    from riskstrat.linkage.quality import linkage_quality

    con.execute(
        f"CREATE OR REPLACE TEMP VIEW judged AS "
        f"SELECT l.entity, t.person FROM {links} AS l JOIN {truth} AS t USING (record_key)"
    )
    return linkage_quality(con, "judged", replicates=200)[0].as_dict()
