"""The secret of release ids is drawn once, is nobody else's, and lies outside the store."""

from __future__ import annotations

import stat

import pytest

from riskstrat.custody.faults import CustodyError
from riskstrat.stages.releasing.secret import key_file, release_secret

VARIABLE = "RISKSTRAT_KEY_RELEASE"


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def test_it_is_drawn_once_for_each_store(tmp_path):
    one = release_secret(tmp_path / "store")
    assert release_secret(tmp_path / "store") == one and len(one) == 32
    assert release_secret(tmp_path / "other") != one


def test_it_lies_beside_the_store_and_only_its_owner_may_open_it(tmp_path):
    release_secret(tmp_path / "store")
    file = key_file(tmp_path / "store")
    assert file == tmp_path / "store-keys" / "release.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert not (tmp_path / "store").exists()


def test_a_secret_manager_may_give_it(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, "ab" * 32)
    assert release_secret(tmp_path / "store") == b"\xab" * 32
    assert not key_file(tmp_path / "store").exists()


@pytest.mark.parametrize("said", ["ab" * 8, "no key at all"])
def test_what_is_no_key_is_refused_and_not_told(tmp_path, monkeypatch, said):
    monkeypatch.setenv(VARIABLE, said)
    with pytest.raises(CustodyError) as refused:
        release_secret(tmp_path / "store")
    assert refused.value.code == "RS1625" and said not in str(refused.value)


def test_a_key_that_others_may_open_is_refused(tmp_path):
    release_secret(tmp_path / "store")
    key_file(tmp_path / "store").chmod(0o644)
    with pytest.raises(CustodyError) as refused:
        release_secret(tmp_path / "store")
    assert refused.value.code == "RS1620"


def test_whoever_comes_second_takes_what_the_first_drew(tmp_path, monkeypatch):
    from riskstrat.custody.keystores import FileStore

    first = release_secret(tmp_path / "store")
    told = iter([None])
    read = FileStore.read
    monkeypatch.setattr(FileStore, "read", lambda self, key: next(told, read(self, key)))
    assert release_secret(tmp_path / "store") == first
