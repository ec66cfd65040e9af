"""Reasons: each agency's records count once, facts carry their dates, and people can read them."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskstrat.audit.explain import Contributions
from riskstrat.audit.reasons import NOTHING_HIDDEN, Grouping, columns_for, reasons
from riskstrat.audit.wording import reason_text
from riskstrat.vocabulary import FeatureColumn, FeatureKind

DAY = date(2025, 4, 1)
NUMBER, CATEGORY = FeatureKind.NUMBER, FeatureKind.CATEGORY


def feature(name, meaning, kind=NUMBER, source="ed", agency="Hospitals", **more):
    return FeatureColumn(name, meaning, kind, source, agency, **more)


ED_90 = feature("ed__count__90d", "visits in the last 90 days", window_days=90)
ED_365 = feature("ed__count__365d", "visits in the last year", window_days=365)
LAST = feature("stays__days_since_last", "days since the last stay", source="stays")
AGE = feature("people__age", "age", source="people", agency="ICB", unit="years")
AREA = feature(
    "area__imd", "deprivation decile (1 is most deprived) in the area", source="area", agency="ICB"
)
HOUSING = feature(
    "housing__known",
    "whether the council has tenancies",
    CATEGORY,
    source="housing",
    agency="the council",
    levels=("has_record", "no_record", "not_covered"),
)
FEATURES = (ED_90, ED_365, LAST, AGE, AREA, HOUSING)
VALUES = {
    "ed__count__90d": [4.0, 0.0],
    "ed__count__365d": [6.0, 0.0],
    "stays__days_since_last": [99.0, None],
    "people__age": [83.0, None],
    "area__imd": [1.0, 10.0],
    "housing__known": ["has_record", "no_record"],
}


def of(values, features=FEATURES):
    rows = {name: VALUES[name][: len(values)] for name in (f.name for f in features)}
    keys = {"unit_id": ["u0", "u1"][: len(values)], "as_of": pa.array([DAY] * len(values))}
    return Contributions(pa.table(keys | rows), features, np.array(values, dtype=float), -2.0)


def told(values, features=FEATURES, count=5, hidden=NOTHING_HIDDEN, number=0):
    return reasons(of(values, features), count, hidden)[columns_for(number)[0]].to_pylist()


def test_an_agency_is_told_once_with_the_facts_that_carry_it_and_their_dates():
    [first, second] = told([[0.5, 0.4, 0.3, 0.8, 0.1, -0.2], [-0.2, -0.2, -0.1, 0.0, 0.3, 0.0]])
    assert first == [
        "Hospitals: 4 visits in the last 90 days, last stay on 23 December 2024 (raises the risk)",
        "ICB: age 83 (raises the risk)",
        "the council: tenancies on record (lowers the risk)",
    ]
    assert second == [
        "ICB: deprivation decile in the area: 10 (1 is most deprived) (raises the risk)",
        "Hospitals: no visits in the last 90 days, no stay on record (lowers the risk)",
    ]


def test_many_features_that_say_a_little_come_before_one_that_says_more():
    # One by one age would lead; together the hospital's records say more.
    [lines] = told([[0.3, 0.3, 0.3, 0.5, 0.0, 0.0]])
    assert [line.partition(":")[0] for line in lines] == ["Hospitals", "ICB"]


def test_records_that_cancel_out_give_no_reason():
    assert told([[0.5, -0.2, -0.3, 0.4, 0.0, 0.0]]) == [["ICB: age 83 (raises the risk)"]]


def test_what_is_too_small_is_left_out():
    [lines] = told([[0.0, 0.0, 0.0, 2.0, 0.0, 0.09]])
    assert lines == ["ICB: age 83 (raises the risk)"]


def test_nobody_gets_more_reasons_than_asked_for_and_none_where_nothing_counts():
    assert len(told([[0.5, 0.4, 0.3, 0.8, 0.1, -0.2]], count=1)[0]) == 1
    assert told([[0.0] * 6]) == [[]]


def test_where_one_agency_sends_all_its_sources_count_and_of_one_source_its_measures():
    hospital = (ED_90, ED_365, LAST)
    assert told([[0.5, 0.4, 0.3]], hospital) == [
        ["4 visits in the last 90 days (raises the risk)",
         "last stay on 23 December 2024 (raises the risk)"]
    ]  # fmt: skip
    assert told([[0.1, 0.4]], hospital[:2]) == [["6 visits in the last year (raises the risk)"]]
    alone = Grouping.of(hospital[:2], [0, 1])
    assert alone.measures == (((0, 1),),)


def test_coarse_reasons_name_what_raises_the_risk_without_value_or_date():
    found = reasons(of([[0.1, 0.1, 0.9, 0.8, 0.1, -0.2], [-0.2, -0.2, -0.1, 0, 0.3, 0.1]]))
    assert found["coarse"].to_pylist() == [
        ["time since the last stay", "age"],
        [
            "deprivation decile in the area",
            "not known to the council: no tenancies",
        ],
    ]


def test_who_may_not_be_told_of_a_feature_gets_reasons_made_without_it():
    values = [[0.5, 0.4, 0.3, 0.8, 0.1, -0.2]]
    hidden = ((), ("ed__count__90d", "ed__count__365d", "housing__known"))
    table = reasons(of(values), 5, hidden)
    assert table.select(reasons(of(values)).column_names).equals(reasons(of(values)))
    assert table[columns_for(1)[0]].to_pylist() == [
        [
            "ICB: age 83 (raises the risk)",
            "Hospitals: last stay on 23 December 2024 (raises the risk)",
        ]
    ]
    assert table[columns_for(1)[1]].to_pylist() == [["age", "time since the last stay"]]
    assert table.num_rows == 1 and told(values, hidden=((), tuple(VALUES)), number=1) == [[]]


@given(
    values=st.lists(
        st.lists(st.floats(-2, 2).map(lambda v: round(v, 3)), min_size=6, max_size=6),
        min_size=2,
        max_size=2,
    )
)
def test_a_persons_reasons_do_not_depend_on_who_else_is_explained(values):
    both = told(values)
    assert both[0] == told(values[:1])[0]
    for lines in both:
        named = [line.partition(":")[0] for line in lines]
        assert len(named) == len(set(named)) <= 3
        raises = [line.endswith("(raises the risk)") for line in lines]
        assert raises == sorted(raises, reverse=True)


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (1.0, "last stay on 31 March 2025"),
        (729.0, "last stay on 3 April 2023"),
        (730.0, "last stay in April 2023"),
        (None, "no stay on record"),
    ],
)
def test_days_become_dates_and_long_ago_months(days, words):
    assert reason_text(LAST, days, DAY) == words
