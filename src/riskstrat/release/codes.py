"""What each refusal of disclosure control means, how it is found, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from riskstrat.vocabulary import Code

_SYSTEM = (
    "Every count that was told is an interval, every margin a sum. What follows is worked out "
    "from all tables of the release and the ledger of earlier ones, first sum by sum, then with "
    "integer programmes (HiGHS)."
)
_READ = "Each finished file is read as a stranger would, before the folder takes its place."
_FEWER = "Release fewer dimensions, or merge levels, or leave one of the tables out."

_CODES = (
    Code(
        "RS3022",
        "An extreme value",
        "A table tells a least or greatest value, or a quantile with too few people on one side. "
        "It is the value of one person.",
        "Names of columns are looked at, and the people on each side of a quantile are counted.",
        "Give quantiles nearer the middle, or a mean.",
    ),
    Code(
        "RS3023",
        "Too few degrees of freedom",
        "The coefficients of a model rest on hardly more people than there are coefficients, so "
        "that people can be worked out from them.",
        "Observations less parameters are compared with the policy.",
        "Fit fewer parameters, or to more people.",
    ),
    Code(
        "RS3029",
        "The release tells what it may not",
        "Several things would leave that may not. Nothing has left.",
        "All tables are audited together, and all finished files are read.",
        "Read the lines of the message: each has a code of its own.",
    ),
    Code(
        "RS3030",
        "A hidden count follows from the tables",
        "A suppressed count, or the few people in none of a row's columns, can be narrowed down to "
        "less than its mark stands for: from totals, from a table with other dimensions, or from "
        "an earlier release of the same people.",
        _SYSTEM,
        "Disclosure control hides more until this is not so; where it cannot, an earlier release "
        "told too much for this one. " + _FEWER,
    ),
    Code(
        "RS3031",
        "A rounded count follows exactly",
        "The true count behind a rounded one follows from the tables together.",
        _SYSTEM,
        _FEWER,
    ),
    Code(
        "RS3032",
        "A hidden count follows from the tables and a list",
        "Whoever holds a pseudonymised list can count its rows, and with them a hidden count of a "
        "table follows exactly.",
        "The rows of each list, by band and by the attributes it shows, are counts of the same "
        "people. " + _SYSTEM,
        "Leave an attribute out of the list, or a dimension out of the table.",
    ),
    Code(
        "RS3033",
        "It cannot be told what follows",
        "The tables are too large to be audited in time, or contradict each other or an earlier "
        "release, so that nobody can say whether they are safe.",
        _SYSTEM,
        "Release fewer tables at once. If extracts were changed, release another day.",
    ),
    Code(
        "RS3034",
        "More than one kind of place",
        "Tables and lists of one day tell of two kinds of place, such as wards and practices, or "
        "small areas and larger ones. Subtracted from each other they tell of the few who are in "
        "one and not in the other.",
        "Attributes whose names say that they are places, and those under `places` of the study.",
        "Choose one kind of place for every recipient of the study.",
    ),
    Code(
        "RS3035",
        "A count that its policy would not show",
        "A table shows a count that is too small, not rounded, or a total that is not.",
        "Every cell is compared with what its policy would make of it.",
        "Make the table again; it was changed after it was protected.",
    ),
    Code(
        "RS3036",
        "A count that changed by a few people",
        "A count differs from that of an earlier release by fewer people than may be told of: "
        "those who opted out, or whose records came late.",
        "The same cell of earlier releases of the study is subtracted: of the same day as an "
        "interval, of other days where both are exact.",
        "Disclosure control hides such a count; a release that was changed by hand is refused.",
    ),
    Code(
        "RS3040",
        "A small count in a file",
        "A finished file tells of fewer people than its policy lets be told of: in a column that "
        "counts, a sentence, a title, a comment, a property or a share of a hidden count.",
        _READ,
        "Take it out, and let every count pass `release.disclosure`.",
    ),
    Code(
        "RS3041",
        "An exact count in a file",
        "A finished file tells a count that is not rounded as its policy asks, a total of more "
        "than is shown, a share of other counts, or whole numbers of which nothing is declared.",
        _READ,
        "Let every count pass `release.disclosure`, which rounds it, and declare other numbers.",
    ),
    Code(
        "RS3042",
        "The id of a person",
        "A file holds a pseudonym, an id of somebody else's list, or a number that looks like one, "
        "and its recipient may not have it.",
        "Every word is compared with the pseudonyms of all who were scored, with the ids of all "
        "lists, and with the shapes of pseudonyms and NHS numbers.",
        "Find out what wrote it. " + _READ,
    ),
    Code(
        "RS3043",
        "Rows of people, or a table nobody declared",
        "A file for a recipient of counts holds rows of single people, or a table that is not "
        "among those released; or a list has other rows than those its recipient may have.",
        "Headings and ids of each table in each file are compared with what is released to whom.",
        "Give this recipient the protected table alone.",
    ),
    Code(
        "RS3044",
        "Something that is not seen at first",
        "A file holds a hidden sheet, row or column, a comment, a defined name, a formula, a "
        "script or a file within it. None of these belongs in what leaves.",
        _READ,
        "Take it out.",
    ),
    Code(
        "RS3045",
        "A file that cannot be looked into",
        "A file is damaged, encrypted or of a kind that is not read, so it may hold anything.",
        "HTML, SVG, CSV, XLSX, JSON, PDF, Markdown and text are read.",
        "Leave it out, or write it in one of these forms.",
    ),
)

RELEASE_CODES: Mapping[str, Code] = MappingProxyType({code.code: code for code in _CODES})
