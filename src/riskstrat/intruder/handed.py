"""What a linker would be told in tokens, made for the attack under a key of the judge's own.

Tokens under one key are as common as under any other, so it does not matter which key it is.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from riskstrat.errors import UsageError
from riskstrat.intruder.frequency import RECORD_KEY, Handed

RAW = (
    "nhs_number", "upn", "forename", "surname", "date_of_birth", "sex", "postcode", "address",
    "uprn",
)  # fmt: skip


def over(
    linkage: Path | None, data: Path | None, truth: Path | None, rng: np.random.Generator
) -> list[Handed]:
    """The tokens of every agency's index of people, beside those of everybody.

    Args:
        linkage: the linkage file, which says how tokens are made.
        data: where ``raw/<agency>/people.parquet`` are.
        truth: the sealed truth: stands for public registers, and says whose each record is.

    Returns:
        Nothing without a linkage file.

    Raises:
        UsageError: indexes or the truth are missing.
    """
    if linkage is None:
        return []
    indexes = sorted(data.glob("raw/*/people.parquet")) if data else []
    if not indexes or truth is None or not (truth / "identities.parquet").exists():
        raise UsageError(
            "tokens cannot be attacked without the agencies' indexes and a sealed truth",
            fix="give a county made with `riskstrat synth`, with its truth, or leave out --tokens",
        )
    from riskstrat.linkage.spec import read_linkage
    from riskstrat.linkage.tokens import make_tokens

    spec, key = read_linkage(linkage), rng.bytes(32)
    everybody = _raw(pq.read_table(truth / "identities.parquet"), "person_id")
    public = make_tokens(everybody, key, spec).table
    links = pq.read_table(truth / "links.parquet")
    found = []
    for path in indexes:
        agency = path.parent.name
        seen = make_tokens(_raw(pq.read_table(path), "local_id"), key, spec).table
        theirs = links.filter(pc.equal(links["agency"], agency))
        pairs = zip(theirs["local_id"].to_pylist(), theirs["person"].to_pylist(), strict=True)
        found.append(Handed(agency, seen, public, dict(pairs)))
    return found


def _raw(table: pa.Table, record: str) -> pa.Table:
    """Raw identifiers as text, all columns there are, absent ones empty."""
    columns = {RECORD_KEY: table[record].cast(pa.string())}
    for name in RAW:
        there = name in table.column_names
        columns[name] = table[name].cast(pa.string()) if there else _nothing(table.num_rows)
    return pa.table(columns)


def _nothing(rows: int) -> pa.Array:
    return pa.nulls(rows, pa.string())
