"""Every byte that is signed: change one, and it is named."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from riskstrat.derivation import digest
from riskstrat.signoff.binding import THINGS, changes, found_in, model_files, told
from riskstrat.store.registry_model import folder_digest
from signoff.desks import BOUND, FILES, Place


@pytest.fixture
def place(tmp_path):
    return Place.made(tmp_path)


def void_by(name: str) -> set[str]:
    """What is void when a file changes; of the list, the first beginning that fits."""
    return set(
        next(what for beginning, what in BOUND.items() if name.startswith(beginning)).split()
    )


def test_everything_is_bound_and_nothing_has_changed(place):
    assert list(place.found()) == list(THINGS)
    assert changes(place.found(), place.found()) == ()


@pytest.mark.parametrize("name", FILES)
def test_one_changed_byte_is_named(place, name):
    signed = place.found()
    path = place.root / name
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    found = changes(signed, place.found())
    assert {each.thing for each in found} <= void_by(name)
    assert found, f"{name} can be changed and nobody knows"
    if not name.startswith("checkout/src"):
        assert any(path.name in part for each in found for part in each.parts)


@pytest.mark.parametrize("name", [name for name in FILES if name != "run/study.yaml"])
def test_a_file_that_is_gone_is_named(place, name):
    signed = place.found()
    (place.root / name).unlink()
    found = changes(signed, place.found())
    assert {each.thing for each in found} <= void_by(name) and found


@pytest.mark.parametrize(
    ("name", "thing"),
    [
        ("model/artifacts/risk_model/extra.py", "model"),
        ("run/audit/more.json", "audit"),
        ("run/pack/late.html", "report"),
        ("checkout/src/riskstrat/backdoor.py", "code"),
    ],
)
def test_a_file_that_was_added_is_named(place, name, thing):
    signed = place.found()
    (place.root / name).write_text("new", encoding="utf-8")
    [found] = changes(signed, place.found())
    assert found.thing == thing
    assert "is new" in told([found]) or thing == "code"


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sampled_from(sorted(FILES)), st.integers(0, 10**6), st.integers(1, 255))
def test_no_byte_of_any_file_can_change_unseen(place, name, where, by):
    path = place.root / name
    before, signed = path.read_bytes(), place.found()
    content = bytearray(before)
    content[where % len(content)] ^= by
    path.write_bytes(bytes(content))
    assert {each.thing for each in changes(signed, place.found())} & void_by(name)
    path.write_bytes(before)
    assert changes(signed, place.found()) == ()


def test_a_changed_fingerprint_names_its_source(place):
    signed = place.found()
    run = {"fingerprints": {"people": "a1", "visits": "b3"}}
    (place.root / "run/run.json").write_text(json.dumps(run), encoding="utf-8")
    data = next(each for each in changes(signed, place.found()) if each.thing == "data")
    assert str(data) == "data (visits)"


def test_a_file_that_cannot_be_read_as_what_it_is_is_a_change_and_no_fault(place):
    signed = place.found()
    (place.root / "run/run.json").write_bytes(b"[]")
    (place.root / "run/study.yaml").write_bytes(b"\xff")
    assert {"data", "study"} <= {each.thing for each in changes(signed, place.found())}


def test_what_mlflow_and_python_add_on_loading_is_nobodys_change(place):
    signed = place.found()
    for name in ("model/registered_model_meta", "model/__pycache__/x.pyc"):
        (place.root / name).parent.mkdir(exist_ok=True)
        (place.root / name).write_bytes(b"x")
    (place.root / "checkout/src/riskstrat/__pycache__").mkdir()
    (place.root / "checkout/src/riskstrat/__pycache__/errors.pyc").write_bytes(b"x")
    assert changes(signed, place.found()) == ()


def test_digests_are_those_that_reports_and_the_registry_show(place):
    found = place.found()
    assert found["model"].digest == folder_digest(place.root / "model")
    assert found["study"].digest == digest(FILES["run/study.yaml"])
    assert found["data"].digest == digest({"people": "a1", "visits": "b2"})


def test_the_installed_libraries_are_bound_by_name_and_version():
    from importlib.metadata import version
    from pathlib import Path

    parts = found_in(Path("nowhere"), Path("nowhere"))["lock"].parts
    assert parts["lightgbm"] == version("lightgbm")
    assert model_files(Path("nowhere")).parts == {}
