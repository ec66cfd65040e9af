"""What the checks noticed, grouped: one heading per kind of finding, what it says, what to do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from riskstrat.publish.phrases import within
from riskstrat.publish.report_data import ReportData
from riskstrat.publish.tables import Record, records
from riskstrat.publish.wording import LEARNERS, learner
from riskstrat.vocabulary import in_words

TOLD_AS_GATES = frozenset({"RS320", "RS321", "RS322", "RS323"})
TOLD_AS_PERFORMANCE = frozenset({"RS301", "RS302", "RS303"})
"""told in full in another section; the last three only while they are no reason to worry"""
MOST_LINES = 6
HEADINGS = {"error": "Errors", "warning": "To look at", "info": "Good to know"}
_TOKEN = re.compile(r"(?<![`\w])[a-z0-9]+(?:_+[a-z0-9]+)+(?![`\w])")
_CODED = re.compile(r" \[\w+\]|`")


@dataclass(frozen=True, slots=True)
class Notice:
    """All findings of one kind: at most ``MOST_LINES`` are worded, ``more`` are counted."""

    severity: str
    title: str
    code: str
    lines: tuple[str, ...]
    more: int
    fix: str

    @property
    def rank(self) -> int:
        """Its place by how much it matters."""
        return list(HEADINGS).index(self.severity)

    @property
    def heading(self) -> str:
        """What all of its severity stand under."""
        return HEADINGS[self.severity]


def notices(data: ReportData) -> tuple[Notice, ...]:
    """The findings by kind, errors first; what other sections tell is left to them."""
    meanings = {str(row["name"]): str(row["meaning"]) for row in records(data.dictionary)}
    kinds: dict[tuple[str, str, str], list[Record]] = {}
    for row in records(data.findings):
        if not _told_elsewhere(row):
            kind = (str(row["severity"]), str(row["code"]), str(row.get("name") or row["where"]))
            kinds.setdefault(kind, []).append(row)
    order = list(HEADINGS)
    worded = {
        # What is withheld reads alike for several findings: it is said once.
        kind: tuple(dict.fromkeys(_readable(str(row["message"]), meanings) for row in rows))
        for kind, rows in kinds.items()
    }
    return tuple(
        Notice(
            severity,
            in_words(name),
            code,
            lines[:MOST_LINES],
            max(0, len(lines) - MOST_LINES),
            _readable(str(kinds[severity, code, name][0].get("fix") or ""), meanings),
        )
        for (severity, code, name), lines in sorted(
            worded.items(), key=lambda kind: (order.index(kind[0][0]), kind[0][1])
        )
    )


def _told_elsewhere(row: Record) -> bool:
    worry = row["severity"] != "info"
    return row["code"] in TOLD_AS_GATES or (row["code"] in TOLD_AS_PERFORMANCE and not worry)


def _readable(text: str, meanings: Mapping[str, str]) -> str:
    """A sentence of a check without the names that only a study file uses."""

    def said(found: re.Match[str]) -> str:
        name = found[0]
        if name in meanings:
            return f"“{meanings[name]}”"
        return learner(name) if name in LEARNERS else within(name)

    told = _TOKEN.sub(said, _CODED.sub("", text))
    return told[:1].upper() + told[1:]
