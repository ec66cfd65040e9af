"""Solve rates.INTERCEPTS so that emergency rates by age and deprivation match NEW Devon.

Run `python -m riskstrat.synthetic.calibrate` after changing any other rate, and paste the result.
"""

from __future__ import annotations

import sys

import numpy as np

from riskstrat.synthetic import rates
from riskstrat.synthetic.areas import make_areas
from riskstrat.synthetic.frames import FloatArray
from riskstrat.synthetic.need import age_band
from riskstrat.synthetic.world import make_world

PEOPLE, SEED, ROUNDS = 25_000, 7, 4


def expected_rates(blocks: int) -> FloatArray:
    """True emergency admissions per 1,000 (deaths without admission left out), (5, 5)."""
    areas = make_areas(PEOPLE * blocks, SEED)
    total, people = np.zeros((5, 5)), np.zeros((5, 5))
    for block in range(blocks):
        panel = make_world(areas, PEOPLE, SEED, block).history.panel
        kept = panel.registered & (panel.year >= 2016)
        death = np.interp(panel.age, rates.DEATH_KNOTS, rates.DEATH_SHARE)
        death = np.minimum(death * np.exp(0.2 * panel.band), 0.75)
        admitted = panel.risk * (1 - rates.DEATH_WITHOUT_ADMISSION * death)
        cell = (age_band(panel.age)[kept], (panel.decile[kept] - 1) // 2)
        np.add.at(total, cell, admitted[kept])
        np.add.at(people, cell, 1)
    return 1000 * total / people


def solve(blocks: int) -> FloatArray:
    """Move each cell's intercept by its error in log-odds, a few times over."""
    aim = rates.EMERGENCY_PER_1000 / 1000
    for _ in range(ROUNDS):
        got = expected_rates(blocks) / 1000
        slope = 1.15  # a rise in risk spreads beyond its cell through prior admissions
        rates.INTERCEPTS += (np.log(aim / (1 - aim)) - np.log(got / (1 - got))) / slope * 1.1
        sys.stderr.write(f"largest relative error {np.abs(got / aim - 1).max():.3f}\n")
    return rates.INTERCEPTS


if __name__ == "__main__":
    sys.stdout.write(np.array2string(solve(4), precision=3, separator=", ") + "\n")
