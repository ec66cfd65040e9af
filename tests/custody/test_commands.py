"""The commands: each keeper alone, or all in turn; the gateway; the proof of the logs."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from custody.pages import everything, forms_of_key, found_in
from custody.sites import CONFIGS, Site, local
from custody.test_nobody_holds_both import content_values, identifiers
from riskstrat.cli import reidentify
from riskstrat.cli.custody import pseudonymise
from riskstrat.cli.log import log
from riskstrat.custody.keyspec import Domain, Keeper

ACCOUNTS = """
accounts:
  - {user: dr.a, role: gp, organisation: PR000, starts: 2020-01-01, ends: 2099-12-31}
  - {user: dr.b, role: gp, organisation: PR001, starts: 2020-01-01, ends: 2099-12-31}
  - {user: ann, role: data_scientist, organisation: PR000, starts: 2020-01-01, ends: 2099-12-31}
"""
LINKAGE = """
linkage: trial
fields:
  nhs_number: {kind: nhs_number}
  forename: {kind: forename}
  surname: {kind: surname}
  date_of_birth: {kind: date}
  sex: {kind: sex}
  postcode: {kind: postcode}
  address: {kind: address}
  uprn: {kind: uprn}
identifiers: [{field: nhs_number}]
comparisons:
  - {name: forename, kind: forename, similar: [0.92, 0.8]}
  - {name: surname, kind: surname, similar: [0.92, 0.8]}
  - {name: date_of_birth, kind: date, frequencies: false}
blocking: [[surname, date_of_birth], [forename, date_of_birth]]
prior: {rules: [[forename, surname, date_of_birth]], recall: 0.8}
training: {labels: nhs_number}
homes: {number: uprn, keys: [[postcode, address_number]]}
"""


class Said:
    """How a command ended, and what it said."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


class Desk:
    """A site, and the command line to work it with."""

    def __init__(self, site: Site) -> None:
        self.site = site
        (site.root / "accounts.yaml").write_text(ACCOUNTS, encoding="utf-8")
        linkage = site.root / "configs/linkage/trial.yaml"
        linkage.parent.mkdir()
        linkage.write_text(LINKAGE, encoding="utf-8")
        self.app = typer.Typer()
        self.app.add_typer(pseudonymise)
        self.app.add_typer(log)
        reidentify.register(self.app)
        self.heard = ""

    def ask(self, *words: object) -> Said:
        done = CliRunner().invoke(self.app, [str(word) for word in words])
        self.heard += done.stdout + done.stderr
        return Said(done.exit_code, done.stdout, done.stderr)

    def work(self, *words: object) -> Said:
        """A step of custody, with the folders it needs."""
        where = ["--custody", self.site.places.root]
        if words[0] in ("split", "join", "all"):
            where += ["--data", self.site.data]
        return self.ask("pseudonymise", *words, self.site.file, *where)

    def name(self, n: int, *words: object, user: str = "dr.a", role: str = "gp") -> Said:
        practice = "PR001" if user == "dr.b" else "PR000"
        given = ["--user", user, "--role", role, "--organisation", practice]
        given += ["--reason", "medication review", "--accounts", self.site.root / "accounts.yaml"]
        where = ["--data", self.site.data, "--custody", self.site.places.root]
        person = self.site.pseudonym_of(n)
        return self.ask("reidentify", self.site.file, person, *given, *where, *words)


@pytest.fixture
def desk(site: Site) -> Desk:
    return Desk(site)


def test_all_plays_the_keepers_in_turn_and_says_so(desk: Desk) -> None:
    said = desk.work("all")
    assert said.code == 0, said.err
    assert said.out.strip() == str(desk.site.data)
    assert "plays provider, linker and analyst in turn" in said.err
    told = " ".join(said.err.split())
    assert "split 4 agencies: 120 records for the linker, 373 rows for the analyst" in told
    assert "373 rows in 6 extracts under pseudonyms" in told
    assert desk.site.extract("admissions").num_rows == 200
    told_of = json.loads((desk.site.data / "linkage.json").read_text())
    assert told_of["keys"] == {"household": "trial-household-1", "person": "trial-person-1"}
    assert sum(told_of["extracts"]["admissions"]["bands"].values()) == 200


def test_all_makes_the_keys_nobody_has_made(tmp_path: Path) -> None:
    site = Site(tmp_path / "site").made()
    for path in (site.root / "custody").rglob("keys/*"):
        path.unlink()
    desk = Desk(site)
    assert desk.work("all").code == 0
    assert len(list((site.root / "custody/linker/keys").glob("*.key"))) == 2


def test_each_keeper_works_on_a_machine_of_its_own(desk: Desk, tmp_path: Path) -> None:
    """Provider, linker and analyst have a folder each and nothing of one another's."""
    site = desk.site
    machines = {who: replace(site, root=tmp_path / who) for who in ("agency", "trust", "store")}
    for machine in machines.values():
        machine.file.parent.mkdir(parents=True)
        for folder in ("custody", "linkage", "sources", "agreements"):
            (machine.root / "configs" / folder).exists() or (machine.root / "configs").mkdir(
                exist_ok=True
            )
        for path in (site.root / "configs").rglob("*.yaml"):
            target = machine.root / "configs" / path.relative_to(site.root / "configs")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    agency, trust, store = (machines[who] for who in ("agency", "trust", "store"))
    (site.data).rename(agency.data)

    def at(machine: Site, *words: object) -> Said:
        where: list[object] = ["--custody", machine.places.root]
        where += ["--data", machine.data] if words[0] in ("split", "join") else []
        said = desk.ask("pseudonymise", *words, machine.file, *where)
        assert said.code == 0, said.err
        return said

    at(trust, "keys", "new", "--keeper", "linker")
    at(agency, "split")
    for name in site.spec.providers:
        sent = agency.places.sent(name)
        if (sent / "for_linker").exists():
            carry(sent / "for_linker", trust.places.received(Keeper.LINKER, name))
        carry(sent / "for_analyst", store.places.received(Keeper.ANALYST, name) / "content")
    at(agency, "forget")
    at(trust, "link")
    for name in ("icb", "hospitals", "police"):
        carry(trust.places.links(name), store.places.received(Keeper.ANALYST, name) / "links")
    at(store, "join")
    assert store.extract("admissions").num_rows == 200
    for name, folder in (("store", store.root), ("trust", trust.root)):
        sides = everything(folder, [folder / "configs"])
        forbidden = identifiers() if name == "store" else content_values()
        assert found_in(sides, forbidden) == {}
    assert not list(agency.root.rglob("custody/provider/*/for_*"))
    assert not list(trust.root.rglob("gateway"))
    assert not list(store.root.rglob("*.key"))


def carry(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    source.rename(target)


def test_a_step_that_others_may_not_take_yet_says_which_comes_first(desk: Desk) -> None:
    said = desk.work("join")
    assert said.code == 16
    assert "RS1614" in said.err
    assert "pseudonymise split" in said.err
    assert "Traceback" not in said.err


def test_an_unknown_agency_is_named_with_those_there_are(desk: Desk) -> None:
    said = desk.work("split", "--agency", "hospital")
    assert said.code == 2
    assert "icb, hospitals, police, public" in " ".join(said.err.split())


def test_what_a_step_did_is_in_its_keepers_log(desk: Desk) -> None:
    desk.work("all")
    for keeper, what in (("provider", "split icb"), ("linker", "link"), ("analyst", "join")):
        text = (desk.site.root / "custody" / keeper / "log/ledger.jsonl").read_text()
        assert f'"what": "{what}"' in text
    said = desk.ask("log", "verify", "--custody", desk.site.root / "custody")
    assert said.code == 0
    assert said.out.count("the chain is whole") == 4


def test_a_tampered_log_is_found_and_the_entry_named(desk: Desk) -> None:
    desk.work("all")
    path = desk.site.root / "custody/provider/log/ledger.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([lines[0], lines[1].replace("hospitals", "hospital"), *lines[2:]]))
    said = desk.ask("log", "verify", "--custody", desk.site.root / "custody")
    assert said.code == 74
    assert "entry 2 does not follow" in " ".join(said.err.split())
    path.write_text("".join(lines[:2]))
    said = desk.ask("log", "verify", "--custody", desk.site.root / "custody")
    assert said.code == 74
    assert "RS7406" in said.err
    assert "now ends with entry 2" in " ".join(said.err.split())


def test_a_practice_asks_at_the_command_line(desk: Desk) -> None:
    desk.work("all")
    said = desk.name(3)
    assert said.code == 0, said.err
    assert "Ermintrude003" in said.out
    assert json.loads(desk.name(3, "--json").out)["surname"] == "Quackenbush003"
    assert desk.name(4).code == 30
    assert desk.name(3, user="dr.b").code == 30
    refused = desk.name(3, user="ann", role="data_scientist")
    assert refused.code == 30
    assert "RS1642" in refused.err
    log = (desk.site.root / "custody/gateway/log/ledger.jsonl").read_text()
    assert log.count("reidentify asked") == 5
    assert found_in({Path("log"): log.encode()}, identifiers()) == {}


def test_no_command_prints_a_key_or_an_identifier(desk: Desk) -> None:
    desk.work("all")
    for words in (("keys", "list"), ("keys", "new")):
        assert desk.work(*words).code == 0
    desk.name(4)
    said = desk.ask(
        "pseudonymise", "keys", "rotate", desk.site.file, "person", "--by", "A. Lee",
        "--reason", "yearly", "--custody", desk.site.places.root,
    )  # fmt: skip
    assert said.code == 0
    assert said.out.strip() == "trial-person-2"
    heard = {Path("heard"): desk.heard.encode()}
    assert found_in(heard, identifiers()) == {}
    domains = (Domain.HOUSEHOLD, Domain.LOG)
    assert found_in(heard, {f for d in domains for f in forms_of_key(desk.site.key(d))}) == {}


def test_where_tokens_are_handed_over_the_linker_holds_no_identifier(desk: Desk) -> None:
    desk.site.hand_over_tokens()
    text = (CONFIGS / "linkage/mid_county_tokens.yaml").read_text(encoding="utf-8")
    (desk.site.root / "configs/linkage/trial.yaml").write_text(text, encoding="utf-8")
    shutil.copy(CONFIGS / "linkage/nicknames.csv", desk.site.root / "configs/linkage")
    said = desk.work("all")
    assert said.code == 0, said.err
    assert found_in(everything(desk.site.root / "custody"), identifiers()) == {}
    assert desk.site.pseudonym_of(3) in desk.site.extract("admissions")["person_id"].to_pylist()
    token_key = forms_of_key(desk.site.key(Domain.TOKENS))
    assert found_in(everything(desk.site.root / "custody/linker"), token_key) == {}
    refused = desk.name(3)
    assert refused.code == 30
    assert "RS1646" in refused.err


def test_a_destroyed_key_leaves_its_certificate(desk: Desk) -> None:
    desk.work("all")
    said = desk.ask(
        "pseudonymise", "keys", "destroy", desk.site.file, "trial-person-1", "--by", "A. Lee",
        "--reason", "end of project", "--custody", desk.site.places.root,
    )  # fmt: skip
    assert said.code == 0, said.err
    assert json.loads(Path(said.out.strip()).read_text())["by"] == "A. Lee"
    desk.work("split")
    said = desk.work("link")
    assert said.code == 16
    assert "RS1624" in said.err


def test_the_countys_custody_file_can_be_read() -> None:
    from riskstrat.custody.work import columns_read, read_configs

    configs = read_configs(CONFIGS / "custody/mid_county.yaml")
    for agency, provider in configs.spec.providers.items():
        contracts = configs.contracts(agency)
        assert contracts.keys() == provider.extracts.keys()
        for name, source in contracts.items():
            assert columns_read(source), name


def test_local_ids_do_not_outlive_the_split(desk: Desk) -> None:
    desk.work("all")
    files = everything(desk.site.root, [desk.site.data / "raw"])
    assert found_in(files, {local(n).encode() for n in range(60)}) == {}
