"""A dataset linked from a config file alone: files in, links, model, review and quality out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from riskstrat.asof import literal, quoted
from riskstrat.disk import folder_aside, write_bytes, write_json
from riskstrat.errors import LinkageError
from riskstrat.linkage.engine import LinkedRecords, link_people
from riskstrat.linkage.model import MatchModel
from riskstrat.linkage.quality import linkage_quality
from riskstrat.linkage.spec import LinkageSpec

MODEL, LINKS, REVIEW, REKEY, QUALITY = (
    "model.json",
    "links.parquet",
    "review.parquet",
    "rekey.parquet",
    "quality.json",
)


def link_dataset(
    spec: LinkageSpec,
    data: Path,
    target: Path,
    *,
    before: Path | None = None,
    memory_bytes: int = 4 << 30,
    threads: int = 0,
    progress: Callable[[float, str], None] | None = None,
) -> dict[str, Any]:
    """Link the files of a linkage file and write what was found; the folder appears whole.

    Writes ``links.parquet`` (record_key as ``<file>:<record>``, agency, entity, probability, band,
    how), ``model.json``, ``review.parquet``, ``quality.json`` (counts; against truth, where the
    linkage file says where it is), and after earlier links ``rekey.parquet``.

    Args:
        spec: with ``files``.
        data: where the files' paths start.
        target: the folder to write.
        before: a folder written by this function: its model is used, and records that it linked
            keep their people.
        memory_bytes: what DuckDB may use.
        threads: 0 is one for each core.
        progress: told how far it is.

    Returns:
        What ``quality.json`` holds.

    Raises:
        LinkageError: RS1309 a file or a column is missing, and what linking raises.
    """
    said = progress or (lambda _share, _words: None)
    with folder_aside(target) as aside:
        scratch = aside / ".scratch"
        with duckdb.connect(config=_settings(scratch, memory_bytes, threads)) as con:
            said(0.0, "reading")
            _read_files(con, spec, data)
            model, known = _earlier(con, before)
            said(0.1, "linking")
            linked = link_people(con, "people", spec, model=model, scratch=scratch, known=known)
            said(0.9, "judging")
            told = {
                "linkage": spec.linkage,
                "counts": dict(linked.counts),
                "quality": _judge(con, spec, linked),
            }
        for path in sorted(scratch.rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        scratch.rmdir()
        _write(aside, linked, told, rekey=before is not None)
    return told


def _settings(scratch: Path, memory_bytes: int, threads: int) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "memory_limit": f"{memory_bytes}B",
        "temp_directory": str(scratch),
    }
    return settings | ({"threads": threads} if threads else {})


def _read_files(con: duckdb.DuckDBPyConnection, spec: LinkageSpec, data: Path) -> None:
    """The view ``people``: every file's rows, with record_key and agency."""
    if not spec.files:
        raise LinkageError(
            f"`{spec.linkage}` names no files to link",
            fix="add `files: {people: {file: people.parquet, record: id}}` to the linkage file",
            code="RS1309",
        )
    parts = []
    for name, entry in spec.files.items():
        path = data / entry.file
        if not path.is_file():
            raise LinkageError(f"{path}: not found", fix="check --data and `files`", code="RS1309")
        read = "read_csv" if path.suffix.lower() in (".csv", ".txt") else "read_parquet"
        more = ", all_varchar=true" if read == "read_csv" else ""
        scan = f"{read}({literal(path.as_posix())}{more})"
        _need(con, scan, path, [entry.record, *_truth_columns(spec)])
        parts.append(
            f"SELECT '{name}' AS agency, '{name}:' || CAST({quoted(entry.record)} AS VARCHAR) "
            f"AS record_key, * FROM {scan}"
        )
    con.execute(f"CREATE TEMP VIEW people AS {' UNION ALL BY NAME '.join(parts)}")


def _truth_columns(spec: LinkageSpec) -> Sequence[str]:
    return (spec.truth.column, *spec.truth.groups) if spec.truth else ()


def _need(con: duckdb.DuckDBPyConnection, scan: str, path: Path, columns: Sequence[str]) -> None:
    try:
        there = {str(row[0]) for row in con.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()}
    except duckdb.Error:
        raise LinkageError(
            f"{path}: cannot be read as a table", fix="give Parquet or CSV files", code="RS1309"
        ) from None
    if lacking := [column for column in columns if column not in there]:
        raise LinkageError(
            f"{path}: lacks {', '.join(lacking)}\n  present: {', '.join(sorted(there))}",
            fix="check `files` and `truth` of the linkage file against the columns",
            code="RS1309",
        )


def _earlier(
    con: duckdb.DuckDBPyConnection, before: Path | None
) -> tuple[MatchModel | None, str | None]:
    """The model and the links of an earlier folder."""
    if before is None:
        return None, None
    for name in (MODEL, LINKS):
        if not (before / name).is_file():
            raise LinkageError(
                f"{before / name}: not found, and it holds what earlier records were linked by",
                fix="give a folder that `riskstrat link` wrote",
                code="RS1309",
            )
    con.execute(
        f"CREATE TEMP VIEW earlier AS SELECT record_key, entity "
        f"FROM read_parquet({literal((before / LINKS).as_posix())})"
    )
    return MatchModel.read((before / MODEL).read_text(encoding="utf-8")), "earlier"


def _judge(
    con: duckdb.DuckDBPyConnection, spec: LinkageSpec, linked: LinkedRecords
) -> list[dict[str, Any]]:
    """Quality against truth, or nothing where there is none."""
    if not spec.truth:
        return []
    column = f"CAST(p.{quoted(spec.truth.column)} AS VARCHAR)"
    if spec.truth.pattern:
        column = f"nullif(regexp_extract({column}, {literal(spec.truth.pattern)}, 1), '')"
    groups = "".join(f", CAST(p.{quoted(g)} AS VARCHAR) AS {quoted(g)}" for g in spec.truth.groups)
    con.register("linked", linked.table)
    con.execute(
        f"CREATE TEMP VIEW judged AS SELECT l.entity, {column} AS person{groups} "
        f"FROM linked AS l JOIN people AS p USING (record_key)"
    )
    found = linkage_quality(con, "judged", groups=spec.truth.groups, seed=spec.training.seed)
    return [each.as_dict() for each in found]


def _write(folder: Path, linked: LinkedRecords, told: dict[str, Any], *, rekey: bool) -> None:
    _parquet(linked.table, folder / LINKS)
    _parquet(linked.review, folder / REVIEW)
    if rekey:
        _parquet(linked.rekey, folder / REKEY)
    write_bytes(folder / MODEL, linked.model.text().encode())
    write_json(folder / QUALITY, told)


def _parquet(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, compression="zstd")
