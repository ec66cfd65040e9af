"""Every code has a page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import riskstrat
from riskstrat import errors
from riskstrat.codes import CODES

PACKAGE = Path(riskstrat.__file__).parent


def test_every_family_has_a_page():
    families = [
        each for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, errors.RiskstratError)
    ]  # fmt: skip
    assert {family.default_code for family in families} <= CODES.keys()


def test_every_code_in_the_source_has_a_page():
    missing: dict[str, list[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for code in re.findall(r"""["'](RS[0-9]{3,4})["']""", path.read_text(encoding="utf-8")):
            if code not in CODES:
                missing.setdefault(code, []).append(path.relative_to(PACKAGE).as_posix())
    assert missing == {}


@pytest.mark.parametrize("code", CODES.values(), ids=lambda code: code.code)
def test_a_page_says_what_it_is_and_what_to_do(code):
    assert re.fullmatch(r"RS[0-9]{3,4}", code.code)
    for text in (code.title, code.meaning, code.how, code.fix):
        assert text.strip() == text and text
    assert not code.title.endswith(".")
    assert code.meaning.endswith((".", "?")) and code.fix.endswith((".", "?"))


def test_a_code_has_one_page():
    from riskstrat.audit.codes import AUDIT_CODES
    from riskstrat.contracts.agreements.codes import AGREEMENT_CODES
    from riskstrat.contracts.codes import CONTRACT_CODES
    from riskstrat.custody.codes import CUSTODY_CODES
    from riskstrat.intruder.codes import INTRUDER_CODES
    from riskstrat.linkage.codes import LINKAGE_CODES
    from riskstrat.monitoring.codes import MONITORING_CODES
    from riskstrat.robustness.codes import ROBUSTNESS_CODES
    from riskstrat.study.codes import STUDY_CODES

    rooms = [
        AGREEMENT_CODES,
        AUDIT_CODES,
        CONTRACT_CODES,
        CUSTODY_CODES,
        INTRUDER_CODES,
        LINKAGE_CODES,
        MONITORING_CODES,
        ROBUSTNESS_CODES,
        STUDY_CODES,
    ]
    assert sum(map(len, rooms)) == len(set().union(*rooms))
