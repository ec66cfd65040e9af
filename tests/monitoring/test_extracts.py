"""Do agencies still send what they sent: rows and empty values before a day."""

from __future__ import annotations

from datetime import date, timedelta

import duckdb
import pytest

from riskstrat.contracts.spec import Source
from riskstrat.monitoring.extracts import (
    look,
    looked_at,
    missingness,
    periods_of,
    same_days,
    volumes,
)
from tables import table

DAY = date(2024, 4, 1)
EARLIER = (date(2022, 4, 1), date(2023, 4, 1))


def source(**more) -> Source:
    told = {
        "source": "visits", "title": "Visits", "agency": "Clinic", "agreement": "one",
        "file": "visits.parquet", "row": "visit", "shape": "events", "unit": "person",
        "unit_key": "person_id", "happened_on": "seen_on", "known_on": "sent_on",
        "coverage": [{"from": "2020-01-01", "to": "2025-01-01"}],
        "columns": {"person_id": {"type": "string", "required": True},
                    "seen_on": {"type": "date", "required": True},
                    "sent_on": {"type": "date", "required": True},
                    "code": {"type": "string"}},
    }  # fmt: skip
    return Source.model_validate(told | more)


def seen(rows, of=None, days=(DAY, *EARLIER), columns=("code",)):
    found = of or source()
    con = duckdb.connect()
    con.register("rows", rows)
    con.execute("CREATE VIEW source_visits AS SELECT * FROM rows")
    return found, look(con, found, columns, days)


ROWS = table("""
    unit_id | happened_on:date | known_on:date | code
    --------+------------------+---------------+------
    ann     | 2024-03-31       | 2024-03-31    | A
    ann     | 2024-03-01       | 2024-04-01    | A
    ann     | 2023-04-02       | 2023-04-02    |
    bob     | 2023-03-31       | 2024-03-20    | B
    bob     | 2024-04-01       | 2024-04-01    | B
""")


def test_a_row_counts_in_the_year_it_happened_and_the_month_it_arrived_if_it_was_seen_by_the_day():
    _, found = seen(ROWS, days=(DAY,))
    year, month = found[DAY, "year"], found[DAY, "month"]
    assert (year.rows, month.rows) == (2, 2)
    assert year.empty["code"][0] == 1
    assert month.empty["code"][0] == 0
    assert year.spread == 4


def test_the_same_season_is_compared_and_never_a_year_training_did_not_span():
    assert same_days(date(2025, 7, 1), date(2022, 4, 1), date(2023, 4, 1)) == (
        date(2022, 7, 1), date(2023, 7, 1),
    )  # fmt: skip
    assert same_days(date(2024, 2, 29), date(2022, 1, 1), date(2023, 1, 1)) == (
        date(2022, 2, 28), date(2023, 2, 28),
    )  # fmt: skip
    assert same_days(date(2030, 1, 1), date(2024, 6, 1), date(2024, 6, 1)) == (date(2024, 1, 1),)


def many(per_day, until=DAY, start=date(2021, 1, 1)):
    """So many rows a day, each of a unit of its own, sent on the day they happened."""
    con = duckdb.connect()
    days = (until - start).days
    return con.execute(
        f"SELECT 'u' || (d * {per_day} + i) AS unit_id, DATE '{start}' + CAST(d AS INTEGER) AS "
        f"happened_on, DATE '{start}' + CAST(d AS INTEGER) AS known_on, 'A' AS code "
        f"FROM range({days}) AS a(d), range({per_day}) AS b(i)"
    ).to_arrow_table()


def test_a_steady_supplier_is_as_in_training_and_one_that_stopped_is_not():
    of, steady = seen(many(4))
    ratio = {v.period: v.ratio for v in volumes(of, DAY, EARLIER, steady)}
    assert ratio["year"].value == pytest.approx(1, abs=0.01)
    assert ratio["month"].low < 1 < ratio["month"].high
    _, stopped = seen(many(4, until=DAY - timedelta(days=31)))
    ratio = {v.period: v.ratio for v in volumes(of, DAY, EARLIER, stopped)}
    assert ratio["month"].high < 0.1
    assert 0.85 < ratio["year"].value < 0.95


def test_a_ratio_is_of_covered_days():
    half = source(coverage=[{"from": "2020-01-01", "to": DAY - timedelta(days=182)}])
    of, found = seen(many(4, until=DAY - timedelta(days=182)), of=half)
    year = next(v for v in volumes(of, DAY, EARLIER, found) if v.period == "year")
    assert year.covered == pytest.approx(183 / 365)
    assert year.ratio.value == pytest.approx(1, abs=0.01)


def test_of_too_few_rows_nothing_is_said():
    of, found = seen(ROWS)
    assert not any(v.ratio.estimable for v in volumes(of, DAY, EARLIER, found))
    assert not missingness(of, DAY, EARLIER, found)[0].change.estimable


def test_a_column_that_empties_is_found_with_an_interval_around_what_was_done():
    con = duckdb.connect()
    con.register("all_rows", many(4))
    spoilt = con.execute(
        "SELECT * REPLACE (CASE WHEN happened_on >= DATE '2023-04-02' AND "
        "row_number() OVER (ORDER BY happened_on, unit_id) % 10 < 3 THEN NULL ELSE code END "
        "AS code) FROM all_rows"
    ).to_arrow_table()
    of, found = seen(spoilt)
    [column] = missingness(of, DAY, EARLIER, found)
    assert column.then.value == 0
    assert column.change.low < 0.3 < column.change.high
    assert column.change.low > 0.2


def test_rows_that_come_by_units_make_the_interval_wider():
    alone = many(4)
    con = duckdb.connect()
    con.register("alone", alone)
    together = con.execute(
        "SELECT * REPLACE ('u' || CAST(substr(unit_id, 2) AS INTEGER) % 300 AS unit_id) FROM alone"
    ).to_arrow_table()
    widths = []
    for rows in (alone, together):
        of, found = seen(rows)
        ratio = volumes(of, DAY, EARLIER, found)[0].ratio
        widths.append(ratio.high - ratio.low)
    assert widths[1] > 2 * widths[0]


def test_spells_are_looked_at_on_the_day_and_required_columns_not_at_all():
    spells = source(
        shape="spells", happened_on=None, starts_on="seen_on", ends_on="left_on",
        columns={**source().model_dump()["columns"], "left_on": {"type": "date"}},
    )  # fmt: skip
    assert periods_of(spells) == ("day",)
    assert looked_at(source(), {"visits": {"code", "seen_on", "person_id"}}) == ("code",)
