"""The intruder's report: JSON for programs, one page of Markdown for people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from riskstrat.disk import write_bytes, write_json
from riskstrat.intruder.findings import Attack, Report

COLUMNS = ("code", "attack", "tried", "claimed", "confirmed", "seconds")


def write_report(report: Report, target: Path) -> tuple[Path, Path]:
    """Write ``intruder.json`` and ``intruder.md``.

    Args:
        target: a folder, or the path of the JSON file.
    """
    path = target if target.suffix == ".json" else target / "intruder.json"
    page = path.with_suffix(".md")
    write_json(path, report.as_dict())
    write_bytes(page, markdown(report).encode())
    return path, page


def table_rows(report: Report) -> list[tuple[str | int, ...]]:
    """One row for each attack that was made, for a terminal."""
    return [
        (
            each.code,
            each.title,
            f"{each.tried:,} {each.unit}",
            each.claimed,
            each.confirmed,
            f"{each.seconds:.1f}",
        )
        for each in report.attacks
        if not each.skipped
    ]


def markdown(report: Report) -> str:
    """The report as a page."""
    verdict = (
        f"**Confirmed: {report.confirmed:,}.** Nothing of this may leave."
        if report.confirmed
        else "**Confirmed: none.**"
    )
    untried = [f"- {each.title}: {each.skipped}" for each in report.untried]
    parts = [
        "# The motivated intruder",
        f"{verdict} Claims were judged by {report.facts.get('judged_by', 'nobody')}; samples were "
        f"drawn with seed {report.facts.get('seed', 0)}.",
        _table(report),
        *(_section(each) for each in report.attacks if not each.skipped),
        *(["## Not tried", "\n".join(untried)] if untried else []),
    ]
    return "\n\n".join(parts) + "\n"


def _table(report: Report) -> str:
    head = [f"| {' | '.join(COLUMNS)} |", f"|{' --- |' * len(COLUMNS)}"]
    body = [f"| {' | '.join(map(_cell, row))} |" for row in table_rows(report)]
    return "\n".join(head + body)


def _cell(value: str | int) -> str:
    text = f"{value:,}" if isinstance(value, int) else value
    return text.replace("|", "\\|")


def _section(attack: Attack) -> str:
    lines: Sequence[str] = [f"- {note}" for note in attack.notes]
    heading = f"## {attack.code} {attack.title}: {attack.verdict}"
    said = attack.how[:1].upper() + attack.how[1:]
    return "\n\n".join([heading, f"{attack.against}. {said}.", *(["\n".join(lines)] * bool(lines))])
