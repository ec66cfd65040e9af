"""What a board asks of the keeping of data: who objected, other uses, who can stop it."""

from __future__ import annotations

import re

from riskstrat.publish.report_data import ReportData
from riskstrat.publish.tables import records
from riskstrat.publish.wording import day
from riskstrat.vocabulary import in_words

OPTED_OUT = "RS1119"
_ISO = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")


def objections(data: ReportData) -> str:
    """Whether people who objected are in it: which kinds count here, and how many people."""
    kinds = opt_outs_that_bind(data)
    if not kinds:
        return "No source says that an opt-out binds this purpose, so none was applied."
    counted = [str(each["message"]) for each in records(data.findings, code=OPTED_OUT)]
    told = [text.partition(": ")[2].partition(" (")[0] for text in counted]
    many = "".join(f" {_ISO.sub(lambda found: day(found[0]), text)}." for text in told)
    named = ", ".join(kinds)
    return f"Yes: {named} opt-outs are applied to extracts, cohorts, scores and lists.{many}"


def opt_outs_that_bind(data: ReportData) -> tuple[str, ...]:
    """The kinds of opt-out that bind some source for the study's own purpose, in plain words."""
    rows = records(data.sharing, purpose=in_words(data.purpose))
    told = {kind for row in rows for kind in str(row["opt_outs"]).split(", ")}
    return tuple(sorted(kind.lower() for kind in told - {"None bind", ""}))


def reuse(data: ReportData) -> str:
    """What keeps data and lists to their purpose."""
    if not data.recipients or not data.recipients.rows:
        where = "No list leaves."
    else:
        who = ", ".join(str(row["recipient"]) for row in records(data.recipients))
        where = (
            f"Lists go to {who} alone, and name their purpose and last day; what people do with "
            "one they hold, no program can prevent."
        )
    return (
        f"No: a study whose purpose ({in_words(data.purpose).lower()}) its agreements do not grant "
        f"does not run. {where}"
    )


STOP = (
    "Yes, at once: its author or a reviewer withdraws the approval (`riskstrat withdraw`), or "
    "anybody who may submit or review suspends the version (`riskstrat suspend`). No list is made "
    "from then on; those that are out end on the day they name, or are called back by people. An "
    "approval ends by itself after 12 months at most."
)
"""what stops it, whatever the study"""
