"""The pack as files: pages, the transparency record as data, and what is still to be answered."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from riskstrat.publish.pack.answers import Answers, refuse_unknown, required
from riskstrat.publish.pack.assessments import dpia, equality
from riskstrat.publish.pack.atrs import atrs, record
from riskstrat.publish.pack.board import board_summary, changes, monitoring_plan
from riskstrat.publish.pack.card import model_card
from riskstrat.publish.pack.facts import Facts
from riskstrat.publish.pack.parts import Item, Page
from riskstrat.publish.pack.probast import probast
from riskstrat.publish.pack.sources import data_sheets, legal_basis, opt_outs_and_linkage
from riskstrat.publish.pack.tripod import tripod
from riskstrat.publish.pages import environment
from riskstrat.publish.summary import key_figures
from riskstrat.publish.verdict import gate_lines, headline

RECORD = "atrs.json"
PAGES = (
    board_summary, model_card, data_sheets, dpia, equality, legal_basis, opt_outs_and_linkage,
    atrs, tripod, probast, monitoring_plan, changes,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pack:
    """Every document of a pack.

    Attributes:
        files: name -> bytes; equal facts and answers give equal bytes.
        asked: everything that a person has to answer, by its name in the answers file.
        open: the names of those nobody has answered yet.
    """

    files: Mapping[str, bytes]
    asked: Mapping[str, Item]
    open: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether every question for a person has an answer."""
        return not self.open


def make_pack(facts: Facts, answers: Answers) -> Pack:
    """Render every document.

    Args:
        facts: one run; its counts of people are protected.
        answers: what people said to the questions only they can answer.

    Raises:
        StudyError: RS1298, an answer to a question that no document asks.
    """
    pages = tuple(make(facts) for make in PAGES)
    asked = required(pages)
    refuse_unknown(answers, asked)
    still = tuple(name for name in asked if name not in answers.given)
    files = {f"{page.name}.html": _page(page, facts, answers, still) for page in pages}
    files["index.html"] = _index(pages, facts, answers, still)
    told = record(next(page for page in pages if page.name == "atrs"), facts, answers)
    files[RECORD] = (json.dumps(told, indent=2, ensure_ascii=False) + "\n").encode()
    files["answers-to-give.yaml"] = _blank(facts.data.study, asked, still).encode()
    return Pack(files, asked, still)


def _page(page: Page, facts: Facts, answers: Answers, still: Sequence[str]) -> bytes:
    words, kind = headline(facts.data)
    text = (
        environment()
        .get_template("pack.html.j2")
        .render(
            page=page,
            data=facts.data,
            given=answers.given,
            missing=[item for item in page.items if item.who and item.ref not in answers.given],
            open_in_all=len(still),
            verdict=words,
            verdict_class=kind,
            gates=gate_lines(facts.data) if page.board else (),
            figures=key_figures(facts.data) if page.board else (),
        )
    )
    return text.encode()


def _index(pages: Sequence[Page], facts: Facts, answers: Answers, still: Sequence[str]) -> bytes:
    words, kind = headline(facts.data)
    listed = [
        (page, sum(1 for item in page.items if item.who and item.ref not in answers.given))
        for page in pages
    ]
    return (
        environment()
        .get_template("pack_index.html.j2")
        .render(data=facts.data, pages=listed, verdict=words, verdict_class=kind, still=still)
        .encode()
    )


def _blank(study: str, asked: Mapping[str, Item], still: Sequence[str]) -> str:
    """An answers file with what is still to be answered, to be filled in."""
    lines = [
        f"# What only people can answer about {study}: fill in, then",
        "# `riskstrat pack RUN --answers FILE`. Take the comment signs away from what is answered.",
        f"study: {study}",
        "given:" if still else "given: {}",
    ]
    for name in still:
        item = asked[name]
        lines += [
            f"  # {item.asked} ({item.who})",
            f"  # {name}:",
            "  #   answer: In one or more sentences.",
            "  #   by: Name, role",
            "  #   on: 2026-01-31",
        ]
    return "\n".join(lines) + "\n"
