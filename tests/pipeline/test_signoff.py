"""From a run to a list that may be used: nothing leaves without a sign-off of these very bytes."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

import riskstrat
from pipeline.world import CONFIGS, Said, World, read
from riskstrat.errors import StorageError, UsageError
from riskstrat.pipeline import Options
from riskstrat.pipeline.clearance import cleared
from riskstrat.release.disclosure import protect
from riskstrat.release.earlier import Leaving
from riskstrat.release.policies import POLICIES
from riskstrat.release.stamp import MARKED
from riskstrat.signoff.binding import THINGS
from riskstrat.signoff.faults import SignoffRefused
from riskstrat.signoff.people import Identity
from riskstrat.signoff.questions import QUESTIONS
from riskstrat.stages.reporting.approved import approved_before
from riskstrat.store.artefacts import Store
from riskstrat.store.files import write_manifest
from riskstrat.store.ledger import Ledger
from riskstrat.store.registry import Registry
from riskstrat.store.released import ReleaseLedger
from riskstrat.study import load_study
from riskstrat.vocabulary import Counted

DAY = "2025-04-01"
AT = datetime(2026, 4, 1, 10, tzinfo=UTC)
ANSWERED = [word for name in QUESTIONS for word in ("--answer", f"{name}=seen and weighed")]
WHY = "minute 4 of the board, an unmistakable reason"


@pytest.fixture(scope="module")
def signed(finished: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A finished run whose model two reviewers approved at the command line."""
    world = finished.copy(tmp_path_factory.mktemp("signed") / "world")
    say(world, "submit", "--by", "C. Patel")
    say(world, "approve", "--by", "A. Lee", "--reason", WHY, *ANSWERED, code=30)  # not opened yet
    for who in ("A. Lee", "B. Okafor"):
        say(world, "review", "--by", who)
        (world.root / f"{who}.json").write_text(say(world, "review", "--json").out)
        (world.root / f"{who}.txt").write_text(
            say(world, "approve", "--by", who, "--reason", WHY, *ANSWERED).out
        )
        (world.root / f"{who}.log").write_text(world.ask("log", "--last", 20).out)
    return world


def say(world: World, command: str, *words: object, code: int = 0) -> Said:
    said = world.ask(command, "small", 1, *words)
    assert said.code == code, said.err
    return said


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.DictReader(handle))


def test_a_run_leaves_marked_lists_for_its_reviewers(finished: World) -> None:
    folder = finished.store / "releases/small" / DAY
    manifests = sorted(folder.rglob("manifest.json"))
    assert len(manifests) >= 3
    for path in manifests:
        told = read(path)
        assert (told["status"], told["watermark"]) == ("for_review", "for review, not for use")
        listed = rows(path.with_name("list.csv"))
        assert {row[MARKED] for row in listed} == {"for review, not for use"}
        page = path.with_name("summary.html").read_text(encoding="utf-8")
        assert "FOR REVIEW, NOT FOR USE" in page


@pytest.fixture(scope="module")
def unsigned(finished: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A finished run that nobody submitted."""
    return finished.copy(tmp_path_factory.mktemp("unsigned") / "world")


@pytest.mark.parametrize("words", [("pack", "--pdf"), ("report",)])
def test_report_and_pack_of_a_signed_run_stay_as_they_were_signed(
    signed: World, words: tuple[str, ...]
) -> None:
    [run] = signed.store.glob("runs/small/*")
    files = [run / "report.html", *sorted((run / "pack").iterdir())]
    before = [path.read_bytes() for path in files]
    said = signed.ask(words[0], run, *words[1:])
    assert (said.code, "RS3314" in said.err, "withdraw small 1" in said.err) == (30, True, True)
    assert [path.read_bytes() for path in files] == before


@pytest.mark.parametrize("command", ["glassbox", "mitigate"])
def test_what_would_write_a_signed_report_anew_is_refused_before_it_is_made(
    signed: World, command: str
) -> None:
    before = signed.outcomes()
    said = signed.ask(command)
    assert (said.code, "RS3314" in said.err, "withdraw small 1" in said.err) == (30, True, True)
    assert signed.outcomes() == before


def test_scoring_without_a_sign_off_is_refused_and_says_what_to_do(unsigned: World) -> None:
    said = unsigned.ask("score", "--as-of", DAY)
    assert said.code == 30
    assert "RS3301" in said.err and "riskstrat submit small 1 --by NAME" in said.err
    *_, last = Ledger.of_store(unsigned.store).entries()
    assert (last["what"], last["details"]["code"]) == ("refused to score small 1", "RS3301")


def test_the_first_vote_is_seen_by_nobody_before_the_second(signed: World) -> None:
    seen = (signed.root / "A. Lee.txt").read_text() + (signed.root / "A. Lee.log").read_text()
    assert "1 of 2 votes are in" in seen and "vote on small 1" in seen
    before = json.loads((signed.root / "B. Okafor.json").read_text())
    assert (before["state"], before["votes"], before["decisions"]) == ("one_vote", 1, [])
    for text in (seen, json.dumps(before)):
        assert "unmistakable" not in text and "approve small 1" not in text
        assert "seen and weighed" not in text
    after = (signed.root / "B. Okafor.txt").read_text()
    assert after.startswith("small version 1: approved, until ") and "champion" in after
    log = " ".join((signed.root / "B. Okafor.log").read_text().split())
    assert "approve small 1" in log and "unmistakable" in log


def test_reviewers_are_shown_gates_findings_digests_and_questions(signed: World) -> None:
    told = json.loads((signed.root / "A. Lee.json").read_text())
    assert set(told["digests"]) == set(THINGS)
    assert told["questions"] == dict(QUESTIONS)
    tables = {each["title"]: each for each in told["review"]["tables"]}
    assert [row[1] for row in tables["Gates"]["rows"]] == ["pass", "pass"]
    assert {row[0] for row in tables["Findings"]["rows"]} >= {"RS301", "RS1014"}
    assert Path(told["report"]).exists() and Path(told["preview"]).is_dir()
    run = read(signed.store / "runs/small" / told["run_id"] / "run.json")
    assert told["digests"]["study"] == run["digests"]["study"]
    assert told["digests"]["data"] == run["digests"]["data"]


def test_the_registry_s_alias_follows(signed: World) -> None:
    [version] = Registry.of_store(signed.store).versions("small")
    assert version.aliases == ("champion",)


def test_the_overview_says_what_awaits_whom(signed: World) -> None:
    said = signed.ask("review")
    assert said.code == 0, said.err
    assert "approved" in said.out and "nobody" in said.out
    [told] = json.loads(signed.ask("review", "--json").out)
    assert (told["study"], told["state"]) == ("small", "approved")


@pytest.fixture(scope="module")
def released(signed: World) -> Path:
    said = signed.ask("score", "--as-of", DAY)
    assert said.code == 0, said.err
    return Path(said.out.strip())


def test_an_approved_list_is_the_preview_without_its_mark(
    signed: World, finished: World, released: Path
) -> None:
    assert released == signed.store / "releases/small" / DAY
    for path in released.rglob("list.csv"):
        preview = rows(finished.store / path.relative_to(signed.store))
        assert rows(path) == [{k: v for k, v in row.items() if k != MARKED} for row in preview]
        told = read(path.with_name("manifest.json"))
        assert (told["status"], told["watermark"]) == ("approved", "none")
        assert [each["by"] for each in told["approvals"]] == ["A. Lee", "B. Okafor"]
        assert told["signed_off"]["digests"].keys() >= {"model", "study"}
        page = path.with_name("summary.html").read_text(encoding="utf-8")
        assert "Approved by A. Lee and B. Okafor" in page
        assert "not for use" not in page.lower()


def test_the_log_tells_a_release_from_a_preview(signed: World, released: Path) -> None:
    what = [each["what"] for each in Ledger.of_store(signed.store).entries()]
    assert what.count(f"release small {DAY}") == what.count(f"preview small {DAY}") == 1
    assert signed.ask("log", "--verify").code == 0


# -- what left before ------------------------------------------------------------------------------


def test_what_leaves_is_written_down_as_it_was_shown(signed: World, released: Path) -> None:
    [left] = ReleaseLedger.of_store(signed.store).releases()
    assert (left["study"], left["day"], left["places"]) == ("small", DAY, [])
    assert [each["recipient"] for each in left["lists"]] == ["icb_commissioner"]
    counted = {tuple(each["recipients"]): each for each in left["tables"] if each["counted"]}
    told = [
        row for row in rows(released / "public_health/list.csv") if row["imd_quintile"] != "all"
    ]
    shown = [row["people"] for row in told]
    kept = [row[1] for row in counted["public_health",]["rows"]][: len(shown)]
    assert [str(cell if cell is not None else "suppressed") for cell in kept] == shown
    assert not {each["unit_id"] for each in rows_of_own(released)} & set(
        json.dumps(left).split('"')
    )


def rows_of_own(released: Path) -> list[dict[str, str]]:
    return [row for path in released.glob("gp_practice/*/list.csv") for row in rows(path)]


def test_a_table_that_would_reveal_one_that_left_before_is_refused_and_what_left_stays(
    signed: World, released: Path, tmp_path: Path
) -> None:
    world = signed.copy(tmp_path / "world")
    told = told_exactly(ReleaseLedger.of_store(world.store).releases()[0])
    ledger = ReleaseLedger.of_store(world.store)
    ledger.record(told, at=datetime.now(UTC), who="A. Lee", why="made by hand")
    (world.store / "releases/small" / DAY).rename(tmp_path / "left")
    said = world.ask("score", "--as-of", DAY)
    assert said.code == 30 and "RS3030" in said.err, said.err
    assert "hidden counts follow from the tables" in said.err
    assert not (world.store / "releases/small" / DAY).exists()
    assert len(ledger.releases()) == 2


def told_exactly(left: Mapping[str, Any]) -> dict[str, Any]:
    """A table without any policy, of the one small count that a table of the release hides."""
    [table] = [each for each in left["tables"] if each["recipients"] == ["public_health"]]
    names, counted = table["columns"], table["counted"]
    secret = {(row, column) for row, column in table["hidden"]}
    row, (_, dimension, levels) = next(
        (number, part)
        for number, cells in enumerate(table["rows"][:-1])
        for part in counted["parts"]
        if cells[names.index(part[0])] is None and (number, part[0]) not in secret
    )
    group, by = counted["dimensions"][0]
    cells = (table["rows"][row][names.index(group)], levels[0], 4)
    whom = Counted(counted["population"], ((group, by), ("band", dimension)), "people")
    exact = protect(
        "By hand", (group, "band", "people"), [cells], counts=("people",),
        policy=POLICIES["none"], counted=whom,
    )  # fmt: skip
    leaving = Leaving(((exact, ("somebody",)),))
    return leaving.as_dict("another", date.fromisoformat(DAY))


def test_a_ledger_of_releases_that_was_removed_whole_is_missed(
    signed: World, released: Path, tmp_path: Path
) -> None:
    world = signed.copy(tmp_path / "world")
    for path in world.store.glob("log/released.*"):
        path.unlink()
    said = world.ask("score", "--as-of", "2025-03-01")
    assert said.code == 74 and "RS7408" in said.err and f"released small {DAY}" in said.err
    assert not (world.store / "releases/small/2025-03-01").exists()
    assert "RS7408" in world.ask("log", "--verify").err
    with pytest.raises(StorageError, match="does not hold it"):
        ReleaseLedger.of_store(world.store).record(
            {"study": "x", "day": DAY}, at=AT, who="", why=""
        )


def test_an_entry_of_the_ledger_that_the_log_missed_is_told_to_it_the_next_time(
    tmp_path: Path,
) -> None:
    ledger = ReleaseLedger.of_store(tmp_path)
    release = {"study": "small", "day": DAY}
    ledger.chain.append(at=AT, who="A", what="release", why="b", details=release)  # then the power
    for _ in range(2):
        assert not ledger.record(release, at=AT, who="A", why="b")
    [entry] = ledger.log.entries()
    assert entry["what"] == f"released small {DAY}"
    assert entry["details"]["entry_of_releases"] == ledger.chain.entries()[0]["hash"]


def test_a_ledger_of_releases_that_was_changed_is_no_ground_to_release_on(
    signed: World, released: Path, tmp_path: Path
) -> None:
    world = signed.copy(tmp_path / "world")
    path = world.store / "log/released.jsonl"
    path.write_text(path.read_text().replace("public_health", "public_wealth"))
    said = world.ask("score", "--as-of", DAY)
    assert said.code != 0 and "RS7405" in said.err
    assert world.ask("log", "--verify").code != 0


# -- what voids it ---------------------------------------------------------------------------------


@pytest.fixture
def options(signed: World) -> Options:
    return options_of(signed)


def options_of(world: World, today: date | None = None) -> Options:
    day = today or datetime.now(UTC).date()
    return Options.make(data=world.data, store=world.store, memory="4GB", threads=1, today=day)


@pytest.fixture
def spoiled() -> Iterator[Any]:
    """Change one byte of a file; it is put back afterwards, for it may be shared."""
    kept: dict[Path, bytes] = {}

    def spoil(path: Path) -> None:
        kept[path] = path.read_bytes()
        path.unlink()
        path.write_bytes(kept[path][:-1] + bytes([kept[path][-1] ^ 1]))

    yield spoil
    for path, content in kept.items():
        path.write_bytes(content)


@pytest.mark.parametrize(
    ("pattern", "thing"),
    [
        ("artifacts/small/models/*/artifacts/MLmodel", "model (MLmodel)"),
        ("runs/small/*/report.html", "report (report.html)"),
        ("runs/small/*/study.yaml", "study (study.yaml)"),
        ("runs/small/*/audit/gates.json", "audit (audit/gates.json)"),
        ("runs/small/*/metrics.json", "audit (metrics.json)"),
    ],
)
def test_one_changed_byte_in_the_store_voids_it(
    signed: World, options: Options, spoiled: Any, pattern: str, thing: str
) -> None:
    study = load_study(signed.study)
    assert cleared(study, options, 1)
    [path] = signed.store.glob(pattern)
    spoiled(path)
    with pytest.raises(SignoffRefused) as refused:
        cleared(study, options, 1)
    assert (refused.value.code, refused.value.exit_code) == ("RS3306", 30)
    assert thing in refused.value.message


def test_scoring_ends_with_30_where_the_report_was_changed_and_the_alias_goes(
    signed: World, tmp_path: Path
) -> None:
    world = signed.copy(tmp_path / "world")
    [report] = world.store.glob("runs/small/*/report.html")
    content = report.read_bytes()
    report.unlink()
    report.write_bytes(content.replace(b"riskstrat", b"riskstrut", 1))
    said = world.ask("score", "--as-of", DAY)
    assert said.code == 30
    assert "RS3306" in said.err and "report (report.html)" in said.err
    [version] = Registry.of_store(world.store).versions("small")
    assert version.aliases == ()
    shown = world.ask("review", "small", 1)
    assert shown.out.startswith("small version 1: void, report (report.html); awaits the author")
    assert "CHANGED" in shown.out
    report.write_bytes(content)  # the bytes that were signed: it holds again
    assert cleared(load_study(world.study), options_of(world), 1)


def test_another_study_than_the_one_that_was_signed_is_refused(
    signed: World, options: Options
) -> None:
    with pytest.raises(SignoffRefused) as refused:
        cleared(load_study(signed.study, ["release.valid_for=30 days"]), options, 1)
    assert (refused.value.code, refused.value.exit_code) == ("RS3307", 30)
    assert cleared(load_study(signed.study), options, 1)


@pytest.mark.parametrize(
    ("file", "old", "new", "named"),
    [
        ("agreements/health.yaml", "", "disclosure: none", "agreement health"),
        ("agreements/health.yaml", "", "ends: 2099-12-31", "agreement health"),
        ("sources/admissions.yaml", "title: ", "title: Other ", "source admissions"),
        ("codelists/emergency_admission_method.csv", "", "zz,Another", "codelist emergency_"),
    ],
)
def test_an_agreement_contract_or_codelist_that_changed_is_refused_and_named(
    signed: World, tmp_path: Path, file: str, old: str, new: str, named: str
) -> None:
    world = signed.copy(tmp_path / "world")
    path = world.configs / file
    text = path.read_text(encoding="utf-8")
    if file.endswith(".csv"):
        changed = text.rstrip() + f"\n{new}" + ",x" * (text.split("\n")[0].count(",") - 1) + "\n"
    elif old:
        changed = text.replace(old, new, 1)
    else:
        key = new.split(":")[0]
        changed = re.sub(rf"^{key}: .*$", new, text, count=1, flags=re.MULTILINE)
    assert changed != text
    path.write_text("# a comment is no change\n" * (path.suffix == ".yaml") + text)
    assert cleared(load_study(world.study), options_of(world), 1)
    path.write_text(changed, encoding="utf-8")
    with pytest.raises(SignoffRefused) as refused:
        cleared(load_study(world.study), options_of(world), 1)
    assert (refused.value.code, refused.value.exit_code) == ("RS3308", 30)
    assert named in refused.value.message
    path.write_text(text, encoding="utf-8")
    assert cleared(load_study(world.study), options_of(world), 1)


def test_a_policy_that_is_switched_off_in_every_agreement_makes_no_list(
    signed: World, tmp_path: Path
) -> None:
    world = signed.copy(tmp_path / "world")
    for path in (world.configs / "agreements").glob("*.yaml"):
        told = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r"(?m)^disclosure: .*$", "disclosure: none", told))
    said = world.ask("score", "--as-of", DAY)
    assert said.code == 30 and "RS3308" in said.err and "agreement " in said.err


def test_rules_of_a_run_that_were_changed_void_it(signed: World, tmp_path: Path) -> None:
    world = signed.copy(tmp_path / "world")
    [kept] = world.store.glob("runs/small/*/rules.json")
    told = json.loads(kept.read_text())
    kept.unlink()
    kept.write_text(json.dumps({**told, "agreement health": "0" * 64}))
    said = world.ask("review", "small", 1)
    assert said.out.startswith("small version 1: void, rules (agreement health)")


def test_an_approval_ends_with_its_last_day(signed: World) -> None:
    study, [view] = load_study(signed.study), riskstrat.signoffs(store=signed.store)
    assert view.until is not None
    assert cleared(study, options_of(signed, view.until), 1)
    after = date.fromordinal(view.until.toordinal() + 1)
    [later] = riskstrat.signoffs(store=signed.store, today=after)
    assert later.state == "expired"
    with pytest.raises(SignoffRefused) as refused:
        cleared(study, options_of(signed, after), 1)
    assert refused.value.code == "RS3305"


def test_no_list_outlives_the_approval_it_rests_on(signed: World, released: Path) -> None:
    told = read(released / "icb_commissioner/manifest.json")
    assert told["expires_on"] <= told["signed_off"]["until"]


def test_a_log_that_was_changed_is_no_ground_to_score_on(signed: World, tmp_path: Path) -> None:
    world = signed.copy(tmp_path / "world")
    log = world.store / "log/ledger.jsonl"
    log.write_text(log.read_text(encoding="utf-8").replace("A. Lee", "A. Leo"), encoding="utf-8")
    for command in (("score", "--as-of", DAY), ("review", "small", 1), ("review",)):
        said = world.ask(*command)
        assert said.code == 74 and "RS7405" in said.err


# -- one after another, from Python ----------------------------------------------------------------


@pytest.mark.slow
def test_a_version_goes_all_the_way_from_python_with_identities_that_a_portal_proved(
    finished: World, tmp_path: Path
) -> None:
    world = finished.copy(tmp_path / "world")
    ann, ben = (Identity(name, "information_governance", "oidc") for name in ("ann", "ben"))
    answers = dict.fromkeys(QUESTIONS, "seen and weighed")
    riskstrat.submit("small", 1, by="C. Patel", store=world.store)
    for who in (ann, ben):
        told = riskstrat.review("small", 1, by=who, answers=answers, store=world.store)
        assert told.questions == {}
    riskstrat.approve("small", 1, by=ann, reason=WHY, store=world.store)
    view = riskstrat.reject("small", 1, by=ben, reason="not yet", store=world.store)
    assert view.state == "rejected"
    assert [each["role"] for each in view.decisions] == ["information_governance"] * 2
    [version] = Registry.of_store(world.store).versions("small")
    assert version.aliases == ()
    with pytest.raises(SignoffRefused) as refused:
        riskstrat.score(world.study, data=world.data, store=world.store)
    assert refused.value.code == "RS3303"
    with pytest.raises(UsageError, match="no version 9"):
        riskstrat.submit("small", 9, by="C. Patel", store=world.store)


def test_names_are_held_against_the_store_s_accounts_where_there_are_any(
    signed: World, tmp_path: Path
) -> None:
    world = signed.copy(tmp_path / "world")
    told = "{user: %s, role: %s, organisation: icb, starts: 2020-01-01, ends: 2099-12-31}"
    people = (("E. Novak", "information_governance"), ("A. Lee", "police"))
    listed = "".join(f"  - {told % each}\n" for each in people)
    (world.store / "accounts.yaml").write_text(f"accounts:\n{listed}", encoding="utf-8")
    because = ("--reason", "drift")
    assert "RS3327" in say(world, "withdraw", "--by", "somebody", *because, code=30).err
    assert "RS3327" in say(world, "withdraw", "--by", "A. Lee", *because, code=30).err
    assert "RS3328" in say(world, "withdraw", "--by", "E. Novak", *because, code=30).err
    given = ("--accounts", CONFIGS / "accounts/example.yaml")
    assert "RS3327" in say(world, "withdraw", "--by", "E. Novak", *because, *given, code=30).err


def test_accounts_that_the_caller_names_do_not_stand_in_for_the_store_s(
    signed: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = signed.copy(tmp_path / "world")
    told = "accounts:\n  - {user: %s, role: information_governance, organisation: icb, "
    told += "starts: 2020-01-01, ends: 2099-12-31}\n"
    (world.store / "accounts.yaml").write_text(told % "E. Novak", encoding="utf-8")
    mine = tmp_path / "mine.yaml"
    mine.write_text(told % "A. Lee", encoding="utf-8")  # who voted, and has no account here
    because = ("--by", "A. Lee", "--reason", "drift")
    assert "RS3327" in say(world, "withdraw", *because, "--accounts", mine, code=30).err
    monkeypatch.setenv("RISKSTRAT_ACCOUNTS", str(mine))
    assert "RS3327" in say(world, "withdraw", *because, code=30).err
    (world.store / "accounts.yaml").unlink()
    assert say(world, "withdraw", *because).out.startswith("small version 1: withdrawn")


def test_names_that_one_login_goes_by_are_told_wherever_the_approval_is(
    signed: World, released: Path
) -> None:
    names = "the run, C. Patel, A. Lee, B. Okafor"
    assert f"Same login: {names} acted under one login" in signed.ask("review", "small", 1).out
    told = read(released / "public_health/manifest.json")
    assert told["signed_off"]["one_login"] == names.split(", ")
    page = (released / "public_health/summary.html").read_text(encoding="utf-8")
    assert f"Same login: {names}" in page


def test_what_was_approved_is_told_by_the_log_whatever_became_of_it(
    signed: World, tmp_path: Path
) -> None:
    world = signed.copy(tmp_path / "world")
    store, day = Store(world.store), datetime.now(UTC).date()

    def became(day: date = day, run: str = "another") -> str:
        [found] = approved_before(store, "small", run, day)
        assert (found.version, found.own) == (1, run != "another")
        assert (found.report is None) is found.own
        return found.became

    [run] = world.store.glob("runs/small/*")
    assert approved_before(store, "large", "another", day) == ()
    assert became() == became(run=run.name) == ""
    assert became(date(2099, 1, 1)).startswith("expired, its last day was ")
    metrics = run / "metrics.json"
    content = metrics.read_bytes()
    metrics.unlink()
    metrics.write_bytes(content + b" ")
    assert became() == "void, for audit changed"
    metrics.write_bytes(content)
    suspended = say(world, "suspend", "--by", "A. Lee", "--reason", "fewer admissions")
    assert "suspended" in suspended.out
    assert became() == f"suspended since {day}"
    say(world, "withdraw", "--by", "A. Lee", "--reason", "drift")
    assert Registry.of_store(world.store).versions("small")[0].aliases == ()
    assert became() == f"withdrawn on {day}"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("review", "small", 1), 30, "RS3301"),
        (("review", "small"), 2, "no version is named"),
        (("review", "small", 1, "--answer", "stop=x"), 2, "answers without a name"),
        (("review", "small", 1, "--by", "x", "--answer", "stop"), 2, "RS3332"),
        (("approve", "small", 1, "--by", "x", "--reason", "y"), 30, "RS3301"),
        (("withdraw", "small", 1, "--by", "x", "--reason", "y"), 30, "RS3329"),
        (("approve", "small", 1, "--by", " ", "--reason", "y"), 2, "RS3326"),
        (("reject", "small", 1, "--by", "x", "--reason", " "), 2, "RS3323"),
    ],
)
def test_a_command_that_cannot_work_says_why(
    unsigned: World, words: tuple[object, ...], code: int, said: str
) -> None:
    done = unsigned.ask(*words)
    assert done.code == code, done.err
    assert said in done.err and "to fix:" in done.err


@pytest.mark.parametrize(
    ("reason", "fits"),
    [
        ("three patients of mine wrote to the board", False),
        ("we saw 7 of 120 households", False),
        ("about 120 people a month can be seen; 2 of the gates were close", True),
        ("the board met on 3 June 2026", True),
    ],
)
def test_a_reason_that_could_not_leave_with_a_list_is_refused_when_it_is_given(
    signed: World, tmp_path: Path, reason: str, fits: bool
) -> None:
    world = signed.copy(tmp_path / "world")
    say(world, "withdraw", "--by", "C. Patel", "--reason", "to say it again")
    say(world, "submit", "--by", "C. Patel")
    say(world, "review", "--by", "A. Lee")
    told = ("--by", "A. Lee", "--reason", reason, *ANSWERED)
    said = say(world, "approve", *told, code=0 if fits else 2)
    assert fits or ("RS3334" in said.err and "to fix:" in said.err and "of mine" not in said.err)


def test_report_and_pack_of_a_whole_run_are_made_anew_and_it_can_be_submitted(own: World) -> None:
    [run] = own.store.glob("runs/small/*")
    for command in ("report", "pack"):
        said = own.ask(command, run)
        assert said.code == 0, said.err
    page = (run / "pack/summary.html").read_text(encoding="utf-8")
    assert "this is the first version that is put to the board" in page
    say(own, "submit", "--by", "C. Patel")


def test_gates_that_were_changed_and_vouched_for_anew_are_not_those_of_the_log(own: World) -> None:
    [run] = own.store.glob("runs/small/*")
    gates = run / "audit/gates.json"
    told = json.loads(gates.read_text())
    gates.unlink()
    gates.write_text(json.dumps([{**each, "value": 0.99} for each in told]))
    for command in ("report", "pack"):  # neither vouches for it
        before = (run / "manifest.json").read_bytes()
        said = own.ask(command, run)
        assert said.code == 74 and "RS7404" in said.err and "gates.json" in said.err
        assert (run / "manifest.json").read_bytes() == before
    (run / "manifest.json").unlink()
    assert "RS7404" in own.ask("report", run).err
    write_manifest(run, {"study": "small", "run_id": run.name})  # by hand, then
    said = say(own, "submit", "--by", "C. Patel", code=30)
    assert "RS3315" in said.err and "tells of other gates" in said.err


@pytest.mark.slow
def test_a_run_whose_evidence_is_gone_is_not_put_before_anybody(own: World) -> None:
    [shown] = own.store.glob("runs/small/*/review.json")
    shown.unlink()
    said = say(own, "submit", "--by", "C. Patel", code=30)
    assert "RS3312" in said.err and "review.json" in said.err


@pytest.mark.slow
def test_a_run_that_was_changed_since_it_ran_is_not_put_before_anybody(own: World) -> None:
    [metrics] = own.store.glob("runs/small/*/metrics.json")
    content = metrics.read_bytes()
    metrics.unlink()
    metrics.write_bytes(content.replace(b"0.7", b"0.9", 1))
    assert "RS7404" in say(own, "submit", "--by", "C. Patel", code=74).err
