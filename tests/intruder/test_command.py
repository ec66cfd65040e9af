"""`riskstrat intruder`: a table, a report in counts, and 0 only if nobody is found."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from intruder.outputs import behind, extracts, ids, release, truth
from riskstrat.cli.guard import command
from riskstrat.cli.intruder import EXAMPLES, intruder
from riskstrat.custody.keyspec import Domain
from riskstrat.custody.pseudonyms import pseudonym
from riskstrat.errors import UsageError
from riskstrat.intruder.campaign import ATTACKS, Asked, attack
from riskstrat.intruder.codes import INTRUDER_CODES
from riskstrat.intruder.enumeration import Effort
from riskstrat.intruder.numbers import numbers_for_tests
from riskstrat.intruder.report import markdown

SECRET = os.urandom(32)
NUMBERS = [f"{number:010d}" for number in numbers_for_tests()[1000:1040].tolist()]
QUICK = Effort(of_tests=2_000, of_all=100, for_unusual=20, known=20, workers=1)


def world(root: Path, *, key: bytes = SECRET, secret: bytes = SECRET, leak: str = "") -> Asked:
    """Forty people, their extract, and one list of all of them under a release key."""
    store, units = root / "store", [pseudonym(key, Domain.PERSON, f"nhs|{n}") for n in NUMBERS]
    behind(store, units, {"age_band": ["85+"] * len(units)}, {})
    rows = [
        {"release_id": own, "band": "high", "risk_band": "20-25%", "age_band": "85+",
         "reasons": "age"}
        for own in sorted(ids(units, secret=secret))
    ]  # fmt: skip
    release(store, rows)
    (store / "log").mkdir()
    (store / "log" / "ledger.jsonl").write_text(json.dumps({"why": leak or "monthly list"}))
    people = [
        {"person_id": f"T{n}", "nhs_number": number, "forename": "Adalbert", "surname": f"Q{n}"}
        for n, number in enumerate(NUMBERS)
    ]
    (root / "release.key").write_text(secret.hex())
    return Asked(
        data=extracts(root / "data", person_id=units),
        store=store,
        truth=truth(root / "data-truth", people),
        release_keys=(secret,),
        effort=QUICK,
    )


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    """The command alone, with less to hash."""
    made = typer.Typer(pretty_exceptions_enable=False)
    made.callback()(lambda: None)
    command(made, *EXAMPLES)(intruder)
    monkeypatch.setattr("riskstrat.intruder.enumeration.Effort", lambda workers: QUICK)
    return made


def said(app: typer.Typer, root: Path, *more: object) -> Any:
    given = ["--data", root / "data", "--store", root / "store", *more]
    return CliRunner().invoke(app, ["intruder", *map(str, given)])


def test_nobody_is_found_in_what_was_made_well(tmp_path):
    asked = world(tmp_path)
    report = attack(asked)
    assert report.confirmed == 0
    assert {each.title for each in report.untried} == {
        "Linkage: rows in two releases",
        "Ids that join: two projects",
        "Frequency attack on tokens",
    }
    assert {each.code for each in report.attacks} <= INTRUDER_CODES.keys()


def test_the_command_ends_with_0_if_nobody_is_found(tmp_path, app):
    world(tmp_path)
    done = said(app, tmp_path, "--release-key", tmp_path / "release.key", "--seed", 3)
    assert done.exit_code == 0, done.output
    assert "RS3130" in done.stdout and "not tried" in done.stderr
    told = json.loads((tmp_path / "store" / "log" / "intruder.json").read_text())
    assert told["passed"] and told["seed"] == 3 and told["judged_by"] == "the sealed truth"
    assert "Confirmed: none" in (tmp_path / "store" / "log" / "intruder.md").read_text()


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"key": b""}, "RS3101"),
        ({"secret": b""}, "RS3102"),
        ({"leak": f"call about {NUMBERS[3]}"}, "RS3130"),
        ({"leak": "call about ADALBERT Q17"}, "RS3130"),
    ],
)
def test_a_fault_is_confirmed_and_ends_with_30(tmp_path, app, fault, code):
    world(tmp_path, **fault)
    done = said(app, tmp_path, "--to", tmp_path / "out")
    assert done.exit_code == 30
    assert f"riskstrat explain {code}" in done.stderr
    told = json.loads((tmp_path / "out" / "intruder.json").read_text())
    assert not told["passed"]
    assert code in {each["code"] for each in told["attacks"] if each["confirmed"]}


def test_a_report_holds_no_identifier_and_no_row(tmp_path, app):
    asked = world(tmp_path, key=b"", secret=b"", leak=f"{NUMBERS[3]} Adalbert Q17")
    done = said(app, tmp_path)
    store = asked.store
    assert store is not None
    told = done.output + (store / "log" / "intruder.json").read_text()
    told += (store / "log" / "intruder.md").read_text()
    units = [pseudonym(b"", Domain.PERSON, f"nhs|{n}") for n in NUMBERS]
    secret = [*NUMBERS, *units, *ids(units), "Adalbert", "Q17"]
    assert not [each for each in secret if each in told]


def test_the_report_can_be_one_json_object(tmp_path, app):
    world(tmp_path, key=b"")
    done = said(app, tmp_path, "--json", "--only", "enumeration")
    assert done.exit_code == 30
    told = json.loads(done.stdout)
    assert told["confirmed"] >= len(NUMBERS) and told["kinds"] == ["enumeration"]


def test_samples_follow_the_seed_and_not_which_attacks_are_made(tmp_path):
    asked = world(tmp_path)
    alone = attack(asked, only=["linkage"])
    among = attack(asked, only=["linkage", "joins", "singling_out"])

    def counts(report):
        return [
            (each.title, each.tried, each.claimed, each.confirmed)
            for each in report.attacks
            if each.title.startswith("Linkage")
        ]

    assert counts(alone) == counts(among)


def test_every_kind_is_made_and_told_to_the_watcher(tmp_path):
    heard = []

    class Watcher:
        def starts(self, stage):
            heard.append(stage)

        def moves(self, share, words=""):
            assert 0 <= share <= 1

        def ends(self, stage, summary, seconds, *, reused):
            assert summary and seconds >= 0 and heard[-1] == stage

    attack(world(tmp_path), Watcher())
    assert heard == list(ATTACKS)


@pytest.mark.parametrize("option", ["--truth", "--custody", "--other-data"])
def test_a_folder_that_is_not_there_is_said(tmp_path, app, option):
    world(tmp_path)
    done = said(app, tmp_path, option, tmp_path / "nowhere")
    assert done.exit_code == 2 and "nowhere" in done.stderr


def test_an_attack_that_is_none_is_said(tmp_path, app):
    world(tmp_path)
    done = said(app, tmp_path, "--only", "guessing")
    assert done.exit_code == 2 and "enumeration, singling_out" in done.stderr


def test_a_release_key_that_is_none_is_said_without_quoting_it(tmp_path, app):
    world(tmp_path)
    (tmp_path / "bad.key").write_text("hush hush")
    done = said(app, tmp_path, "--release-key", tmp_path / "bad.key")
    assert done.exit_code == 2 and "hush" not in done.output


def test_something_must_be_there():
    with pytest.raises(UsageError, match="nothing to attack"):
        Asked()


def test_an_agency_of_another_project_is_compared(tmp_path):
    from dataclasses import replace

    asked = world(tmp_path)
    other = [pseudonym(os.urandom(32), Domain.PERSON, f"nhs|{n}") for n in NUMBERS]
    apart = replace(asked, other=extracts(tmp_path / "other", person_id=other))
    assert attack(apart, only=["joins"]).confirmed == 0
    same = replace(asked, other=asked.data)
    found = attack(same, only=["joins"])
    assert found.confirmed == len(NUMBERS) and "RS3111" in markdown(found)


@pytest.mark.parametrize("code", INTRUDER_CODES.values(), ids=lambda code: code.code)
def test_a_code_says_what_it_is_and_what_to_do(code):
    for text in (code.title, code.meaning, code.how, code.fix):
        assert text == text.strip() and text
    assert code.code.startswith("RS31") and code.meaning.endswith(".") and code.fix.endswith(".")
