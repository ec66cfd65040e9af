"""One self-contained page: opens from a memory stick, needs no script and no network."""

from __future__ import annotations

from riskstrat.publish.glossary import GLOSSARY
from riskstrat.publish.pages import environment
from riskstrat.publish.report_data import ReportData
from riskstrat.publish.sections import sections
from riskstrat.publish.summary import key_figures, questions
from riskstrat.publish.verdict import gate_lines, headline

MOST_BYTES = 1_000_000
"""a report may be sent by e-mail: this much at most (a test holds to it)"""


def render_report(data: ReportData) -> str:
    """The report as one HTML page.

    Args:
        data: protected tables and words; see `ReportData`.

    Returns:
        HTML with inline CSS and SVG, the same bytes for the same data.
    """
    verdict_text, verdict_class = headline(data)
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            data=data,
            verdict=verdict_text,
            verdict_class=verdict_class,
            gates=gate_lines(data),
            figures=key_figures(data),
            questions=questions(data),
            sections=sections(data),
            glossary=GLOSSARY,
        )
    )


def figures(data: ReportData) -> dict[str, str]:
    """The report's drawings by file name, each SVG that stands by itself."""
    return {
        f"{section.anchor}-{number}.svg": drawing.svg
        for section in sections(data)
        for number, drawing in enumerate(section.drawings, start=1)
    }
