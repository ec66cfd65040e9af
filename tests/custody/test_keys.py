"""Keys: where they are, who may open them, and how they begin and end."""

from __future__ import annotations

import json
import os
import stat
import sys
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from custody.pages import everything, forms_of_key, found_in
from custody.sites import NOON, PEOPLE, Site
from riskstrat.custody.entities import entities
from riskstrat.custody.faults import CustodyError
from riskstrat.custody.keyspec import CommandKeys, Domain, EnvironmentKeys, Keeper
from riskstrat.custody.keystores import CommandStore, EnvironmentStore, FileStore, key_store
from riskstrat.custody.lifecycle import destroy, list_keys, new_keys, next_id, rotate
from riskstrat.custody.register import Keyring, keyring
from riskstrat.store.ledger import Ledger

PERSON = "trial-person-1"
HEX = "ab" * 32


def file_of(site: Site, key_id: str = PERSON, keeper: Keeper = Keeper.LINKER) -> Path:
    return site.places.keys(keeper) / f"{key_id}.key"


def ring(site: Site, domain: Domain = Domain.PERSON) -> Keyring:
    return keyring(site.spec, site.places, domain)


def ended(site: Site, key_id: str = PERSON) -> Path:
    note = site.acting.note
    return destroy(
        site.spec, site.places, key_id, NOON, note, who="A. Lee", why="end of project, minute 9"
    )


def code_of(site: Site, key_id: str = PERSON) -> tuple[str, str]:
    with pytest.raises(CustodyError) as told:
        ring(site).key(key_id)
    assert told.value.exit_code == 16
    return told.value.code, str(told.value)


# -- file, variable, command ---------------------------------------------------------------------


def test_a_key_is_256_random_bits_in_a_file_of_its_owners_alone(site: Site) -> None:
    path = file_of(site)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert len(ring(site).key(PERSON)) == 32
    assert len({site.key(domain) for domain in (Domain.PERSON, Domain.HOUSEHOLD, Domain.LOG)}) == 3


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610])
def test_a_key_that_others_may_open_is_refused(site: Site, mode: int) -> None:
    file_of(site).chmod(mode)
    code, said = code_of(site)
    assert code == "RS1620"
    assert f"{mode:03o}" in said
    assert "chmod 600" in said
    with pytest.raises(CustodyError, match="others may open it"):
        site.split()
        site.link()


def test_a_folder_of_keys_that_others_may_open_is_refused(site: Site) -> None:
    file_of(site).parent.chmod(0o750)
    code, said = code_of(site)
    assert code == "RS1620"
    assert "chmod 700" in said


def test_a_key_of_another_user_is_refused(site: Site) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may give files away")
    os.chown(file_of(site), 12_345, -1)
    assert code_of(site)[0] == "RS1620"


def test_a_link_in_the_place_of_a_key_is_refused(site: Site) -> None:
    path = file_of(site)
    path.rename(path.with_suffix(".elsewhere"))
    path.symlink_to(path.with_suffix(".elsewhere"))
    assert code_of(site)[0] == "RS1625"


@pytest.mark.parametrize(
    ("text", "said"), [("not hex", "no key in hex"), ("ab" * 16, "128 bits"), ("", "0 bits")]
)
def test_what_is_no_key_is_refused_and_not_shown(site: Site, text: str, said: str) -> None:
    file_of(site).write_text(text)
    code, words = code_of(site)
    assert code == "RS1625"
    assert said in words
    assert not text or text not in words


def test_a_key_may_come_from_a_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    store = key_store(EnvironmentKeys(kind="environment", prefix="VAULT_"), tmp_path)
    assert store.read("trial-person-1") is None
    monkeypatch.setenv("VAULT_TRIAL_PERSON_1", HEX)
    assert store.read("trial-person-1") == store.make("trial-person-1") == bytes.fromhex(HEX)


def test_a_missing_variable_is_named(tmp_path: Path) -> None:
    with pytest.raises(CustodyError, match="variable RISKSTRAT_KEY_A_1 is not set") as told:
        EnvironmentStore("RISKSTRAT_KEY_").make("a-1")
    assert told.value.code == "RS1625"


def test_a_key_may_come_from_a_command_without_a_shell(tmp_path: Path) -> None:
    vault = tmp_path / "vault; touch spoilt"
    vault.write_text(f"#!/bin/sh\n[ \"$2\" = 'trial-person-1; x' ] || exit 3\necho {HEX}\n")
    vault.chmod(0o700)
    told = CommandKeys(kind="command", argv=(str(vault), "read", "{key_id}; x"))
    store = key_store(told, tmp_path)
    assert store.read("trial-person-1") == bytes.fromhex(HEX)
    assert store.read("trial-person-2") is None
    assert not (tmp_path / "spoilt").exists()


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("import sys; print('Secret ab', file=sys.stderr); print('Secret')", "holds no key in hex"),
        ("import time; time.sleep(30)", "gave no key within 1 seconds"),
    ],
)
def test_what_a_command_says_on_its_way_is_not_shown(script: str, said: str) -> None:
    store = CommandStore((sys.executable, "-c", script, "{key_id}"), 1)
    with pytest.raises(CustodyError, match=said) as told:
        store.read("k")
    assert told.value.code == "RS1625"
    assert "Secret" not in str(told.value)


def test_a_command_that_is_not_there_is_named() -> None:
    with pytest.raises(CustodyError, match="`/no/such/vault` cannot be started"):
        CommandStore(("/no/such/vault", "{key_id}"), 1).read("k")


# -- what the register knows ---------------------------------------------------------------------


def test_the_register_holds_no_key(site: Site) -> None:
    text = (site.places.keys(Keeper.LINKER) / "register.json").read_bytes()
    assert not [form for form in forms_of_key(site.key(Domain.PERSON)) if form in text]
    assert json.loads(text)["keys"][0]["created"].startswith("2025-06-02")


def test_a_key_nobody_made_says_how_to_make_it(site: Site) -> None:
    code, said = code_of(site, "trial-person-9")
    assert code == "RS1621"
    assert "keys new" in said


def test_a_lost_key_says_what_is_lost_with_it(site: Site) -> None:
    file_of(site).unlink()
    code, said = code_of(site)
    assert code == "RS1622"
    assert "2025-06-02 is lost" in said
    assert "escrow" in said


def test_another_key_under_its_name_is_noticed(site: Site) -> None:
    file_of(site).write_text(HEX)
    code, said = code_of(site)
    assert code == "RS1626"
    assert HEX not in said


@pytest.mark.parametrize("text", ["", "[]", '{"keys": [{"key_id": "a"}]}', '{"keys": 3}'])
def test_a_damaged_register_is_named(site: Site, text: str) -> None:
    ring(site).register.write_text(text)
    code, said = code_of(site)
    assert code == "RS1629"
    assert "register.json" in said


def test_a_key_is_never_made_twice(site: Site) -> None:
    before = file_of(site).read_bytes()
    assert new_keys(site.spec, site.places, NOON, site.acting.note) == ()
    with pytest.raises(CustodyError) as told:
        ring(site).make(PERSON, Domain.PERSON, NOON)
    assert told.value.code == "RS1627"
    with pytest.raises(CustodyError) as told:
        FileStore(site.places.keys(Keeper.LINKER)).make(PERSON)
    assert told.value.code == "RS1627"
    assert file_of(site).read_bytes() == before


def test_a_key_of_another_project_is_refused(site: Site) -> None:
    site.change("project: trial", "project: other")
    code, said = code_of(site)
    assert code == "RS1610"
    assert "belongs to project trial" in said


def test_the_list_shows_what_became_of_each(site: Site) -> None:
    rotate(site.spec, site.places, Domain.HOUSEHOLD, NOON, site.acting.note)
    file_of(site).unlink()
    found = {
        entry.key_id: (entry.state, there) for entry, there in list_keys(site.spec, site.places)
    }
    assert found == {
        "trial-person-1": ("active", False),
        "trial-household-1": ("rotated", True),
        "trial-household-2": ("active", True),
        "trial-log-1": ("active", True),
    }


# -- rotation ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [("a-person-1", "a-person-2"), ("a-person-9", "a-person-10"), ("shared", "shared-2")],
)
def test_the_next_key_has_the_next_number(before: str, after: str) -> None:
    assert next_id(before) == after


def test_a_rotation_leaves_a_table_from_old_pseudonyms_to_new_with_the_linker(joined: Site) -> None:
    old = {n: joined.pseudonym_of(n) for n in range(PEOPLE)}
    done = rotate(joined.spec, joined.places, Domain.PERSON, NOON, joined.acting.note)
    assert (done.new, done.renamed) == ("trial-person-2", 64)
    table = pq.read_table(joined.places.rekey(PERSON))
    names = dict(zip(table["old"].to_pylist(), table["new"].to_pylist(), strict=True))
    assert not set(names) & set(names.values())
    joined.change(PERSON, "trial-person-2")
    joined.all()
    assert {n: joined.pseudonym_of(n) for n in range(PEOPLE)} == {
        n: names[p] for n, p in old.items()
    }
    tables = [p for p in joined.root.rglob("*.parquet") if p.stem == PERSON]
    assert tables == [joined.places.rekey(PERSON)]


def test_a_rotated_key_says_which_took_its_place(joined: Site) -> None:
    rotate(joined.spec, joined.places, Domain.PERSON, NOON, joined.acting.note)
    code, said = code_of(joined)
    assert code == "RS1623"
    assert "trial-person-2 took its place" in said
    joined.split()
    with pytest.raises(CustodyError, match="was rotated on 2025-06-02"):
        joined.link()


def test_an_extract_of_before_the_rotation_is_refused(joined: Site) -> None:
    joined.split("hospitals")
    rotate(joined.spec, joined.places, Domain.PERSON, NOON, joined.acting.note)
    joined.change(PERSON, "trial-person-2")
    with pytest.raises(CustodyError, match="trial-person-1 where trial-person-2") as told:
        joined.link()
    assert told.value.code == "RS1610"


def test_the_gateways_look_up_follows_rotations(joined: Site) -> None:
    first = joined.pseudonym_of(3)
    for number in (2, 3):
        rotate(joined.spec, joined.places, Domain.PERSON, NOON, joined.acting.note)
        joined.change(f"person: trial-person-{number - 1}", f"person: trial-person-{number}")
    known = entities(joined.spec, joined.places)
    told = known.identity(known.current(first))
    assert told is not None
    assert told["forename"] == "Ermintrude003"
    assert known.identity(first) is None
    assert known.current("P" + "0" * 32) == "P" + "0" * 32


def test_a_rotation_that_was_interrupted_goes_on(joined: Site) -> None:
    ring(joined).make("trial-person-2", Domain.PERSON, NOON)
    made = ring(joined).key("trial-person-2")
    done = rotate(joined.spec, joined.places, Domain.PERSON, NOON, joined.acting.note)
    assert done.renamed == 64
    assert ring(joined).key("trial-person-2") == made


# -- destruction ---------------------------------------------------------------------------------


def test_destruction_leaves_a_certificate_and_no_key(joined: Site) -> None:
    key = joined.key(Domain.PERSON)
    path = ended(joined)
    told = json.loads(path.read_text())
    assert told["key_id"] == PERSON
    assert told["digest"] == sha256(b"trial-person-1|trial").hexdigest()
    assert (told["by"], told["reason"]) == ("A. Lee", "end of project, minute 9")
    assert told["destroyed"] == "2025-06-02T12:00:00+00:00"
    assert not file_of(joined).exists()
    assert found_in(everything(joined.root), forms_of_key(key)) == {}


def test_destruction_is_in_the_log_and_the_certificate_names_the_entry(joined: Site) -> None:
    told = json.loads(ended(joined).read_text())
    *_, last = Ledger(joined.places.log(Keeper.LINKER)).entries()
    assert last["what"] == f"key destroy {PERSON}"
    assert (last["who"], last["hash"]) == ("A. Lee", told["log_entry"])


def test_nothing_at_the_linker_leads_from_a_pseudonym_to_a_person_any_more(joined: Site) -> None:
    rotate(joined.spec, joined.places, Domain.PERSON, NOON, joined.acting.note)
    joined.change(PERSON, "trial-person-2")
    told = json.loads(ended(joined, "trial-person-2").read_text())
    assert told["tables_removed"] == 2  # who they are, and who they were before the rotation
    files = everything(joined.root / "custody")
    names = {p.encode() for p in joined.extract("gp_registration")["person_id"].to_pylist()}
    assert found_in(files, names | {b"Ermintrude003"}) == {}


def test_a_destroyed_key_cannot_be_used_or_made_again(joined: Site) -> None:
    ended(joined)
    assert code_of(joined)[0] == "RS1624"
    with pytest.raises(CustodyError) as told:
        ended(joined)
    assert told.value.code == "RS1624"
    with pytest.raises(CustodyError) as told:
        ring(joined).make(PERSON, Domain.PERSON, NOON + timedelta(days=1))
    assert told.value.code == "RS1627"


def test_an_unknown_key_cannot_be_certified_as_destroyed(site: Site) -> None:
    with pytest.raises(CustodyError) as told:
        ended(site, "trial-person-7")
    assert told.value.code == "RS1621"


def test_a_vault_that_still_gives_a_key_gets_no_certificate(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "key_stores: {linker: {kind: environment}}\nkeys: {person: v-1, household: v-2}"
    site.change("keys: {person: trial-person-1, household: trial-household-1}", text)
    for number in (1, 2):
        monkeypatch.setenv(f"RISKSTRAT_KEY_V_{number}", f"0{number}" * 32)
    new_keys(site.spec, site.places, NOON, site.acting.note)
    with pytest.raises(CustodyError, match="variable RISKSTRAT_KEY_V_1 is still set") as told:
        ended(site, "v-1")
    assert told.value.code == "RS1628"
    monkeypatch.delenv("RISKSTRAT_KEY_V_1")
    assert "keeper's word" in json.loads(ended(site, "v-1").read_text())["how"]


def test_each_keeper_makes_only_its_own_keys(tmp_path: Path) -> None:
    site = Site(tmp_path).made()
    for keeper in (Keeper.LINKER, Keeper.GATEWAY):
        for path in site.places.keys(keeper).iterdir():
            path.unlink()
    made = new_keys(
        site.spec, site.places, NOON, site.acting.note, keepers=frozenset({Keeper.GATEWAY})
    )
    assert [entry.key_id for entry in made] == ["trial-log-1"]
    assert not list(site.places.keys(Keeper.LINKER).iterdir())
