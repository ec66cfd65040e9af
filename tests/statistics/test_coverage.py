"""Intervals that draw whole households hold the truth 95 times in 100; those that draw rows do not.

The counties are those of ``benchmarks/interval_coverage.py``, which prints the same for more.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "interval_coverage.py"


@pytest.fixture(scope="module")
def simulation():
    spec = importlib.util.spec_from_file_location("coverage_of_intervals", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def covered(simulation, samples, households, replicates):
    true = simulation.truth(households=60_000)
    found = simulation.coverage(samples, households, replicates, true)
    return {name: (clustered, rows) for name, clustered, rows in found}


def test_drawing_households_covers_and_drawing_rows_does_not(simulation):
    found = covered(simulation, samples=40, households=200, replicates=80)
    clustered, rows = np.mean(list(found.values()), axis=0)
    assert clustered > 0.9
    assert rows < clustered - 0.05
    by_household, by_row = found["prevalence"]
    assert by_household > 0.85
    assert by_row < 0.85


@pytest.mark.slow
def test_every_interval_of_the_audit_covers_at_its_rate(simulation):
    found = covered(simulation, samples=400, households=500, replicates=300)
    for name, (clustered, _) in found.items():
        # 400 samples tell a coverage to within two points; small samples cost a percentile
        # interval one or two more.
        # Those to which noise can only add cover at least as often.
        most = 1.01 if name in simulation.FOLDED else 0.985
        assert 0.91 < clustered < most, (name, clustered)
    short = [name for name, (_, rows) in found.items() if rows < 0.90]
    assert len(short) >= 8, found
    assert found["prevalence"][1] < 0.88


def test_where_rows_are_independent_both_ways_agree(simulation):
    rng = np.random.default_rng(5)
    sample = simulation.county(2_000, rng, alike=0.0)
    both = [simulation.measure(sample, 200, 1, by_row=by_row) for by_row in (False, True)]
    for name in ("prevalence", "auroc", "calibration curve at 15%"):
        clustered, rows = (one[name].high - one[name].low for one in both)
        assert rows == pytest.approx(clustered, rel=0.2), name
