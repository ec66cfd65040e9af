"""Outputs to attack, drawn by hand: releases, a store behind them, extracts, a sealed truth."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from riskstrat.release.identity import release_id, release_key
from riskstrat.release.policies import POLICIES

DAY = date(2025, 4, 1)
STUDY_DIGEST, SEED = "ab" * 32, 7
SCORES = "5c" * 32
FEATURES: tuple[dict[str, Any], ...] = (
    {"name": "people__sex", "meaning": "sex", "source": "people"},
    {"name": "falls__count__365d", "meaning": "falls in the last year", "source": "falls"},
    {"name": "calls__count__365d", "meaning": "999 calls in the last year", "source": "calls"},
    {
        "name": "calls__days_since_last",
        "meaning": "days since the last 999 call",
        "source": "calls",
    },
)


def release(
    store: Path,
    rows: Sequence[Mapping[str, Any]],
    *,
    kind: str = "pseudonymised",
    study: str = "falls_study",
    day: date = DAY,
    recipient: str = "icb",
    owner: str = "",
    policy: str = "strict",
) -> Path:
    """Write a release as a recipient has it: list.csv and manifest.json."""
    folder = store / "releases" / study / day.isoformat() / recipient / owner
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "list.csv").open("w", encoding="utf-8-sig", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]), lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(rows)
    told = {
        "study": study,
        "as_of": day.isoformat(),
        "recipient": recipient,
        "rows": kind,
        "policy": {"name": policy, "threshold": POLICIES[policy].threshold},
        "identities": {"study": STUDY_DIGEST, "scores": SCORES},
    }
    (folder / "manifest.json").write_text(json.dumps(told))
    return folder


def ids(
    units: Sequence[str], *, secret: bytes = b"", day: date = DAY, to: str = "icb"
) -> list[str]:
    """The release ids of people, as `riskstrat` makes them."""
    key = release_key(secret, STUDY_DIGEST, day, to, SEED)
    return [release_id(key, unit, day) for unit in units]


def behind(
    store: Path,
    units: Sequence[str],
    groups: Mapping[str, Sequence[Any]],
    happened: Mapping[str, Sequence[float | None]],
    *,
    study: str = "falls_study",
    day: date = DAY,
) -> None:
    """What a store knows of everybody who was scored: scores, groups, features, the study."""
    scores = store / "derived" / "scores" / SCORES[:32]
    features = store / "derived" / "features" / f"{study}{day}"
    run = store / "runs" / study / "1"
    for folder in (scores, features, run):
        folder.mkdir(parents=True, exist_ok=True)
    days = pa.array([day] * len(units), pa.date32())
    pq.write_table(pa.table({"unit_id": units, "as_of": days}), scores / "scores.parquet")
    pq.write_table(
        pa.table({"unit_id": units, "as_of": days, **groups}), features / "groups.parquet"
    )
    nothing = [0.0] * len(units)
    columns = {
        f["name"]: pa.array(happened.get(f["name"], nothing), pa.float64()) for f in FEATURES
    }
    pq.write_table(pa.table({"unit_id": units, **columns}), features / "features.parquet")
    told = [{"kind": "number", "agency": "Mid County", **feature} for feature in FEATURES]
    (features / "features.json").write_text(json.dumps(told))
    (run / "study.yaml").write_text(f"study: {study}\nseed: {SEED}\n")


def extracts(folder: Path, **columns: Sequence[str]) -> Path:
    """A folder with one extract of these columns."""
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(dict(columns)), folder / "admissions.parquet")
    return folder


def truth(
    folder: Path, people: Sequence[Mapping[str, str]], homes: Sequence[Mapping[str, str]] = ()
) -> Path:
    """A sealed truth: who everybody is, and what agencies call them."""
    folder.mkdir(parents=True, exist_ok=True)
    blank = dict.fromkeys(
        ("person_id", "nhs_number", "upn", "forename", "middle_name", "surname", "date_of_birth",
         "sex", "postcode", "uprn"), ""
    )  # fmt: skip
    pq.write_table(pa.Table.from_pylist([blank | p for p in people]), folder / "identities.parquet")
    links = [
        {"agency": "icb", "local_id": p.get("local_id", f"C{n:08d}"), "person": p["person_id"]}
        for n, p in enumerate(people)
    ]
    pq.write_table(pa.Table.from_pylist(links), folder / "links.parquet")
    if homes:
        pq.write_table(pa.Table.from_pylist(list(homes)), folder / "homes.parquet")
    return folder
