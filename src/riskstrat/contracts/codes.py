"""What each finding and refusal of a contract means, how it is computed, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from riskstrat.vocabulary import Code

_ASK = "Ask the agency to correct the extract and send it again"
_TOLERATE = (
    f"{_ASK}, or declare under `tolerance` in the contract which share of rows may be left out."
)

_CODES = (
    Code(
        "RS1000",
        "A source does not keep its contract",
        "An extract differs from what the agency agreed to send.",
        "Every extract is compared with its contract before anything else reads it.",
        "Read the message: it names the file, the column and the counts.",
    ),
    Code(
        "RS1001",
        "The file is missing",
        "The file a contract names is not in the data folder, or the folder or pattern it names "
        "holds no file.",
        "The contract's `file` is looked up under the data folder (`--data`).",
        "Put the file there, correct `file` in the contract, or point `--data` elsewhere.",
    ),
    Code(
        "RS1002",
        "The file cannot be read as what it says it is",
        "A Parquet file or database is cut short or damaged, or the file has another format.",
        "The first bytes, the Parquet footer and every page are read.",
        "Copy the file again and compare its size; if it stays so, ask the agency for a new one.",
    ),
    Code(
        "RS1003",
        "Another encoding than declared",
        "The bytes of a text file do not fit the encoding in the contract.",
        "All bytes are tried against `format.encoding`; byte order marks and zero bytes tell "
        "UTF-16, and text that is valid UTF-8 by its structure is never read as an older code.",
        "Set `format.encoding` to utf-8, utf-16, latin-1 or windows-1252, as the agency exports.",
    ),
    Code(
        "RS1004",
        "The text file cannot be split into rows",
        "Line ends, quote marks or zero bytes make it unsure where rows and columns begin.",
        "Line ends, quote marks and zero bytes are counted; two readers must agree on the rows.",
        f"{_ASK}: line feeds at line ends, quote marks in pairs, no zero bytes.",
    ),
    Code(
        "RS1005",
        "Another delimiter than declared",
        "The header is a single column, but another delimiter would split it.",
        "The header is split by comma, semicolon, tab and vertical bar.",
        "Set `format.delimiter` in the contract.",
    ),
    Code(
        "RS1006",
        "No rows",
        "The file is empty, has a header only, or its table has no rows.",
        "Rows are counted after the file is read.",
        "Ask the agency whether the export failed.",
    ),
    Code(
        "RS1007",
        "A column is missing",
        "A column the contract reads is not in the file, or has another name there.",
        "Names are compared exactly, letter case included.",
        "Set the column's `from` to its name in the file, or ask the agency for the column.",
    ),
    Code(
        "RS1008",
        "A column holds another type",
        "A column holds nothing that can be read as the declared type.",
        "The file's own type is compared with the contract's; in a text file every value is tried.",
        "Correct the column's `type`, its `from`, or `format.dates` in the contract.",
    ),
    Code(
        "RS1009",
        "The database has no such table",
        "The contract's `format.table` is not in the database file, or none is named.",
        "The tables of the file are listed.",
        "Set `format.table` to one of the tables named in the message.",
    ),
    Code(
        "RS1010",
        "Values of a wrong type",
        "Rows hold a value that cannot be read as the column's type (a date that is none, text in "
        "a number), or do not have as many columns as the header.",
        "Dates fit `format.dates` exactly; whole numbers have no fraction; numbers are finite.",
        _TOLERATE,
    ),
    Code(
        "RS1011",
        "Required values are missing",
        "Rows lack the unit, a part of the key, a date that places the row in time, or a column "
        "with `required: true`.",
        "Texts under `format.null`, empty texts and not-a-number count as missing.",
        _TOLERATE,
    ),
    Code(
        "RS1012",
        "Unknown codes",
        "Rows hold a code that the contract does not list.",
        "Codes are compared exactly, letter case and spaces included.",
        f"Add the codes to `codes` in the contract if they are right. {_TOLERATE}",
    ),
    Code(
        "RS1013",
        "Values out of range",
        "Rows hold a number below `min` or above `max`.",
        "Both limits are allowed values.",
        _TOLERATE,
    ),
    Code(
        "RS1014",
        "Repeated keys",
        "Several rows have the same `key`. The first by the day it was known is kept.",
        "Among rows that pass all other rules; equal days are decided by the values.",
        f"Check that `key` names one row. {_TOLERATE}",
    ),
    Code(
        "RS1015",
        "Dates in the future",
        "Rows are dated after the day to which the extract is said to be complete.",
        "`happened_on` (or `starts_on`) later than the latest `to` under `coverage`.",
        f"Correct `coverage` in the contract if it is out of date. {_TOLERATE}",
    ),
    Code(
        "RS1016",
        "Ends before it starts",
        "A spell ends before it starts.",
        "`ends_on` earlier than `starts_on`; a spell of no days is allowed.",
        _TOLERATE,
    ),
    Code(
        "RS1017",
        "Before birth",
        "Rows are dated before the person was born, so the link or a date is wrong.",
        "More than 31 days before `born_on`, because dates of birth are kept by month.",
        _TOLERATE,
    ),
    Code(
        "RS1018",
        "After death",
        "Rows are dated after the person had died, so the link or a date is wrong.",
        "More than 45 days after the date of death, to leave room for letters and closing work.",
        _TOLERATE,
    ),
    Code(
        "RS1019",
        "Late records",
        "Rows reached the platform long after they happened. They count from the day they were "
        "known.",
        "`known_on` more than `late_after_days` after the row happened; never rejected.",
        "Ask the agency what delays the records; expect little from short windows.",
    ),
    Code(
        "RS1020",
        "Known before it happened",
        "Rows are said to be known earlier than they happened.",
        "`known_on` earlier than `happened_on`; never rejected, for the later of both days counts.",
        "Check which column says when the record reached the platform.",
    ),
    Code(
        "RS1021",
        "Unusual months",
        "A month has far more or far fewer events than the months around it.",
        "Against the median of up to three months on each side within the same coverage: by more "
        "than `volume_tolerance`, and by more than four times its square root.",
        "Ask the agency whether the export was complete; shorten `coverage` if it was not.",
    ),
    Code(
        "RS1022",
        "Values are often missing",
        "More than one row in twenty has no value in a column.",
        "Share of accepted rows without a value.",
        "Nothing, if the agency does not always record it; features call it not measured.",
    ),
    Code(
        "RS1023",
        "A column cannot be computed",
        "The contract's `from` cannot be computed from this file.",
        "The expression is checked against the file's columns and types, then run.",
        "Correct the expression in the contract.",
    ),
    Code(
        "RS1024",
        "The files of an extract differ",
        "The files of a folder or pattern are of several kinds, or a column holds another type, or "
        "is spelt in another case, in one of them.",
        "Every file is opened on its own; columns are compared by name. A file in which a column "
        "is wholly empty gives way, and whole numbers beside numbers are read as numbers.",
        "Ask the agency for files that agree, or give the file that differs a contract of its own.",
    ),
    Code(
        "RS1025",
        "Row numbers of several files",
        "The contract takes something from `file_row_number`, and its `file` names several files.",
        "A row's number would depend on which file comes first, and change when a file is added.",
        "Name a single file, or use columns that tell the rows apart.",
    ),
)

CONTRACT_CODES: Mapping[str, Code] = MappingProxyType({code.code: code for code in _CODES})

RULE_CODES: Mapping[str, str] = MappingProxyType(
    {
        "wrong_type": "RS1010",
        "missing_required": "RS1011",
        "not_in_codes": "RS1012",
        "out_of_range": "RS1013",
        "date_in_future": "RS1015",
        "ends_before_start": "RS1016",
        "before_birth": "RS1017",
        "after_death": "RS1018",
        "duplicate_key": "RS1014",
        "late_record": "RS1019",
    }
)
"""Row rule -> code, in the order in which a row is tested: the first that fits is its reason."""
