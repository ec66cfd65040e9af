"""The provider: identifiers and content part company, tied by a random record key alone.

The map from local ids to record keys lives inside :func:`split` and is gone when it returns. The
identifiers go to the linker, the content to the analyst; neither holds a local id.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import pyarrow as pa
import pyarrow.compute as pc

from riskstrat.custody.content import Content, SplitCounts
from riskstrat.custody.faults import CustodyError
from riskstrat.custody.headers import Header, header_for, opened
from riskstrat.custody.keyspec import Keeper
from riskstrat.custody.places import Places
from riskstrat.custody.rows import (
    RECORD_KEY,
    Lookup,
    need_columns,
    plain,
    record_keys,
    write,
)
from riskstrat.custody.spec import CustodySpec, Index
from riskstrat.custody.truth import ENDING, Truth, hand_over_truth
from riskstrat.disk import folder_aside

NOBODY: Mapping[str, pa.Array] = MappingProxyType({})
UNKNOWN: Truth = MappingProxyType({})
Tokenise = Callable[[pa.Table], pa.Table]
"""identifiers (record_key and raw texts) -> tokens (record_key and keyed texts), row by row"""


def split(
    spec: CustodySpec,
    agency: str,
    data: Path,
    places: Places,
    *,
    columns: Mapping[str, Sequence[str]],
    tokenise: Tokenise | None = None,
    objections: Mapping[str, pa.Array] = NOBODY,
    truth: Truth = UNKNOWN,
    progress: Callable[[float, str], None] | None = None,
) -> SplitCounts:
    """Split the extracts of one agency into identifiers and content.

    What it writes replaces an earlier split of the agency that nobody has fetched yet.

    Args:
        spec: the custody file.
        agency: one of its providers.
        data: where the paths of its extracts start.
        places: the folders under ``--custody``.
        columns: extract -> the columns that its contract reads, with ``person_id`` and
            ``household_id`` for the ids; no other column leaves the agency.
        tokenise: makes tokens of identifiers, for an index that hands over tokens.
        objections: ``people`` -> local ids of whom nothing may leave, and extract -> those of
            whom its rows may not, for they have opted out.
        truth: ``people`` and ``addresses`` -> who the records are truly about, where that is
            known; the linker is told it under record keys, to judge its links by.
        progress: told how far it is.

    Raises:
        CustodyError: RS1601 a file or column is missing, RS1602 ids the index lacks, RS1603 ids
            that are empty or appear twice, RS1604 content holds identifiers, RS1605 no contract.
    """
    provider = spec.providers[agency]
    counts = SplitCounts(agency)
    hand_over = secrets.token_hex(8)
    places.of(Keeper.PROVIDER)
    with folder_aside(places.sent(agency)) as aside:
        known: dict[str, Lookup] = {}
        for name, index in (("people", provider.people), ("addresses", provider.addresses)):
            if index:
                kind = "tokens" if index.hand_over == "tokens" else "identifiers"
                header = header_for(spec, kind, agency, hand_over)  # type: ignore[arg-type]
                target = aside / "for_linker" / f"{name}.parquet"
                without = _ids(objections, name)
                known[name] = _split_index(
                    name, index, data, target, header, tokenise, without, counts
                )
                if name in truth:
                    beside = target.with_name(name + ENDING)
                    hand_over_truth(truth[name], agency, known[name], beside, header)
        for done, (name, extract) in enumerate(provider.extracts.items()):
            if progress:
                progress(done / len(provider.extracts), f"{agency}: {name}")
            header = header_for(spec, "content", agency, hand_over)
            wanted = _wanted(name, columns)
            without = _ids(objections, "people", name)
            content = Content(name, extract, data, wanted, known, without, counts)
            content.write(aside / "for_analyst" / f"{name}.parquet", header)
    return counts


def _ids(objections: Mapping[str, pa.Array], *names: str) -> Lookup | None:
    """A look-up of local ids that are on any of these lists; none where there are none."""
    found = [plain(objections[name]) for name in names if name in objections]
    ids = pa.concat_arrays(found) if found else pa.array([], pa.string())
    return Lookup(ids, ids) if len(ids) else None


def _wanted(name: str, columns: Mapping[str, Sequence[str]]) -> Sequence[str]:
    if name in columns:
        return columns[name]
    raise CustodyError(
        f"{name}: there is no contract of this extract, so nothing says which columns may leave",
        fix=f"write `sources/{name}.yaml` beside the custody file's folder, or leave the extract "
        "out of the custody file",
        code="RS1605",
    )


# -- people and addresses ------------------------------------------------------------------------


def _split_index(
    name: str,
    index: Index,
    data: Path,
    target: Path,
    header: Header,
    tokenise: Tokenise | None,
    objecting: Lookup | None,
    counts: SplitCounts,
) -> Lookup:
    """Write an index under new record keys, and give back the map, which nobody else ever has."""
    path = data / index.file
    need_columns(path, [index.id, *index.identifiers.values()])
    # A file may lend one column to two identifiers, so each column is read once.
    read = list(dict.fromkeys([index.id, *index.identifiers.values()]))
    table = opened(path).read(columns=read)
    ids = plain(table.column(index.id))
    _refuse_unclear(path, index.id, ids)
    if objecting:
        stays = pc.is_null(objecting.places(ids))
        counts.objected[name] = len(ids) - (pc.sum(stays).as_py() or 0)
        table, ids = table.filter(stays), ids.filter(stays)
    keys = record_keys(len(ids))
    identifiers = {each.value: plain(table.column(c)) for each, c in index.identifiers.items()}
    told = pa.table({RECORD_KEY: keys, **identifiers})
    if header.kind == "tokens":
        if tokenise is None:
            raise CustodyError(
                f"{header.agency}: {name} are handed over as tokens, and no way to make them is "
                "given",
                fix="set `hand_over: identifiers`, or give the token key and a linkage file",
            )
        told = tokenise(told)
    target.parent.mkdir(parents=True, exist_ok=True)
    counts.indexed[name] = write(target, header.on(told.schema), iter(told.to_batches()))
    return Lookup(ids, keys)


def _refuse_unclear(path: Path, column: str, ids: pa.Array) -> None:
    """Refuse an index in which an id is empty or names two: nobody could say whose rows are whose.

    Raises:
        CustodyError: RS1603, with the counts.
    """
    empty = ids.null_count + (pc.sum(pc.equal(ids, "")).as_py() or 0)
    twice = len(ids) - ids.null_count - pc.count_distinct(ids, mode="only_valid").as_py()
    if empty or twice:
        raise CustodyError(
            f"{path}: of {len(ids):,} rows, {empty:,} have no `{column}` and {twice:,} repeat one",
            fix="ask the agency for an index with one row for each id; a person whom it knows "
            "under two ids has two rows",
            code="RS1603",
        )
