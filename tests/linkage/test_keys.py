"""Keys: what two records must share."""

import duckdb
import pytest
from pydantic import TypeAdapter, ValidationError

from riskstrat.linkage.keys import Key, agrees_sql, columns_of, key_sql


def value(key, **columns):
    names = ", ".join(f"? AS {name}" for name in columns)
    with duckdb.connect() as con:
        return con.execute(
            f"SELECT {key_sql(key)} FROM (SELECT {names})", list(columns.values())
        ).fetchone()[0]


def test_a_key_with_a_part_missing_agrees_with_nothing():
    assert value(("a", "b"), a="x", b=None) is None
    assert value(("a<>b",), a="x", b=None) is None


def test_two_columns_may_have_been_filled_in_each_others_place():
    assert value(("a<>b",), a="ann", b="lee") == value(("a<>b",), a="lee", b="ann")
    assert value(("a<>b",), a="ann", b="lee") != value(("a<>b",), a="ann", b="ann")


def test_parts_never_run_into_each_other():
    assert value(("a", "b"), a="ab", b="c") != value(("a", "b"), a="a", b="bc")


def test_the_first_letters_suffice_where_the_key_says_so():
    assert value(("a/2",), a="anna") == value(("a/2",), a="andrew")


def test_agreement_in_sql_is_equality_of_keys():
    assert agrees_sql(("a", "b/2"), "l", "r") == (
        'l."a" = r."a" AND left(l."b", 2) = left(r."b", 2)'
    )
    assert list(columns_of(("a/3", "b<>c"))) == ["a", "b", "c"]


@pytest.mark.parametrize("item", ["a b", "a/12", "<>", "a; drop table x", "A"])
def test_an_item_that_is_none_is_refused(item):
    with pytest.raises(ValidationError, match="no item of a key"):
        TypeAdapter(Key).validate_python([item])
