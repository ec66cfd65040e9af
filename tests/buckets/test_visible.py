"""Digests of what can be seen on a day."""

from __future__ import annotations

from datetime import date, timedelta

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from riskstrat.buckets.visible import ENDS, Visible, visible_sql
from tables import connection

START = date(2024, 1, 1)
DAYS = [START + timedelta(days=n) for n in range(45)]
EVENTS = ["unit_id", "happened_on", "known_on", "cost"]
SPELLS = ["unit_id", "starts_on", "ends_on", "end_known_on", "known_on"]
TYPES = {"unit_id": pa.string(), "cost": pa.float64()}
A_DAY = st.integers(0, 40).map(lambda n: START + timedelta(days=n))
EVENT = st.fixed_dictionaries(
    {
        "unit_id": st.sampled_from(["ann", "bob"]),
        "happened_on": st.one_of(A_DAY, st.none()),
        "known_on": A_DAY,
        "cost": st.sampled_from([None, 1.0, 2.0]),
    }
)
SPELL = st.fixed_dictionaries(
    {
        "unit_id": st.sampled_from(["ann", "bob"]),
        "starts_on": A_DAY,
        "ends_on": st.one_of(A_DAY, st.none()),
        "end_known_on": st.one_of(A_DAY, st.none()),
        "known_on": A_DAY,
    }
)


def seen(rows: list[dict], columns: list[str]) -> list[tuple[int, int, int]]:
    """The digest of every morning."""
    kept = {c: pa.array([r[c] for r in rows], TYPES.get(c, pa.date32())) for c in columns}
    con = connection(rows=pa.table(kept))
    sql = visible_sql("rows", columns, spells="starts_on" in columns, ends=ENDS)
    visible = Visible(con.execute(sql).to_arrow_table())
    return [visible.at(day) for day in DAYS]


def first_change(one: list, two: list) -> date | None:
    return next((day for day, a, b in zip(DAYS, one, two, strict=True) if a != b), None)


@settings(deadline=None, max_examples=25)
@given(rows=st.lists(EVENT, max_size=8), more=EVENT, shuffle=st.randoms(use_true_random=False))
def test_a_record_changes_the_digest_from_the_morning_after_it_was_known(rows, more, shuffle):
    mixed = shuffle.sample([*rows, more], len(rows) + 1)
    day = more["happened_on"] and max(more["happened_on"], more["known_on"]) + timedelta(days=1)
    assert first_change(seen(rows, EVENTS), seen(mixed, EVENTS)) == day


@settings(deadline=None, max_examples=25)
@given(rows=st.lists(SPELL, max_size=8), spell=SPELL)
def test_the_end_of_a_spell_changes_it_from_the_morning_after_the_end_was_known(rows, spell):
    lasting = {**spell, "ends_on": None, "end_known_on": None}
    told = max(day for day in spell.values() if isinstance(day, date)) + timedelta(days=1)
    found = first_change(seen([*rows, lasting], SPELLS), seen([*rows, spell], SPELLS))
    assert found == (told if spell["ends_on"] else None)


def test_two_rows_alike_are_not_none():
    row = {"unit_id": "ann", "happened_on": START, "known_on": START, "cost": 1.0}
    digests = {tuple(seen([row] * n, EVENTS)) for n in range(4)}
    assert len(digests) == 4


def test_nothing_is_seen_of_nothing():
    assert seen([], EVENTS) == [(0, 0, 0)] * len(DAYS)
