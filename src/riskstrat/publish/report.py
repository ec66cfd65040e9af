"""One self-contained page: opens from a memory stick, needs no script and no network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from riskstrat.publish.glossary import GLOSSARY
from riskstrat.publish.pages import environment
from riskstrat.publish.report_data import ReportData
from riskstrat.publish.sections import sections
from riskstrat.publish.summary import key_figures, questions
from riskstrat.publish.verdict import gate_lines, headline

MOST_BYTES = 1_000_000
"""a report may be sent by e-mail: this much at most (a test holds to it)"""


@dataclass(frozen=True, slots=True)
class Report:
    """A report's page, and its drawings as files.

    Attributes:
        page: HTML with inline CSS and SVG, the same bytes for the same data.
        figures: file name -> SVG that stands by itself.
    """

    page: str
    figures: Mapping[str, str]


def render_report(data: ReportData) -> Report:
    """The report as one HTML page, with each of its drawings, which are drawn once.

    Args:
        data: protected tables and words; see `ReportData`.
    """
    verdict_text, verdict_class = headline(data)
    parts = sections(data)
    page = (
        environment()
        .get_template("report.html.j2")
        .render(
            data=data,
            verdict=verdict_text,
            verdict_class=verdict_class,
            gates=gate_lines(data),
            figures=key_figures(data),
            questions=questions(data),
            sections=parts,
            glossary=GLOSSARY,
        )
    )
    drawn = {
        f"{section.anchor}-{number}.svg": drawing.svg
        for section in parts
        for number, drawing in enumerate(section.drawings, start=1)
    }
    return Report(page, drawn)
