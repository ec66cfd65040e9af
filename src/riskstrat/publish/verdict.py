"""The verdict on a run: what each gate found, and the one line that follows from all of them."""

from __future__ import annotations

from dataclasses import dataclass

from riskstrat.publish.phrases import gate_in_words, within
from riskstrat.publish.report_data import ReportData
from riskstrat.publish.tables import Record, records
from riskstrat.publish.wording import estimate, mark, verdict
from riskstrat.vocabulary import in_words

VERDICTS = {
    "pass": "Passed",
    "fail": "Failed",
    "not enough evidence": "Not enough evidence",
}


@dataclass(frozen=True, slots=True)
class GateLine:
    """One gate as it reads: what was asked, what was found, how it ended."""

    text: str
    words: str
    found: str
    n: str
    verdict: str
    code: str
    explanation: str = ""


def gate_lines(data: ReportData) -> tuple[GateLine, ...]:
    """The gates, those not passed first."""
    order = list(VERDICTS)
    order = [order[1], order[2], order[0]]
    lines = [
        GateLine(
            str(row["text"]),
            gate_in_words(str(row["text"])),
            _found(row),
            "n/a" if row["n"] is None and row["status"] == "shown" else _people(row["n"], data),
            verdict(row["verdict"]),
            str(row["code"]),
            str(row.get("explanation") or ""),
        )
        for row in records(data.gates)
    ]
    return tuple(sorted(lines, key=lambda line: order.index(line.verdict)))


def headline(data: ReportData) -> tuple[str, str]:
    """The verdict in one line, and its class (pass, fail, unsure)."""
    lines = gate_lines(data)
    counts = {name: sum(line.verdict == name for line in lines) for name in VERDICTS}
    if not lines:
        return "No limits were set before the run, so nothing was decided", "unsure"
    if counts["fail"]:
        many = f"{counts['fail']} of {len(lines)} {_gates(len(lines))} failed"
        return f"{many}: the model must not be used", "fail"
    if counts["not enough evidence"]:
        unsure = counts["not enough evidence"]
        many = f"{unsure} of {len(lines)} {_gates(len(lines))} {_lack(unsure)} evidence"
        return f"{many}: the model must not be used until they can be judged", "unsure"
    every = f"All {len(lines)} gates" if len(lines) > 1 else "The one gate"
    return f"{every} passed: the model may be considered for use", "pass"


def _gates(n: int) -> str:
    return "gate" if n == 1 else "gates"


def _lack(n: int) -> str:
    return "lacks" if n == 1 else "lack"


def _found(row: Record) -> str:
    """What a gate found, and of whom where it judged groups."""
    where = str(row.get("group") or "")
    if ": " in where:
        group, level = where.split(": ", 1)
        return f"{estimate(row)}, at worst for {within(group)} “{in_words(level)}”"
    return estimate(row)


def _people(n: int | None, data: ReportData) -> str:
    return mark(data.policy) if n is None else f"{n:,}"
