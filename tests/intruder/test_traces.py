"""An identifier or key is found wherever it lies; what only looks like one is not."""

from __future__ import annotations

import base64
import gzip
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from intruder.outputs import truth
from riskstrat.errors import UsageError
from riskstrat.intruder.findings import Attack
from riskstrat.intruder.sealed import Identifiers, Sealed
from riskstrat.intruder.traces import places, search

NUMBER, OTHER = "9990000042", "9990000123"
PUPIL, PROPERTY, LOCAL = "B801200005001", "004238356056", "C00002993"
ADA = {
    "person_id": "P1", "nhs_number": NUMBER, "upn": PUPIL, "uprn": PROPERTY, "local_id": LOCAL,
    "forename": "Adalbert", "surname": "Quackenbush", "postcode": "MC1 3LU",
    "date_of_birth": "1815-12-10",
}  # fmt: skip
KEY = bytes(range(32))
RECORD = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def sealed(tmp_path: Path) -> Sealed:
    """A judge who knows one person, one key and one record key."""
    custody = tmp_path / "custody"
    keys, entities = custody / "linker" / "keys", custody / "linker" / "entities" / "k-1"
    for folder in (keys, entities):
        folder.mkdir(parents=True)
    (keys / "k-1.key").write_text(KEY.hex() + "\n")
    row = {"record_key": RECORD, "nhs_number": OTHER, "forename": "Bo", "surname": "Li"}
    pq.write_table(pa.Table.from_pylist([row]), entities / "people.parquet")
    return Sealed(truth(tmp_path / "truth", [ADA]), custody)


def looked_for(folder: Path, identifiers: Identifiers) -> tuple[Attack, Attack]:
    found, keys = search(places(store=folder), identifiers)
    return found, keys


def leak_text(folder: Path, said: str) -> None:
    (folder / "ledger.jsonl").write_text(f'{{"why": "call about {said}"}}\n')


def leak_html(folder: Path, said: str) -> None:
    (folder / "report.html").write_text(f"<td>{said}</td>")


def leak_cell(folder: Path, said: str) -> None:
    table = pa.table({"id": ["a", said], "n": [1, 2]})
    pq.write_table(table, folder / "t.parquet", compression="zstd")


def leak_unused_word(folder: Path, said: str) -> None:
    """A word in a dictionary that no row uses: plain reading never shows it."""
    words = pa.DictionaryArray.from_arrays(pa.array([0, 0], pa.int8()), pa.array(["a", said]))
    pq.write_table(pa.table({"word": words}), folder / "t.parquet")
    assert said not in pq.read_table(folder / "t.parquet")["word"].to_pylist()


def leak_note(folder: Path, said: str) -> None:
    note = base64.b64encode(f"made for {said}".encode())
    schema = pa.schema([pa.field("n", pa.int64())], metadata={b"ARROW:note": note})
    pq.write_table(pa.table({"n": [1]}, schema=schema), folder / "t.parquet")


def leak_nested(folder: Path, said: str) -> None:
    column = pa.array([[{"x": said}], []], pa.list_(pa.struct([("x", pa.string())])))
    pq.write_table(pa.table({"deep": column}), folder / "t.parquet")


def leak_arrow(folder: Path, said: str) -> None:
    table = pa.table({"id": [said]})
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with (
        pa.OSFile(str(folder / "cells.arrow"), "wb") as sink,
        pa.ipc.new_file(sink, table.schema, options=options) as writer,
    ):
        writer.write_table(table)


def leak_database(folder: Path, said: str) -> None:
    """A row of a database, which is then deleted: its bytes are still there."""
    con = sqlite3.connect(folder / "mlflow.db")
    con.execute("PRAGMA secure_delete = OFF")
    con.execute("CREATE TABLE tags (value TEXT)")
    con.executemany("INSERT INTO tags VALUES (?)", [(said,), ("other",)])
    con.commit()
    con.execute("DELETE FROM tags WHERE value <> 'other'")
    con.commit()
    con.close()


def leak_workbook(folder: Path, said: str) -> None:
    book = xlsxwriter.Workbook(folder / "list.xlsx")
    book.add_worksheet().write_string(0, 0, said)
    book.close()


def leak_gzip(folder: Path, said: str) -> None:
    (folder / "old.log.gz").write_bytes(gzip.compress(f"line\n{said}\n".encode()))


def leak_zstd(folder: Path, said: str) -> None:
    with pa.output_stream(str(folder / "old.log.zst"), compression="zstd") as stream:
        stream.write(f"line\n{said}\n".encode())


def leak_name(folder: Path, said: str) -> None:
    (folder / f"letter_{said.replace(' ', '_')}.txt").write_text("empty")


WAYS = [value for name, value in list(globals().items()) if name.startswith("leak_")]


@pytest.mark.parametrize("leak", WAYS, ids=lambda each: each.__name__)
@pytest.mark.parametrize("said", [NUMBER, PUPIL, PROPERTY, LOCAL])
def test_an_identifier_is_found_wherever_it_lies(
    tmp_path: Path, sealed: Sealed, leak: Callable[[Path, str], None], said: str
):
    store = tmp_path / "store"
    store.mkdir()
    leak(store, said)
    found, keys = looked_for(store, sealed.identifiers())
    assert found.confirmed >= 1 and found.code == "RS3130"
    assert keys.confirmed == 0
    assert said not in repr(found)


@pytest.mark.parametrize("leak", WAYS, ids=lambda each: each.__name__)
def test_a_key_is_found_wherever_it_lies(
    tmp_path: Path, sealed: Sealed, leak: Callable[[Path, str], None]
):
    store = tmp_path / "store"
    store.mkdir()
    leak(store, KEY.hex())
    found, keys = looked_for(store, sealed.identifiers())
    assert keys.confirmed >= 1 and keys.code == "RS3131"
    assert found.confirmed == 0 and KEY.hex() not in repr(keys)


@pytest.mark.parametrize(
    "written",
    [KEY, KEY.hex().upper().encode(), base64.b64encode(KEY), base64.urlsafe_b64encode(KEY)],
)
def test_a_key_is_found_however_it_is_written(tmp_path: Path, sealed: Sealed, written: bytes):
    store = tmp_path / "store"
    store.mkdir()
    (store / "blob.bin").write_bytes(b"\0\xff" + written + b"\0")
    assert looked_for(store, sealed.identifiers())[1].confirmed >= 1


@pytest.mark.parametrize(
    "said",
    ["999 000 0042", "999-000-0042", "MC1 3LU", "mc1 3lu", "MC13LU", "Adalbert Quackenbush",
     "QUACKENBUSH, ADALBERT", "4238356056"],
)  # fmt: skip
def test_other_spellings_are_found(tmp_path: Path, sealed: Sealed, said: str):
    store = tmp_path / "store"
    store.mkdir()
    leak_html(store, said)
    assert looked_for(store, sealed.identifiers())[0].confirmed == 1


def test_numbers_as_numbers_are_found(tmp_path: Path, sealed: Sealed):
    for at, kind in enumerate((pa.int64(), pa.uint64(), pa.float64())):
        store = tmp_path / f"store{at}"
        store.mkdir()
        column = pa.array([1, 2**40, int(NUMBER)], pa.int64()).cast(kind)
        pq.write_table(pa.table({"n": column}), store / "t.parquet")
        assert looked_for(store, sealed.identifiers())[0].confirmed == 1


def test_a_column_of_names_is_found_and_a_word_is_not(tmp_path: Path):
    names = ["Ada", "Bo", "Carla", "Dai", "Eve", "Finn", "Gus", "Hal", "Ivy", "Jo", "May", "Kit"]
    people = [{"person_id": f"P{n}", "forename": f, "surname": f} for n, f in enumerate(names)]
    known = Sealed(truth(tmp_path / "truth", people)).identifiers()
    store = tmp_path / "store"
    store.mkdir()
    months = ["January", "February", "March", "April", "May", "June", "July", "August"]
    table = pa.table({"month": [*months, "September", "October", "November", "December"]})
    pq.write_table(table, store / "t.parquet")
    assert looked_for(store, known)[0].confirmed == 0
    pq.write_table(pa.table({"called": names}), store / "u.parquet")
    assert looked_for(store, known)[0].confirmed >= 10


def test_record_keys_may_wait_with_the_analyst_and_be_nowhere_else(tmp_path: Path, sealed: Sealed):
    custody = tmp_path / "custody"
    waiting = custody / "analyst" / "received" / "icb" / "content"
    waiting.mkdir(parents=True)
    pq.write_table(pa.table({"record_key": [RECORD]}), waiting / "admissions.parquet")
    known = sealed.identifiers()
    assert search(places(custody=custody), known)[1].confirmed == 0
    data = tmp_path / "data"
    data.mkdir()
    pq.write_table(pa.table({"person_id": [RECORD]}), data / "admissions.parquet")
    assert search(places(data, custody=custody), known)[1].confirmed >= 1


def test_all_keepers_logs_are_searched_and_raw_extracts_are_not(tmp_path: Path, sealed: Sealed):
    data, custody = tmp_path / "data", tmp_path / "custody"
    for folder in (data / "raw" / "icb", custody / "linker" / "log"):
        folder.mkdir(parents=True)
    (data / "raw" / "icb" / "people.csv").write_text(NUMBER)
    known = sealed.identifiers()
    assert search(places(data, custody=custody), known)[0].confirmed == 0
    leak_text(custody / "linker" / "log", NUMBER)
    found = search(places(data, custody=custody), known)[0]
    assert found.confirmed == 1 and "custody/linker/log/ledger.jsonl" in found.notes[0]


@pytest.mark.parametrize(
    "harmless",
    ["0.9990000042", "1234567890", "19990000042", "ab9990000042", "9990000043", "12 999 000 0042",
     "999 000 0042 17", "MC1 9ZZ", "Quackenbush Street", "P" + RECORD[::-1]],
)  # fmt: skip
def test_what_only_looks_like_an_identifier_is_not_confirmed(
    tmp_path: Path, sealed: Sealed, harmless: str
):
    store = tmp_path / "store"
    store.mkdir()
    leak_text(store, harmless)
    leak_cell(store, harmless)
    found, keys = looked_for(store, sealed.identifiers())
    assert found.confirmed == keys.confirmed == 0


def test_a_valid_number_that_the_judge_does_not_know_is_a_claim(tmp_path: Path, sealed: Sealed):
    store = tmp_path / "store"
    store.mkdir()
    leak_text(store, "9434765919 and 4010232137")
    found = looked_for(store, sealed.identifiers())[0]
    assert found.claimed >= 1 and found.confirmed == 0


def test_where_nobody_knows_the_shape_and_check_digit_count(tmp_path: Path):
    store = tmp_path / "store"
    store.mkdir()
    leak_text(store, f"{NUMBER} or {PUPIL}")
    found, keys = looked_for(store, Identifiers())
    assert found.confirmed == 2 and keys.verdict == "not tried"
    clean = tmp_path / "clean"
    clean.mkdir()
    values = [7_000_000_000 + 97 * n for n in range(5_000)]  # one of eleven has a check digit
    pq.write_table(
        pa.table({"hash": values, "id": [f"GP{v}" for v in values]}), clean / "t.parquet"
    )
    (clean / "model.txt").write_text("leaf_count=" + " ".join(str(v)[:3] for v in values))
    assert looked_for(clean, Identifiers())[0].confirmed == 0


def test_a_file_that_cannot_be_read_counts(tmp_path: Path):
    store = tmp_path / "store"
    store.mkdir()
    (store / "t.parquet").write_bytes(b"PAR1 and no more")
    found = looked_for(store, Identifiers())[0]
    assert found.confirmed == 1 and "could not be read" in " ".join(found.notes)


def test_nothing_is_cut_in_two_where_a_large_file_is(tmp_path: Path, sealed: Sealed, monkeypatch):
    monkeypatch.setattr("riskstrat.intruder.contents.CHUNK", 1_000)
    store = tmp_path / "store"
    store.mkdir()
    (store / "log.txt").write_bytes(b"." * 995 + NUMBER.encode() + b"." * 2_000)
    assert looked_for(store, sealed.identifiers())[0].confirmed == 1


def test_two_processes_find_what_one_finds(tmp_path: Path, sealed: Sealed):
    store = tmp_path / "store"
    store.mkdir()
    leak_text(store, NUMBER)
    leak_cell(store, PUPIL)  # in the column and in the footer
    known = sealed.identifiers()
    one = search(places(store=store), known)[0]
    two = search(places(store=store), known, workers=2)[0]
    assert one.confirmed == two.confirmed == 3 and one.notes == two.notes


def test_what_the_judge_cannot_read_is_said(tmp_path: Path, sealed: Sealed):
    assert sealed.custody
    (sealed.custody / "linker" / "keys" / "k-1.key").write_text("not hex")
    with pytest.raises(UsageError, match="cannot be read"):
        sealed.identifiers()


def test_a_report_of_leaks_is_plain_json(tmp_path: Path, sealed: Sealed):
    from dataclasses import asdict

    store = tmp_path / "store"
    store.mkdir()
    leak_text(store, NUMBER)
    assert NUMBER not in json.dumps(
        [asdict(each) for each in looked_for(store, sealed.identifiers())]
    )
