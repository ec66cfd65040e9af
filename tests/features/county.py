"""Hypothesis strategies for small counties: sources, their rows, households and pairs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from features.oracle import FILTERS
from riskstrat.attributes import Attribute
from riskstrat.contracts.spec import Source
from riskstrat.features.plan import FeaturePlan, plan_features
from riskstrat.features.spec import NEEDS_COLUMN, FeaturesSpec
from riskstrat.vocabulary import Codelist, ColumnType, Unit
from tables import contract, expression

START = date(2024, 1, 1)
PEOPLE = ("ann", "bob", "cat", "dan")
HOMES = ("oak", "elm")
COLUMNS = {"kind": "string", "urgent": "boolean", "cost": "number", "items": "integer"}
MEASURED = {
    "kind": {"type": "string", "codes": ["a", "b", "C d"]},
    "urgent": "boolean",
    "cost": "number",
    "items": {"type": "integer", "codes": ["0", "1", "7"]},
}
CODELIST = Codelist("kinds", {"a": "A", "b": "B", "C d": "C"}, {"a": "x", "b": "y", "C d": "x"})
DATES = {
    "happened_on": pa.date32(),
    "starts_on": pa.date32(),
    "ends_on": pa.date32(),
    "end_known_on": pa.date32(),
    "known_on": pa.date32(),
    "born_on": pa.date32(),
}
TYPES = {
    **DATES,
    "unit_id": pa.string(),
    "kind": pa.string(),
    "urgent": pa.bool_(),
    "cost": pa.float64(),
    "items": pa.int64(),
    "sex": pa.string(),
    "carer": pa.bool_(),
    "score": pa.float64(),
    "unit": pa.string(),
    "via": pa.string(),
    "via_id": pa.string(),
}
VALUES = {
    "kind": st.sampled_from(["a", "b", "C d", None]),
    "urgent": st.sampled_from([True, False, None]),
    "cost": st.one_of(
        st.none(), st.sampled_from([0.0, 1.5, 0.1, -2.25, 1e6, 1 / 3]), st.deferred(lambda: ODD)
    ),
    "items": st.one_of(
        st.sampled_from([0, 1, 7, None]),
        st.sampled_from([-7, 2**24 + 1, 2**62, -(2**62), 2**63 - 1, -(2**63)]),
    ),
}
ODD = st.sampled_from(
    (
        *(-0.0, 5e-324, 2.0**-41, -(2.0**-40), 1e15, -1e15, 2.0**55, -(2.0**55), 1e17, 1e30),
        *(-1e30, 3.4028234663852886e38, 1e39, -1e300, math.inf, -math.inf, math.nan),
    )
)
"""numbers at the edges of what sums hold, of float32, and of what is a number"""


def day(offset: int) -> date:
    return START + timedelta(days=offset)


AS_OF = (15, 28)
EDGES = sorted({as_of - back for as_of in AS_OF for back in (0, 1, 2, 5, 6, 10, 11, 14, 15)})
"""days on which a window of 1, 5 or 14 days, or the one before it, opens or closes"""
NEAR = st.one_of(st.sampled_from(EDGES), st.integers(0, 40))
LATE = st.sampled_from([0, 0, 0, 1, 5, 30])


@st.composite
def known_after(draw: st.DrawFn, happened: int) -> date:
    """Mostly soon; often on an as-of date or just before it."""
    edges = [d for as_of in AS_OF for d in (as_of - 1, as_of) if d >= happened]
    soon = st.builds(lambda late: happened + late, LATE)
    return day(draw(st.one_of(soon, st.sampled_from(edges)) if edges else soon))


@dataclass(frozen=True, slots=True)
class County:
    """Everything a build needs, as plain rows."""

    sources: dict[str, Source]
    rows: dict[str, list[dict[str, Any]]]
    relations: list[dict[str, Any]]
    pairs: list[tuple[str, date]]
    plan: FeaturePlan


def as_table(rows: list[dict[str, Any]], columns: list[str]) -> pa.Table:
    return pa.table({c: pa.array([row[c] for row in rows], TYPES[c]) for c in columns})


EVENT_COLUMNS = ["unit_id", "happened_on", "known_on", *COLUMNS]
SPELL_COLUMNS = ["unit_id", "starts_on", "ends_on", "end_known_on", "known_on", *COLUMNS]
PEOPLE_COLUMNS = ["unit_id", "happened_on", "known_on", "born_on", "sex", "carer", "score"]
RELATION_COLUMNS = [
    "unit",
    "unit_id",
    "via",
    "via_id",
    "starts_on",
    "ends_on",
    "end_known_on",
    "known_on",
]


def view_columns(source: Source) -> list[str]:
    if source.source == "people":
        return PEOPLE_COLUMNS
    return SPELL_COLUMNS if source.shape == "spells" else EVENT_COLUMNS


@st.composite
def spell_dates(draw: st.DrawFn) -> dict[str, Any]:
    starts = draw(NEAR)
    lasts = draw(st.one_of(st.none(), st.integers(1, 30)))
    told = draw(st.sampled_from([None, 0, 3, 20]))
    ends = None if lasts is None else starts + lasts
    return {
        "starts_on": day(starts),
        "ends_on": None if ends is None else day(ends),
        "end_known_on": None if ends is None or told is None else day(ends + told),
        "known_on": draw(known_after(starts)),
    }


@st.composite
def event_rows(draw: st.DrawFn, source: Source, units: tuple[str, ...]) -> list[dict[str, Any]]:
    found = []
    for _ in range(draw(st.integers(2, 16))):
        if source.shape == "spells":
            dates = draw(spell_dates())
        else:
            happened = draw(NEAR)
            known = (
                draw(known_after(happened))
                if isinstance(source.known_on, str)
                else day(happened + source.known_on.lag_days)
            )
            dates = {"happened_on": day(happened), "known_on": known}
        values = {name: draw(strategy) for name, strategy in VALUES.items()}
        found.append({"unit_id": draw(st.sampled_from(units)), **dates, **values})
    return found


@st.composite
def relations(draw: st.DrawFn) -> list[dict[str, Any]]:
    def spell(unit: str, **dates: Any) -> dict[str, Any]:
        home = draw(st.sampled_from(HOMES))
        return {"unit": "person", "unit_id": unit, "via": "household", "via_id": home, **dates}

    always = {"starts_on": day(-9), "ends_on": None, "end_known_on": None, "known_on": day(-9)}
    settled = [spell(unit, **always) for unit in PEOPLE if draw(st.integers(0, 3))]
    moves = [
        spell(draw(st.sampled_from(PEOPLE)), **draw(spell_dates()))
        for _ in range(draw(st.integers(0, 4)))
    ]
    return settled + moves


def said_of_people() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "born_on": st.sampled_from([None, date(1950, 2, 1), date(2020, 2, 29), day(20)]),
            "sex": st.sampled_from(["f", "m", None]),
            "carer": st.sampled_from([True, False, None]),
            "score": st.sampled_from([None, 1.0, 2.5]),
        }
    )


@st.composite
def people_rows(draw: st.DrawFn) -> list[dict[str, Any]]:
    found = []
    for _ in range(draw(st.integers(0, 6))):
        happened = draw(NEAR)
        row = {
            "unit_id": draw(st.sampled_from(PEOPLE)),
            "happened_on": day(happened),
            "known_on": draw(known_after(happened)),
            **draw(said_of_people()),
        }
        found.append(row)
        if not draw(st.integers(0, 3)):  # another row of the same dates
            found.append({**row, **draw(said_of_people())})
    return found


COVERAGES = [
    [{"from": "2000-01-01", "to": "2030-01-01"}],
    [{"from": "2000-01-01", "to": "2030-01-01"}],
    [{"from": "2024-01-11", "to": "2024-01-25"}],
    [{"from": "2023-12-01", "to": "2024-01-15"}, {"from": "2024-01-20", "to": "2024-03-01"}],
]


@st.composite
def sources(draw: st.DrawFn) -> dict[str, Source]:
    def coverage() -> Any:
        return draw(st.sampled_from(COVERAGES))

    known = draw(st.sampled_from(["known_on", {"lag_days": 4}]))
    return {
        "visits": contract("visits", MEASURED, coverage=coverage(), known_on=known),
        "stays": contract(
            "stays",
            {**MEASURED, "end_known_on": "date"},
            shape="spells",
            end_known_on="end_known_on",
            coverage=coverage(),
        ),
        "incidents": contract("incidents", MEASURED, unit="household", coverage=coverage()),
        "people": contract(
            "people",
            {
                "born_on": "date",
                "sex": {"type": "string", "codes": ["f", "m"]},
                "carer": "boolean",
                "score": "number",
            },
            shape="attributes",
            born_on="born_on",
            coverage=coverage(),
        ),
    }


@st.composite
def blocks(draw: st.DrawFn, number: int) -> dict[str, Any]:
    source = draw(st.sampled_from(["visits", "stays", "incidents"]))
    through = source == "incidents" or draw(st.booleans())
    simple = ["count", "any", "days_since_last", "days_since_first", "trend"]
    simple += ["open"] if source == "stays" else []
    valued = [f"{f}({c})" for f in sorted(NEEDS_COLUMN) for c in COLUMNS if f == "distinct"]
    valued += [
        f"{f}({c})"
        for f in sorted(NEEDS_COLUMN - {"distinct"})
        for c in ("cost", "items", "urgent")
    ]
    aggregates = draw(
        st.lists(st.sampled_from(simple + valued), min_size=1, max_size=4, unique=True)
    )
    by = draw(
        st.sampled_from(
            [
                None,
                None,
                None,
                None,
                "kind",
                "urgent",
                "items",
                {"column": "kind", "codelist": "kinds"},
            ]
        )
    )
    said = {"source": source, "name": f"block{number}", "aggregates": aggregates, "by": by}
    if through:
        said["through"] = "household"
    if draw(st.integers(0, 3)) == 0:
        said["where"] = draw(st.sampled_from(sorted(FILTERS)))
    return said


PERSON = {
    "age": Attribute("age", "age", "people", "born_on", type=ColumnType.INTEGER),
    "age_band": Attribute(
        "age_band", "age_band", "people", "born_on", levels=("0-17", "18-64", "65+")
    ),
    "sex": Attribute("sex", "column", "people", "sex", levels=("f", "m")),
    "carer": Attribute("carer", "column", "people", "carer", type=ColumnType.BOOLEAN),
    "score": Attribute("score", "column", "people", "score", type=ColumnType.NUMBER),
}


DAYS_OF_OWN = st.one_of(st.sampled_from(AS_OF), st.integers(-3, 45), st.sampled_from([366, 400]))


@st.composite
def counties(draw: st.DrawFn, *, days_of_own: bool = False) -> County:
    """A small county.

    Args:
        days_of_own: each unit has as-of dates of its own, in more than one year.
    """
    as_of = DAYS_OF_OWN if days_of_own else st.sampled_from(AS_OF)
    contracts = draw(sources())
    said = [draw(blocks(number)) for number in range(draw(st.integers(1, 3)))]
    said.append({"source": "people", "attributes": list(PERSON)})
    windows = sorted(draw(st.sets(st.sampled_from([1, 5, 14, 400]), min_size=1, max_size=3)))
    spec = FeaturesSpec.model_validate(
        {"windows": windows, "blocks": said, "min_covered": draw(st.sampled_from([0.5, 1.0]))}
    )
    return County(
        contracts,
        {
            "visits": draw(event_rows(contracts["visits"], PEOPLE)),
            "stays": draw(event_rows(contracts["stays"], PEOPLE)),
            "incidents": draw(event_rows(contracts["incidents"], HOMES)),
            "people": draw(people_rows()),
        },
        draw(relations()),
        sorted(
            draw(
                st.sets(
                    st.tuples(st.sampled_from(PEOPLE), st.builds(day, as_of)),
                    min_size=2,
                    max_size=12,
                )
            )
        ),
        planned(spec, contracts),
    )


def planned(spec: FeaturesSpec, contracts: dict[str, Source]) -> FeaturePlan:
    """The plan of a spec over the county's sources."""
    return plan_features(
        spec,
        unit=Unit.PERSON,
        sources=contracts,
        codelists={"kinds": CODELIST},
        filters=[expression(b.where, COLUMNS) if b.where else None for b in spec.blocks],
        attributes=[PERSON if b.attributes else {} for b in spec.blocks],
        age_bands=(0, 18, 65),
    )
