"""What only people can answer: read from a file, held against what the documents ask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints, field_validator

from riskstrat.errors import StudyError
from riskstrat.publish.pack.parts import Item, Page
from riskstrat.spec import Spec
from riskstrat.vocabulary import Name
from riskstrat.yamlfile import read_spec

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Answer(Spec):
    """What somebody answered."""

    answer: Annotated[str, StringConstraints(strip_whitespace=True, min_length=10)]
    """in sentences; who has nothing to say says why"""
    by: Text
    """name and role"""
    on: date
    """the day of the answer"""


class Answers(Spec):
    """The answers that people gave for one study: question -> answer."""

    study: Name
    """the study they are about"""
    given: Annotated[dict[str, Answer], Field(default_factory=dict)]
    """such as `dpia.consultation`; the documents of the pack list what they ask"""

    @field_validator("given", mode="before")
    @classmethod
    def _none_yet(cls, value: object) -> object:
        return {} if value is None else value


NOBODY = Answers(study="none", given={})


def read_answers(path: Path, study: str) -> Answers:
    """The answers file of a study.

    Raises:
        StudyError: RS1297 it is about another study.
    """
    answers, _ = read_spec(path, Answers)
    if answers.study != study:
        raise StudyError(
            f"{path}: these answers are about `{answers.study}`, not `{study}`",
            fix="give the answers file of this study with --answers",
            code="RS1297",
        )
    return answers


def required(pages: Iterable[Page]) -> Mapping[str, Item]:
    """Name -> item of everything a person has to answer, in the order of the documents."""
    return {item.ref: item for page in pages for item in page.items if item.who}


def refuse_unknown(answers: Answers, asked: Mapping[str, Item]) -> None:
    """Refuse answers to questions that nobody asks: most likely a slip in a name.

    Raises:
        StudyError: RS1298.
    """
    unknown = [name for name in answers.given if name not in asked]
    if unknown:
        near = get_close_matches(unknown[0], asked, n=1)
        meant = f"; did you mean `{near[0]}`?" if near else ""
        many = (
            "an answer is to a question"
            if len(unknown) == 1
            else (f"{len(unknown)} answers are to questions")
        )
        raise StudyError(
            f"{many} that no document asks: `{unknown[0]}`{meant}",
            fix="take the names from the documents, where each stands beside its question",
            code="RS1298",
        )
