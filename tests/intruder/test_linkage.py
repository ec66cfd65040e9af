"""Somebody one knows, or the same person in two releases: found where a row stands out."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from intruder.outputs import DAY, behind, ids, release
from riskstrat.errors import StorageError
from riskstrat.intruder.acquaintances import find_acquaintances
from riskstrat.intruder.findings import Attack
from riskstrat.intruder.joins import compute_release_ids, join_ids
from riskstrat.intruder.judge import Judge
from riskstrat.intruder.linking import link_rows, topic, topics
from riskstrat.intruder.releases import read_releases

UNITS = [f"P{n:032x}" for n in range(24)]
FALLS, CALLS = "falls in the last year", "999 calls in the last year"
LATER = date(2025, 7, 1)


def shown(
    unit: str, age: str, reasons: str, *, band: str = "high", key: bytes = b"", day: date = DAY,
    to: str = "icb", risk: str = "20-25%",
) -> dict[str, str]:  # fmt: skip
    [own] = ids([unit], secret=key, day=day, to=to)
    row = {"release_id": own, "band": band, "risk_band": risk}
    return {**row, "age_band": age, "reasons": reasons}


def stands_out(store: Path, *, key: bytes = b"") -> None:
    """Twelve on a list of 24; one of those of 85 and over is there for her falls."""
    ages = ["65-74" if n % 2 else "85+" for n in range(24)]
    happened = {"falls__count__365d": [2.0 if n == 4 else 0.0 for n in range(24)]}
    behind(store, UNITS, {"age_band": ages}, happened)
    rows = [shown(UNITS[n], ages[n], FALLS if n == 4 else "age", key=key) for n in range(12)]
    release(store, sorted(rows, key=lambda row: row["release_id"]))


def acquaintances(store: Path, judge: Judge | None = None, most: int = 100) -> Attack:
    judge = judge or Judge(store)
    return find_acquaintances(read_releases(store), judge, np.random.default_rng(1), most=most)


def linked(store: Path, judge: Judge | None = None) -> Attack:
    return link_rows(read_releases(store), judge or Judge(store), np.random.default_rng(1))


# -- acquaintances -------------------------------------------------------------------------------


def test_a_neighbour_who_fell_is_found(tmp_path):
    stands_out(tmp_path)
    found = acquaintances(tmp_path)
    assert (found.tried, found.claimed, found.confirmed) == (24, 1, 1)


def test_nobody_is_found_where_enough_rows_are_alike(tmp_path):
    ages = ["85+"] * 24
    behind(tmp_path, UNITS, {"age_band": ages}, {"falls__count__365d": [1.0] * 24})
    release(tmp_path, [shown(unit, "85+", f"{FALLS}; age") for unit in UNITS[:12]])
    found = acquaintances(tmp_path)
    assert (found.tried, found.claimed, found.confirmed) == (24, 0, 0)


def test_a_claim_about_somebody_who_is_not_on_the_list_is_wrong(tmp_path):
    behind(
        tmp_path,
        UNITS,
        {"age_band": ["85+"] * 24},
        {"falls__count__365d": [1.0 if n in (4, 20) else 0.0 for n in range(24)]},
    )
    rows = [shown(UNITS[n], "85+", FALLS if n == 4 else "age") for n in range(12)]
    release(tmp_path, rows)
    found = acquaintances(tmp_path)
    assert (found.claimed, found.confirmed) == (2, 1)


def test_two_events_together_can_single_out_where_neither_does(tmp_path):
    falls = [1.0 if n < 6 else 0.0 for n in range(24)]
    calls = [1.0 if 5 <= n < 12 else 0.0 for n in range(24)]
    happened = {"falls__count__365d": falls, "calls__count__365d": calls}
    behind(tmp_path, UNITS, {"age_band": ["85+"] * 24}, happened)
    told = ["; ".join(t for t, x in ((FALLS, falls[n]), (CALLS, calls[n])) if x) for n in range(12)]
    release(tmp_path, [shown(UNITS[n], "85+", told[n]) for n in range(12)])
    found = acquaintances(tmp_path)
    assert (found.claimed, found.confirmed) == (1, 1)


def test_a_withheld_attribute_fits_everybody(tmp_path):
    behind(tmp_path, UNITS, {"age_band": [f"{n}" for n in range(24)]}, {})
    release(tmp_path, [shown(unit, "withheld", "age") for unit in UNITS[:12]])
    assert acquaintances(tmp_path).claimed == 0


def test_a_row_without_reasons_names_nothing(tmp_path):
    behind(tmp_path, UNITS, {"age_band": ["85+"] * 24}, {"falls__count__365d": [1.0] * 24})
    release(tmp_path, [shown(unit, "85+", "") for unit in UNITS[:12]])
    assert acquaintances(tmp_path).claimed == 0


def test_a_claim_that_nobody_can_judge_counts(tmp_path):
    stands_out(tmp_path, key=b"k" * 32)
    found = acquaintances(tmp_path)
    assert found.confirmed == found.claimed == 1
    assert "nobody could judge" in found.notes[0]
    assert acquaintances(tmp_path, Judge(tmp_path, (b"k" * 32,))).confirmed == 1


def test_a_sample_is_drawn_with_the_seed(tmp_path):
    stands_out(tmp_path)
    assert acquaintances(tmp_path, most=5).tried == 5


def test_without_what_the_store_derived_it_is_not_tried(tmp_path):
    release(tmp_path, [shown(unit, "85+", "age") for unit in UNITS[:12]])
    assert acquaintances(tmp_path).verdict == "not tried"


# -- rows that link ------------------------------------------------------------------------------


def test_the_same_rare_reasons_on_two_days_link(tmp_path):
    behind(tmp_path, UNITS, {"age_band": ["85+"] * 24}, {})
    for day in (DAY, LATER):
        rows = [
            shown(UNITS[n], "85+", "falls; gout" if n == 3 else "age", day=day) for n in range(12)
        ]
        release(tmp_path, rows, day=day)
    found = linked(tmp_path)
    assert (found.claimed, found.confirmed) == (1, 1)


def test_rows_that_others_share_do_not_link(tmp_path):
    behind(tmp_path, UNITS, {"age_band": ["85+"] * 24}, {})
    for day in (DAY, LATER):
        release(tmp_path, [shown(unit, "85+", "age", day=day) for unit in UNITS[:12]], day=day)
    assert linked(tmp_path).claimed == 0


def test_a_list_of_own_patients_leads_to_the_pseudonymised_one(tmp_path):
    behind(tmp_path, UNITS, {"age_band": ["85+"] * 24}, {})
    release(
        tmp_path,
        [shown(UNITS[n], "85+", f"{FALLS}; age" if n == 3 else "age") for n in range(12)],
    )
    own = [
        {
            "unit_id": UNITS[n],
            "band": "high",
            "risk": "0.223",
            "reasons": "3 falls in the last year; age 88; 2 gouts" if n == 3 else "age 87",
        }
        for n in range(4)
    ]
    release(tmp_path, own, kind="own_patients", recipient="gp", owner="Y1")
    found = linked(tmp_path)
    assert (found.tried, found.claimed, found.confirmed) == (4, 1, 1)


def test_lists_of_own_patients_need_no_linking(tmp_path):
    row = {"unit_id": UNITS[0], "band": "high", "risk": "0.2", "reasons": "age 87"}
    for owner in ("Y1", "Y2"):
        release(tmp_path, [row], kind="own_patients", recipient="gp", owner=owner)
    assert linked(tmp_path).verdict == "not tried"


@pytest.mark.parametrize(
    ("long", "short"),
    [
        ("last emergency admission 42 days ago", "time since the last emergency admission"),
        ("last stay on 2 May 2024", "time since the last stay"),
        ("first sign of frailty in March 2018", "time since the first sign of frailty"),
        ("1 fall in the last year", "falls in the last year"),
        ("17 entries (consultation) in the last year", "entries (consultation) in the last year"),
        ("age 85", "age"),
        ("special educational needs: support", "special educational needs"),
        ("age 20 (lowers the risk)", "age 30 (lowers the risk)"),
        ("known to Mid County Police: incidents", "known to Mid County Police: incidents"),
    ],
)
def test_reasons_are_about_the_same_however_they_are_worded(long, short):
    assert topic(long) == topic(short)


@pytest.mark.parametrize(
    ("own", "short"),
    [
        (
            "Acute trust: 3 stays in the last year, last fall on 2 May 2024",
            "stays in the last year",
        ),
        (
            "Acute trust: 3 stays in the last year, last fall on 2 May 2024",
            "time since the last fall",
        ),
        ("ICB: age 83", "age"),
        ("ICB: decile in the area: 1 (1 is poorest)", "decile in the area"),
        ("the council: tenancies on record", "known to the council: tenancies"),
        ("the council: no tenancies on record", "not known to the council: no tenancies"),
        ("age 83", "age"),
    ],
)
def test_each_fact_that_an_agency_tells_of_its_own_patient_is_held_against_a_short_list(own, short):
    assert topic(short) in topics(own)


def test_reasons_about_different_agencies_stay_apart():
    assert topic("known to the police: incidents") != topic("known to the council: claims")


# -- ids -----------------------------------------------------------------------------------------


def test_release_ids_without_a_secret_are_computed(tmp_path):
    stands_out(tmp_path)
    found = compute_release_ids(read_releases(tmp_path), UNITS, Judge(tmp_path))
    assert found.confirmed == 12 and found.code == "RS3102"


def test_release_ids_with_a_secret_are_not(tmp_path):
    stands_out(tmp_path, key=b"k" * 32)
    found = compute_release_ids(read_releases(tmp_path), UNITS, Judge(tmp_path))
    assert found.confirmed == 0 and found.tried > 24


def test_pseudonyms_on_a_list_for_care_are_enough(tmp_path):
    stands_out(tmp_path)
    own = [{"unit_id": unit, "band": "high", "reasons": "age 80"} for unit in UNITS[:3]]
    release(tmp_path, own, kind="own_patients", recipient="gp", owner="Y1")
    found = compute_release_ids(read_releases(tmp_path), [], Judge(tmp_path))
    assert found.confirmed == 3


def test_an_id_on_two_lists_joins_them(tmp_path):
    for to in ("icb", "board"):
        release(tmp_path, [shown(UNITS[0], "85+", "age", to="icb")], recipient=to)
    between, projects = join_ids(read_releases(tmp_path), {})
    assert between.confirmed == 1 and between.code == "RS3111"
    assert projects.verdict == "not tried"


def test_a_pseudonym_in_a_pseudonymised_list_joins_it_to_everything(tmp_path):
    row = shown(UNITS[0], "85+", "age") | {"release_id": UNITS[0]}
    release(tmp_path, [row])
    [between, _] = join_ids(read_releases(tmp_path), {"person_id": set(UNITS)})
    assert between.confirmed == 1


def test_ids_of_their_own_do_not_join(tmp_path):
    for to in ("icb", "board"):
        release(tmp_path, [shown(u, "85+", "age", to=to) for u in UNITS[:9]], recipient=to)
    [between, _] = join_ids(read_releases(tmp_path), {"person_id": set(UNITS)})
    assert between.confirmed == 0 and between.tried


def test_two_projects_under_one_key_join_and_under_two_do_not():
    mine = {"person_id": set(UNITS)}
    other = {"person_id": {f"P{n:032x}" for n in range(900, 950)}}
    prefix = {"person_id": {f"X{unit[1:]}" for unit in UNITS[:5]}}
    cut = {"person_id": {unit[:1] + unit[-32:-8] for unit in UNITS}}
    for theirs, expected in ((mine, 24), (other, 0), (prefix, 5)):
        assert join_ids([], mine, theirs)[-1].confirmed == expected
    assert join_ids([], {"person_id": {"P" + "ab" * 16}}, cut)[-1].confirmed == 0
    long = {"person_id": {f"P{n * 7919:08x}{'c' * 24}" for n in range(1, 9)}}
    short = {"id": {each[:17] for each in long["person_id"]}}
    assert join_ids([], long, short)[-1].confirmed == 8


def test_a_damaged_release_is_an_error(tmp_path):
    folder = release(tmp_path, [shown(UNITS[0], "85+", "age")])
    (folder / "manifest.json").write_text("{}")
    with pytest.raises(StorageError, match="damaged"):
        read_releases(tmp_path)
