"""The quick weighted bootstrap against a slow one that repeats rows and starts again."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from riskstrat import statistics as rs
from riskstrat.statistics import overall, resample
from riskstrat.statistics.capacity import plan_capacities

SHARES = (0.02, 0.15, 0.5)
REPLICATES = 40


def county(n=240, households=90, seed=0, steps=None):
    """People in households that share risk; ``steps`` makes an isotonic-like, tied risk."""
    rng = np.random.default_rng(seed)
    household = rng.integers(0, households, n)
    x = -1.5 + rng.normal(size=households)[household] + rng.normal(size=n)
    y = rng.random(n) < 1 / (1 + np.exp(-x))
    raw = np.round(x + rng.normal(size=n), 1)
    risk = 1 / (1 + np.exp(0.7 - 0.6 * raw))
    if steps:
        risk = np.round(risk * steps) / steps
    return y, risk, raw, household


def naive_capacity(y, ranking, share, threshold):
    """Average over random orders of tied people, by arithmetic on the sorted list."""
    k = max(1, int(np.floor(np.round(share * len(y), 9) + 0.5)))
    cut = np.sort(ranking)[::-1][k - 1]
    above, tied = ranking > cut, ranking == cut
    found = y[above].sum() + (k - above.sum()) * y[tied].mean()
    wrong, n, positives = k - found, len(y), y.sum()
    return {
        "ppv": found / k,
        "sensitivity": found / positives,
        "specificity": 1 - wrong / (n - positives),
        "lift": found / k / y.mean(),
        "net_benefit": (found - wrong * threshold / (1 - threshold)) / n,
    }


def naive_ece(y, p):
    """Each person cut in ten equal pieces, so that bins always divide evenly; ties averaged."""
    values, code = np.unique(p, return_inverse=True)
    share = np.bincount(code, weights=y) / np.bincount(code)
    order = np.argsort(p)
    pieces = np.repeat(share[code][order] - p[order], 10)
    assert len(values) > 1
    return np.mean([abs(part.mean()) for part in np.split(pieces, 10)])


def naive(y, risk, ranking, risk_threshold, capacities):
    out = {
        ("overall", "auroc"): roc_auc_score(y, ranking),
        ("overall", "average_precision"): average_precision_score(y, ranking),
        ("overall", "brier"): rs.brier(y, risk),
        ("overall", "log_loss"): rs.log_loss(y, risk),
        ("overall", "calibration_slope"): rs.calibration_slope(y, risk),
        ("overall", "calibration_in_the_large"): rs.calibration_in_the_large(y, risk),
        ("overall", "ece"): naive_ece(y, risk),
        ("overall", "net_benefit"): rs.net_benefit(y, risk, risk_threshold),
    }
    for cut in capacities:
        for name, value in naive_capacity(y, ranking, cut.share, cut.risk_threshold).items():
            out[cut.name, name] = value
    return out


@pytest.mark.parametrize("steps", [None, 12])
@pytest.mark.parametrize("own_ranking", [True, False])
def test_every_replicate_of_every_metric_equals_repeating_rows(steps, own_ranking):
    y, risk, raw, household = county(steps=steps)
    ranking = raw if own_ranking else risk
    rows = overall.prepare(y, risk, raw if own_ranking else None, household, True, None)
    plan = plan_capacities(SHARES, rows.by_ranking, risk, probability=True)
    quick = overall._resample(rows, plan, REPLICATES, np.random.default_rng(7))

    codes = np.unique(household, return_inverse=True)[1]
    draws = rs.cluster_weights(codes.max() + 1, REPLICATES, np.random.default_rng(7), chunk=1)
    slow = []
    for weights in draws:
        repeated = np.repeat(np.arange(len(y)), weights[0, codes].astype(int))
        slow.append(naive(y[repeated], risk[repeated], ranking[repeated], y.mean(), plan.cuts))
    # What a resample adds to the gaps of the bins is no metric: its interval is tested elsewhere.
    assert quick.point[overall.ECE_NOISE] == pytest.approx(0, abs=1e-12)
    assert set(slow[0]) == set(quick.point) - {overall.ECE_NOISE}
    for key in slow[0]:
        values = quick.draws[key]
        np.testing.assert_allclose(values, [one[key] for one in slow], rtol=0, atol=1e-9)
    once = naive(y, risk, ranking, y.mean(), plan.cuts)
    for key in slow[0]:
        value = quick.point[key]
        assert value == pytest.approx(once[key], abs=1e-12 if "slope" not in key[1] else 1e-9)


def test_limits_are_the_percentiles_of_those_replicates():
    y, risk, _, household = county()
    found = rs.evaluate(
        y, risk, clusters=household, replicates=200, rng=np.random.default_rng(1)
    ).metrics["brier"]
    codes = np.unique(household, return_inverse=True)[1]
    weights = rs.cluster_weights(codes.max() + 1, 200, np.random.default_rng(1), chunk=200)
    w = next(iter(weights))[:, codes]
    expected = np.quantile((w @ (risk - y) ** 2) / w.sum(axis=1), [0.025, 0.975])
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=1e-12)


def test_the_same_seed_gives_the_same_evaluation_whatever_the_chunks(monkeypatch):
    y, risk, raw, household = county(steps=12)

    def run():
        return rs.evaluate(
            y, risk, ranking=raw, clusters=household, shares=SHARES, replicates=60,
            rng=np.random.default_rng(2),
        )  # fmt: skip

    first = run()
    assert run() == first
    monkeypatch.setattr(resample, "CHUNK_CELLS", 700)
    again = run()
    for name, estimate in first.metrics.items():
        other = again.metrics[name]
        assert (other.low, other.high) == pytest.approx((estimate.low, estimate.high), abs=1e-9)


def test_drawing_in_other_chunks_draws_the_same():
    for n in (5, 70_000):
        one = np.vstack(list(rs.cluster_weights(n, 7, np.random.default_rng(3), chunk=7)))
        many = np.vstack(list(rs.cluster_weights(n, 7, np.random.default_rng(3), chunk=2)))
        assert (one == many).all()
        assert (one.sum(axis=1) == n).all()


def test_labels_of_clusters_do_not_matter_and_their_names_may_be_text():
    y, risk, _, household = county()

    def run(clusters):
        return rs.evaluate(y, risk, clusters=clusters, replicates=50, rng=np.random.default_rng(0))

    assert run(household) == run(np.array([f"h{h:04d}" for h in household], dtype=object))


def test_one_cluster_gives_values_without_limits():
    y, risk, _, _ = county()
    found = rs.evaluate(
        y, risk, clusters=np.zeros(len(y), dtype=int), shares=[0.1], rng=np.random.default_rng(0)
    )
    assert found.metrics["auroc"].estimable
    assert np.isnan(found.metrics["auroc"].low)


def test_a_published_score_is_ranked_but_not_called_a_probability():
    y, _, raw, household = county()
    found = rs.evaluate(
        y, raw, clusters=household, shares=[0.1], score_is_probability=False, replicates=50,
        rng=np.random.default_rng(0),
    )  # fmt: skip
    assert set(found.metrics) == set(rs.METRICS)
    assert {name for name, e in found.metrics.items() if e.estimable} == set(rs.RANKING_METRICS)
    assert np.isnan(found.at_capacity[0].net_benefit.value)
    assert found.at_capacity[0].ppv.estimable


@pytest.mark.parametrize("y", [[True] * 5, [False] * 5, []])
def test_one_class_or_nobody_cannot_be_evaluated(y):
    with pytest.raises(rs.NotEstimable, match="to fix"):
        rs.evaluate(np.array(y), np.full(len(y), 0.5), rng=np.random.default_rng(0))


def test_clustered_intervals_cover_where_row_intervals_do_not():
    """Households of four with one risk and one outcome: the sample is a quarter of its rows."""
    truth, covered, studies = 0.3, {"clustered": 0, "rows": 0}, 150
    for seed in range(studies):
        rng = np.random.default_rng(seed)
        household = np.repeat(np.arange(75), 4)
        risk = np.repeat(rng.choice([0.15, 0.25, 0.35, 0.45], 75), 4)
        y = np.repeat(rng.random(75), 4) < risk
        for name, clusters in (("clustered", household), ("rows", None)):
            found = rs.evaluate(
                y, risk, clusters=clusters, replicates=200, rng=np.random.default_rng(seed)
            ).metrics["calibration_in_the_large"]
            covered[name] += found.low <= 1.0 <= found.high
    assert truth == pytest.approx(np.mean([0.15, 0.25, 0.35, 0.45]))
    assert covered["clustered"] / studies > 0.88
    assert covered["rows"] / studies < 0.75
