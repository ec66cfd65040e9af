"""The linker's word on its links, on its way: kept, handed to the analyst, put beside the extracts.

CUSTODY/linker/linkage/quality.json       kept, for a truth that comes later
CUSTODY/linker/for_analyst/quality.json   carry to analyst/received/quality.json
DATA/linkage.json                         `quality`: what a study reads
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from riskstrat.asof import literal
from riskstrat.custody.faults import CustodyError
from riskstrat.custody.keyspec import Keeper
from riskstrat.custody.link import FILES
from riskstrat.custody.places import OWNER_ONLY, Places, drop_if_empty
from riskstrat.custody.quality import REVIEWED, Judge, Judged, refuse_unknown
from riskstrat.custody.spec import CustodySpec
from riskstrat.disk import disk_errors, read_json, write_json

NAME = "quality.json"
Quality = dict[str, dict[str, Any]]
"""``people`` or ``addresses`` -> what :meth:`~riskstrat.custody.quality.Judge.domain` tells"""


def keep_quality(spec: CustodySpec, places: Places, fresh: Mapping[str, Any]) -> None:
    """Keep what was told of the domains that were linked now, and leave it all for the analyst."""
    path = places.linkage() / NAME
    before = read_json(path)["domains"] if path.exists() else {}
    whole = _header(spec) | {"domains": before | dict(fresh)}
    write_json(path, whole)
    write_json(places.of(Keeper.LINKER, "for_analyst") / NAME, whole)


def withdraw_quality(places: Places) -> None:
    """Take back a word that nobody fetched: it is about links that are about to change."""
    path = places.root / Keeper.LINKER.value / "for_analyst" / NAME
    with disk_errors(path):
        path.unlink(missing_ok=True)


def _header(spec: CustodySpec) -> dict[str, Any]:
    keys = {"person": spec.keys.person, "household": spec.keys.household}
    return {"project": spec.project, "keys": keys}


def judge_kept(
    spec: CustodySpec,
    places: Places,
    con: duckdb.DuckDBPyConnection,
    judge: Judge,
    reviewed: pa.Table,
) -> Quality:
    """Hold the links that the linker keeps against a sample reviewed since; link nothing.

    What was counted and estimated when they were linked stays.

    Raises:
        CustodyError: RS1614 nothing was linked yet, RS1617 a sample of other records.
    """
    path = places.linkage() / NAME
    tables = {
        name: places.entities(str(spec.key_ids()[domain])) / f"{name}.parquet"
        for domain, name in FILES.items()
    }
    there = {
        name: f"read_parquet({literal(table.as_posix())}, hive_partitioning=false)"
        for name, table in tables.items()
        if table.exists()
    }
    if not path.exists() or not there:
        raise CustodyError(
            f"{path.parent}: there are no links to hold a sample against, and nothing was received",
            fix="run `riskstrat pseudonymise split` and `link` before a sample is reviewed",
            code="RS1614",
        )
    found: Quality = read_json(path)["domains"]
    refuse_unknown(con, reviewed, list(there.values()), "the reviewed sample")
    for name, sql in there.items():
        by = Judged(truth=reviewed, truth_from=REVIEWED)
        now = judge.domain(con, name, sql, by)
        if now["truth"]:
            kept = [rate for rate in found[name]["rates"] if rate["basis"] != "truth"]
            fresh = [rate for rate in now["rates"] if rate["basis"] == "truth"]
            found[name] |= {"rates": kept + fresh, "truth": REVIEWED}
    keep_quality(spec, places, found)
    return found


def take_quality(spec: CustodySpec, places: Places) -> Quality | None:
    """What the linker told the analyst with its newest links; it is moved, and then gone.

    Raises:
        CustodyError: RS1610, it is of another project or under other keys.
    """
    ready = places.root / Keeper.LINKER.value / "for_analyst" / NAME
    path = _received(places)
    if ready.exists():
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True, mode=OWNER_ONLY)
            shutil.move(ready, path)
        drop_if_empty(ready.parent)
    if not path.exists():
        return None
    whole = read_json(path)
    if {name: whole.get(name) for name in ("project", "keys")} != _header(spec):
        raise CustodyError(
            f"{path}: it tells of links of another project, or under other keys",
            fix="bring the file that the linker made with these links, or remove it",
            code="RS1610",
        )
    found: Quality = whole["domains"]
    return found


def forget_quality(places: Places) -> None:
    """Remove what was received, once it is beside the extracts."""
    path = _received(places)
    with disk_errors(path):
        path.unlink(missing_ok=True)
    drop_if_empty(path.parent)


def _received(places: Places) -> Path:
    return places.root / Keeper.ANALYST.value / "received" / NAME
