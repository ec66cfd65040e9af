"""Keyed tokens in the place of identifiers, for partners that may not send them.

The provider standardises as the linker would, and replaces each piece by a keyed hash. The linker,
who does not hold the key, can tell whether two pieces are equal and nothing else: no typo within a
piece can be seen, which costs links (benchmarks/results/linkage.md says how many). How common a
token is remains visible; ``salt`` and ``least`` of the linkage file make that harder to use.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import duckdb
import pyarrow as pa

from riskstrat.asof import quoted
from riskstrat.errors import LinkageError
from riskstrat.linkage.keys import SEPARATOR, key_sql
from riskstrat.linkage.parts import Tokens
from riskstrat.linkage.profiles import derive
from riskstrat.linkage.spec import LinkageSpec
from riskstrat.linkage.standardise import Broken, standardise
from riskstrat.linkage.workspace import Workspace, workspace

TOKEN_BYTES = 16
SHORTEST_KEY = 16
"""bytes"""
_PROVIDER = "provider"


@dataclass(frozen=True, slots=True)
class TokenTable:
    """What a provider hands over in the place of identifiers.

    Attributes:
        table: record_key and one column for each token field, hex texts of 128 bits or NULL; the
            rows in the order they were given.
        broken: code -> records whose identifiers broke a rule, for the provider's own report.
        withheld: token field -> records whose token was too rare to hand over (RS1328).
    """

    table: pa.Table
    broken: Mapping[str, int]
    withheld: Mapping[str, int]


def tokenise(table: pa.Table, key: bytes, spec: LinkageSpec) -> pa.Table:
    """The tokens of some records: see :func:`make_tokens`."""
    return make_tokens(table, key, spec).table


def make_tokens(table: pa.Table, key: bytes, spec: LinkageSpec) -> TokenTable:
    """Make tokens of raw identifiers: HMAC-SHA256 under the linkage key, 128 bits of it.

    Each token is bound to its field, so that a day and a month, or two fields of one text, have
    different tokens. Equal pieces of different providers have equal tokens under one key.

    Args:
        table: record_key and raw columns as text.
        key: the linkage key, which the linker never holds.
        spec: its ``tokens`` say what is made of what.

    Raises:
        LinkageError: RS1329 the key is too short, RS1304 the spec makes no tokens, RS1303 record
            keys are missing or reused.
    """
    if not spec.tokens:
        raise LinkageError(
            f"`{spec.linkage}` does not say how tokens are made",
            fix="add `tokens` to the linkage file, or hand over identifiers",
            code="RS1304",
        )
    if len(key) < SHORTEST_KEY:
        raise LinkageError(
            f"the linkage key has {len(key)} bytes, and tokens need {SHORTEST_KEY} or more: names "
            "could be guessed one by one under a short key",
            fix="make a new linkage key and share it among the providers, never with the linker",
            code="RS1329",
        )
    with duckdb.connect() as con, workspace(con) as work:
        con.register("given", table)
        view = work.view("given", f"SELECT *, '{_PROVIDER}' AS agency FROM given")
        broken = standardise(work, view, spec, spec.tokens.fields)
        derive(work, spec, spec.tokens.fields, "standard", "derived")
        withheld = _make(work, spec.tokens, key)
        order = work.keep(
            "order",
            pa.table({"record_key": table["record_key"], "place": pa.array(range(len(table)))}),
        )
        names = ", ".join(f"t.{quoted(name)}" for name in spec.tokens.make)
        told = work.arrow(
            f"SELECT t.record_key, {names} FROM {work.name('tokens')} AS t "
            f"JOIN {order} AS o ON o.record_key = t.record_key ORDER BY o.place"
        )
    return TokenTable(told, MappingProxyType(_of_provider(broken)), MappingProxyType(withheld))


def _of_provider(broken: Broken) -> dict[str, int]:
    return dict(sorted(broken.get(_PROVIDER, {}).items()))


def _make(work: Workspace, tokens: Tokens, key: bytes) -> dict[str, int]:
    """Make the table ``tokens``; how many records had a token that is too rare."""
    pieces = []
    for name, made_of in tokens.make.items():
        piece = key_sql(made_of)
        if name in tokens.salted:
            piece = f"{piece} || {SEPARATOR} || {key_sql(tokens.salt)}"
        pieces.append(f"{piece} AS {quoted(name)}")
    work.table("pieces", f"SELECT record_key, {', '.join(pieces)} FROM {work.name('derived')}")
    parts, joins, withheld = [], [], {}
    for name in tokens.make:
        column = quoted(name)
        least = tokens.least if name in tokens.guarded else 1
        rare = (
            f"SELECT {column} FROM {work.name('pieces')} WHERE {column} IS NOT NULL "
            f"GROUP BY {column} HAVING count(*) < {least}"
        )
        withheld[name] = work.number(
            f"SELECT count(*) FROM {work.name('pieces')} WHERE {column} IN ({rare})"
        )
        pieces_of = work.arrow(
            f"SELECT {column} AS piece FROM {work.name('pieces')} WHERE {column} IS NOT NULL "
            f"GROUP BY {column} HAVING count(*) >= {least}"
        )["piece"].combine_chunks()
        made = [_token(key, name, piece) for piece in pieces_of.to_pylist()]
        book = work.keep(
            f"book_{name}", pa.table({"piece": pieces_of, "token": pa.array(made, pa.string())})
        )
        parts.append(f"{book}.token AS {column}")
        joins.append(f"LEFT JOIN {book} ON p.{column} = {book}.piece")
    work.table(
        "tokens",
        f"SELECT p.record_key, {', '.join(parts)} FROM {work.name('pieces')} AS p "
        f"{' '.join(joins)}",
    )
    return withheld


def _token(key: bytes, field: str, piece: str) -> str:
    said = hmac.digest(key, f"{field}|{piece}".encode(), "sha256")
    return said[:TOKEN_BYTES].hex()
