"""How good links are: told by the linker in rates, with nothing of a record in them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from custody.pages import everything, found_in
from custody.sites import HOMES, LINKERS, PEOPLE, Site, exact_people, local
from custody.test_commands import LINKAGE, Desk
from riskstrat.cli.linkage_quality import said_quality
from riskstrat.custody.faults import CustodyError
from riskstrat.custody.headers import read_header
from riskstrat.custody.keyspec import Domain, Keeper
from riskstrat.custody.link import link
from riskstrat.custody.quality import POLICY, Judge, shown
from riskstrat.custody.quality_file import NAME, judge_kept, keep_quality
from riskstrat.custody.register import keyring
from riskstrat.custody.truth import read_reviewed, read_truth
from riskstrat.custody.work import join_received
from riskstrat.linkage.evidence import LinkRate
from riskstrat.statistics import wilson_interval

WITH_SEX = "  - {name: sex, kind: same, frequencies: false}\nblocking"
KNOWN = [n for n in range(PEOPLE) if n % 3 == 0] + [1001, 1002]
SECRET = "goldstandardperson"
JUDGE = Judge("icb", {"people": "nhs_number", "addresses": "uprn"}, date(2025, 9, 1))


@pytest.fixture
def truth(site: Site) -> Path:
    """Who the records of the site are about, by local id."""
    folder = site.root / "truth"
    folder.mkdir()
    people = [("icb", local(n), n) for n in range(PEOPLE)]
    people += [("hospitals", str(n), n) for n in KNOWN]
    links = [{"agency": a, "local_id": i, "person": f"{SECRET}{n}"} for a, i, n in people]
    pq.write_table(pa.Table.from_pylist(links), folder / "links.parquet")
    groups = [
        {"person_id": f"{SECRET}{n}", "ethnicity": "white" if n % 2 else "asian"}
        for n in range(PEOPLE)
    ]
    pq.write_table(pa.Table.from_pylist(groups), folder / "groups.parquet")
    homes = [("icb", f"icbhome{n:03d}", n) for n in range(HOMES)]
    homes += [("police", f"polhome{n:03d}", n) for n in range(0, HOMES, 2)]
    addresses = [{"agency": a, "address_id": i, "household": f"h{n}"} for a, i, n in homes]
    pq.write_table(pa.Table.from_pylist(addresses), folder / "address_links.parquet")
    return folder


def doubting(con: duckdb.DuckDBPyConnection, view: str, known: str | None) -> Any:
    """The plain linker, and what it leaves in doubt."""
    linked = exact_people(con, view, known)
    doubts = con.execute(
        f"SELECT record_key, 0.25 AS lost, false AS blind, "
        f"CASE WHEN sex = 'F' THEN 'female' ELSE 'male' END AS sex, "
        f"TRY_CAST(date_of_birth AS DATE) AS born FROM {view}"
    ).to_arrow_table()

    curve = [{"probability": 0.9, "share": 0.1234, "n": 83}]
    return SimpleNamespace(table=linked.table, doubts=doubts, counts={"unlinkable": curve})


def link_it(site: Site, reviewed: pa.Table | None = None) -> None:
    """The linker's step, without an engine that has to learn."""
    key = keyring(site.spec, site.places, Domain.PERSON).key
    linkers = LINKERS | {Domain.PERSON: doubting}
    with duckdb.connect() as con:
        counts = link(
            site.spec, site.places, con, key, linkers=linkers, judge=JUDGE, reviewed=reviewed
        )
    keep_quality(site.spec, site.places, counts.quality)


def all_of(site: Site, truth: Path | None = None) -> Site:
    site.split(**({"truth": read_truth(truth)} if truth else {}))
    link_it(site)
    return join(site)


def join(site: Site) -> Site:
    join_received(site.configs, site.data, site.places, site.acting, progress=lambda *_: None)
    return site


def told(site: Site) -> dict[str, Any]:
    whole = json.loads((site.data / "linkage.json").read_text(encoding="utf-8"))
    return whole.get("quality", {})


def rate(site: Site, measure: str, basis: str, **where: str) -> dict[str, Any]:
    asked = {"agency": "all", "group": "all", "level": "all"} | where
    domain = asked.pop("domain", "people")
    [found] = [
        row
        for row in told(site)[domain]["rates"]
        if (row["measure"], row["basis"]) == (measure, basis)
        and all(row[name] == value for name, value in asked.items())
    ]
    return found


def test_without_truth_the_linker_tells_what_it_counts_and_estimates(site: Site) -> None:
    found = told(all_of(site))
    assert found["people"]["register"] == "icb"
    assert found["people"]["truth"] == ""
    assert {row["basis"] for row in found["people"]["rates"]} == {"counted", "estimated"}
    assert {row["group"] for row in found["people"]["rates"]} == {"all", "sex", "age_band"}
    # 22 are known to the hospital, 20 of them are on the register, 2 of these have no number.
    assert rate(site, "on_register", "counted", agency="hospitals")["value"] == 0.82
    # Of each of the four that were not linked, a quarter is expected to be there: one is missed.
    assert rate(site, "recall", "estimated", agency="hospitals")["value"] == 0.95
    assert found["people"]["unlinkable"] == [{"probability": 0.9, "share": 0.123, "n": 85}]
    addresses = {row["measure"] for row in found["addresses"]["rates"]}
    assert addresses == {"on_register", "sure", "precision"}


def test_extracts_say_whose_they_are_and_by_which_links(site: Site) -> None:
    all_of(site)
    whole = json.loads((site.data / "linkage.json").read_text(encoding="utf-8"))
    named = {name: (e["agency"], e["domain"]) for name, e in whole["extracts"].items()}
    assert named["admissions"] == ("hospitals", "people")
    assert named["residence"] == ("icb", "people")
    assert named["police_incidents"] == ("police", "addresses")
    assert named["area_deprivation"] == ("public", "")


def test_against_truth_precision_and_recall_are_told_by_its_groups(site: Site, truth: Path) -> None:
    all_of(site, truth)
    recall = rate(site, "recall", "truth", agency="hospitals")
    assert (recall["value"], recall["n"]) == (0.9, 20)
    assert recall["low"] < 0.9 < recall["high"]
    assert rate(site, "precision", "truth", agency="hospitals")["value"] == 1.0
    assert rate(site, "recall", "truth", group="ethnicity", level="asian")["n"] == 10
    assert rate(site, "recall", "truth", domain="addresses")["n"] == 15
    assert told(site)["people"]["truth"] == "handed_over"


def test_homes_of_one_number_are_one_and_nowhere_is_none(truth: Path) -> None:
    homes = [{"household": f"h{n}", "uprn": None if n == 4 else f"{n // 2}"} for n in range(HOMES)]
    pq.write_table(pa.Table.from_pylist(homes), truth / "homes.parquet")
    found = read_truth(truth)["addresses"]
    assert found.num_rows == HOMES + 13 - 2
    assert set(found["person"].to_pylist()) == {f"{n // 2}" for n in range(HOMES)}


def test_the_truth_travels_under_record_keys_and_stays_nowhere(site: Site, truth: Path) -> None:
    site.split(truth=read_truth(truth))
    sent = site.places.sent("hospitals") / "for_linker"
    table = pq.read_table(sent / "people.truth.parquet")
    assert table.column_names == ["record_key", "person", "ethnicity"]
    of = pq.read_table(sent / "people.parquet")["record_key"].to_pylist()
    assert table["record_key"].to_pylist() == sorted(of)
    header = read_header(sent / "people.truth.parquet")
    assert header is not None
    assert (header.kind, header.agency) == ("truth", "hospitals")
    link_it(site)
    join(site)
    sides = everything(site.root, [site.data / "raw", truth])
    assert found_in(sides, {SECRET.encode()}) == {}
    assert not list((site.root / "custody").rglob("*.truth.parquet"))


def test_whoever_objects_is_in_no_truth(site: Site, truth: Path) -> None:
    gone = pa.array([str(KNOWN[0])])
    site.split("hospitals", truth=read_truth(truth), objections={"people": gone})
    sent = site.places.sent("hospitals") / "for_linker"
    assert pq.read_table(sent / "people.truth.parquet").num_rows == len(KNOWN) - 1


def test_a_truth_of_another_hand_over_is_refused(site: Site, truth: Path) -> None:
    site.split(truth=read_truth(truth))
    sent = site.places.sent("hospitals") / "for_linker" / "people.truth.parquet"
    kept = sent.read_bytes()
    site.split("hospitals")
    sent.write_bytes(kept)
    with pytest.raises(CustodyError) as refused:
        link_it(site)
    assert refused.value.code == "RS1610"


def test_two_hand_overs_of_one_extract_tell_the_same(site: Site, truth: Path) -> None:
    before = (all_of(site, truth).data / "linkage.json").read_bytes()
    assert (all_of(site, truth).data / "linkage.json").read_bytes() == before


# -- a sample reviewed later ---------------------------------------------------------------------


def sample(site: Site, path: Path, fault: str = "") -> Path:
    """What reviewers found of the hospital's and the register's records."""
    key_id = str(site.spec.key_ids()[Domain.PERSON])
    rows = pq.read_table(site.places.entities(key_id) / "people.parquet").to_pylist()
    judged = [{"record_key": row["record_key"], "person": row["surname"]} for row in rows]
    register = {row["entity"] for row in rows if row["agency"] == "icb"}
    linked = [
        i
        for i, row in enumerate(rows)
        if row["agency"] == "hospitals" and row["entity"] in register
    ]
    if fault == "wrong":  # the reviewers say that two of those linked are somebody else
        # By name, and of two names: the rows lie in the order of their random keys.
        once = {rows[i]["surname"]: i for i in linked}
        for name in sorted(once)[:2]:
            judged[once[name]]["person"] = f"nobody {name}"
    if fault == "stranger":
        judged.append({"record_key": "0" * 32, "person": "x"})
    if fault == "twice":
        judged.append(judged[0])
    pq.write_table(pa.Table.from_pylist(judged), path)
    return path


def test_links_that_are_kept_are_held_against_a_sample_reviewed_later(
    site: Site, tmp_path: Path
) -> None:
    all_of(site)
    estimated = rate(site, "recall", "estimated", agency="hospitals")
    extracts = {p.name: p.read_bytes() for p in site.data.glob("*.parquet")}
    with duckdb.connect() as con:
        reviewed = read_reviewed(sample(site, tmp_path / "reviewed.parquet", "wrong"))
        judge_kept(site.spec, site.places, con, JUDGE, reviewed)
    join(site)
    assert told(site)["people"]["truth"] == "reviewed"
    assert told(site)["addresses"]["truth"] == ""
    assert rate(site, "precision", "truth", agency="hospitals")["value"] == 0.89  # 16 of 18
    assert rate(site, "recall", "estimated", agency="hospitals") == estimated
    assert {p.name: p.read_bytes() for p in site.data.glob("*.parquet")} == extracts


@pytest.mark.parametrize(
    ("fault", "words"), [("stranger", "1 of 83"), ("twice", "1 are named twice")]
)
def test_a_sample_of_other_records_is_refused(
    site: Site, tmp_path: Path, fault: str, words: str
) -> None:
    all_of(site)
    path = sample(site, tmp_path / "reviewed.parquet", fault)
    with duckdb.connect() as con, pytest.raises(CustodyError, match=words) as refused:
        judge_kept(site.spec, site.places, con, JUDGE, read_reviewed(path))
    assert refused.value.code == "RS1617"


def test_a_sample_from_before_a_hand_over_is_refused_after_it(site: Site, tmp_path: Path) -> None:
    all_of(site)
    reviewed = read_reviewed(sample(site, tmp_path / "reviewed.parquet"))
    site.split()
    with pytest.raises(CustodyError, match="82 of 82") as refused:
        link_it(site, reviewed)
    assert refused.value.code == "RS1617"
    assert not site.places.links("icb").exists()


# -- what may be told ----------------------------------------------------------------------------


def test_links_that_come_without_a_word_leave_nothing_known(site: Site) -> None:
    assert told(all_of(site))
    site.split()
    link_it(site)
    (site.places.of(Keeper.LINKER, "for_analyst") / NAME).unlink()
    assert told(join(site)) == {}


def test_a_word_on_links_of_another_project_is_refused(site: Site) -> None:
    site.split()
    link_it(site)
    path = site.places.of(Keeper.LINKER, "for_analyst") / NAME
    path.write_text(path.read_text().replace('"project": "trial"', '"project": "other"'))
    with pytest.raises(CustodyError) as refused:
        join(site)
    assert refused.value.code == "RS1610"


def test_nothing_is_told_of_few_records() -> None:
    for n in (0, 1, 7, 9, 10, 1234):
        row = shown(LinkRate("recall", "truth", "all", "sex", "female", wilson_interval(n, n)))
        if POLICY.shows(n):
            assert row["value"] == 1.0
            assert row["n"] % POLICY.base == 0
        else:
            assert (row["value"], row["low"], row["high"], row["n"]) == (None,) * 4


def test_every_count_the_linker_tells_is_rounded(site: Site) -> None:
    counts: list[int | None] = []
    for domain in told(all_of(site)).values():
        counts += [*domain["records"].values(), domain["entities"]]
        counts += [n for bands in domain["bands"].values() for n in bands.values()]
        counts += [row["n"] for row in domain["rates"]]
    known = [count for count in counts if count is not None]
    assert known
    assert all(count >= POLICY.threshold and count % POLICY.base == 0 for count in known)


def test_where_nobody_knows_a_day_nothing_is_told_by_age(site: Site) -> None:
    judge = replace(JUDGE, day=None)
    site.split()
    key = keyring(site.spec, site.places, Domain.PERSON).key
    linkers = LINKERS | {Domain.PERSON: doubting}
    with duckdb.connect() as con:
        counts = link(site.spec, site.places, con, key, linkers=linkers, judge=judge)
    assert {row["group"] for row in counts.quality["people"]["rates"]} == {"all", "sex"}


# -- the commands --------------------------------------------------------------------------------


def test_the_commands_say_how_good_the_links_are(site: Site, truth: Path, tmp_path: Path) -> None:
    desk = Desk(site)
    linkage = LINKAGE.replace("blocking", WITH_SEX).replace(
        "fields:", "population: icb\nfields:", 1
    )
    (site.root / "configs/linkage/trial.yaml").write_text(linkage, encoding="utf-8")
    path = tmp_path / "reviewed.parquet"
    pq.write_table(pa.table({"record_key": ["0" * 32], "person": ["x"]}), path)
    early = desk.work("link", "--truth", path)
    assert (early.code, "RS1614" in early.err) == (16, True)
    assert desk.work("all", "--truth", tmp_path / "nowhere").code == 2
    said = desk.work("all", "--truth", truth)
    assert said.code == 0, said.err
    assert "people of hospitals: found 0.9" in said.err
    assert rate(site, "recall", "truth", agency="hospitals")["n"] == 20
    assert rate(site, "recall", "estimated", group="sex", level="female")["value"] is not None
    later = desk.work("link", "--truth", sample(site, path, "wrong"))
    assert later.code == 0, later.err
    assert "held against the sample" in later.err
    assert desk.work("join").code == 0
    assert told(site)["people"]["truth"] == "reviewed"
    ledger = (site.root / "custody/linker/log/ledger.jsonl").read_text(encoding="utf-8")
    assert '"what": "review"' in ledger
    assert '"rates"' not in ledger


def test_the_widest_gap_between_groups_is_said() -> None:
    def row(measure: str, group: str, level: str, value: float) -> dict[str, Any]:
        named = {"measure": measure, "basis": "truth", "agency": "all", "group": group}
        return named | {"level": level, "value": value, "low": 0.9, "high": 1.0, "n": 500}

    rates = [
        row("pair_recall", "all", "all", 0.97),
        row("pair_precision", "all", "all", 0.99),
        *(row("pair_recall", "ethnicity", *each) for each in (("white", 0.98), ("black", 0.93))),
    ]
    found = list(said_quality({"people": {"truth": "handed_over", "rates": rates}}))
    assert found == [
        "people without a number: found 0.970 (0.900 to 1.000), right 0.990 (0.900 to 1.000) of "
        "500 pairs",
        "  by ethnicity: from black 0.930 (0.900 to 1.000) to white 0.980 (0.900 to 1.000), a gap "
        "of 0.050",
    ]
