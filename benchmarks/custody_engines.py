"""Pseudonymise a made-up county once; run by custody.py in a process of its own, which watches it.

python custody_engines.py riskstrat DATA OUT
python custody_engines.py pandas DATA OUT

Both are given the true links, so that neither has to find out who is who: what is measured is the
parting, naming and joining. Both must tie every row to the same person and home.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from true_people import truth_folder

from riskstrat.custody.join import join
from riskstrat.custody.keyspec import Domain
from riskstrat.custody.lifecycle import new_keys
from riskstrat.custody.link import link
from riskstrat.custody.places import Places
from riskstrat.custody.register import keyring
from riskstrat.custody.split import split
from riskstrat.custody.work import columns_read, read_configs

CONFIGS = Path(__file__).parents[1] / "configs"
CUSTODY_FILE = CONFIGS / "custody" / "mid_county.yaml"
KEY = bytes(range(32))
"""of the naive way; riskstrat draws its own, which is kept in a file"""
MEMORY, THREADS = "1GB", 2
INDEXES = {
    Domain.PERSON: ("people", "links", "local_id", "person"),
    Domain.HOUSEHOLD: ("addresses", "address_links", "address_id", "household"),
}
"""domain -> an agency's index, the truth's table of it, its id, and whom that names"""


def phase(name: str) -> None:
    """Tell the one who watches what begins."""
    print(f"phase {name}", flush=True)


def entities(data: Path, domain: Domain) -> pa.Table:
    """agency, seat, id, entity: whose record each row of an index is, as the truth tells."""
    index, truth, column, whom = INDEXES[domain]
    parts = [
        f"SELECT '{path.parent.name}' AS agency, '{path.parent.name}/' || "
        f"lpad(CAST(file_row_number AS VARCHAR), 9, '0') AS seat, {column} AS id "
        f"FROM read_parquet('{path}', file_row_number=true)"
        for path in sorted(data.glob(f"raw/*/{index}.parquet"))
    ]
    with duckdb.connect() as con:
        return con.execute(
            f"SELECT r.agency, r.seat, r.id, '{whom}-' || t.{whom} AS entity "
            f"FROM ({' UNION ALL '.join(parts)}) AS r "
            f"JOIN read_parquet('{truth_folder(data) / f'{truth}.parquet'}') AS t "
            f"ON t.agency = r.agency AND t.{column} = r.id"
        ).to_arrow_table()


# -- riskstrat -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Links:
    """What a linkage engine gives back."""

    table: pa.Table


def as_engine(true: pa.Table) -> Any:
    """A linkage engine that knows the truth."""

    def link_them(con: duckdb.DuckDBPyConnection, view: str, known: str | None) -> Links:
        con.register("true_entities", true)
        return Links(
            con.execute(
                f"SELECT v.record_key, t.entity, 1.0 AS probability, 'exact' AS band, "
                f"'truth' AS how FROM {view} AS v JOIN true_entities AS t ON t.seat = v.record_key"
            ).to_arrow_table()
        )

    return link_them


def riskstrat(data: Path, out: Path) -> dict[str, Any]:
    """Split, link and join; each step streams."""
    configs, places = read_configs(CUSTODY_FILE), Places(out / "custody")
    spec = configs.spec
    new_keys(spec, places, datetime.now(UTC), lambda *_: "")
    linkers = {domain: as_engine(entities(data, domain)) for domain in INDEXES}
    key = keyring(spec, places, Domain.PERSON).key
    phase("split")
    records = 0
    for agency in spec.providers:
        contracts = configs.contracts(agency)
        columns = {name: columns_read(source) for name, source in contracts.items()}
        records += sum(split(spec, agency, data, places, columns=columns).indexed.values())
    phase("link")
    with duckdb.connect(config={"memory_limit": MEMORY, "threads": THREADS}) as con:
        link(spec, places, con, key, linkers=linkers)
    phase("join")
    counts = join(spec, out / "extracts", places)
    phase("after")
    return {"rows": sum(counts.rows.values()), "records": records}


# -- the naive way -------------------------------------------------------------------------------


def naive(data: Path, out: Path) -> dict[str, Any]:
    """Read everything, merge, hash row by row, write."""
    import pandas as pd

    spec = read_configs(CUSTODY_FILE).spec
    known = {domain: entities(data, domain).to_pandas() for domain in INDEXES}
    (out / "extracts").mkdir(parents=True)
    phase("read")
    frames = {
        (agency, name): pd.read_parquet(data / extract.file)
        for agency, provider in spec.providers.items()
        for name, extract in provider.extracts.items()
    }
    phase("hash and merge")
    rows = 0
    for (agency, name), frame in frames.items():
        extract = spec.providers[agency].extracts[name]
        for domain, column in (
            (Domain.PERSON, extract.person),
            (Domain.HOUSEHOLD, extract.household),
        ):
            if column:
                frame = named(frame, known[domain], agency, domain, column)
        frame.to_parquet(out / "extracts" / f"{name}.parquet", compression="zstd", index=False)
        rows += len(frame)
    phase("after")
    return {"rows": rows}


def named(frame: Any, known: Any, agency: str, domain: Domain, column: str) -> Any:
    """A frame with a pseudonym in the place of an agency's id."""
    own = known.loc[known["agency"] == agency, ["id", "entity"]]
    merged = frame.merge(own, how="left", left_on=column, right_on="id")
    pseudonyms = merged["entity"].apply(lambda each: _hashed(each, domain))
    return merged.drop(columns=[column, "id", "entity"]).assign(
        **{f"{domain.value}_id": pseudonyms}
    )


def _hashed(entity: Any, domain: Domain) -> str | None:
    if not isinstance(entity, str):
        return None
    digest = hmac.new(KEY, f"{domain.value}|{entity}".encode(), hashlib.sha256).hexdigest()
    return f"{domain.value[0].upper()}{digest[:32]}"


# -- whether they say the same -------------------------------------------------------------------


def differing(ours: Path, theirs: Path) -> Mapping[str, int]:
    """extract -> rows that one way ties to a person or home and the other to another.

    The keys differ, so pseudonyms do; each of one way must be exactly one of the other.
    """
    found = {}
    for path in sorted(ours.glob("*.parquet")):
        first, second = pq.read_table(path), pq.read_table(theirs / path.name)
        for name in ("person_id", "household_id"):
            if name not in first.column_names:
                continue
            pairs = pa.table({"ours": first.column(name), "theirs": second.column(name)})
            once = pairs.group_by(["ours", "theirs"]).aggregate([([], "count_all")])
            several = once.num_rows - min(len(once.column(c).unique()) for c in ("ours", "theirs"))
            found[f"{path.stem}.{name}"] = several + abs(first.num_rows - second.num_rows)
    return {name: count for name, count in found.items() if count}


def main() -> int:
    """Do it one way, and tell what there was to do."""
    reader = argparse.ArgumentParser()
    reader.add_argument("way", choices=("riskstrat", "pandas"))
    reader.add_argument("data", type=Path)
    reader.add_argument("out", type=Path)
    given = reader.parse_args()
    way = riskstrat if given.way == "riskstrat" else naive
    print(json.dumps(way(given.data, given.out)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
