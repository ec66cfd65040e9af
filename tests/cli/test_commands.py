"""Every command, as a person meets it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.world import MAIN, Said, World, read
from riskstrat.store.ledger import Ledger
from riskstrat.study import load_study

COMMANDS = ["synth", "check", "run", "score", "report", "compare", "schema", "explain", "log"]
COMMANDS += ["submit", "review", "approve", "reject", "withdraw"]


def riskstrat(*words: str, columns: int = 80) -> Said:
    """A command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", MAIN, *words],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "COLUMNS": str(columns), "TERM": "dumb"},
    )
    return Said(done.returncode, done.stdout, done.stderr)


# -- help ----------------------------------------------------------------------------------------


def test_help_lists_every_command_within_80_columns() -> None:
    said = riskstrat("--help")
    assert said.code == 0
    assert all(f"│ {command} " in said.out for command in COMMANDS)
    assert max(map(len, said.out.splitlines())) <= 80


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_shows_examples_that_fit_on_a_line(county: World, command: str) -> None:
    from typer.testing import CliRunner

    from riskstrat.cli.app import app

    said = CliRunner().invoke(app, [command, "--help"], terminal_width=80)
    assert said.exit_code == 0
    assert "Examples" in said.stdout
    assert f" riskstrat {command} " in said.stdout.split("Examples")[1]
    assert max(map(len, said.stdout.splitlines())) <= 80
    for line in said.stdout.split("Examples")[1].splitlines():
        assert not line.strip() or line.startswith(" riskstrat "), f"folded: {line!r}"


def test_help_and_version_load_nothing_heavy() -> None:
    heavy = "mlflow lightgbm duckdb pyarrow pandas sklearn matplotlib optuna shap"
    code = (
        "import sys; from riskstrat.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"found = sorted(set('{heavy}'.split()) & set(sys.modules))\n"
        "sys.exit(','.join(found) or 0)"
    )
    for option in ("--help", "--version"):
        done = subprocess.run(
            [sys.executable, "-c", code, option], capture_output=True, encoding="utf-8"
        )
        assert done.returncode == 0, done.stderr


def test_the_version_is_printed() -> None:
    from riskstrat import __version__

    assert riskstrat("--version").out == f"riskstrat {__version__}\n"


# -- about codes and schemas ---------------------------------------------------------------------


def test_explain_tells_what_a_code_means_and_how_to_fix_it(county: World) -> None:
    said = county.ask("explain", "rs1002")
    assert said.code == 0
    assert said.out.startswith("RS1002  ")
    assert "To fix: " in said.out
    assert json.loads(county.ask("explain", "RS1002", "--json").out)["code"] == "RS1002"


def test_explain_without_a_code_lists_them_all(county: World) -> None:
    from riskstrat.codes import CODES

    said = county.ask("explain")
    assert all(code in said.out for code in CODES)


def test_explain_of_no_code_is_a_wrong_call(county: World) -> None:
    said = county.ask("explain", "RS0000")
    assert said.code == 2
    assert "RS0000" in said.err
    assert "to fix:" in said.err


def test_every_code_that_can_be_raised_is_explained() -> None:
    import re

    import riskstrat
    from riskstrat.codes import CODES

    sources = Path(riskstrat.__file__).parent.rglob("*.py")
    raised = {
        code
        for path in sources
        for code in re.findall(r'code="(RS\d{4})"', path.read_text(encoding="utf-8"))
    }
    assert raised - CODES.keys() == set()


def test_a_reader_that_goes_away_is_no_fault() -> None:
    code = f"import os, sys; sys.argv = ['riskstrat', 'explain']; {MAIN}"
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.close()
    said = child.stderr.read()
    child.stderr.close()
    assert child.wait() == 0
    assert said == b""


def test_schemas_are_written_for_an_editor(county: World, tmp_path: Path) -> None:
    said = county.ask("schema", "--out", tmp_path)
    assert said.out.strip() == str(tmp_path)
    assert {"study.schema.json", "source.schema.json", "agreement.schema.json"} <= {
        path.name for path in tmp_path.iterdir()
    }
    assert read(tmp_path / "study.schema.json") == json.loads(county.ask("schema", "study").out)
    assert county.ask("schema", "studdy").code == 2


# -- synth and check -----------------------------------------------------------------------------


def test_synth_says_where_it_wrote_and_keeps_the_truth_apart(county: World) -> None:
    facts = read(county.data / "county.json")
    assert facts["people"] == 4_000
    assert (county.root / facts["truth"]).is_dir()
    assert (county.root / facts["truth"]).parent == county.data.parent


def test_check_shows_sources_legal_basis_and_findings_and_keeps_nothing(county: World) -> None:
    said = county.ask("check")
    assert said.code == 0, said.err
    for words in ("Sources", "Legal basis", "Findings", "ed_attendances", "RS1014", "6(1)(e)"):
        assert words in said.out
    assert "riskstrat run" in said.err
    assert not county.store.exists()
    found = json.loads(county.ask("check", "--json").out)
    assert found["error"] is None
    assert {"sources", "legal_basis", "findings"} <= found.keys()


# -- run, score, report, compare, decisions, log -------------------------------------------------


def test_a_run_can_be_read_by_a_program(own: World, first: Said) -> None:
    said = own.ask("run", "--json", "--quiet")
    assert said.err == ""
    answer = json.loads(said.out)
    assert answer["run"]["run_id"] == first.folder.name
    assert Path(answer["folder"]).is_dir()


def test_the_contracts_of_a_study_are_printed_a_folder_for_each_source(own: World) -> None:
    (own.store / "derived/contracts/of-another-study").mkdir()
    said = own.ask("run", "--until", "contracts")
    assert said.code == 0, said.err
    folders = [Path(line) for line in said.out.splitlines()]
    sources = len(load_study(own.study).sources)
    assert len(set(folders)) == sources
    assert all((folder / "manifest.json").exists() for folder in folders)


@pytest.mark.parametrize(
    ("command", "until", "names"),
    [
        ("prepare", (), ()),
        ("run", ("--until", "features"), ("features.parquet",)),
        ("run", ("--until", "training"), ("metrics.json", "models")),
    ],
)
def test_part_of_a_run_is_logged_and_says_what_is_there_and_what_comes_next(
    own: World, command: str, until: tuple[str, ...], names: tuple[str, ...]
) -> None:
    said = own.ask(command, *until)
    assert said.code == 0, said.err
    for name in names:
        assert str(said.folder / name) in "".join(said.err.split())
        assert (said.folder / name).exists()
    wanted = f"riskstrat run {own.study} --data {own.data} --store {own.store}"
    assert wanted.replace(" ", "") in "".join(said.err.split())
    *_, last = Ledger.of_store(own.store).entries()
    stage = until[-1] if until else "prepared"
    assert last["what"] == f"run small until {stage}"
    assert last["details"]["stages"][stage].startswith(said.folder.name)
    assert ("training" in last["details"]["stages"]) == (stage == "training")
    assert "the chain is whole" in own.ask("log", "--verify").out


def test_an_audit_whose_gates_fail_ends_as_the_run_would(own: World) -> None:
    own.change("studies/small.yaml", "auroc.low >= 0.5", "auroc.low >= 0.999")
    said = own.ask("run", "--until", "audit")
    assert said.code == 20, said.err
    assert "auroc.low >= 0.999" in said.err
    assert str(said.folder / "gates.json") in "".join(said.err.split())
    *_, last = Ledger.of_store(own.store).entries()
    assert last["details"]["passed"] is False
    answer = json.loads(own.ask("run", "--until", "audit", "--json").out)
    assert [gate["name"] for gate in answer["gates"] if not gate["passed"]] == ["auroc"]


def test_verify_finds_what_has_the_stamps_of_before(own: World) -> None:
    [layout] = own.store.glob("derived/prepared/*")
    piece = layout / "layout.parquet"
    content = piece.read_bytes()
    piece.unlink()  # it is shared with other tests
    piece.write_bytes(content)
    assert "(reused)" in told_of("prepared", own.ask("run", "--until", "prepared"))
    before = piece.stat()
    with piece.open("r+b") as handle:  # the same file, changed where it lies
        handle.write(b"XXXX")
    os.utime(piece, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert "(reused)" in told_of("prepared", own.ask("run", "--until", "prepared"))
    said = own.ask("run", "--until", "prepared", "--verify")
    assert said.code == 0, said.err
    assert "(reused)" not in told_of("prepared", said)
    assert piece.read_bytes() == content


def told_of(stage: str, said: Said) -> str:
    """The sentence about a stage."""
    return next(line for line in said.err.splitlines() if line[2:].startswith(stage))


def test_set_overrides_a_value_and_names_what_is_not_there(own: World) -> None:
    said = own.ask("run", "--set", "training.tune.trails=3")
    assert said.code == 12
    assert "trials" in said.err


def test_score_writes_lists_for_another_day(own: World) -> None:
    left = own.store / "scratch/scores/of-a-killed-run/scores.parquet"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"pseudonyms and risks")
    said = own.ask("score", "--as-of", "2025-07-01", "--version", 1, "--research")
    assert said.code == 0, said.err
    folder = Path(said.out.strip())
    assert folder == own.store / "research/small/2025-07-01"
    lines = (folder / "icb_commissioner/list.csv").read_text(encoding="utf-8-sig").splitlines()
    assert lines[0].startswith("not_for_use,")
    assert all(line.startswith('"research only, not for use",') for line in lines[1:])
    assert read(folder / "icb_commissioner/manifest.json")["status"] == "research"
    assert not left.exists()
    assert not (own.store / "releases/small/2025-07-01").exists()
    told = [each["what"] for each in Ledger.of_store(own.store).entries()[-2:]]
    assert told == ["research small 2025-07-01", "score small 2025-07-01"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--as-of", "tomorrow"), "tomorrow"),
        pytest.param(("--version", "9"), "version 9", marks=pytest.mark.slow),
    ],
)
def test_score_refuses_what_it_cannot_do(own: World, options: tuple[str, ...], words: str) -> None:
    said = own.ask("score", *options)
    assert said.code == 2
    assert words in said.err
    assert "Traceback" not in said.err


def test_a_report_can_be_rendered_again_from_the_beginning_of_an_id(
    own: World, first: Said
) -> None:
    page = own.store / "runs/small" / first.folder.name / "report.html"
    before = page.read_bytes()
    page.unlink()
    page.write_bytes(b"gone")
    said = own.ask("report", first.folder.name[:6])
    assert said.code == 0, said.err
    assert said.out.strip() == str(page)
    assert page.read_bytes() == before
    assert own.ask("report", "no-such-run").code == 2


def test_compare_puts_runs_side_by_side(finished: World, first: Said) -> None:
    run = first.folder
    said = finished.ask("compare", run, run.name)
    assert said.code == 0, said.err
    assert "AUROC" in said.out
    assert run.name in said.out
    answer = json.loads(finished.ask("compare", run, run, "--json").out)
    assert {"columns", "rows"} <= answer.keys()
    assert finished.ask("compare", run).code == 2


def test_an_entry_changed_later_is_found(own: World) -> None:
    log = own.store / "log/ledger.jsonl"
    log.write_text(log.read_text(encoding="utf-8").replace("case_finding", "other", 1))
    said = own.ask("log", "--verify")
    assert said.code == 74
    assert "entry 1" in said.err
    assert "RS7405" in said.err


def test_a_log_without_entries_says_so(county: World, tmp_path: Path) -> None:
    assert county.ask("log", "--store", tmp_path).out == "no entries yet\n"


def test_the_log_names_the_user_the_environment_names(
    own: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RISKSTRAT_USER", "Dr A. Lee")
    assert own.ask("run", "--quiet").code == 0
    assert "Dr A. Lee" in own.ask("log", "--last", 1).out
