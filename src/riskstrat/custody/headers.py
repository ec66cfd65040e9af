"""What every file of a hand-over says of itself: whose project, what kind, under which keys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from riskstrat.custody.faults import CustodyError
from riskstrat.custody.keyspec import Domain
from riskstrat.custody.spec import CustodySpec

FIELD = b"riskstrat.custody"

Kind = Literal[
    "identifiers", "tokens", "truth", "content", "links", "entities", "rekey", "moved", "extract"
]


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a file, kept in its Parquet metadata. Holds ids of keys, never a key."""

    project: str
    kind: Kind
    agency: str
    keys: Mapping[str, str]
    """domain -> key id: under which keys its pseudonyms are, or will be, made"""
    hand_over: str = ""
    """which split a file belongs to: a random name that content, identifiers and links share"""

    def on(self, schema: pa.Schema) -> pa.Schema:
        """A schema with this header, and without what other programs wrote beside it.

        Programs keep notes in the metadata of a file and of its columns; some quote rows.
        """
        plain = [pa.field(each.name, each.type, each.nullable) for each in schema]
        text = json.dumps(asdict(self), sort_keys=True)
        return pa.schema(plain, metadata={FIELD: text.encode()})


def header_for(spec: CustodySpec, kind: Kind, agency: str, hand_over: str = "") -> Header:
    """The header of a file that is made now, under the keys of the custody file."""
    ids = spec.key_ids()
    keys = {each.value: str(ids[each]) for each in (Domain.PERSON, Domain.HOUSEHOLD)}
    if kind == "tokens":
        keys[Domain.TOKENS.value] = str(ids[Domain.TOKENS])
    return Header(spec.project, kind, agency, keys, hand_over)


def read_header(path: Path) -> Header | None:
    """The header of a file; ``None`` if it has none.

    Raises:
        CustodyError: RS1601, the file is missing or no Parquet file.
    """
    text = (opened(path).schema_arrow.metadata or {}).get(FIELD)
    if text is None:
        return None
    try:
        return Header(**json.loads(text))
    except (ValueError, TypeError):
        return None


def expect(path: Path, spec: CustodySpec, *kinds: Kind, agency: str | None = None) -> Header:
    """The header of a file, which must be of this project and under these keys.

    Raises:
        CustodyError: RS1601 unreadable, RS1610 another project, agency or key, RS1611 no header.
    """
    found = read_header(path)
    if found is None:
        raise CustodyError(
            f"{path}: the file was not made by `riskstrat pseudonymise`",
            fix="put the file there that the provider or the linker made, as it was made",
            code="RS1611",
        )
    wanted = header_for(spec, found.kind, found.agency)
    differences = [
        f"{what} {there} where {here} is expected"
        for what, there, here in (
            ("project", found.project, wanted.project),
            ("kind", found.kind, " or ".join(kinds) if found.kind not in kinds else found.kind),
            ("agency", found.agency, agency or found.agency),
            *(
                (f"{domain} key", found.keys.get(domain, "none"), here)
                for domain, here in wanted.keys.items()
            ),
        )
        if there != here
    ]
    if differences:
        raise CustodyError(
            f"{path}: the file is not of this hand-over: {'; '.join(differences)}",
            fix="split and link again under the keys the custody file names, or correct `project` "
            "and `keys` there; pseudonyms of two projects or two keys must never be mixed",
            code="RS1610",
        )
    return found


def opened(path: Path) -> pq.ParquetFile:
    """A Parquet file, open to be read.

    Raises:
        CustodyError: RS1601, it is missing or no Parquet file.
    """
    try:
        return pq.ParquetFile(path)
    except FileNotFoundError:
        what = "there is no such file"
    except (OSError, pa.ArrowException) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else None
        what = reason or "damaged, cut short, or not a Parquet file"
    raise CustodyError(
        f"{path}: {what}",
        fix="put the extract there as Parquet, correct `file` in the custody file, or choose the "
        "agencies whose files are here with --agency",
        code="RS1601",
    )
