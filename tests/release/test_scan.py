"""A small count, a person, or something unseen: found in every kind of file that may leave."""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Callable

import pytest
from matplotlib.figure import Figure
from openpyxl import Workbook, load_workbook
from openpyxl.comments import Comment
from openpyxl.workbook.defined_name import DefinedName
from typer.testing import CliRunner

from release.random_releases import judge, random_release
from riskstrat.cli.app import app
from riskstrat.release.disclosure import protect
from riskstrat.release.policies import POLICIES
from riskstrat.release.scan.anywhere import look_through
from riskstrat.release.scan.expected import Expected, expected_of
from riskstrat.release.scan.scan import READERS, scan_file, scan_folder

HES = POLICIES["hes"]
SOMEBODY = "P0123456789abcdef"
TABLE = protect(
    "Wards", ("ward", "people", "high", "share_high"),
    [("Vange", 1_203, 87, None), ("Laindon", 998, 3, None)],
    counts=("people", "high"), rates={"share_high": ("high", "people")}, policy=HES,
    total="All that is shown",
)  # fmt: skip
COUNTS = expected_of([TABLE], policy=HES, rows="aggregate", everybody=frozenset({SOMEBODY}))


def found(content: bytes, name: str, expected: Expected = COUNTS, *, folder) -> set[str]:
    path = folder / name
    path.write_bytes(content)
    return {each.code for each in scan_file(path, name, expected)}


def csv(small: object = "*", total: object = 1_085, people: object = 1_205) -> bytes:
    lines = [
        "ward,people,high,share_high",
        f"Vange,{people},85,{85 / 1_205:.4f}",
        f"Laindon,1000,{small},",
        f"All that is shown,{total if total != 1_085 else 2_205},85,{85 / 1_205:.4f}",
    ]
    return "\n".join(lines).encode()


def page(body: str = "", head: str = "") -> bytes:
    return (
        f"<!DOCTYPE html><html><head>{head}</head><body><p>Wards</p>{body}</body></html>".encode()
    )


def book(change: Callable[[Workbook], None] = lambda _: None) -> bytes:
    made = Workbook()
    made.active.title = "List"
    for row in (TABLE.columns, *TABLE.rows):
        made.active.append([cell if cell is not None else HES.mark for cell in row])
    change(made)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def hidden_sheet(made: Workbook) -> None:
    made.create_sheet("Old").sheet_state = "hidden"
    made["Old"].append(["people"])
    made["Old"].append([3])


def property_(made: Workbook) -> None:
    made.properties.description = "3 people in Laindon"


def comment(made: Workbook) -> None:
    made.active["C3"].comment = Comment("3 people", "somebody")


def formula(made: Workbook) -> None:
    made.active["F2"] = "=SUM(B2:B3)"


def name(made: Workbook) -> None:
    made.defined_names["secret"] = DefinedName("secret", attr_text="3")


def small_cell(made: Workbook) -> None:
    made.active["C3"] = 3


def hidden_column(made: Workbook) -> None:
    made.active.column_dimensions["C"].hidden = True


def header(made: Workbook) -> None:
    made.active.oddHeader.center.text = "3 patients"


def drawing(kind: str, text: str, **metadata: str) -> bytes:
    figure = Figure()
    figure.text(0.1, 0.5, text)
    out = io.BytesIO()
    figure.savefig(out, format=kind, metadata=metadata or None)
    return out.getvalue()


def svg(body: str) -> bytes:
    return f'<svg xmlns="http://www.w3.org/2000/svg">{body}</svg>'.encode()


def portable(text: str, extra: str = "") -> bytes:
    """A PDF as browsers write them: a page in a compressed stream."""
    stream = zlib.compress(f"BT /F1 12 Tf 72 700 Td ({text}) Tj ET".encode())
    body = b"%PDF-1.4\n1 0 obj\n<< /Length " + str(len(stream)).encode()
    body += b" /Filter /FlateDecode >>\nstream\n" + stream + b"\nendstream\nendobj\n"
    return body + f"2 0 obj\n<< /Title (Wards) {extra} >>\nendobj\ntrailer << >>\n%%EOF".encode()


SAFE = {
    "list.csv": csv(),
    "summary.html": page(
        "<table><tr><th>ward<th>people</tr></table><p>1,205 people, 85 of 1,205</p>"
    ),
    "list.xlsx": book(),
    "chart.svg": svg("<title>85 people</title><text>1,205</text><path d='M 3 3 L 7 7'/>"),
    "facts.json": json.dumps(
        {"people": 85, "threshold": 8, "says": "fewer than 8 people"}
    ).encode(),
    "page.pdf": portable("85 of 1,205 people"),
    "drawn.pdf": drawing("pdf", "85 people", Title="Wards"),
    "notes.md": b"| ward | people | high | share_high |\n|-|-|-|-|\n| Vange | 1205 | 85 | |\n",
    "notes.txt": b"fewer than 8 people, or 85 people; seven hundred people; 965 of 96,525",
}
PLANTED = {
    ("a cell", "list.csv"): (csv(small=3), "RS3040"),
    ("an exact count", "list.csv"): (csv(people=1_203), "RS3041"),
    ("a total of what is there", "list.csv"): (csv(total=2_210), "RS3041"),
    ("an id", "list.csv"): (csv(small=SOMEBODY), "RS3042"),
    ("rows of people", "list.csv"): (b"unit_id,age\nZ9,80\nZ8,81", "RS3043"),
    ("a sentence", "summary.html"): (page("<p>Only <b>three</b> of 1,205 people</p>"), "RS3040"),
    ("a comment", "summary.html"): (page("<!-- 3 people -->"), "RS3044"),
    ("a title", "summary.html"): (page("<i title='3 patients'>x</i>"), "RS3040"),
    ("a value behind", "summary.html"): (page("<i data-people='3'>x</i>"), "RS3040"),
    ("a script", "summary.html"): (page("<script>let a</script>"), "RS3044"),
    ("unseen text", "summary.html"): (page("<p style='display: none'>x</p>"), "RS3044"),
    ("a table nobody declared", "summary.html"): (
        page("<table><tr><th>who<th>what</tr><tr><td>a<td>b</tr></table>"), "RS3043"),
    ("a cell", "list.xlsx"): (book(small_cell), "RS3040"),
    ("a hidden sheet", "list.xlsx"): (book(hidden_sheet), "RS3040"),
    ("a property", "list.xlsx"): (book(property_), "RS3040"),
    ("a comment", "list.xlsx"): (book(comment), "RS3044"),
    ("a formula", "list.xlsx"): (book(formula), "RS3044"),
    ("a name", "list.xlsx"): (book(name), "RS3044"),
    ("a hidden column", "list.xlsx"): (book(hidden_column), "RS3044"),
    ("a header", "list.xlsx"): (book(header), "RS3040"),
    ("a title", "chart.svg"): (svg("<title>3 people</title>"), "RS3040"),
    ("a description", "chart.svg"): (svg("<desc>7 people</desc>"), "RS3040"),
    ("a value", "facts.json"): (b'{"people": 3}', "RS3040"),
    ("a value deep down", "facts.json"): (b'{"a": [{"b": {"n": 1203}}]}', "RS3041"),
    ("a key", "facts.json"): (b'{"3 people": true}', "RS3040"),
    ("a page", "page.pdf"): (portable("3 of 1,205 people"), "RS3040"),
    ("a property", "page.pdf"): (portable("x", "/Subject (3 people)"), "RS3040"),
    ("a file within", "page.pdf"): (portable("x", "/Type /EmbeddedFile"), "RS3044"),
    ("a page", "drawn.pdf"): (drawing("pdf", "3 people"), "RS3040"),
    ("a property", "drawn.pdf"): (drawing("pdf", "x", Subject="3 people"), "RS3040"),
    ("a table", "notes.md"): (b"| ward | people |\n|---|---|\n| Vange | 3 |\n", "RS3040"),
    ("a line", "notes.txt"): (b"In all 1,203 people", "RS3041"),
    ("a part at the end", "notes.txt"): (b"listed: 3 of 52.", "RS3040"),
    ("an NHS number", "notes.txt"): (b"see 9434765919", "RS3042"),
    ("damage", "list.xlsx"): (b"PK nothing", "RS3045"),
    ("a picture", "map.png"): (b"\x89PNG", "RS3045"),
    ("encryption", "page.pdf"): (b"%PDF-1.4 /Encrypt 1 0 R", "RS3045"),
}  # fmt: skip


@pytest.mark.parametrize("name", SAFE)
def test_a_file_of_shown_counts_is_let_through(tmp_path, name):
    assert found(SAFE[name], name, folder=tmp_path) == set()


@pytest.mark.parametrize(("what", "name"), PLANTED)
def test_what_may_not_leave_is_found(tmp_path, what, name):
    content, code = PLANTED[what, name]
    assert code in found(content, name, folder=tmp_path)


def test_every_kind_of_file_that_is_read_is_tested():
    assert {f".{name.rpartition('.')[2]}" for name in SAFE} == set(READERS)


@pytest.mark.parametrize("name", sorted({name for _, name in PLANTED} - {"map.png"}))
def test_a_format_that_is_not_read_does_not_leave(tmp_path, name, monkeypatch):
    kept = {ending: each for ending, each in READERS.items() if not name.endswith(ending)}
    monkeypatch.setattr("riskstrat.release.scan.scan.READERS", kept)
    assert found(SAFE[name], name, folder=tmp_path) == {"RS3045"}


def test_a_workbook_that_was_opened_and_saved_again_is_still_read(tmp_path):
    again = io.BytesIO()
    load_workbook(io.BytesIO(book(small_cell))).save(again)
    assert "RS3040" in found(again.getvalue(), "list.xlsx", folder=tmp_path)


def test_a_message_names_the_file_and_the_place_and_no_count(tmp_path):
    (tmp_path / "list.csv").write_bytes(csv(small=3))
    one, *_ = found_there = scan_folder(tmp_path, COUNTS)
    assert (one.where, one.message) == ("list.csv, the table, high", "1 counts of people")
    assert not any("3" in each.where + each.message for each in found_there)


def test_a_folder_that_is_there_is_read_by_its_manifests(tmp_path):
    judge(random_release(6), tmp_path / "release")
    assert look_through(tmp_path / "release", HES)[0] == ()
    table = next((tmp_path / "release").rglob("list.csv"))
    table.write_text(table.read_text().replace("suppressed", "3", 1))
    found_there, files = look_through(tmp_path / "release", HES)
    assert "RS3040" in {each.code for each in found_there} and files >= 8


def test_the_command_ends_with_30_and_tells_what_it_found(tmp_path):
    (tmp_path / "list.csv").write_bytes(csv(small=3))
    said = CliRunner().invoke(app, ["disclosure", str(tmp_path), "--policy", "hes", "--json"])
    told = json.loads(said.stdout)
    assert said.exit_code == 30 and told["files"] == 1
    assert told["found"][0]["code"] == "RS3040"
    (tmp_path / "list.csv").write_bytes(csv())
    assert CliRunner().invoke(app, ["disclosure", str(tmp_path), "--policy", "hes"]).exit_code == 0
    nothing = CliRunner().invoke(app, ["disclosure", str(tmp_path / "nowhere")])
    assert nothing.exit_code == 2


def test_people_of_a_list_are_those_of_its_recipient_and_as_many(tmp_path):
    own = expected_of(
        [TABLE], columns=("unit_id", "age"), policy=HES, rows="own_patients", listed=2,
        own=frozenset({"Pmine00001", "Pmine00002"}), everybody=frozenset({SOMEBODY}),
    )  # fmt: skip
    mine = b"unit_id,age\nPmine00001,80\nPmine00002,81"
    assert found(mine, "list.csv", own, folder=tmp_path) == set()
    assert found(mine + b"\nPmine00002,81", "list.csv", own, folder=tmp_path) == {"RS3043"}
    other = mine.replace(b"Pmine00001", SOMEBODY.encode())
    assert found(other, "list.csv", own, folder=tmp_path) == {"RS3042", "RS3043"}
