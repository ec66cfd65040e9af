"""The county's small areas: made-up LSOA codes with a deprivation decile."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from riskstrat.synthetic.frames import BoolArray, IntArray, dates, day, stream, words

PEOPLE_PER_AREA = 1600
QUINTILES = ("q1_most_deprived", "q2", "q3", "q4", "q5_least_deprived")


@dataclass(frozen=True, slots=True)
class Areas:
    """Small areas in order of deprivation, the most deprived first; codes are in another order."""

    codes: pa.Array
    decile: IntArray
    rural: BoolArray
    practices: int
    schools: int

    def __len__(self) -> int:
        return len(self.decile)

    def table(self) -> pa.Table:
        """The `area_deprivation` extract, ordered by area code."""
        published = np.full(len(self), day("2015-09-30"))
        columns = {
            "lsoa_code": self.codes,
            "imd_decile": pa.array(self.decile),
            "imd_quintile": words(QUINTILES, (self.decile - 1) // 2),
            "rural": pa.array(self.rural),
            "published_on": dates(published),
        }
        return pa.table(columns).sort_by("lsoa_code")


def make_areas(people: int, seed: int) -> Areas:
    """About one area for 1,600 people, twenty at least, spread evenly over the ten deciles."""
    rng = stream(seed, 0, "areas")
    count = max(20, round(people / PEOPLE_PER_AREA))
    decile = 1 + (np.arange(count) * 10) // count
    numbers = rng.permutation(count) + 1
    codes = pa.array([f"E01S{number:05d}" for number in numbers], pa.string())
    rural = rng.random(count) < np.where(decile <= 3, 0.05, np.where(decile <= 8, 0.35, 0.2))
    return Areas(codes, decile, rural, max(3, people // 8000), max(4, people // 3500))
