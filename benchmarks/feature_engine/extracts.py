"""The workload as riskstrat meets it: extracts as agencies send them, contracts, and a study.

Extracts hold text pseudonyms and text codes, in the order in which rows arrived. All is written
from the same plain data (``workload.py``) that the peers' code is made from.
"""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import yaml
from workload import Block, Table, Workload

PSEUDONYM = (
    "lpad(lower(to_hex(((person_id::HUGEINT * 11400714819323198485) "
    "% 18446744073709551616)::UBIGINT)), 16, '0')"
)
"""SQL: a person's pseudonym; one to one, and in no order"""


def code_text(table: Table, code: int) -> str:
    """A code as agencies write it."""
    return f"{table.name}{code:04d}"


def write_extracts(workload: Workload, data: Path, parts: int, memory: str = "4GB") -> Path:
    """Write the extracts of the first ``parts`` blocks of people; return their folder."""
    folder = data / f"extracts_{parts:03d}"
    if folder.exists():
        return folder
    aside = folder.with_suffix(".tmp")
    aside.mkdir(parents=True, exist_ok=True)
    con = duckdb.connect(config={"memory_limit": memory, "temp_directory": str(aside / "spill")})
    con.execute("SET enable_progress_bar = false")
    form = "(FORMAT parquet, COMPRESSION zstd)"
    for table in workload.tables:
        files = ", ".join(f"'{data}/clustered/{table.name}/{p:03d}.parquet'" for p in range(parts))
        code = f"'{table.name}' || lpad(code::VARCHAR, 4, '0')"
        con.execute(
            f"COPY (SELECT {PSEUDONYM} AS person_id, {code} AS code, happened_on, known_on, value "
            f"FROM (SELECT * FROM read_parquet([{files}]) ORDER BY known_on, "
            "(person_id * 2654435761) % 4294967296, happened_on, code, value)) "
            f"TO '{aside}/{table.name}.parquet' {form}"
        )
    people = workload.people_of(parts - 1)[1]
    con.execute(
        f"COPY (SELECT {PSEUDONYM} AS person_id, DATE '{workload.first}' AS starts_on, "
        f"NULL::DATE AS ends_on FROM (SELECT unnest(range({people})) AS person_id) "
        f"ORDER BY 1) TO '{aside}/registrations.parquet' {form}"
    )
    con.close()
    if (aside / "spill").exists():
        (aside / "spill").rmdir()
    return aside.rename(folder)


def write_config(workload: Workload, folder: Path) -> Path:
    """Write contracts, codelists, the agreement and the study; return the study's file."""
    end = workload.last + timedelta(days=1)
    covered = [{"from": workload.first, "to": end}]
    for table in workload.tables:
        dump(folder / "sources" / f"{table.name}.yaml", _source(workload, table, covered))
        _write_codelists(table, folder / "codelists")
    registrations = _registrations(covered)
    dump(folder / "sources" / "registrations.yaml", registrations)
    dump(folder / "agreements" / "benchmark.yaml", _agreement(workload, end))
    study = folder / "studies" / f"{workload.name}.yaml"
    dump(study, _study(workload, end))
    return study


class _Plain(yaml.SafeDumper):
    """YAML without anchors, which riskstrat refuses."""

    def ignore_aliases(self, data: object) -> bool:
        """Write everything out."""
        return True


def dump(file: Path, what: dict[str, Any]) -> None:
    """Write a config file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.dump(what, Dumper=_Plain, sort_keys=False, width=100), encoding="utf-8")


def _source(workload: Workload, table: Table, covered: list[dict[str, date]]) -> dict[str, Any]:
    return {
        "source": table.name,
        "title": f"Events of {table.name}",
        "agency": f"Agency of {table.name}",
        "agreement": "benchmark",
        "file": f"{table.name}.parquet",
        "row": f"{table.name} event",
        "shape": "events",
        "unit": "person",
        "unit_key": "person_id",
        "happened_on": "happened_on",
        "known_on": "known_on",
        "late_after_days": 36_500,
        "coverage": covered,
        "columns": {
            "person_id": {"type": "string", "required": True},
            "code": {"type": "string", "label": "code", "required": True},
            "happened_on": {"type": "date", "required": True},
            "known_on": {"type": "date", "required": True},
            "value": {"type": table.value, "label": "value"},
        },
    }


def _registrations(covered: list[dict[str, date]]) -> dict[str, Any]:
    return {
        "source": "registrations",
        "title": "Who is registered",
        "agency": "Agency of registrations",
        "agreement": "benchmark",
        "file": "registrations.parquet",
        "row": "registration",
        "shape": "spells",
        "unit": "person",
        "unit_key": "person_id",
        "starts_on": "starts_on",
        "ends_on": "ends_on",
        "known_on": "starts_on",
        "population": "registered",
        "coverage": covered,
        "columns": {
            "person_id": {"type": "string", "required": True},
            "starts_on": {"type": "date", "required": True},
            "ends_on": {"type": "date"},
        },
    }


def _write_codelists(table: Table, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    lists = {f"{table.name}_groups": [(f"g{n + 1}", *span) for n, span in enumerate(table.groups)]}
    lists |= {name: [(name, low, high)] for name, low, high in table.overlapping}
    for name, groups in lists.items():
        if not groups:
            continue
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("code", "label", "group"))
            for group, low, high in groups:
                for code in range(low, high):
                    writer.writerow((code_text(table, code), code_text(table, code), group))


def _agreement(workload: Workload, end: date) -> dict[str, Any]:
    basis = {"uk_gdpr": ["not personal data"], "statutory_gateway": "none", "common_law": "made up"}
    names = [table.name for table in workload.tables]
    columns = ["person_id", "code", "happened_on", "known_on", "value"]
    return {
        "agreement": "benchmark",
        "reference": "BENCH-1",
        "title": "Made-up records for a benchmark",
        "parties": ["nobody"],
        "purposes": ["research"],
        "recipients": ["analysts"],
        "disclosure": "none",
        "starts": workload.first,
        "ends": date(end.year + 20, 1, 1),
        "legal_basis": dict.fromkeys((*names, "registrations"), basis),
        "sources": {name: {"columns": columns} for name in names}
        | {"registrations": {"columns": ["person_id", "starts_on", "ends_on"]}},
    }


def _block(block: Block) -> dict[str, Any]:
    said = {
        "count": "count",
        "any": "any",
        "distinct": "distinct(code)",
        "days_since_last": "days_since_last",
    }
    found: dict[str, Any] = {"source": block.table}
    if block.where:
        found |= {"name": block.where, "row": "watched event"}
        found["where"] = f"code in codelist('{block.where}')"
    found["aggregates"] = [said.get(name, f"{name}(value)") for name in block.aggregates]
    if block.by:
        found["by"] = {"column": "code", "codelist": f"{block.table}_groups"}
    if block.windows:
        found["windows"] = list(block.windows)
    return found


def _study(workload: Workload, end: date) -> dict[str, Any]:
    event = workload.tables[min(3, len(workload.tables) - 1)].name
    return {
        "study": workload.name,
        "title": "What the features of a benchmark cost",
        "kind": "risk_model",
        "purpose": "research",
        "unit": "person",
        "seed": 1,
        "cohort": {"as_of": {"dates": list(workload.dates)}, "who": "registered"},
        "outcome": {"name": "event", "event": event, "within": "30 days"},
        "features": {
            "windows": list(workload.windows),
            # Ten years of data say something about "ever", which reaches back a hundred.
            "min_covered": 0.01,
            "blocks": [_block(block) for block in workload.blocks],
        },
        "training": {
            "folds": {"scheme": "rolling_origin", "test_last": 1},
            "learners": ["lightgbm"],
            "tune": {"trials": 1, "rows": 2000},
        },
        "audit": {"groups": [], "capacity": [0.05], "gates": []},
        "release": {
            "as_of": end,
            "disclosure": "strictest",
            "recipients": [
                {"to": "analysts", "rows": "pseudonymised", "columns": ["release_id", "band"]}
            ],
        },
    }
