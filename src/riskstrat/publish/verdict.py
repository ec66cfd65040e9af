"""The verdict on a run: what each gate found, and the one line that follows from all of them."""

from __future__ import annotations

import re
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
    caveats: tuple[str, ...] = ()
    """what a reader must know before leaning on the verdict: in whole sentences"""


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
            tuple(filter(None, (_unjudged(row), _weak(str(row["text"]))))),
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


FOUR_FIFTHS = 0.8
"""29 CFR 1607.4(D), the usual yardstick: a group reached less than four fifths as often"""
_NUMBER = r"(\d*\.?\d+)"
_RATIO = re.compile(
    r"^\s*[a-z_]+_ratio\(.*\)(?:\.\w+)?\s*"
    rf"(?:>=?\s*{_NUMBER}|<=?\s*{_NUMBER}|in\s*\[\s*{_NUMBER}\s*,\s*{_NUMBER}\s*\])"
)
_TOO_FEW = re.compile(r"Too few to judge: (?P<levels>[^.]+)\.")


def weaker_than_four_fifths(text: str) -> str:
    """A sentence for the board where a gate between groups allows more than four fifths would.

    Examples:
        >>> weaker_than_four_fifths("sensitivity_ratio(ethnicity, at=0.20) >= 0.5")
        'Weaker than the four-fifths rule (0.8): a group at 0.5 of the reference passes.'
        >>> weaker_than_four_fifths("sensitivity_ratio(ethnicity, at=0.20) in [0.8, 2]")
        'Weaker than the four-fifths rule (0.8): a group at 2 times the reference passes.'
        >>> weaker_than_four_fifths("sensitivity_ratio(ethnicity, at=0.05) >= 0.8")
        ''
    """
    found = _RATIO.match(text)
    if not found:
        return ""
    least, most, low, high = (None if x is None else float(x) for x in found.groups())
    under = next((x for x in (least, low) if x is not None and x < FOUR_FIFTHS), None)
    over = next((x for x in (most, high) if x is not None and x > 1 / FOUR_FIFTHS), None)
    passing = [f"{under:g} of"] if under is not None else []
    passing += [f"{over:g} times"] if over is not None else []
    if not passing:
        return ""
    return (
        f"Weaker than the four-fifths rule ({FOUR_FIFTHS:g}): a group at "
        f"{' or '.join(passing)} the reference passes."
    )


USUAL = (0.8, 1.25)
"""what a slope, or outcomes over those expected, are usually held to"""
_RANGE = re.compile(
    r"^\s*calibration_(?:slope|in_the_large)\b.*\bin\s*"
    r"\[\s*(?P<low>[\d.]+)\s*,\s*(?P<high>[\d.]+)\s*\]"
)


def wider_than_usual(text: str) -> str:
    """A sentence for the board where a gate on calibration allows more than is usual.

    Examples:
        >>> wider_than_usual("calibration_slope in [0.65, 1.35]")
        'Wider than the usual 0.8 to 1.25: a model at 0.65 or 1.35 passes.'
        >>> wider_than_usual("calibration_in_the_large(sex) in [0.8, 1.25]")
        ''
    """
    found = _RANGE.match(text)
    if not found:
        return ""
    low, high = float(found["low"]), float(found["high"])
    past = [f"{each:g}" for each, far in ((low, low < USUAL[0]), (high, high > USUAL[1])) if far]
    if not past:
        return ""
    return (
        f"Wider than the usual {USUAL[0]:g} to {USUAL[1]:g}: a model at {' or '.join(past)} passes."
    )


def _weak(text: str) -> str:
    return weaker_than_four_fifths(text) or wider_than_usual(text)


def _unjudged(row: Record) -> str:
    """The levels that a gate over a group could not judge: its verdict says nothing of them."""
    found = _TOO_FEW.search(str(row.get("explanation") or ""))
    if not found:
        return ""
    levels = ", ".join(f"“{in_words(each)}”" for each in found["levels"].split(", "))
    return f"Says nothing of {levels}: too few people or outcomes to judge."


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
