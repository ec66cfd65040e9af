"""Groups: Fairlearn's values, the same replicates, and no level ever missing."""

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import (
    MetricFrame,
    count,
    false_negative_rate,
    false_positive_rate,
    selection_rate,
    true_positive_rate,
)
from sklearn.metrics import brier_score_loss, precision_score, roc_auc_score

from riskstrat import statistics as rs
from riskstrat.statistics import Cut, group_counts, group_kernel
from riskstrat.statistics.cuts import choose_reference, find_levels
from riskstrat.statistics.resample import find_clusters


def county(n=600, seed=0):
    rng = np.random.default_rng(seed)
    household = rng.integers(0, 250, n)
    x = -1 + rng.normal(size=250)[household] + rng.normal(size=n)
    y = rng.random(n) < 1 / (1 + np.exp(-x))
    raw = np.round(x + rng.normal(size=n), 1)
    sex = rng.choice(["female", "male"], n)
    area = rng.choice(["north", "south", "west"], n, p=[0.6, 0.3, 0.1])
    return y, 1 / (1 + np.exp(0.7 - 0.6 * raw)), raw, household, {"sex": sex, "area": area}


def groups_of(found, cut):
    return {(g.attribute, g.level): g for g in found.groups if g.cut == cut}


def run(y, risk, groups, cuts, **more):
    options = {"replicates": 0, "rng": np.random.default_rng(0)} | more
    return rs.evaluate_groups(y, risk, groups, cuts, **options)


def test_rates_by_group_are_fairlearns():
    y, risk, _, _, groups = county()
    found = groups_of(run(y, risk, groups, [Cut.at_least(0.4)]), "risk >= 0.4")
    names = {
        "selection_rate": selection_rate,
        "sensitivity": true_positive_rate,
        "false_positive_rate": false_positive_rate,
        "false_negative_rate": false_negative_rate,
        "ppv": precision_score,
        "n": count,
    }
    for attribute, values in groups.items():
        frame = MetricFrame(metrics=names, y_true=y, y_pred=risk >= 0.4, sensitive_features=values)
        for level, row in frame.by_group.iterrows():
            one = found[attribute, level]
            assert one.n == row["n"]
            for name in names.keys() - {"n"}:
                assert one.metrics[name].value == pytest.approx(row[name], abs=1e-12)


def test_accuracy_by_group_is_scikit_learns():
    y, risk, raw, _, groups = county()
    found = groups_of(run(y, risk, groups, [], ranking=raw), None)
    for (attribute, level), one in found.items():
        here = groups[attribute] == level
        assert one.metrics["auroc"].value == pytest.approx(
            roc_auc_score(y[here], raw[here]), abs=1e-12
        )
        assert one.metrics["brier"].value == pytest.approx(
            brier_score_loss(y[here], risk[here]), abs=1e-12
        )
        assert one.metrics["calibration_slope"].value == pytest.approx(
            rs.calibration_slope(y[here], risk[here]), abs=1e-9
        )
        assert (one.n, one.positives) == (here.sum(), y[here].sum())


def test_groups_at_a_share_add_up_to_the_share():
    y, risk, raw, _, groups = county()
    found = groups_of(run(y, risk, groups, [Cut.top(0.1)], ranking=raw), "top 10%")
    for attribute in groups:
        selected = [g.selected for (a, _), g in found.items() if a == attribute]
        assert sum(selected) == pytest.approx(60)


def slow_rates(y, selected):
    """Rates under fractional selection; NaN for 0/0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        false, missed = (selected * ~y).sum() / (~y).sum(), ((1 - selected) * y).sum() / y.sum()
        return {
            "selection_rate": selected.mean(),
            "ppv": (selected * y).sum() / selected.sum(),
            "sensitivity": 1 - missed,
            "specificity": 1 - false,
            "false_positive_rate": false,
            "false_negative_rate": missed,
        }


def slow_selection(score, share):
    k = max(1, int(np.floor(np.round(share * len(score), 9) + 0.5)))
    cut = np.sort(score)[::-1][k - 1]
    tied = score == cut
    return (score > cut) + tied * (k - (score > cut).sum()) / tied.sum()


def test_intervals_of_groups_and_ratios_equal_repeating_rows():
    y, risk, raw, household, groups = county(n=300)
    other = np.round(raw + np.random.default_rng(5).normal(size=300))
    cuts = [Cut.top(0.2), Cut.top(0.1, score="other"), Cut.at_least(1, score="other")]
    found = run(
        y, risk, groups, cuts, ranking=raw, scores={"other": other}, clusters=household,
        replicates=60, rng=np.random.default_rng(9), references={"area": "south"},
    )  # fmt: skip
    codes = np.unique(household, return_inverse=True)[1]
    draws = rs.cluster_weights(codes.max() + 1, 60, np.random.default_rng(9), chunk=60)
    slow = {}
    for weights in next(iter(draws)):
        rows = np.repeat(np.arange(300), weights[codes].astype(int))
        chosen = {
            "top 20%": slow_selection(raw[rows], 0.2),
            "top 10% by other": slow_selection(other[rows], 0.1),
            "other >= 1": (other[rows] >= 1).astype(float),
        }
        for cut, selected in chosen.items():
            for level in ("north", "south", "west"):
                here = groups["area"][rows] == level
                for name, value in slow_rates(y[rows][here], selected[here]).items():
                    slow.setdefault((cut, level, name), []).append(value)
    slow = {key: np.array(values) for key, values in slow.items()}

    def limits(values):
        return tuple(np.quantile(values[np.isfinite(values)], [0.025, 0.975]))

    for cut in chosen:
        for (attribute, level), one in groups_of(found, cut).items():
            if attribute == "area":
                for name, e in one.metrics.items():
                    assert (e.low, e.high) == pytest.approx(
                        limits(slow[cut, level, name]), abs=1e-9
                    )
        for one in found.disparities:
            if (one.attribute, one.cut) == ("area", cut):
                assert one.reference == "south"
                for name in rs.RATES:
                    here, there = slow[cut, one.level, name], slow[cut, "south", name]
                    e = one.metrics[f"{name}_difference"]
                    assert (e.low, e.high) == pytest.approx(limits(here - there), abs=1e-9)
                    e = one.metrics[f"{name}_ratio"]
                    if np.isfinite(e.low):
                        ratio = here / np.where(there == 0, np.nan, there)
                        assert (e.low, e.high) == pytest.approx(limits(ratio), abs=1e-9)
        worst = found.extreme("selection_rate_ratio", "area", cut)
        both = [slow[cut, x, "selection_rate"] for x in ("north", "west")]
        ratio = np.min(both, axis=0) / slow[cut, "south", "selection_rate"]
        assert worst.levels == ("north", "west")
        assert (worst.smallest.low, worst.smallest.high) == pytest.approx(limits(ratio), abs=1e-9)


def test_overall_is_the_group_of_everyone():
    y, risk, raw, household, _ = county()
    one = rs.evaluate(
        y, risk, ranking=raw, clusters=household, shares=[0.1], replicates=50,
        rng=np.random.default_rng(4),
    )  # fmt: skip
    everyone = run(
        y, risk, {"all": np.full(len(y), "all")}, [Cut.top(0.1)], ranking=raw,
        clusters=household, replicates=50, rng=np.random.default_rng(4),
    )  # fmt: skip
    group = groups_of(everyone, "top 10%")["all", "all"]
    assert group.metrics["ppv"] == one.at_capacity[0].ppv
    assert group.metrics["sensitivity"] == one.at_capacity[0].sensitivity
    scores = groups_of(everyone, None)["all", "all"].metrics
    assert scores["auroc"] == one.metrics["auroc"]
    for name in ("brier", "calibration_slope", "calibration_in_the_large"):
        assert scores[name].value == pytest.approx(one.metrics[name].value, abs=1e-12)
        assert scores[name].low == pytest.approx(one.metrics[name].low, abs=1e-9)


def test_levels_never_vanish():
    y, risk, _, household, _ = county()
    ethnicity = np.full(600, "A", dtype=object)
    ethnicity[:40] = None
    ethnicity[40:45] = float("nan")
    ethnicity[45:47] = "  "
    ethnicity[47] = pd.NA
    ethnicity[60 + np.flatnonzero(~y[60:120])] = "B"  # nobody in B had the outcome
    found = run(
        y, risk, {"ethnicity": ethnicity}, [Cut.top(0.1)], clusters=household, replicates=50,
        levels={"ethnicity": ["A", "B", "C"]},
    )  # fmt: skip
    one = {level: g for (_, level), g in groups_of(found, "top 10%").items()}
    assert list(one) == ["A", "B", "C", "not recorded"]
    assert one["not recorded"].n == 48
    assert (one["C"].n, one["C"].positives) == (0, 0)
    assert not any(e.estimable for e in one["C"].metrics.values())
    assert one["B"].positives == 0
    assert not one["B"].metrics["sensitivity"].estimable
    assert one["B"].metrics["selection_rate"].estimable
    worst = found.extreme("sensitivity_ratio", "ethnicity", "top 10%")
    assert set(worst.left_out) >= {"B", "C"}
    assert {row[1] for row in found.long_rows()} == set(one)


def test_the_reference_is_the_largest_recorded_level_unless_named():
    values = np.array([None] * 5 + ["b"] * 3 + ["a"] * 3, dtype=object)
    levels = find_levels("x", values)
    assert choose_reference(levels, None) == "a"
    assert choose_reference(levels, "b") == "b"
    assert choose_reference(find_levels("x", values[:5]), None) == "not recorded"
    with pytest.raises(rs.NotEstimable, match="reference level of x 'z'"):
        choose_reference(levels, "z")


def test_codes_may_be_numbers_and_missing_scores_are_not_selected():
    y, risk, raw, _, _ = county()
    score = raw.copy()
    score[:100] = np.nan
    found = run(
        y, risk, {"decile": np.arange(600) % 10}, [Cut.at_least(-99, score="old")],
        scores={"old": score},
    )  # fmt: skip
    assert sum(g.selected for g in groups_of(found, "old >= -99").values()) == 500
    with pytest.raises(rs.NotEstimable, match="old is missing"):
        run(y, risk, {"d": np.arange(600) % 2}, [Cut.top(0.1, score="old")], scores={"old": score})


def test_the_reference_against_itself_is_one():
    y, risk, _, household, groups = county()
    found = run(y, risk, groups, [Cut.top(0.1)], clusters=household, replicates=40)
    for one in found.disparities:
        if one.level == one.reference:
            assert one.metrics.keys() == {
                f"{m}_{kind}"
                for m in (rs.SCORES if one.cut is None else rs.RATES)
                for kind in ("ratio", "difference")
            }
            for name, e in one.metrics.items():
                wanted = 1.0 if name.endswith("_ratio") else 0.0
                assert (e.value, e.low, e.high) == (wanted, wanted, wanted)


def test_a_planted_disparity_is_found_with_an_interval_that_excludes_one():
    rng = np.random.default_rng(1)
    group = rng.choice(["a", "b"], 4000, p=[0.7, 0.3])
    risk = rng.uniform(size=4000)
    y = rng.random(4000) < risk
    shown = np.where(group == "b", risk * 0.6, risk)
    found = run(y, shown, {"g": group}, [Cut.top(0.3)], replicates=200)
    worst = found.extreme("sensitivity_ratio", "g", "top 30%")
    assert (worst.smallest_level, worst.reference) == ("b", "a")
    assert worst.smallest.high < 0.6


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Cut.top(0), "share"),
        (lambda: Cut.at_least(np.nan), "finite"),
        (lambda: Cut("x", "risk"), "not both"),
    ],
)
def test_a_cut_that_means_nothing_is_refused(make, says):
    with pytest.raises(rs.NotEstimable, match=says):
        make()


def test_cuts_are_checked_against_the_scores_and_each_other():
    y, risk, _, _, groups = county()
    with pytest.raises(rs.NotEstimable, match="unknown score"):
        run(y, risk, groups, [Cut.at_least(3, score="parr")])
    with pytest.raises(rs.NotEstimable, match="different name"):
        run(y, risk, groups, [Cut.top(0.1), Cut.top(0.1)])
    with pytest.raises(rs.NotEstimable, match="lengths differ"):
        run(y, risk, {"sex": groups["sex"][:5]}, [])


def test_a_reference_with_too_few_rows_leaves_no_extreme():
    y, risk, _, _, groups = county()
    small = {"area": np.where(np.arange(600) < 20, "tiny", groups["area"])}
    found = run(y, risk, small, [Cut.top(0.5)], references={"area": "tiny"}, enough=30)
    worst = found.extreme("selection_rate_ratio", "area", "top 50%")
    assert worst.levels == ()
    assert not worst.smallest.estimable


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("probability", [True, False])
def test_the_compiled_pass_gives_what_the_plain_one_gives(monkeypatch, tied, probability):
    rng = np.random.default_rng(3)
    n = 1200
    risk = rng.beta(1, 8, n)
    risk = np.round(risk, 2) if tied else risk
    y = rng.random(n) < risk
    groups = {
        "area": rng.choice(["a", "b", "c"], n, p=[0.7, 0.25, 0.05]),
        "sex": rng.choice(["x", "y"], n),
    }
    groups["area"][:30] = "tiny"  # nobody in it had the outcome
    y[:30] = False
    cuts = [Cut.top(0.01), Cut.top(0.2), Cut.at_least(0.1), Cut.at_least(0.5, score="other")]
    more = {
        "ranking": risk, "scores": {"other": rng.normal(size=n)}, "replicates": 40,
        "clusters": rng.integers(0, n // 2, n), "score_is_probability": probability,
    }  # fmt: skip
    plain = run(y, risk if probability else 50 * risk, groups, cuts, **more)
    monkeypatch.setattr(group_kernel, "LARGE", 1)
    more["rng"] = np.random.default_rng(0)
    compiled = run(y, risk if probability else 50 * risk, groups, cuts, **more)
    for ours, theirs in zip(compiled.long_rows(), plain.long_rows(), strict=True):
        assert ours[:4] == theirs[:4]
        for part in ("value", "low", "high", "n"):
            one, other = getattr(ours[4], part), getattr(theirs[4], part)
            assert one == pytest.approx(other, abs=1e-12, nan_ok=True), (ours[:4], part)


def test_steps_of_log_odds_move_no_limit_of_a_slope(monkeypatch):
    y, _, _, household, groups = county(n=4000)
    risk = np.clip(np.random.default_rng(2).beta(2, 4, 4000) + 0.2 * y, 0.01, 0.99)
    more = {"clusters": household, "replicates": 60}
    plain = run(y, risk, groups, [], **more)
    monkeypatch.setattr(group_kernel, "LARGE", 1)
    monkeypatch.setattr(group_counts, "BINS", 256)
    stepped = run(y, risk, groups, [], rng=np.random.default_rng(0), **more)
    for ours, theirs in zip(stepped.long_rows(), plain.long_rows(), strict=True):
        if ours[3] == "calibration_slope":
            width = theirs[4].high - theirs[4].low
            assert ours[4].value == pytest.approx(theirs[4].value, abs=1e-12)
            assert abs(ours[4].low - theirs[4].low) < 0.02 * width
            assert abs(ours[4].high - theirs[4].high) < 0.02 * width


def test_any_number_of_threads_gives_the_same_draws():
    y, risk, _, household, groups = county()
    levels = [level for name, values in groups.items() for level in find_levels(name, values)]
    counts = group_kernel.GroupCounts(y, risk, {"ranking": risk}, (Cut.top(0.1),))
    who = find_clusters(household, len(y))
    one, three = (
        group_counts.count_replicates(counts, levels, who, 20, np.random.default_rng(1), workers)
        for workers in (1, 3)
    )
    for key, draws in one.draws.items():
        assert np.array_equal(draws, three.draws[key], equal_nan=True)


def test_nobody_with_the_outcome_is_no_proof_that_nobody_will_have_it():
    y, risk, _, household, groups = county()
    groups["area"][:30] = "tiny"
    y[:30] = False
    found = run(y, risk, groups, [Cut.top(0.2)], clusters=household, replicates=200)
    ratio = groups_of(found, None)["area", "tiny"].metrics["calibration_in_the_large"]
    assert (ratio.value, ratio.low) == (0, 0)
    assert ratio.high == pytest.approx(rs.wilson_interval(0, 30).high / risk[:30].mean())
