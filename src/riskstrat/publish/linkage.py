"""The section on what linkage error could hide: errors by agency and group, bounds, sure links."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import takewhile

from riskstrat.publish import charts
from riskstrat.publish.linkage_words import NOT_KNOWN, bounded, on_sure_links, worst
from riskstrat.publish.parts import Drawing, Section
from riskstrat.publish.phrases import within
from riskstrat.publish.report_data import ReportData
from riskstrat.publish.tables import Record, Shown, records, shown
from riskstrat.publish.wording import cell_text, estimate, metric, percent
from riskstrat.vocabulary import in_words

ANCHOR, TITLE = "linkage", "What linkage error could hide"
ERRORS = ("links_missed", "links_wrong", "off_register", "unsure_links")
OF_GROUPS = (*ERRORS, "unsure_people")
DRAWN = ("links_missed", "off_register", "unsure_people")
"""what is drawn by group: the first of these that is known"""
DOMAINS = {"people": "People", "addresses": "Addresses"}
ALL = "all"
LEAD = (
    "Records of several agencies were linked to one register of people. Where a record was not "
    "linked, its event looks as if it had not happened; where it was linked to somebody else, two "
    "people are misjudged."
)
READ = (
    "“Right person not found”: of records of people on the register, the share that was not linked "
    "to them.",
    "“Not found on the register” may be right: agencies know people whom the register does not.",
    "Bounds take every way in which missed and false outcomes could lie; they say what is "
    "possible, not what is likely. The 95% interval of sampling stands beside them.",
)


def linkage(data: ReportData) -> Section:
    """How well records were linked, for whom, and what that could hide."""
    if not data.links_said:
        return Section(ANCHOR, TITLE, NOT_KNOWN)
    lead = " ".join((LEAD, *data.links_said[:2]))
    said = (
        bounded(data, "sensitivity"),
        bounded(data, "ppv"),
        on_sure_links(data),
        *data.links_said[2:],
    )
    after = (_by_group(data), _bounds_by_group(data), _unlinkable(data), _left_out(data))
    tables = (_bounds(data), _agencies(data), _sure(data))
    return Section(
        ANCHOR,
        TITLE,
        lead,
        tuple(_drawings(data)),
        tuple(table for table in tables if table.rows),
        tuple(text for text in (*said, *READ) if text),
        after=tuple(table for table in after if table.rows),
    )


def _drawings(data: ReportData) -> list[Drawing]:
    """One drawing for each group of what is known of it, and one for the agencies."""
    made = []
    for group, rows in _drawn(data).items():
        what = metric(str(rows[0]["metric"]))
        svg = charts.fairness_chart(rows, name=f"links-{_slug(group)}")
        if svg:
            reading = f"{what}, by {within(group)}: {worst(rows)}"
            made.append(Drawing(svg, reading, _levels(what, rows)))
    return made


def _drawn(data: ReportData) -> dict[str, list[Record]]:
    """Group -> its levels, of the error that is best known of it, over all agencies."""
    rows = [row for row in records(data.links_by_group) if row["agency"] == ALL]
    found: dict[str, list[Record]] = {}
    for name in DRAWN:
        known: dict[str, list[Record]] = {}
        for row in rows:
            # What the weights estimate of themselves hardly differs between groups: it is no news.
            if row["metric"] == name and row["basis"] != "estimated":
                known.setdefault(_short(row), []).append(row)
        found |= {
            group: sorted(levels, key=_place)
            for group, levels in known.items()
            if group not in found
        }
    return found


def _place(row: Record) -> tuple[int, str]:
    """Levels that begin with a number by that number, others after them by name."""
    level = str(row["level"])
    digits = "".join(takewhile(str.isdigit, level))
    return (int(digits) if digits else sys.maxsize, level)


def _short(row: Record) -> str:
    """The group's own name: the linker says `ethnicity`, a study `demographics.ethnicity`."""
    return str(row["group"]).rpartition(".")[2]


def _levels(what: str, rows: Sequence[Record]) -> Shown:
    body = tuple((in_words(str(r["level"])), estimate(r), _n(r)) for r in rows)
    return Shown(what, (("Level", False), ("Share (95% interval)", True), ("Records", True)), body)


def _n(row: Record) -> str:
    return cell_text("n", row, "dfe") if row["n"] is None else f"{row['n']:,}"


def _agencies(data: ReportData) -> Shown:
    """Agencies down, errors across."""
    rows = records(data.links)
    places = dict.fromkeys((str(row["domain"]), str(row["agency"])) for row in rows)
    found = {(str(r["domain"]), str(r["agency"]), str(r["metric"])): r for r in rows}
    kept = [name for name in ERRORS if any(row["metric"] == name for row in rows)]
    body = []
    for domain, agency in places:
        cells = [found.get((domain, agency, name)) for name in kept]
        size = max((cell["n"] for cell in cells if cell and cell["n"]), default=None)
        body.append(
            (
                DOMAINS.get(domain, in_words(domain)),
                in_words(agency),
                "withheld" if size is None else f"{size:,}",
                *(_marked(cell) for cell in cells),
            )
        )
    headers = (("Links of", False), ("Agency", False), ("Records", True))
    note = "(e): estimated by the weights themselves. " + (data.links.note if data.links else "")
    return Shown(
        "How each agency's records were linked",
        (*headers, *((metric(name), True) for name in kept)),
        tuple(body),
        note,
    )


def _marked(row: Record | None) -> str:
    """An estimate, marked where it is only what the weights say of themselves."""
    if row is None:
        return "n/a"
    told = estimate(row)
    return f"{told} (e)" if row["basis"] == "estimated" and row["value"] is not None else told


def _by_group(data: ReportData) -> Shown:
    """Groups and levels down, errors across; of all agencies, then of the outcome's."""
    rows = records(data.links_by_group)
    found = {(r["agency"], _short(r), r["level"], r["metric"]): r for r in rows}
    kept = [name for name in OF_GROUPS if any(row["metric"] == name for row in rows)]
    places = dict.fromkeys((r["agency"], _short(r), r["level"]) for r in rows)
    body = tuple(
        (
            "All agencies" if agency == ALL else in_words(str(agency)),
            in_words(str(group)),
            in_words(str(level)),
            *(_marked(found.get((agency, group, level, name))) for name in kept),
        )
        for agency, group, level in places
    )
    headers = (("Records of", False), ("Group", False), ("Level", False))
    note = data.links_by_group.note if data.links_by_group else ""
    columns = (*headers, *((metric(name), True) for name in kept))
    return Shown("How records were linked, by group", columns, body, note)


def _bounds(data: ReportData) -> Shown:
    """What linkage error could hide at each capacity."""
    body = tuple(
        (
            percent(row["at"]),
            metric(str(row["metric"])),
            cell_text("value", row, ""),
            _between(row, "chance_low", "chance_high"),
            _between(row, "low", "high"),
        )
        for row in records(data.link_bounds)
    )
    note = data.link_bounds.note if data.link_bounds else ""
    return Shown("Bounds under missed and false links", _HEADERS, body, note)


_HEADERS = (
    ("Capacity", False),
    ("Measure", False),
    ("As seen", True),
    ("95% interval of sampling", True),
    ("May lie between, with errors of linkage", True),
)


def _between(row: Record, low: str, high: str) -> str:
    if row["value"] is None:
        return str(row["status"])
    if row[low] is None or row[high] is None:
        return "n/a"
    ends = (cell_text("value", {**row, "value": row[end]}, "") for end in (low, high))
    return " to ".join(ends)


def _bounds_by_group(data: ReportData) -> Shown:
    rows = [r for r in records(data.link_bounds_by_group) if abs(r["at"] - data.capacity) < 1e-9]
    body = tuple(
        (
            in_words(str(row["group"])),
            in_words(str(row["level"])),
            cell_text("value", row, ""),
            _between(row, "chance_low", "chance_high"),
            _between(row, "low", "high"),
        )
        for row in rows
    )
    caption = f"Outcomes reached with errors of linkage, by group ({percent(data.capacity)} seen)"
    headers = (("Group", False), ("Level", False), *_HEADERS[2:])
    note = data.link_bounds_by_group.note if data.link_bounds_by_group else ""
    return Shown(caption, headers, body, note)


def _sure(data: ReportData) -> Shown:
    """The same model on all links and on sure ones, measure by measure."""
    rows = [
        *((metric(str(r["metric"])), r) for r in records(data.sure_performance)),
        *(
            (f"{metric(str(r['metric']))}, {percent(r['share'])} seen", r)
            for r in records(data.sure_at_capacity)
            if r["metric"] in ("ppv", "sensitivity")
        ),
    ]
    links = ("all links", "sure links only")
    found = {(name, row["split"]): estimate(row) for name, row in rows}
    names = dict.fromkeys(name for name, _ in rows)
    body = tuple((name, *(found.get((name, of), "n/a") for of in links)) for name in names)
    headers = (("Measure", False), *((of.capitalize(), True) for of in links))
    note = data.sure_performance.note if data.sure_performance else ""
    return Shown("The same model on sure links only: value (95% interval)", headers, body, note)


def _unlinkable(data: ReportData) -> Shown:
    """Share of the records looked for that would not be linked even to their own likeness."""
    body = tuple(
        (percent(row["probability"]), "withheld" if row["value"] is None else percent(row["value"]))
        for row in records(data.unlinkable)
    )
    headers = (("If links needed a probability of", False), ("could not be linked", True))
    note = "Of the records without a number that links by itself."
    return Shown("Records that hold too little to be linked", headers, body, note)


def _left_out(data: ReportData) -> Shown:
    if data.left_out is None:
        return Shown("", (), ())
    return shown(data.left_out)


def _slug(text: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in text.lower())
