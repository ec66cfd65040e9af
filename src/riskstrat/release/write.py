"""Lists as bytes: CSV and XLSX that open well, run nothing, and are the same on every run.

CSV is RFC 4180 in UTF-8 **with** a byte order mark: without it Excel reads names with accents
as something else, and every other reader used here skips it.
"""

from __future__ import annotations

import csv
import hashlib
import io
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import xlsxwriter

from riskstrat.release.stamp import MARKED, Stamped, only_stamped
from riskstrat.release.standing import Standing
from riskstrat.vocabulary import Protected, in_words

BOM = "\ufeff"
FORMULA_STARTS = frozenset("=+-@|\t\r\n")
MADE_ON = datetime(2000, 1, 1)
"""a fixed creation date inside the workbook, so that its bytes do not depend on the day"""

BAND_STYLES: Mapping[str, Mapping[str, Any]] = {
    "very_high": {"bg_color": "#7F1D1D", "font_color": "#FFFFFF", "bold": True},
    "high": {"bg_color": "#F4C7A1", "font_color": "#3B1F06"},
    "moderate": {"bg_color": "#F6ECC9", "font_color": "#3A3008"},
}
WIDEST, NARROWEST = 60, 10


COLUMNS: Mapping[str, str] = {
    "unit_id": "The person's pseudonym; the linker can tell you whose it is.",
    "release_id": "An id for this list alone; it joins to nothing else.",
    "rank": "Place among everybody in scope, 1 for the highest risk.",
    "band": "Very high, high or moderate: cut by how many people can be seen, not by a level of "
    "risk.",
    "risk": "How likely the outcome is, from 0 to 1.",
    "risk_in_words": "The same, as people say it.",
    "risk_band": "The risk, to five points, or to more where too few people share five.",
    "change_since_last": "Places moved since the last list.",
    "new_in_band": "Whether the person was not in this band on the last list.",
    "reasons": "What the score rests on: of one's own patients most telling first, of others only "
    "what enough people on the list share; each raises the risk unless it says otherwise. A reason "
    "is not a cause.",
    "data_as_at": "The last day the data tell of.",
    "expires_on": "Do not use the list after this day.",
    "people": "People in scope, listed or not.",
    MARKED: "That the list may not be used, and why. A list that may be used has no such column.",
}
"""What each column of a list means, for its `Read me` sheet."""


def inert(text: str) -> str:
    """Text that no spreadsheet takes for a formula: a quote goes before what could start one.

    Leading blanks and invisible characters are looked through, and full-width forms count as
    what they look like.

    Examples:
        >>> inert("=1+1"), inert("  @SUM(A1)"), inert("falls; gout")
        ("'=1+1", "'  @SUM(A1)", 'falls; gout')
    """
    seen = "".join(c for c in unicodedata.normalize("NFKC", text) if c in "\t\r\n" or _visible(c))
    raw = text.lstrip(" \u00a0\u3000\ufeff\u200b")
    live = bool(seen) and (seen[0] in FORMULA_STARTS or raw[:1] in FORMULA_STARTS)
    return f"'{text}" if live else text


def _visible(character: str) -> bool:
    return not character.isspace() and unicodedata.category(character) not in ("Cf", "Cc")


def protected_table(protected: Protected) -> pa.Table:
    """A protected table as Arrow: counts stay whole numbers, suppressed cells are null."""
    cells = list(zip(*protected.rows, strict=True)) or [()] * len(protected.columns)
    return pa.table({n: pa.array(c) for n, c in zip(protected.columns, cells, strict=True)})


def list_csv(stamped: Stamped, *, absent: str = "") -> bytes:
    """A list as CSV; text is made inert, numbers stay numbers, dates are ISO.

    Args:
        stamped: the list, which says whether it may be used.
        absent: what an empty cell says: the policy's mark for a table of counts.
    """
    table = only_stamped(stamped).table
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(inert(name) for name in table.column_names)
    for row in _rows(table):
        writer.writerow(
            _csv_cell(cell, "withheld" if absent and name.startswith("share_") else absent)
            for name, cell in zip(table.column_names, row, strict=True)
        )
    return (BOM + out.getvalue()).encode()


def list_xlsx(stamped: Stamped, readme: Mapping[str, str], *, absent: str = "") -> bytes:
    """A list as a workbook: `Read me` first, then `List` with a frozen, filtered header.

    Every text cell is stored as text, never as a formula or a link.

    Args:
        stamped: the list, which says whether it may be used.
        readme: heading -> text: purpose, model, dates, policy, how to use it, what it is not.
        absent: what an empty cell says: the policy's mark for a table of counts.
    """
    out = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "nan_inf_to_errors": False,
    }
    book = xlsxwriter.Workbook(out, options)
    standing = only_stamped(stamped).standing
    book.set_properties({"title": "riskstrat list", "created": MADE_ON, "status": standing.mark})
    _write_readme(book, readme)
    _write_list(book, stamped.table, absent)
    if standing.mark:
        for sheet in book.worksheets():  # on every printed page, too
            sheet.set_header(f'&C&"Arial,Bold"&14{standing.mark.upper()}')
            sheet.set_tab_color("#B42318")
    book.close()
    return out.getvalue()


def read_me(
    *,
    title: str,
    purpose: str,
    recipient: str,
    model: str,
    data_as_at: date,
    expires_on: date,
    policy: str,
    standing: Standing,
    columns: Iterable[str] = (),
) -> dict[str, str]:
    """The `Read me` sheet of every list; ``columns`` are those of the list, to be explained."""
    return {
        "What this is": f"{title}: people at highest risk, for {recipient.replace('_', ' ')}.",
        "Status": ". ".join(standing.sentences) + ".",
        "Purpose": f"{purpose.replace('_', ' ').capitalize()}; any other use is not allowed.",
        "Model": model,
        "Data up to": data_as_at.isoformat(),
        "Do not use after": expires_on.isoformat(),
        "Disclosure control": policy,
        "How to use it": (
            "Start with the highest band. Look at the reasons, then at the person's record; decide "
            "with what you know. Record what you decided, also when it was nothing."
        ),
        **{f"Column “{in_words(name)}”": COLUMNS[name] for name in columns if name in COLUMNS},
        "What it is not": (
            "Not a decision: nobody is given or refused anything because of a score. Not a medical "
            "device: it does not diagnose, treat or monitor. Not being listed does not mean "
            "not being in need."
        ),
    }


def sha256(content: bytes) -> str:
    """SHA-256 (hex) of a file's content."""
    return hashlib.sha256(content).hexdigest()


def _write_readme(book: Any, readme: Mapping[str, str]) -> None:
    sheet = book.add_worksheet("Read me")
    bold = book.add_format({"bold": True, "valign": "top"})
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 22)
    sheet.set_column(1, 1, 90)
    for place, (heading, text) in enumerate(readme.items()):
        sheet.write_string(place, 0, heading, bold)
        sheet.write_string(place, 1, text, wrapped)


def _write_list(book: Any, table: pa.Table, absent: str) -> None:
    sheet = book.add_worksheet("List")
    header = book.add_format(
        {"bold": True, "bottom": 2, "text_wrap": True, "valign": "top", "bg_color": "#E6ECF2"}
    )
    bands = {name: book.add_format(dict(style)) for name, style in BAND_STYLES.items()}
    dated = book.add_format({"num_format": "d mmm yyyy", "valign": "top", "align": "left"})
    top = book.add_format({"valign": "top"})
    wrapped = book.add_format({"valign": "top", "text_wrap": True})
    for place, name in enumerate(table.column_names):
        sheet.write_string(0, place, in_words(name), header)
        sheet.set_column(place, place, _width(name, table[name]))
    for line, row in enumerate(_rows(table), start=1):
        for place, cell in enumerate(row):
            if isinstance(cell, date):
                sheet.write_datetime(line, place, datetime(cell.year, cell.month, cell.day), dated)
            elif isinstance(cell, bool):
                sheet.write_boolean(line, place, cell, top)
            elif isinstance(cell, int | float):
                sheet.write_number(line, place, cell, top)
            elif cell is None and absent:
                share = table.column_names[place].startswith("share_")
                sheet.write_string(line, place, "withheld" if share else inert(absent), top)
            elif cell is not None:
                banded = table.column_names[place] == "band"
                style = bands.get(cell, top) if banded else wrapped
                sheet.write_string(line, place, in_words(cell) if banded else inert(cell), style)
    sheet.freeze_panes(1, 1)
    if table.num_columns:
        sheet.autofilter(0, 0, max(table.num_rows, 1), table.num_columns - 1)


def _rows(table: pa.Table) -> Iterable[tuple[Any, ...]]:
    return zip(*(column.to_pylist() for column in table.columns), strict=True)


def _csv_cell(cell: Any, absent: str) -> Any:
    if cell is None or isinstance(cell, str):
        return inert(absent if cell is None else cell)
    return cell.isoformat() if isinstance(cell, date) else cell


def _width(name: str, column: pa.ChunkedArray) -> int:
    longest = max((len(str(cell)) for cell in column.slice(0, 200).to_pylist()), default=0)
    return min(WIDEST, max(NARROWEST, len(name) + 2, longest + 2))
