"""The files of an extract: which they are, of what kind, and what went wrong in opening them."""

from __future__ import annotations

import difflib
import errno
import glob
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import duckdb

from riskstrat.contracts.spec import Source
from riskstrat.errors import ContractError, OutOfMemoryError, StorageError

SUFFIXES: Mapping[str, str] = MappingProxyType(
    {
        ".parquet": "parquet",
        ".csv": "csv",
        ".csv.gz": "csv",
        ".txt": "csv",
        ".duckdb": "duckdb",
    }
)
PATTERN = frozenset("*?[")

_OURS = (
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.ParserException,
    duckdb.SyntaxException,
    duckdb.InterruptException,
)
"""What cannot be the fault of a file: mistakes in our SQL, and the user's interruption."""


def extract_files(source: Source, data_root: Path) -> tuple[str, ...]:
    """The files of a source's extract, from the data folder on, sorted; none if it is missing.

    A name that is a file is that one file, whatever characters it holds. Of a folder, every file
    at any depth belongs to the extract, but for those whose name, or a folder of theirs, begins
    with a dot or an underscore: engines leave their own notes there.
    """
    path = data_root / source.file
    if path.is_file():
        return (source.file,)
    if path.is_dir():
        inside = (each.relative_to(path) for each in path.rglob("*") if each.is_file())
        found = [
            (Path(source.file) / each).as_posix()
            for each in inside
            if not any(part.startswith((".", "_")) for part in each.parts)
        ]
    elif PATTERN & set(source.file):
        # A pattern may name an absolute folder and pass through links; `Path.glob` does neither.
        listed = glob.glob(source.file, root_dir=data_root, recursive=True)  # noqa: PTH207
        found = [name for name in listed if (data_root / name).is_file()]
    else:
        found = []
    return tuple(sorted(found))


def is_one_file(source: Source, files: tuple[str, ...]) -> bool:
    """Whether the contract names a single file, rather than a folder or a pattern."""
    return files == (source.file,)


def existing(source: Source, data_root: Path) -> tuple[str, ...]:
    """The files of an extract, at least one.

    Raises:
        ContractError: RS1001, with names that look alike.
    """
    if files := extract_files(source, data_root):
        return files
    path = data_root / source.file
    near: list[str] = []
    if path.is_dir():
        found = "is a folder without any file"
    elif PATTERN & set(source.file):
        found = "fits no file in the data folder"
    else:
        folder = path.parent
        names = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
        near = difflib.get_close_matches(path.name, names, n=3, cutoff=0.5)
        found = "does not exist in the data folder"
        if not folder.is_dir():
            found = f"does not exist: the data folder has no `{Path(source.file).parent}`"
    hint = f"\n  nearest: {', '.join(near)}" if near else ""
    raise ContractError(
        f"{source.source}: `{source.file}` {found}{hint}",
        fix="put the file there, correct `file` in the contract, or choose --data",
        code="RS1001",
    )


def kind_of(source: Source) -> str:
    """How to read a file: what the contract says, or else the ending of its name.

    Raises:
        ContractError: RS1002, when neither tells.
    """
    if kind := _told_kind(source):
        return kind
    raise ContractError(
        f"{source.source}: the name `{source.file}` does not say how to read the file",
        fix="set `format.kind` in the contract to parquet, csv or duckdb",
        code="RS1002",
    )


def _told_kind(source: Source) -> str | None:
    if source.format.kind:
        return source.format.kind
    name = source.file.lower()
    return next((kind for suffix, kind in SUFFIXES.items() if name.endswith(suffix)), None)


@contextmanager
def reading(source: Source) -> Iterator[None]:
    """Say in our own words what a reader found: its messages may hold cell values."""
    try:
        yield
    except duckdb.OutOfMemoryException:
        raise OutOfMemoryError(
            f"{source.source}: reading `{source.file}` needs more memory than it was given",
            fix="give more with --memory, or use fewer --threads",
        ) from None
    except (duckdb.ConversionException, duckdb.OutOfRangeException):
        raise ContractError(
            f"{source.source}: a column of `{source.file}` cannot be computed as its `from` says",
            fix="correct the expressions under `from` in the contract",
            code="RS1023",
        ) from None
    except duckdb.IOException as error:
        if any(sign in str(error).lower() for sign in ("no space left", "could not write")):
            raise _disk_full(source) from None
        raise damaged(source) from None
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise _disk_full(source) from None
        raise ContractError(
            f"{source.source}: `{source.file}` cannot be opened: {error.strerror}",
            fix="check who may read the file, and that no other program holds it",
            code="RS1001",
        ) from None
    except _OURS:
        raise
    except (duckdb.Error, RuntimeError):
        # A damaged Parquet file surfaces in many ways, some of them without a class of their own.
        raise damaged(source) from None


def _disk_full(source: Source) -> StorageError:
    return StorageError(
        f"{source.source}: the disk became full while `{source.file}` was read",
        fix="free some space on the disk that holds the store; finished stages are reused",
        code="RS7401",
    )


def damaged(source: Source) -> ContractError:
    """The file cannot be read to its end."""
    kind = {"parquet": " a Parquet", "csv": " a CSV", "duckdb": " a DuckDB"}.get(
        _told_kind(source) or "", " such a"
    )
    return ContractError(
        f"{source.source}: `{source.file}` is damaged, cut short, or not{kind} file",
        fix=f"copy it again and compare its size, or ask {source.agency} for a new one",
        code="RS1002",
    )
