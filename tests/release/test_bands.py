"""Ranks and bands: as many as the study asks, ties by lot and told."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskstrat.errors import ReleaseRefused
from riskstrat.release.bands import REST, band_scores, edges, places

DAY = date(2024, 4, 1)
BANDS = {"very_high": 0.005, "high": 0.05, "moderate": 0.20}


def scores(values):
    n = len(values)
    return pa.table(
        {
            "unit_id": [f"u{i:05}" for i in range(n)],
            "as_of": pa.array([DAY] * n, pa.date32()),
            "raw_score": pa.array(values, pa.float64()),
            "risk": pa.array(np.clip(values, 0, 1), pa.float64()),
        }
    )


def test_bands_are_cut_from_the_top():
    banded = band_scores(scores(np.linspace(0, 1, 200)), BANDS, key="k")
    assert banded["rank"].to_pylist() == list(range(1, 201))
    assert banded["unit_id"][0].as_py() == "u00199"
    counts = {row["values"]: row["counts"] for row in banded["band"].value_counts().to_pylist()}
    assert counts == {"very_high": 1, "high": 9, "moderate": 30, REST: 160}


def test_a_tie_at_a_cut_is_marked_and_counted():
    values = [0.9] * 4 + [0.5] * 10 + [0.1] * 6
    banded = band_scores(scores(values), {"high": 0.5}, key="k")
    [edge] = edges(banded, {"high": 0.5})
    assert (edge.places, edge.tied_in, edge.tied_out, edge.score) == (10, 6, 4, 0.5)
    tied = [row["raw_score"] for row in banded.to_pylist() if row["tied"]]
    assert tied == [0.5] * 10


def test_a_cut_between_two_scores_ties_nobody():
    banded = band_scores(scores([0.9, 0.8, 0.2, 0.1]), {"high": 0.5}, key="k")
    [edge] = edges(banded, {"high": 0.5})
    assert (edge.tied_in, edge.tied_out) == (0, 0)
    assert not any(banded["tied"].to_pylist())


def test_lots_differ_between_studies_and_not_between_runs():
    flat = scores([0.5] * 200)
    chosen = [
        tuple(band_scores(flat, {"high": 0.1}, key=key)["unit_id"].to_pylist()[:20])
        for key in ("one", "one", "other")
    ]
    assert chosen[0] == chosen[1] != chosen[2]


def test_the_order_of_rows_does_not_matter():
    table = scores([0.5, 0.5, 0.7, 0.2, 0.5])
    turned = table.take(pa.array([4, 2, 0, 3, 1]))
    assert band_scores(table, BANDS, key="k").equals(band_scores(turned, BANDS, key="k"))


def test_a_missing_score_is_refused_with_its_count():
    with pytest.raises(ReleaseRefused, match="1 of 2 people have no score"):
        band_scores(scores([0.5, float("nan")]), BANDS, key="k")


@given(st.lists(st.sampled_from([0.1, 0.2, 0.2, 0.7, 0.9]), min_size=1, max_size=60))
def test_bands_have_the_sizes_the_study_asks_for(values):
    banded = band_scores(scores(values), BANDS, key="k")
    band = banded["band"].to_pylist()
    listed = 0
    for share in BANDS.values():
        listed = max(listed, places(share, len(values)))
        assert sum(b != REST for b in band[:listed]) == listed
    assert band[listed:] == [REST] * (len(values) - listed)
    score = banded["raw_score"].to_pylist()
    assert score == sorted(score, reverse=True)


@given(st.integers(min_value=1, max_value=10**6))
def test_shares_of_a_cohort_never_shrink(n):
    sizes = [places(share, n) for share in BANDS.values()]
    assert sizes == sorted(sizes) and sizes[0] >= 1 and sizes[-1] <= n
