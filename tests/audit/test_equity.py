"""Beyond rates: curves, worth, comparisons, trade-offs, proxies, unrecorded need, leaks."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskstrat.audit.benefit import EVERYBODY, NOBODY, net_benefits
from riskstrat.audit.calibration_curves import DRAWN, TOO_FEW, calibration_curves
from riskstrat.audit.comparisons import check_comparisons, comparisons
from riskstrat.audit.equity import check_group_calibration
from riskstrat.audit.fairness import fairness, fairness_of
from riskstrat.audit.label_bias import check_label_bias, need_at_equal_risk
from riskstrat.audit.leaks import check_leaks
from riskstrat.audit.people import people_of
from riskstrat.audit.proxies import check_proxies, proxies
from riskstrat.audit.spec import AuditSpec
from riskstrat.audit.tested import read_tested
from riskstrat.audit.tradeoffs import (
    check_tradeoffs,
    implied_false_positive_rate,
    tradeoffs,
)
from riskstrat.risk_model import RiskModel
from riskstrat.statistics.points import net_benefit
from riskstrat.vocabulary import FeatureColumn, FeatureKind, Severity

DAY = date(2024, 4, 1)
N = 2_400


def county(seed=0, n=N):
    """Outcome, risk, and groups: `south` has more outcomes, `tiny` ten people."""
    rng = np.random.default_rng(seed)
    place = rng.choice(["north", "south"], n, p=[0.7, 0.3])
    place[:10] = "tiny"
    sex = rng.choice(["female", "male"], n)
    risk = np.clip(rng.beta(2, 6, n) + 0.12 * (place == "south"), 0.01, 0.95)
    return rng.random(n) < risk, risk, place, sex, rng


def people(y, risk, *, spec, unit=None, **groups):
    units = [f"u{i}" for i in range(len(y))] if unit is None else unit
    keys = {"unit_id": units, "as_of": pa.array([DAY] * len(y), pa.date32())}
    predictions = pa.table(
        keys
        | {
            "outcome": pa.array(y, pa.bool_()),
            "risk": pa.array(risk, pa.float64()),
            "raw_score": pa.array(risk, pa.float64()),
        }
    )
    held = pa.table(keys | {name: pa.array(list(v)) for name, v in groups.items()})
    return people_of(predictions, held, spec), predictions


def features_of(predictions, **columns):
    features = tuple(
        FeatureColumn(name, f"meaning of {name}", FeatureKind.NUMBER, "visits", agency="Agency")
        for name in columns
    )
    model = RiskModel("m", "lightgbm", features, tuple(() for _ in features))
    keys = predictions.select(["unit_id", "as_of"])
    table = pa.table(
        {name: keys[name] for name in keys.column_names}
        | {
            name: pa.array(np.asarray(v, dtype=float), from_pandas=True)
            for name, v in columns.items()
        }
    )
    return read_tested(keys, table, model), model


SPEC = AuditSpec(groups=("place", "sex"), capacity=(0.2,), references={"place": "north"})


def test_an_intersection_is_a_group_and_a_gate_can_name_it():
    y, risk, place, sex, _ = county()
    spec = AuditSpec(groups=("place", "sex"), intersections=(("place", "sex"),))
    found, _ = people(y, risk, spec=spec, place=place, sex=sex)
    assert set(found.levels) == {"everyone", "place", "sex", "place_and_sex"}
    assert {"north + female", "south + male", "tiny + female"} <= set(found.levels["place_and_sex"])
    table = fairness_of(found, spec, replicates=10)
    levels = {r["level"] for r in table.to_pylist() if r["group"] == "place_and_sex"}
    assert levels == set(found.levels["place_and_sex"])


def test_net_benefit_is_that_of_the_formula_and_nobody_is_worth_nothing():
    y, risk, place, sex, _ = county()
    found, _ = people(y, risk, spec=SPEC, place=place, sex=sex)
    table = net_benefits(found, "m", {"rule": np.full(N, y.mean())}, [0.25, 0.4]).to_pylist()
    rows = {(r["group"], r["level"], r["policy"], r["threshold"]): r for r in table}
    for t in (0.25, 0.4):
        assert rows["everyone", "everyone", "m", t]["value"] == pytest.approx(
            net_benefit(y, risk, t)
        )
        here = place == "south"
        assert rows["place", "south", "m", t]["value"] == pytest.approx(
            net_benefit(y[here], risk[here], t)
        )
        assert rows["everyone", "everyone", NOBODY, t]["value"] == 0
        whole, gained = (
            rows["everyone", "everyone", name, t] for name in (EVERYBODY, f"{EVERYBODY}_gained")
        )
        assert whole["selected"] == N
        assert gained["value"] == pytest.approx(net_benefit(y, risk, t) - whole["value"])
        assert gained["low"] < gained["value"] < gained["high"]
    assert len({r["threshold"] for r in table if r["group"] == "everyone"}) > 30


def test_a_score_that_is_no_probability_has_no_net_benefit_and_no_curve():
    y, risk, place, sex, _ = county()
    found, _ = people(y, 100 * risk, spec=SPEC, place=place, sex=sex)
    assert net_benefits(found, "m", {}, [0.2]).num_rows == 0
    assert calibration_curves(found).num_rows == 0


def test_a_curve_for_each_level_with_enough_outcomes_and_a_word_for_the_others():
    y, risk, place, sex, _ = county()
    found, _ = people(y, risk, spec=SPEC, place=place, sex=sex)
    rows = calibration_curves(found).to_pylist()
    status = {(r["group"], r["level"]): r["status"] for r in rows}
    assert status["place", "tiny"] == TOO_FEW
    assert status["place", "north"] == status["everyone", "everyone"] == DRAWN
    north = [r for r in rows if r["level"] == "north"]
    assert all(r["low"] < r["observed"] < r["high"] for r in north)
    assert all(abs(r["observed"] - r["risk"]) < 0.1 for r in north)


def test_comparisons_are_counted_with_what_chance_would_give():
    y, risk, place, sex, _ = county()
    found, _ = people(y, risk, spec=SPEC, place=place, sex=sex)
    table = comparisons(fairness_of(found, SPEC, replicates=100).to_pylist())
    rows = table.to_pylist()
    assert {(r["group"], r["level"]) for r in rows} == {("place", "south"), ("sex", "male")}
    assert all(r["p"] <= r["adjusted"] for r in rows)
    [listed] = [r for r in rows if (r["level"], r["metric"]) == ("south", "selection_rate")]
    assert listed["adjusted"] < 0.01
    [said] = check_comparisons(table)
    assert said.message.startswith(f"{len(rows)} differences")
    assert not list(check_comparisons(table.slice(0, 0)))


@given(rate=st.floats(0.05, 0.6), ppv=st.floats(0.2, 0.95), reach=st.floats(0.05, 0.95))
def test_the_implied_wrong_listing_is_that_of_the_table_of_outcomes(rate, ppv, reach):
    # 1,000 people: those reached are right, and ppv says how many are wrong for each of them.
    right = 1000 * rate * reach
    wrong = right * (1 - ppv) / ppv
    assert implied_false_positive_rate(rate, ppv, reach) == pytest.approx(
        wrong / (1000 * (1 - rate))
    )


def test_where_outcomes_differ_not_all_can_be_equal_and_the_level_is_named():
    y, risk, place, sex, _ = county()
    found, _ = people(y, risk, spec=SPEC, place=place, sex=sex)
    rows = fairness_of(found, SPEC, replicates=100).to_pylist()
    table = tradeoffs(rows, 0.2)
    south = next(r for r in table.to_pylist() if r["level"] == "south")
    assert south["apart"]
    assert south["value"] > south["of_reference"]
    assert south["low"] < south["value"] < south["high"]
    codes = [(f.code, f.group) for f in check_tradeoffs(table)]
    assert codes == [("RS3502", "place: south")]


def test_the_reference_with_its_own_rate_implies_its_own_wrong_listing():
    y, risk, place, sex, _ = county()
    found, _ = people(y, risk, spec=SPEC, place=place, sex=sex)
    rows = fairness_of(found, SPEC, replicates=10).to_pylist()
    own = {
        r["metric"]: r["value"]
        for r in rows
        if (r["group"], r["level"]) == ("place", "north") and r["at"] in (None, "0.2")
    }
    implied = implied_false_positive_rate(own["prevalence"], own["ppv"], own["sensitivity"])
    assert implied == pytest.approx(own["false_positive_rate"])


def test_a_proxy_is_found_by_name_and_the_attribute_itself_set_aside():
    y, risk, place, sex, rng = county()
    found, predictions = people(y, risk, spec=SPEC, place=place, sex=sex)
    columns = {
        "noise": rng.normal(size=N),
        "itself": (place == "south").astype(float),
        "proxy": rng.normal(size=N) + 2.5 * (place == "south"),
    }
    tested, model = features_of(predictions, **columns)
    table = proxies(found, tested, model, {"proxy": 0.4}, ("place", "sex"), seed=1)
    rows = table.to_pylist()
    south = next(r for r in rows if (r["level"], r["rank"]) == ("south", 1))
    assert (south["set_aside"], south["feature"], south["model_share"]) == ("itself", "proxy", 0.4)
    assert south["low"] > 0.9
    male = next(r for r in rows if r["group"] == "sex" and r["rank"] == 1)
    assert male["low"] < 0.5 < male["high"]
    tiny = next(r for r in rows if r["level"] == "tiny")
    assert (tiny["value"], tiny["people"], tiny["rank"]) == (None, 10, 0)
    said = [f for f in check_proxies(table) if f.group]
    assert [f.group for f in said] == ["place: south"]
    assert "most by proxy" in said[0].message
    assert any("itself" in f.message for f in check_proxies(table))
    assert table == proxies(found, tested, model, {"proxy": 0.4}, ("place", "sex"), seed=1)


def test_a_group_recorded_less_than_it_needs_is_named():
    y, risk, place, sex, rng = county()
    spec = AuditSpec(
        groups=("place", "sex"), references={"place": "north"}, label_bias="who comes is counted",
        need={"feature": "medicines", "why": "paid for item by item"},
    )  # fmt: skip
    found, predictions = people(y, risk, spec=spec, place=place, sex=sex)
    need = rng.poisson(8 * risk * np.where(place == "south", 1.6, 1.0))
    tested, _ = features_of(predictions, medicines=need)
    table = need_at_equal_risk(found, spec, tested)
    rows = {r["level"]: r for r in table.to_pylist()}
    assert rows["south"]["low"] < 1.6 < rows["south"]["high"]
    assert rows["male"]["low"] < 1.0 < rows["male"]["high"]
    assert rows["tiny"]["value"] is None
    found_ = list(check_label_bias(spec, table))
    assert [(f.code, f.severity, f.group) for f in found_] == [
        ("RS3504", Severity.INFO, ""),
        ("RS3505", Severity.WARNING, "place: south"),
    ]
    assert "who comes is counted" in found_[0].message


def test_the_largest_group_is_named_too_where_its_need_is_the_one_recorded_less():
    y, risk, place, sex, rng = county()
    spec = AuditSpec(
        groups=("place", "sex"), references={"place": "north"}, label_bias="who comes is counted",
        need={"feature": "medicines", "why": "paid for item by item"},
    )  # fmt: skip
    found, predictions = people(y, risk, spec=spec, place=place, sex=sex)
    need = rng.poisson(8 * risk * np.where(place == "north", 2.0, 1.0))
    tested, _ = features_of(predictions, medicines=need)
    table = need_at_equal_risk(found, spec, tested)
    _, *named = check_label_bias(spec, table)
    assert {f.group for f in named} == {"place: north"}
    assert all(f.low < 2.0 < f.high and f.low > 1.1 for f in named)
    assert "as at level south" in " ".join(f.message for f in named)


def shown(level, low, high):
    return {
        "group": "ethnicity", "level": level, "reference": "white", "marker": "medicines",
        "value": (low + high) / 2, "low": low, "high": high, "n": 900, "people": 900,
        "positives": 90,
    }  # fmt: skip


def test_the_reference_is_under_recorded_only_if_every_other_level_shows_less():
    few, alike = shown("mixed", 0.6, 0.8), shown("asian", 0.95, 1.05)
    untold = {**alike, "level": "other", "value": None, "low": None, "high": None}

    def named(*rows):
        table = pa.Table.from_pylist(list(rows))
        return [f for f in check_label_bias(AuditSpec(label_bias="x"), table) if f.code != "RS3504"]

    [one] = named(alike, few, {**alike, "level": "black"})
    assert (one.severity, one.group, one.high) == (Severity.INFO, "ethnicity: mixed", 0.8)
    assert "not every level does" in one.message
    [all_] = named(few, shown("asian", 0.7, 0.85), untold)
    assert (all_.severity, all_.group) == (Severity.WARNING, "ethnicity: white")
    assert (all_.low, all_.high) == pytest.approx((1 / 0.85, 1 / 0.7))
    assert "as at level asian, and more than at every other level" in all_.message


def test_standardised_need_is_the_slow_sum_over_tenths_of_risk():
    y, risk, place, _, rng = county()
    spec = AuditSpec(
        groups=("place",), need={"feature": "m", "why": "w"}, references={"place": "north"}
    )
    found, predictions = people(y, risk, spec=spec, place=place)
    need = rng.poisson(5 * risk)
    tested, _ = features_of(predictions, m=np.where(rng.random(N) < 0.1, np.nan, need))
    known = np.isfinite(tested.of(np.arange(N))["m"].to_numpy())
    edges = np.quantile(risk, np.arange(1, 10) / 10)
    tenth = np.searchsorted(edges, risk, side="right")
    expected = 0.0
    for t in range(10):
        there = known & (place == "north") & (tenth == t)
        here = known & (place == "south") & (tenth == t)
        expected += here.sum() * need[there].mean()
    row = next(
        r for r in need_at_equal_risk(found, spec, tested).to_pylist() if r["level"] == "south"
    )
    assert row["value"] == pytest.approx(need[known & (place == "south")].sum() / expected)
    assert row["n"] == (known & (place == "south")).sum()


def test_a_study_that_says_nothing_of_its_records_is_told_so():
    spec = AuditSpec()
    [said] = check_label_bias(spec, pa.table({}))
    assert (said.code, said.severity) == ("RS3504", Severity.WARNING)


def test_a_record_made_because_of_the_outcome_is_named_and_honest_features_are_not():
    y, risk, place, sex, rng = county()
    y = rng.random(N) < 0.6 * risk
    found, predictions = people(y, risk, spec=SPEC, place=place, sex=sex)
    honest = rng.poisson(20 * risk)
    tested, model = features_of(
        predictions,
        honest=honest,
        rare=(rng.random(N) < 0.02).astype(float),
        billed=y & (rng.random(N) < 0.3),
        days=np.where(y & (rng.random(N) < 0.9), rng.normal(size=N), np.nan),
    )
    said = {f.where: f for f in check_leaks(found, tested, model, seed=1)}
    assert set(said) == {"billed", "days"}
    assert all(f.code == "RS3506" and f.severity is Severity.WARNING for f in said.values())
    assert said["billed"].value == 1.0


@pytest.mark.parametrize("base", [0.10, 0.32, 0.34, 0.45, 0.6, 0.8])
def test_a_code_of_the_outcome_is_named_however_common_the_outcome_is(base):
    rng = np.random.default_rng(5)
    y = rng.random(6000) < base
    found, predictions = people(y, np.full(6000, 0.3), spec=SPEC, place=["n"] * 6000,
                                sex=["f"] * 6000)  # fmt: skip
    honest = rng.random(6000) < np.where(y, 0.6, 0.3)
    tested, model = features_of(
        predictions, billed=(y & (rng.random(6000) < 0.6)).astype(float), honest=honest * 1.0
    )
    [said] = check_leaks(found, tested, model, seed=1)
    assert (said.where, said.severity) == ("billed", Severity.WARNING)


@pytest.mark.parametrize(("n", "had"), [(400, 30), (400, 390)])
def test_where_leaks_cannot_be_shown_it_is_said_that_they_were_not_looked_for(n, had):
    y = np.arange(n) < had
    rng = np.random.default_rng(5)
    found, predictions = people(y, np.full(n, 0.3), spec=SPEC, place=["n"] * n, sex=["f"] * n)
    tested, model = features_of(predictions, noise=rng.normal(size=n))
    [said] = check_leaks(found, tested, model, seed=1)
    assert (said.where, said.severity) == ("features", Severity.INFO)
    assert "were not looked for" in said.message


def test_a_feature_that_ranks_nearly_everybody_is_named():
    _, risk, place, sex, rng = county()
    y = rng.random(N) < 0.45
    found, predictions = people(y, risk, spec=SPEC, place=place, sex=sex)
    # Everybody with the outcome has it, and too many others for any value to be as good as certain.
    cost = (y | (rng.random(N) < 0.16)).astype(float)
    tested, model = features_of(predictions, cost=cost, other=risk)
    [said] = check_leaks(found, tested, model, seed=1)
    assert said.where == "cost"
    assert "ranks people" in said.message


def test_risks_too_low_for_a_group_are_named():
    y, risk, place, sex, _ = county()
    stated = np.where(place == "south", risk / 2, risk)
    found, _ = people(y, stated, spec=SPEC, place=place, sex=sex)
    rows = fairness_of(found, SPEC, replicates=100).to_pylist()
    [said] = check_group_calibration(rows)
    assert (said.code, said.group) == ("RS3507", "place: south")
    assert "too low" in said.message


def test_fewer_outcomes_than_the_study_asks_for_give_no_verdict():
    y, risk, _, sex, _ = county(n=400)
    spec = AuditSpec(groups=("sex",), min_outcomes=10_000)
    _, predictions = people(y, risk, spec=spec, sex=sex)
    keys = predictions.select(["unit_id", "as_of"])
    table = fairness(predictions, keys.append_column("sex", pa.array(sex)), spec, replicates=5)
    assert {r["verdict"] for r in table.to_pylist()} == {"not_enough_evidence"}
