from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.county import CODELIST, COLUMNS, MEASURED, PERSON
from riskstrat.errors import StudyError
from riskstrat.features.naming import MAX_NAME, slug, slugs
from riskstrat.features.plan import plan_features
from riskstrat.features.spec import FeaturesSpec
from riskstrat.vocabulary import FeatureKind, Unit
from tables import contract, expression

ED = contract(
    "ed_attendances",
    {
        "acuity": {"type": "string", "codes": {"1": "Type 1: major A&E", "2": "Minor"}},
        "note": "string",
    },
    row="emergency department attendance",
    agency="Acute trust",
)
RX = contract(
    "prescriptions",
    {
        "kind": {"type": "string", "label": "Kind", "codes": {"a": "A", "b": "B", "C d": "C"}},
        "cost": {"type": "number", "unit": "pounds", "label": "Cost"},
        "urgent": "boolean",
        "items": "integer",
    },
)
POLICE = contract("police_incidents", {}, unit="household", row="police incident")
PEOPLE = contract(
    "people",
    {"born_on": "date", **{c: MEASURED.get(c, "string") for c in ("kind",)}},
    shape="attributes",
    born_on="born_on",
)
STAYS = contract(
    "stays", {"left_on": "date", "told_on": "date", "ward": "string"},
    shape="spells", ends_on="left_on", end_known_on="told_on",
)  # fmt: skip
SOURCES = {s.source: s for s in (ED, RX, POLICE, PEOPLE, STAYS)}


def plan(*blocks, windows=(90, 365), attributes=None, filters=None, **says):
    spec = FeaturesSpec.model_validate({"windows": windows, "blocks": blocks, **says})
    return plan_features(
        spec,
        unit=Unit.PERSON,
        sources=SOURCES,
        codelists={"kinds": CODELIST},
        filters=filters or [expression(b.where, COLUMNS) if b.where else None for b in spec.blocks],
        attributes=[attributes or {}] * len(spec.blocks),
        age_bands=(0, 18, 65),
    )


def told(*blocks, **says):
    return {column.name: column.meaning for column in plan(*blocks, **says).columns}


def test_names_and_meanings_are_plain():
    assert told({"source": "ed_attendances", "aggregates": ["count", "days_since_last"]}) == {
        "ed_attendances__count__90d": "emergency department attendances in the last 90 days",
        "ed_attendances__count__365d": "emergency department attendances in the last year",
        "ed_attendances__days_since_last": "days since the last emergency department attendance",
        "ed_attendances__known": "whether Acute trust has emergency department attendances",
    }


def test_a_split_has_one_feature_per_code_with_its_label():
    found = told({"source": "ed_attendances", "aggregates": ["any"], "by": "acuity"}, windows=(90,))
    assert found["ed_attendances__any__acuity_1__90d"] == (
        "any emergency department attendance (Type 1: major A&E) in the last 90 days"
    )
    assert len(found) == 3


def test_a_split_by_codelist_has_one_feature_per_group():
    by = {"column": "kind", "codelist": "kinds"}
    made = plan({"source": "prescriptions", "aggregates": ["sum(items)"], "by": by}, windows=(365,))
    assert [f.column.name for f in made.features] == [
        "prescriptions__sum_items__kind_x__365d",
        "prescriptions__sum_items__kind_y__365d",
        "prescriptions__known",
    ]
    assert made.features[0].split.groups == (("a", "C d"), ("b",))


def test_the_rest_of_the_meanings():
    found = told(
        {"source": "police_incidents", "through": "household", "aggregates": ["days_since_last"]},
        {"source": "prescriptions", "aggregates": ["mean(cost)", "distinct(kind)", "trend"]},
        {
            "source": "prescriptions",
            "name": "urgent_rx",
            "where": "urgent",
            "row": "urgent prescription",
            "aggregates": ["count"],
        },
        {"source": "prescriptions", "name": "other", "where": "urgent", "aggregates": ["count"]},
        windows=(90,),
    )
    assert found["household_police_incidents__days_since_last"] == (
        "days since the last police incident at the household"
    )
    assert found["prescriptions__mean_cost__90d"] == (
        "average cost of prescriptions in the last 90 days"
    )
    assert found["prescriptions__distinct_kind__90d"] == (
        "different kinds among prescriptions in the last 90 days"
    )
    assert found["prescriptions__trend__90d"] == (
        "change in prescriptions in the last 90 days against the 90 days before"
    )
    assert found["urgent_rx__count__90d"] == "urgent prescriptions in the last 90 days"
    assert found["other__count__90d"] == "prescriptions (where urgent) in the last 90 days"


def test_what_is_counted_has_a_singular_and_what_a_block_is_named_after_is_not_a_code():
    made = plan(
        {
            "source": "prescriptions",
            "name": "conditions",
            "where": "kind = 'a'",
            "row": "long-term condition",
            "aggregates": ["distinct(kind)", "sum(cost)"],
        },
        windows=(3285,),
    )
    distinct, total = (feature.column for feature in made.features[:2])
    assert distinct.meaning == "different long-term conditions in the last 9 years"
    assert distinct.singular == "long-term condition in the last 9 years"
    assert total.singular == ""


def test_blocks_of_one_name_share_one_companion():
    made = plan(
        {"source": "prescriptions", "aggregates": ["count"], "windows": [30]},
        {"source": "prescriptions", "aggregates": ["count"], "by": "kind", "windows": [400]},
    )
    known = [f for f in made.features if f.function == "known"]
    assert [(f.column.name, f.window) for f in known] == [("prescriptions__known", 400)]
    assert made.features[-1] is known[0]


def test_attributes_become_numbers_and_categories():
    wanted = {"age": PERSON["age"], "age_band": PERSON["age_band"]}
    made = plan({"source": "people", "attributes": ["age", "age_band"]}, attributes=wanted)
    assert [(c.name, c.kind, c.levels) for c in made.columns[:2]] == [
        ("people__age", FeatureKind.NUMBER, ()),
        ("people__age_band", FeatureKind.CATEGORY, ("0-17", "18-64", "65+")),
    ]


COUNT = {"source": "prescriptions", "aggregates": ["count"]}


@pytest.mark.parametrize(
    ("blocks", "code", "message"),
    [
        ([COUNT, COUNT], "RS1240", "two features would be called"),
        ([{**COUNT, "name": "x"}, {"source": "ed_attendances", "name": "x", "aggregates": ["any"]}],
         "RS1240", "two blocks are called `x`"),
        ([{"source": "taxes", "aggregates": ["count"]}], "RS1241", "not a source of this study"),
        ([{"source": "police_incidents", "aggregates": ["count"]}], "RS1241", "about a household"),
        ([{**COUNT, "through": "person"}], "RS1241", "the study's own unit"),
        ([{"source": "police_incidents", "through": "area", "aggregates": ["count"]}], "RS1241",
         "goes through the area"),
        ([{"source": "prescriptions", "aggregates": ["sum(price)"]}], "RS1242", "does not have"),
        ([{"source": "prescriptions", "aggregates": ["sum(kind)"]}], "RS1242", "is a string"),
        ([{"source": "ed_attendances", "aggregates": ["count"], "by": "note"}], "RS1243",
         "has no codes"),
        ([{**COUNT, "by": {"column": "kind", "codelist": "nil"}}], "RS1243", "does not exist"),
        ([{"source": "prescriptions", "aggregates": ["open"]}], "RS1244", "not spells"),
    ],
)  # fmt: skip
def test_a_spec_that_does_not_fit_the_contracts_is_refused(blocks, code, message):
    with pytest.raises(StudyError, match=message) as refused:
        plan(*blocks)
    assert refused.value.code == code
    assert refused.value.fix


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"where": "left_on > date '2024-01-01'"}, "`where` names `left_on`"),
        ({"where": "ward = 'a' or told_on is null"}, "`where` names `told_on`"),
        ({"by": {"column": "left_on", "codelist": "kinds"}}, "`by` names `left_on`"),
        ({"aggregates": ["distinct(told_on)"]}, "`aggregates` names `told_on`"),
    ],
)
def test_a_block_that_would_see_how_a_spell_ends_is_refused(block, message):
    said = {"source": "stays", "aggregates": ["count"], **block}
    columns = {"left_on": "date", "told_on": "date", "ward": "string"}
    where = expression(said["where"], columns) if "where" in said else None
    with pytest.raises(StudyError, match=message) as refused:
        plan(said, filters=[where])
    assert refused.value.code == "RS1247"
    assert "`open`" in refused.value.fix


def test_a_block_may_ask_what_was_known_of_a_spell_from_its_first_day():
    where = expression("ward = 'a'", {"ward": "string"})
    said = {"source": "stays", "where": "ward = 'a'", "aggregates": ["open", "distinct(ward)"]}
    assert len(plan(said, windows=(90,), filters=[where]).features) == 3


def test_the_digest_of_a_feature_follows_what_decides_its_values():
    one, known = (column.digest for column in plan(COUNT, windows=(90,)).columns)
    again, same_known = (
        c.digest for c in plan({**COUNT, "where": "urgent"}, windows=(90,)).columns
    )
    assert (again != one, same_known == known) == (True, True)
    assert plan(COUNT, windows=(90,)).columns[0].digest == one
    assert plan(COUNT, windows=(90,), min_covered=0.9).columns[0].digest != one
    assert plan(COUNT, windows=(90, 365)).columns[0].digest == one


@given(texts=st.lists(st.text(max_size=8), max_size=8))
def test_slugs_are_snake_case_and_differ(texts):
    found = slugs(tuple(texts))
    assert len(set(found)) == len(texts)
    assert all(slug(name) == name for name in found)


def test_a_long_name_is_cut_and_stays_unique():
    long = "x" * 60
    codes = {f"{'y' * 60}_{n}": "" for n in range(2)}
    source = contract("s", {long: {"type": "string", "codes": codes}})
    made = plan_features(
        FeaturesSpec.model_validate(
            {"windows": [30], "blocks": [{"source": "s", "aggregates": ["count"], "by": long}]}
        ),
        unit=Unit.PERSON,
        sources={"s": source},
        codelists={},
        filters=[None],
        attributes=[{}],
        age_bands=(0,),
    )
    names = [column.name for column in made.columns]
    assert len(set(names)) == 3
    assert max(map(len, names)) <= MAX_NAME
