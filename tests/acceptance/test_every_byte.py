"""No identifier and no key is in anything that an analyst, a store or a release holds."""

from __future__ import annotations

import base64
import gzip
import json
import pickle
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from acceptance.messy import Messy
from acceptance.search import PREFIX, Needles, everything, search
from custody.pages import forms_of_key
from riskstrat.intruder.sealed import Sealed
from riskstrat.intruder.traces import places
from riskstrat.intruder.traces import search as search_of_the_intruder
from riskstrat.linkage.parts import Unknowns

NUMBERS = ("nhs_number", "upn", "uprn")
SINGLE_NAMES, FEW = ("forename", "surname"), 5
PLACEHOLDERS = Unknowns().names
"""what agencies write for a name they do not know, such as `female`: words that content has, too"""

pytestmark = pytest.mark.slow


# -- what must not be found ----------------------------------------------------------------------


def indexes(messy: Messy) -> list[Path]:
    """People and addresses as agencies hold them, with their mistakes."""
    files = sorted(messy.data.glob("raw/*/*.parquet"))
    return [path for path in files if path.stem in ("people", "addresses")]


def known(messy: Messy) -> Iterator[pa.Table]:
    """What agencies hold, and what is true."""
    truth = [messy.truth / f"{name}.parquet" for name in ("identities", "homes")]
    yield from map(pq.read_table, (*indexes(messy), *truth))


def column(table: pa.Table, name: str) -> list[str | None]:
    return table[name].cast(pa.string()).to_pylist() if name in table.column_names else []


def words(messy: Messy) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for table in known(messy):
        for name in NUMBERS:
            told = {each for each in column(table, name) if each and len(set(each)) > 1}
            plain = {each.replace(" ", "").replace("-", "") for each in told}
            found.setdefault(name, set()).update(told, plain, {p.lstrip("0") for p in plain})
        for name in ("local_id", "address_id", "address", "postcode"):
            told = {each for each in column(table, name) if each and "ZZ99" not in each}
            found.setdefault(name, set()).update(told, {each.replace(" ", "") for each in told})
        for name in SINGLE_NAMES:
            told = {each for each in column(table, name) if each}
            named = {each for each in told if each.lower() not in PLACEHOLDERS}
            found.setdefault(name, set()).update(named)
        found.setdefault("name", set()).update(names(table))
    for path in messy.custody.glob("linker/entities/*/*.parquet"):
        told = set(column(pq.read_table(path, columns=["record_key"]), "record_key"))
        found.setdefault("record_key", set()).update(each for each in told if each)
    return {kind: frozenset(e for e in each if len(e) >= PREFIX) for kind, each in found.items()}


def names(table: pa.Table) -> Iterator[str]:
    """Forename and surname in either order, and with the date of birth."""
    wanted = ("forename", "surname", "date_of_birth")
    for forename, surname, born in zip(*(column(table, each) for each in wanted), strict=True):
        if forename and surname and len(forename + surname) >= PREFIX:
            for one, other in ((forename, surname), (surname, forename)):
                yield from (f"{one}{between}{other}" for between in (" ", ", ", "|", "_"))
                yield from (f"{one}{other}{born}", f"{one}|{other}|{born}", f"{one}{born}")


def keys(messy: Messy) -> dict[str, bytes]:
    """Every key there is, by its id."""
    files = [*messy.custody.glob("*/keys/*.key"), *messy.root.glob("*-keys/*.key")]
    return {path.stem: bytes.fromhex(path.read_text().strip()) for path in files}


@pytest.fixture(scope="module")
def needles(messy: Messy) -> Needles:
    told = words(messy)
    record_keys = frozenset(bytes.fromhex(key) for key in told["record_key"])
    forms = {form for key in keys(messy).values() for form in forms_of_key(key)}
    return Needles(told, {"key": frozenset(forms), "record_key": record_keys})


# -- where -----------------------------------------------------------------------------------------


def analysts(messy: Messy) -> list[Path]:
    """The data folder without what agencies hold there, the store, logs, and what was said."""
    folders = [path for path in messy.data.iterdir() if path.name != "raw"]
    logs = sorted(messy.custody.glob("*/log"))
    return [*folders, messy.store, messy.custody / "analyst", *logs, messy.heard]


def test_no_identifier_and_no_key_is_in_any_byte(messy: Messy, needles: Needles) -> None:
    found = search(analysts(messy), needles)
    assert {path: leaks(hits) for path, hits in found.items() if leaks(hits)} == {}


def leaks(hits: Counter[str]) -> dict[str, int]:
    """What counts: a single name only where others are, for those we cite have surnames, too."""
    return {kind: n for kind, n in hits.items() if n >= (FEW if kind in SINGLE_NAMES else 1)}


def test_everything_that_holds_anything_is_searched(messy: Messy) -> None:
    """The files are there that might tell: extracts, tables, models, the registry, lists, logs."""
    there = {path.relative_to(messy.root).as_posix() for path in everything(analysts(messy))}
    for pattern in (
        "county/admissions.parquet", "county/linkage.json", "store/mlflow.db", "heard.txt",
        "store/log/ledger.jsonl", "custody/gateway/log/ledger.jsonl",
    ):  # fmt: skip
        assert pattern in there
    endings = {Path(name).suffix for name in there}
    assert endings >= {".parquet", ".arrow", ".json", ".html", ".csv", ".xlsx", ".db", ".jsonl"}
    for beginning in ("store/releases/", "store/runs/", "store/derived/", "store/artifacts/"):
        assert any(name.startswith(beginning) for name in there), beginning
    assert not any(name.startswith("county/raw/") or name.endswith(".key") for name in there)


def test_the_search_finds_them_where_they_belong(messy: Messy, needles: Needles) -> None:
    """The same search, where agencies and the linker keep what they may."""
    raw = kinds(search(indexes(messy), needles))
    assert raw == set(needles.words) - {"record_key", "name"}
    linker = kinds(search([messy.custody / "linker"], needles))
    assert linker == raw - {"local_id", "address_id"} | {"record_key", "key"}
    assert len(keys(messy)) >= 3


def kinds(found: dict[Path, Counter[str]]) -> set[str]:
    return {kind for hits in found.values() for kind in hits}


def test_the_intruders_own_search_says_the_same(messy: Messy) -> None:
    searched = places(messy.data, messy.store, messy.custody)
    sealed = Sealed(messy.truth, messy.custody)
    found = search_of_the_intruder(searched, sealed.identifiers())
    assert [(each.code, each.confirmed) for each in found] == [("RS3130", 0), ("RS3131", 0)]
    assert {place.path for place in searched} | {messy.heard} >= set(everything(analysts(messy)))


# -- a search that cannot fail proves nothing ------------------------------------------------------


def as_text(folder: Path, said: str) -> None:
    (folder / "run.json").write_text(json.dumps({"note": f"about {said}"}))


def as_page(folder: Path, said: str) -> None:
    (folder / "report.html").write_text(f"<td>{said}</td>")


def as_picture(folder: Path, said: str) -> None:
    coded = base64.b64encode(f"<svg><text>{said}</text></svg>".encode()).decode()
    (folder / "report.html").write_text(f'<img src="data:image/svg+xml;base64,{coded}">')


def as_cell(folder: Path, said: str) -> None:
    pq.write_table(pa.table({"id": ["a", said]}), folder / "t.parquet", compression="zstd")


def as_unused_word(folder: Path, said: str) -> None:
    told = pa.DictionaryArray.from_arrays(pa.array([0, 0], pa.int8()), pa.array(["a", said]))
    pq.write_table(pa.table({"id": told}), folder / "t.parquet", compression="zstd")


def as_arrow(folder: Path, said: str) -> None:
    told, options = pa.table({"id": [said]}), pa.ipc.IpcWriteOptions(compression="lz4")
    with (
        pa.OSFile(str(folder / "c.arrow"), "wb") as sink,
        pa.ipc.new_file(sink, told.schema, options=options) as writer,
    ):
        writer.write_table(told)


def as_row(folder: Path, said: str) -> None:
    con = sqlite3.connect(folder / "mlflow.db")
    con.execute("CREATE TABLE tags (value TEXT)")
    con.execute("INSERT INTO tags VALUES (?)", (said,))
    con.commit()
    con.close()


def as_pickle(folder: Path, said: str) -> None:
    (folder / "model.pkl").write_bytes(pickle.dumps({"seen": [said]}))


def as_workbook(folder: Path, said: str) -> None:
    book = xlsxwriter.Workbook(folder / "list.xlsx")
    book.add_worksheet().write_string(0, 0, said)
    book.close()


def as_archive(folder: Path, said: str) -> None:
    (folder / "log.gz").write_bytes(gzip.compress(f"one\n{said}\n".encode()))


def as_file_name(folder: Path, said: str) -> None:
    (folder / f"{said.replace('/', '')}.txt").write_text("nothing")


WAYS = (
    as_text, as_page, as_picture, as_cell, as_unused_word, as_arrow, as_row, as_pickle,
    as_workbook, as_archive, as_file_name,
)  # fmt: skip


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_each_kind_is_found_wherever_it_is_planted(
    needles: Needles, tmp_path: Path, way: Callable[[Path, str], None]
) -> None:
    for kind, told in {**needles.words, "key": keys_as_text(needles)}.items():
        folder = tmp_path / kind
        folder.mkdir()
        planted = min(told, key=lambda each: (not each.isascii(), each))
        way(folder, planted)
        assert kind in kinds(search([folder], needles)), kind
        shutil.rmtree(folder)


def keys_as_text(needles: Needles) -> frozenset[str]:
    """Keys in hex and in base64."""
    return frozenset(form.decode() for form in needles.raw["key"] if form.isalnum())


def test_a_key_is_found_as_its_bytes(messy: Messy, needles: Needles, tmp_path: Path) -> None:
    for name, key in keys(messy).items():
        (tmp_path / "core").write_bytes(b"\x00" * 7 + key + b"\xff")
        assert search([tmp_path], needles) == {tmp_path / "core": {"key": 1}}, name
