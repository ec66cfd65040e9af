"""The section on what the model remembers of the people it was learnt from."""

from __future__ import annotations

from collections.abc import Mapping

from riskstrat.publish.parts import ABSENT, Section
from riskstrat.publish.report_data import ReportData
from riskstrat.publish.tables import Record, Shown, records, shown
from riskstrat.publish.wording import estimate
from riskstrat.vocabulary import PRIVACY_METRICS, in_words

ANCHOR, TITLE = "model-privacy", "What the model remembers of single people"
AUC, POSITIVES = PRIVACY_METRICS[:2]
INSIDER = "informed_"
ENOUGH = "ok"
LEAD = (
    "Could somebody who holds the model tell whose records it was learnt from? Twins of it were "
    "learnt without some people, dealt by chance with their households. Then people were told "
    "apart by how sure a twin is of what happened to them."
)
READ = (
    "0.5 is a guess. A guess that is right more often rests on memory of single people.",
    "An insider also holds everybody else's records. What they could tell says why the model's "
    "file stays where the data are; the limits are on what the model alone gives away.",
)


def model_privacy(data: ReportData) -> Section:
    """Who could be told apart, and how many people stand behind each part of the model."""
    rows = {str(row["metric"]): row for row in records(data.privacy)}
    if data.privacy is None or not rows:
        return Section(ANCHOR, TITLE, ABSENT)
    lead = f"{LEAD} {remembered(data)}"
    tables = (_attacks(data),)
    after = (_levels(data),)
    return Section(
        ANCHOR,
        TITLE,
        lead,
        tables=tuple(table for table in tables if table.rows),
        points=(*data.privacy_said, *READ),
        after=tuple(table for table in after if table.rows),
    )


def remembered(data: ReportData) -> str:
    """The answer in one sentence; '' where nothing was measured."""
    rows = {str(row["metric"]): row for row in records(data.privacy)}
    everybody, some = rows.get(AUC), rows.get(POSITIVES)
    if everybody is None or everybody["value"] is None:
        return "It could not be measured, so nothing was shown." if rows else ""
    told = (
        "Of a person it was learnt from and one it was not, the right one is picked "
        f"{_times(everybody)} times in 100"
    )
    if some is not None and some["value"] is not None:
        told += f", and {_times(some)} among those with the outcome"
    if everybody["verdict"] != ENOUGH:
        return f"{told}; but there are too few people to judge by, so nothing was shown."
    return f"{told}; 50 is a guess."


def _times(row: Record) -> str:
    return f"{100 * float(row['value']):.1f}"


def _attacks(data: ReportData) -> Shown:
    """Who is told apart, by whom, with what evidence."""
    body = []
    found: Mapping[str, Record] = {str(row["metric"]): row for row in records(data.privacy)}
    for name, row in found.items():
        insider = name.startswith(INSIDER)
        body.append(
            (
                WORDS[name.removeprefix(INSIDER)],
                "An insider" if insider else "Whoever holds the model",
                estimate(row),
                "n/a" if row["n"] is None else f"{row['n']:,}",
                "enough evidence" if row["verdict"] == ENOUGH else "not enough evidence",
            )
        )
    headers = (
        ("What is told apart", False),
        ("By whom", False),
        ("Found", True),
        ("People", True),
        ("Evidence", False),
    )
    note = data.privacy.note if data.privacy else ""
    return Shown("Attacks on the model: value (95% interval)", headers, tuple(body), note)


WORDS = {
    AUC: "Everybody (0.5 is a guess)",
    POSITIVES: "People with the outcome (0.5 is a guess)",
    "membership_tpr_at_low_fpr": "Share named when one in 1,000 others is (0.001 is a guess)",
}


def _levels(data: ReportData) -> Shown:
    """The first attack within each group."""
    if data.privacy_by_group is None:
        return Shown("", (), ())
    told = shown(data.privacy_by_group, leave_out=("status", "metric"))
    names = [(in_words(row[0]), in_words(row[1]), *row[2:]) for row in told.rows]
    return Shown(told.caption, told.headers, tuple(names), told.note)
