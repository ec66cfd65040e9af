"""Each recipient gets what it may have, and nothing more."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskstrat.errors import ReleaseRefused, StudyError
from riskstrat.release.aggregate import aggregate_list, band_summary
from riskstrat.release.anonymity import WITHHELD, coarsen
from riskstrat.release.bands import band_scores
from riskstrat.release.cohort_list import ListFacts, cohort_list, owners
from riskstrat.release.identity import release_id, release_key
from riskstrat.release.policies import policy_named
from riskstrat.release.spec import Recipient
from riskstrat.release.wording import change_in_words, coarse_reason, risk_band, risk_in_words

DAY = date(2024, 4, 1)
N = 400
BANDS = {"very_high": 0.05, "high": 0.25, "moderate": 0.5}
STRICT = policy_named("strict")
FACTS = ListFacts("Emergency admission within 12 months", date(2024, 3, 31), date(2024, 6, 30))
KEY = release_key(b"s" * 32, "digest", DAY, "icb", 1)

PAIRS = {"unit_id": [f"u{i:03}" for i in range(N)], "as_of": pa.array([DAY] * N, pa.date32())}
BANDED = band_scores(
    pa.table(
        {
            **PAIRS,
            "raw_score": [1 - i / N for i in range(N)],
            "risk": [round(0.9 * (1 - i / N), 4) for i in range(N)],
        }
    ),
    BANDS,
    key="digest",
)
GROUPS = pa.table(
    {
        **PAIRS,
        "practice": [None if i == 3 else f"P{i % 4}" for i in range(N)],
        "age_band": ["85 and over" if i < 4 else "65 to 74" for i in range(N)],
        "imd_quintile": [str(1 + i % 5) for i in range(N)],
    }
)
REASONS = pa.table(
    {
        **PAIRS,
        "reasons": [
            ["A&E attendances in the last year: 4 (latest 2024-03-02)", "rare disease: yes"]
            if i < 5
            else ["A&E attendances in the last year: 1"]
            for i in range(N)
        ],
    }
)
PRACTICE = Recipient(to="gp_practice", rows="own_patients", own="practice")
ICB = Recipient(
    to="icb", rows="pseudonymised",
    columns=("release_id", "band", "risk_band", "imd_quintile", "age_band", "reasons"),
)  # fmt: skip


def listed(recipient, **more):
    return cohort_list(
        BANDED, REASONS, GROUPS, recipient=recipient, facts=FACTS, policy=STRICT, key=KEY, **more
    )


def test_a_practice_sees_rank_risk_words_and_reasons_of_its_own_people():
    found = listed(PRACTICE)
    first = found.table.to_pylist()[0]
    assert first["rank"] == 1 and first["risk"] == 0.9 and first["practice"] == "P0"
    assert first["risk_in_words"].startswith("about 9 in 10 people like this: emergency admission")
    assert "latest 2024-03-02" in first["reasons"]
    assert first["change_since_last"] == first["new_in_band"] == "first list"


def test_somebody_without_a_practice_is_left_out_and_counted():
    found = listed(PRACTICE)
    assert found.without_owner == 1
    assert "u003" not in found.table["unit_id"].to_pylist()


def test_each_practice_gets_a_table_of_its_own():
    found = owners(listed(PRACTICE), "practice")
    assert list(found) == ["P0", "P1", "P2", "P3"]
    assert all(set(t["practice"].to_pylist()) == {name} for name, t in found.items())


def test_the_list_says_what_changed():
    before = pa.table(
        {"unit_id": ["u000", "u001", "u002"], "rank": [1, 9, 2],
         "band": ["very_high", "high", "very_high"]}
    )  # fmt: skip
    rows = {row["unit_id"]: row for row in listed(PRACTICE, previous=before).table.to_pylist()}
    told = [
        (rows[u]["change_since_last"], rows[u]["new_in_band"]) for u in ("u000", "u001", "u002")
    ]
    assert told == [("same", "no"), ("up 7", "yes"), ("down 1", "no")]
    assert rows["u010"]["change_since_last"] == "new"


def test_a_commissioner_sees_no_pseudonym_rank_risk_date_or_value():
    table = listed(ICB).table
    assert table.column_names == list(ICB.columns)
    text = str(table.to_pylist())
    assert not re.search(r"\bu\d{3}\b|2024-|latest|: 4", text)
    points = [re.fullmatch(r"(\d+)-(\d+)%", each) for each in table["risk_band"].to_pylist()]
    assert all(point and int(point[1]) % 5 == int(point[2]) % 5 == 0 for point in points)


def test_rows_are_not_in_rank_order_within_a_band():
    ids = listed(ICB).table.filter(pa.compute.equal(listed(ICB).table["band"], "high"))
    ids = ids["release_id"].to_pylist()
    assert ids == sorted(ids) and all(re.fullmatch(r"[0-9a-f]{32}", i) for i in ids)


def test_no_row_is_one_of_a_kind_and_what_was_withheld_is_counted():
    found = listed(ICB)
    rows = [
        tuple(row[name] for name in ICB.columns if name != "release_id")
        for row in found.table.to_pylist()
    ]
    assert min(Counter(rows).values()) >= STRICT.threshold
    assert "85 and over" not in str(rows)
    assert found.coarsened >= 4


def test_a_reason_of_few_people_is_dropped_and_counted():
    found = listed(ICB.model_copy(update={"columns": ("release_id", "band", "reasons")}))
    assert "rare disease" not in str(found.table["reasons"].to_pylist())
    assert found.reasons_withheld >= 5
    assert "A&E attendances in the last year" in found.table["reasons"].to_pylist()


def test_a_column_that_a_list_cannot_hold_is_refused_with_the_choice():
    with pytest.raises(StudyError, match="no column rank, unit_id") as refused:
        listed(ICB.model_copy(update={"columns": ("release_id", "unit_id", "rank")}))
    assert "choose from release_id, band" in str(refused.value)


def test_an_attribute_that_nobody_computed_is_refused():
    with pytest.raises(StudyError, match="no column ethnicity"):
        listed(ICB.model_copy(update={"columns": ("release_id", "ethnicity")}))


def test_a_recipient_of_counts_gets_no_rows():
    with pytest.raises(ReleaseRefused, match="counts only"):
        listed(Recipient(to="ph", rows="aggregate", by=("practice",)))


def test_ids_join_neither_across_recipients_nor_dates_nor_secrets():
    keys = {
        release_key(b"", "d", DAY, "icb", 1),
        release_key(b"", "d", DAY, "council", 1),
        release_key(b"", "d", date(2024, 5, 1), "icb", 1),
        release_key(b"", "d", DAY, "icb", 2),
        release_key(b"s" * 32, "d", DAY, "icb", 1),
    }
    assert len({release_id(key, "u001", DAY) for key in keys}) == 5
    again = release_key(b"s" * 32, "digest", DAY, "icb", 1)
    assert release_id(KEY, "u001", DAY) == release_id(again, "u001", DAY)


def test_counts_by_place_are_protected_and_add_up_to_what_is_shown():
    recipient = Recipient(to="ph", rows="aggregate", by=("practice", "age_band"))
    table = aggregate_list(BANDED, GROUPS, recipient=recipient, policy=STRICT, title="By practice")
    assert table.columns[:3] == ("practice", "age_band", "people")
    counts = [cell for row in table.rows for cell in row[2:6] if cell is not None]
    assert all(n >= 10 and n % 5 == 0 for n in counts)
    assert ("not recorded", "85 and over", None) in {row[:3] for row in table.rows}
    with pytest.raises(StudyError, match="no dimension ward"):
        aggregate_list(
            BANDED, GROUPS, recipient=recipient.model_copy(update={"by": ("ward",)}),
            policy=STRICT, title="T",
        )  # fmt: skip


def test_the_summary_of_bands_expects_the_sum_of_risks():
    table = band_summary(BANDED, policy=policy_named("none"))
    assert [row[:2] for row in table.rows[:4]] == [
        ("very_high", 20), ("high", 80), ("moderate", 100), ("low", 200)
    ]  # fmt: skip
    assert table.rows[-1][2] == pytest.approx(sum(BANDED["risk"].to_pylist()), abs=2)


ATTRIBUTES = st.tuples(st.sampled_from("abcd"), st.sampled_from("xyz"), st.sampled_from("12"))


@given(st.lists(ATTRIBUTES, max_size=80), st.integers(min_value=1, max_value=12))
def test_every_combination_shown_is_shared_by_k(rows, k):
    shown = coarsen(rows, k)
    sizes = Counter(shown)
    assert len(shown) == len(rows)
    assert all(size >= k for row, size in sizes.items() if set(row) != {WITHHELD})
    if len(rows) >= k:
        assert all(size >= k for size in sizes.values())
    for before, after in zip(rows, shown, strict=True):
        assert all(b == a or a == WITHHELD for b, a in zip(before, after, strict=True))


@given(st.floats(min_value=0, max_value=1))
def test_words_and_bands_exist_for_every_risk(risk):
    assert " like this: " in risk_in_words(risk, "Eviction")
    assert risk_band(risk) == "under 5%" or re.fullmatch(r"\d{1,2}-\d{1,3}%", risk_band(risk))


@pytest.mark.parametrize(
    ("risk", "words"),
    [(0.97, "more than 9 in 10"), (0.33, "about 3 in 10"), (0.1, "about 1 in 10"),
     (0.066, "about 1 in 15"), (0.0101, "about 1 in 100"), (0.0001, "fewer than 1 in 1,000")],
)  # fmt: skip
def test_a_risk_in_words(risk, words):
    assert risk_in_words(risk, "A&E attendance") == f"{words} people like this: A&E attendance"


def test_a_change_in_words():
    assert [change_in_words(10, b) for b in (None, 10, 22, 7)] == ["new", "same", "up 12", "down 3"]


@pytest.mark.parametrize(
    ("full", "coarse"),
    [
        ("Long-term conditions = 4", "Long-term conditions"),
        ("4 A&E attendances in the last 90 days (raises the risk)",
         "A&E attendances in the last 90 days"),
        ("no GP contacts in the last year (raises the risk)", "GP contacts in the last year"),
        ("age 83 (raises the risk)", "age"),
        ("rent arrears: £312.50 (raises the risk)", "rent arrears"),
        ("12 days since the last admission (raises the risk)", "days since the last admission"),
        ("3 care packages (lowers the risk)", ""),
    ],
)  # fmt: skip
def test_a_coarse_reason_names_no_value(full, coarse):
    assert coarse_reason(full) == coarse
