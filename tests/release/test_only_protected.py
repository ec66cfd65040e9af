"""Counts reach a page, a file or a chart only through the one function that protects them."""

from __future__ import annotations

import ast
import copy
import pickle
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import get_type_hints

import pytest

import riskstrat
from riskstrat.errors import ReleaseRefused
from riskstrat.publish.report_data import REQUIRED, ReportData
from riskstrat.publish.tables import shown
from riskstrat.release.disclosure import kept, protect, restored
from riskstrat.release.policies import POLICIES
from riskstrat.release.standing import Preview
from riskstrat.release.summary import Summary, summary_html
from riskstrat.vocabulary import Protected

DAY = date(2025, 4, 1)
ROOT = Path(riskstrat.__file__).parent
TABLE = protect(
    "Wards", ("ward", "people"), [("Vange", 1_203), ("Laindon", 3)],
    counts=("people",), policy=POLICIES["strict"],
)  # fmt: skip


@dataclass(frozen=True)
class Lookalike:
    """It has all that a template asks for, and nobody protected it."""

    title: str = "Wards"
    columns: tuple[str, ...] = ("ward", "people")
    rows: tuple[tuple[object, ...], ...] = (("Laindon", 3),)
    policy: str = "strict"
    note: str = ""


def test_the_type_cannot_be_made_by_calling_it():
    with pytest.raises(TypeError, match="made by release"):
        Protected("Wards", ("ward", "people"), (("Laindon", 3),), "strict", 0)
    with pytest.raises(TypeError, match="made by release"):
        replace(TABLE, rows=(("Laindon", 3),))


def test_nothing_else_in_the_package_makes_one():
    """Neither a call of the class nor of what goes around its constructor."""
    makers = {"Protected", "__new__", "__setattr__", "__reduce__", "loads"}
    found = {
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        if any(isinstance(each, ast.Name) and each.id == "Protected" for each in _parts(node))
        if _name(node.func) in makers
    }
    assert found == {"release/disclosure.py"}


def _parts(call: ast.Call) -> list[ast.AST]:
    return [call.func, *call.args]


def _name(func: ast.expr) -> str:
    return func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")


def test_a_template_with_an_unprotected_table_is_refused():
    page = Summary(
        title="T", recipient="board", purpose="p", outcome="o", model="m", as_of=DAY,
        data_as_at=DAY, expires_on=DAY, policy="strict", standing=Preview(), bands=TABLE,
    )  # fmt: skip
    assert "1,205" in summary_html(page)
    for wrong in ({"bands": Lookalike()}, {"table": Lookalike()}, {"reach": [Lookalike()]}):
        with pytest.raises(ReleaseRefused) as refused:
            summary_html(replace(page, **wrong))
        assert refused.value.code == "RS3020" and "Laindon" not in str(refused.value)


def test_a_report_s_table_that_is_not_protected_is_refused():
    assert shown(TABLE).rows[1] == ("Laindon", "suppressed")
    with pytest.raises(ReleaseRefused) as refused:
        shown(Lookalike())
    assert refused.value.code == "RS3020"


def test_every_table_of_people_of_a_report_is_checked():
    hints = get_type_hints(ReportData)
    of_people = {name for name, hint in hints.items() if "Protected" in str(hint)}
    assert of_people <= REQUIRED.keys()


def test_a_table_that_was_kept_is_the_same_again_and_a_changed_one_is_refused():
    assert restored(kept(TABLE)) == TABLE == copy.deepcopy(TABLE)
    assert pickle.loads(pickle.dumps(TABLE)) == TABLE
    changed = kept(TABLE)
    changed["rows"][1][1] = 3
    with pytest.raises(ReleaseRefused) as refused:
        restored(changed)
    assert refused.value.code == "RS3035"
