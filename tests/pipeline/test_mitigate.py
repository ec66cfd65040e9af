"""Remedies tried on a finished run: told in its report, resumed, and never used for a list."""

from __future__ import annotations

import json

import pytest

from pipeline.world import World, read, unshare
from riskstrat.store.files import verified_manifest


@pytest.mark.slow
def test_remedies_are_tried_told_and_left_alone_once_told(own: World) -> None:
    unshare(own)
    [run] = own.store.glob("runs/small/*")
    model = {p.name: p.read_bytes() for p in (run / "model").iterdir() if p.is_file()}
    lists = own.outcomes()

    said = own.ask("mitigate", "--threads", 1)
    assert said.code == 0, said.err
    assert said.out.splitlines()[-1] == str(run)
    assert "sex: change" in said.out and "reweighing" in said.out
    told = read(run / "audit/mitigation.json")["groups"]
    assert [each["group"] for each in told] == ["sex"]
    remedies = {row["remedy"] for row in told[0]["measures"]}
    assert {"current"} < remedies and len(remedies) >= 5
    changes = [r for r in told[0]["measures"] if r["change_low"] is not None]
    assert changes and all(r["change_low"] <= r["change"] <= r["change_high"] for r in changes)

    assert verified_manifest(run) is not None
    page = (run / "report.html").read_text(encoding="utf-8")
    assert 'id="mitigation"' in page
    assert {p.name: p.read_bytes() for p in (run / "model").iterdir() if p.is_file()} == model
    assert own.outcomes() == lists

    before = (run / "manifest.json").read_bytes()
    again = own.ask("mitigate", "--json")
    assert again.code == 0, again.err
    assert (run / "manifest.json").read_bytes() == before
    rows = json.loads(again.out)["measures"]
    assert {row["remedy"] for row in rows} == remedies


def test_without_its_run_it_says_how_to_make_one(fresh: World) -> None:
    said = fresh.ask("mitigate")
    assert (said.code, "RS3613" in said.err, "riskstrat run" in said.err) == (2, True, True)
    assert said.out == "" and fresh.outcomes() == []
