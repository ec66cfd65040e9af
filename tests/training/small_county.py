"""A county small enough to train on in a test, whose true risks are known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from riskstrat.training.fit import TrainingResult, fit
from riskstrat.training.spec import TrainingSpec
from riskstrat.vocabulary import FeatureColumn, FeatureKind

NUMBER, CATEGORY = FeatureKind.NUMBER, FeatureKind.CATEGORY
BANDS = ("18-39", "40-64", "65-79", "80+")
COLUMNS = (
    FeatureColumn("ed__count__365d", "visits", NUMBER, "ed"),
    FeatureColumn("gp__days_since_last", "days since a visit", NUMBER, "gp"),
    FeatureColumn("frailty__score", "a published score", NUMBER, "frailty"),
    FeatureColumn("noise", "nothing", NUMBER, "ed"),
    FeatureColumn("people__ethnicity", "ethnicity", CATEGORY, "people", levels=tuple("ABC")),
    FeatureColumn("people__band", "age band", CATEGORY, "people", levels=BANDS, ordered=True),
    FeatureColumn(
        "ed__known", "known", CATEGORY, "ed", levels=("has_record", "no_record", "not_covered")
    ),
)


@dataclass(frozen=True)
class County:
    """The three tables training reads, and the true risk of each row."""

    cohort: pa.Table
    features: pa.Table
    groups: pa.Table
    truth: np.ndarray[Any, Any]

    def in_order(self, order: np.ndarray[Any, Any]) -> County:
        """The same rows in another order."""
        return County(
            self.cohort.take(order),
            self.features.take(order),
            self.groups.take(order),
            self.truth[order],
        )

    def with_outcome(self, outcome: Any) -> County:
        """The same people with other outcomes."""
        cohort = self.cohort.set_column(2, "outcome", pa.array(outcome, pa.bool_()))
        return replace(self, cohort=cohort)


def small_county(
    units: int = 700, years: int = 4, seed: int = 1, level: float = -2.2, strength: float = 1.0
) -> County:
    """People over some years; visits, frailty and age raise their risk."""
    rng = np.random.default_rng(seed)
    n = units * years
    unit, year = np.repeat(np.arange(units), years), np.tile(np.arange(years), units)
    need = rng.normal(size=units)[unit]
    age = rng.integers(18, 96, units)[unit] + year.astype(float)
    visits = rng.poisson(np.exp(-0.7 + 0.6 * need)).astype(float)
    frailty = np.round(20 + 6 * need + rng.normal(0, 4, n))
    ethnicity = rng.choice(list("ABC"), units, p=[0.7, 0.2, 0.1])[unit]
    log_odds = level + strength * (
        0.5 * visits + 0.08 * (frailty - 20) + 0.02 * (age - 55) + 0.5 * (ethnicity == "C")
    )
    truth = 1 / (1 + np.exp(-log_odds))
    key = {
        "unit_id": pa.array([f"p{i:06d}" for i in unit]),
        "as_of": pa.array([date(2020 + int(i), 4, 1) for i in year]),
    }
    since = np.where(rng.random(n) < 0.2, np.nan, rng.exponential(200, n))
    known = np.where(visits > 0, "has_record", "no_record")
    features = {
        "ed__count__365d": pa.array(visits.astype(np.float32)),
        "gp__days_since_last": pa.array(since.astype(np.float32), from_pandas=True),
        "frailty__score": pa.array(frailty.astype(np.float32)),
        "noise": pa.array(rng.normal(size=n).astype(np.float32)),
        "people__ethnicity": pa.array(np.where(rng.random(n) < 0.03, None, ethnicity)),
        "people__band": pa.array(np.array(BANDS)[np.digitize(age, [40, 65, 80])]),
        "ed__known": pa.array(np.where(rng.random(n) < 0.05, "not_covered", known)),
    }
    groups = {
        "age": pa.array(age),
        "sex": pa.array(rng.choice(["F", "M"], units)[unit]),
        "household": pa.array([f"h{i // 3}" for i in unit]),
        "prior_use": pa.array(visits),
    }
    outcome = pa.array(rng.random(n) < truth)
    return County(
        pa.table({**key, "outcome": outcome}),
        pa.table({**key, **features}),
        pa.table({**key, **groups}),
        truth,
    )


def training(**changes: Any) -> TrainingSpec:
    """A quick ``training`` of a study, with changes."""
    plain: dict[str, Any] = {
        "folds": {"scheme": "rolling_origin"},
        "learners": ["lightgbm", "logistic_regression"],
        "baselines": ["base_rate", "age_sex", "prior_use"],
        "tune": {"trials": 0},
        "replicates": 100,
    }
    return TrainingSpec.model_validate(plain | changes)


def train(county: County, spec: TrainingSpec, scratch: Path, **options: Any) -> TrainingResult:
    """Train on the county."""
    usual: dict[str, Any] = {
        "horizon_days": 365,
        "capacity": (0.05, 0.2),
        "seed": 7,
        "threads": 1,
        "scratch": scratch,
    }
    features = options.pop("features", county.features)
    return fit(county.cohort, features, COLUMNS, county.groups, spec, **(usual | options))
