"""Beside a list: whom it reaches, whom it leaves out, and why people are on it."""

from __future__ import annotations

from datetime import date

import pyarrow as pa

from riskstrat.release.evidence import fairness_table
from riskstrat.release.policies import policy_named
from riskstrat.release.reach import common_reasons, reach_table
from riskstrat.stages.register import certainty_of

STRICT = policy_named("strict")


def estimate(value, n):
    return {"value": value, "low": value / 2, "high": value * 1.5, "n": n}


def level(group, name, n, value, at="0.05", metric="sensitivity"):
    return {
        "group": group, "level": name, "metric": metric, "at": at, **estimate(value, n),
        "people": n * 10, "positives": n, "verdict": "ok", "reference": "",
    }  # fmt: skip


FAIRNESS = fairness_table(
    [
        level("everyone", "everyone", 2000, 0.26),
        level("age_band", "85+", 500, 0.7),
        level("age_band", "40-64", 1000, 0.05),
        level("age_band", "18-39", 500, 0.01),
        level("age_band", "85+", 500, 0.9, at="0.2"),
        level("age_band", "85+", 500, 0.5, metric="ppv"),
    ],
    STRICT,
)


def test_a_summary_says_who_is_reached_and_keeps_small_groups_listed_without_a_number():
    table = reach_table(FAIRNESS, 0.05)
    assert table.title == "Reached when 5% are listed, on held-out data"
    assert [(row[0], row[2]) for row in table.rows] == [
        ("Everybody", 0.26), ("Age band: 85+", 0.7), ("Age band: 40-64", 0.05),
        ("Age band: 18-39", None),
    ]  # fmt: skip
    assert (table.policy, table.suppressed) == ("strict", 1)


def test_a_share_that_the_audit_did_not_measure_gives_no_rows():
    assert reach_table(FAIRNESS, 0.1).rows == ()


def people(n, bands, coarse):
    pairs = {
        "unit_id": [f"u{i}" for i in range(n)],
        "as_of": pa.array([date(2024, 4, 1)] * n, pa.date32()),
    }
    return pa.table(pairs | {"band": bands}), pa.table(pairs | {"coarse": coarse})


def test_the_most_common_reasons_are_counted_over_the_list_and_rare_ones_not_told():
    banded, told = people(
        60, ["high"] * 52 + ["low"] * 8, [["age", "falls"]] * 43 + [["gout"]] * 9 + [["age"]] * 8
    )
    few = ("Age: almost all of 50", "Falls: almost all of 50")
    assert common_reasons(banded, told, ("high",), STRICT) == few


def test_without_reasons_that_hide_their_values_nothing_is_said():
    banded, told = people(20, ["high"] * 20, [["age"]] * 20)
    assert common_reasons(banded, told.drop_columns(["coarse"]), ("high",), STRICT) == ()


def test_certainty_is_told_in_words_only_where_enough_people_stand_behind_it():
    def cut(share, selected, ppv):
        return {
            "share": share, "selected": selected, "threshold": 0.4,
            "ppv": estimate(ppv, selected), "sensitivity": estimate(0.2, 1000),
        }  # fmt: skip

    told = certainty_of({"at_capacity": [cut(0.005, 12, 0.5), cut(0.05, 600, 0.5)]}, STRICT)
    assert len(told) == 1
    assert told[0].startswith("Of the 5% at highest risk, 50% had the outcome on held-out data")
