"""Expressions: what they accept, what they refuse and how, and that accepted ones always run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache

import duckdb
import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st

from riskstrat.errors import StudyError
from riskstrat.expressions import parse
from riskstrat.expressions.terms import ALIKE, FUNCTION_NAMES, FUNCTIONS, SQL_TYPES
from riskstrat.vocabulary import Codelist, ColumnType

STRING, INTEGER, NUMBER, BOOLEAN, DATE = ColumnType
COLUMNS = {
    "age": INTEGER,
    "beds": INTEGER,
    "cost": NUMBER,
    "score": NUMBER,
    "registered": BOOLEAN,
    "carer": BOOLEAN,
    "born": DATE,
    "seen": DATE,
    "method": STRING,
    "people.sex": STRING,
}
CODELISTS = {
    "urgent": Codelist(
        "urgent", {"21": "a", "22": "b", "2B": "c"}, {"21": "in", "22": "in", "2B": ""}
    )
}
ROWS: Sequence[tuple[object, ...]] = (
    (18, 2, 10.5, 0.1, True, False, date(1990, 2, 28), date(2024, 2, 29), "21", "f"),
    (0, 0, 0.0, -0.0, False, True, date(2000, 2, 29), date(2000, 3, 1), "", "m"),
    (2**63 - 1, -(2**63), 1e308, -1e308, True, True, date(1, 1, 1), date(9999, 12, 31), "x'y", ""),
    (-1, 1, float("inf"), float("nan"), True, None, date(2024, 1, 31), None, "2024-02-30", "é"),
    (None,) * 10,
)


def read(text: str, **options: object):
    return parse(text, COLUMNS, CODELISTS, "study.yaml:3: cohort.who", **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def people() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    columns = ", ".join(f'"{name}" {SQL_TYPES[kind]}' for name, kind in COLUMNS.items())
    con.execute(f"CREATE TABLE people ({columns})")
    con.executemany(f"INSERT INTO people VALUES ({', '.join('?' * len(COLUMNS))})", ROWS)
    return con


def value(con: duckdb.DuckDBPyConnection, text: str, row: int = 0) -> object:
    return con.execute(f"SELECT {read(text).sql()} FROM people").fetchall()[row][0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("registered and age >= 18", True),
        ("not registered or age between 18 and 19", True),
        ("age not between 0 and 17.5", True),
        ("method in codelist('urgent')", True),
        ("method in codelist('urgent', 'in') and method not in ('22', '2B')", True),
        ("people.sex = 'f'", True),
        ("born < '1990-03-01' and born >= date '1990-02-28'", True),
        ("seen in ('2024-02-29', '2024-03-01')", True),
        ("cost is not null", True),
        ("age / 4", 4.5),
        ("age % 4 + beds * 2 - 1", 5),
        ("-beds - -1", -1),
        ("2 + 3 * 4 = 14", True),
        ("(2 + 3) * 4 = 20", True),
        ("case when age < 18 then 'child' when age < 65 then 'adult' else 'older' end", "adult"),
        ("case when age < 18 then 1 end", None),
        ("coalesce(beds, 0.5)", 2.0),
        ("least(age, beds) + greatest(age, beds)", 20),
        ("round(cost) = 11.0 or round(cost) = 10", True),
        ("upper(lower('Ab')) = 'AB' and length(trim(' a ')) = 1", True),
        ("starts_with(method, '2')", True),
        ("ends_with(method, '1') and not ends_with(method, '2')", True),
        ("left('2024 Q3', 4)", "2024"),
        ("split_part('LAB//50912//mg', '//', 2)", "50912"),
        ("split_part('LAB', '//', 1) = 'LAB' and split_part('LAB', '//', 2) = ''", True),
        ("split_part('a-b', '-', 0) = '' and split_part('a-b', '-', -1) = 'b'", True),
        ("left(method, 0) = '' and left(method, -1) = ''", True),
        ("left(method, 9223372036854775807) = method", True),
        ("year(born) * 10000 + month(born) * 100 + day(born)", 19900228),
        ("days_between(born, '1990-03-01')", 1),
        ("date_diff_days(born, seen) > 365", True),
        ("add_days(born, 1) = make_date(1990, 3, 1)", True),
        ("to_date('29/02/2024', '%d/%m/%Y') = seen", True),
        ("to_integer(method) + 1", 22),
        ("to_number('2.5') * 2", 5.0),
        ("to_text(age)", "18"),
        ("abs(-3)", 3),
        ("\"people.sex\" = 'f'", True),
    ],
)
def test_an_expression_gives_what_it_says(people, text, expected):
    assert value(people, text) == expected


def test_every_function_has_an_example_above():
    texts = " ".join(
        mark.args[1][i][0]
        for mark in test_an_expression_gives_what_it_says.pytestmark
        for i in range(len(mark.args[1]))
    )
    assert {name for name in FUNCTION_NAMES if f"{name}(" not in texts} == set()
    assert {*FUNCTIONS, *ALIKE} < FUNCTION_NAMES


@pytest.mark.parametrize(
    "text",
    [
        "age + 1",
        "age - beds",
        "-beds",
        "abs(beds)",
        "age * 2",
        "beds % 0",
        "make_date(beds, 2, 30)",
        "add_days(seen, age)",
        "to_date(method)",
    ],
)
def test_what_cannot_be_worked_out_is_empty_and_ends_nothing(people, text):
    assert value(people, text, 2) is None


def test_a_division_by_zero_is_empty(people):
    assert value(people, "age / beds", 1) is None


def test_an_integer_beyond_32_bits_is_computed_exactly(people):
    assert value(people, "2000000000 + 2000000000") == 4_000_000_000


@pytest.mark.parametrize(
    ("text", "code", "column", "says"),
    [
        ("", "RS1210", 1, "empty"),
        ("agee > 1", "RS1211", 1, "did you mean `age`?"),
        ("registered and agee > 1", "RS1211", 16, "`agee`"),
        ("sex = 'f'", "RS1211", 1, "people.sex"),
        ("age = '18'", "RS1213", 7, "an integer and a text"),
        ("born > 'last year'", "RS1210", 8, "is not a date"),
        ("born > '2023-02-29'", "RS1210", 8, "is not a date"),
        ("born > 5", "RS1213", 8, "a date and an integer"),
        ("born + 5 > seen", "RS1213", 1, "add_days"),
        ("registered < carer", "RS1213", 12, "cannot order"),
        ("age and registered", "RS1213", 1, "`and` needs yes or no"),
        ("not age", "RS1213", 5, "`not` needs yes or no"),
        ("method = null", "RS1210", 10, "is null"),
        ("method in codelist('urgnt')", "RS1214", 20, "did you mean `urgent`?"),
        ("method in codelist('urgent', 'im')", "RS1214", 30, "groups: in"),
        ("method in codelist('urgent', '')", "RS1214", 30, "no group"),
        ("age in codelist('urgent')", "RS1213", 1, "a codelist holds texts"),
        ("codelist('urgent')", "RS1210", 1, "belongs after `in`"),
        ("method in ()", "RS1210", 12, "found `)`"),
        ("method in (method)", "RS1210", 12, "literals only"),
        ("1 < age < 5", "RS1210", 9, "cannot be chained"),
        ("age == 5", "RS1210", 5, "write `=`"),
        ("age > 5; drop table people", "RS1210", 8, "refused"),
        ("age > 5 -- all", "RS1210", 9, "refused"),
        ("age /* x */ > 5", "RS1210", 5, "refused"),
        ("select age from people", "RS1210", 1, "`select` has no place"),
        ("age > (select max(age) from people)", "RS1210", 8, "`select` has no place"),
        ("exists (select 1)", "RS1212", 1, "not one of the functions"),
        ("cast(age as varchar) = '1'", "RS1212", 1, "not one of the functions"),
        ("age::varchar = '1'", "RS1210", 4, "does not belong"),
        ("pg_sleep(5) = 1", "RS1212", 1, "not one of the functions"),
        ("read_text('/etc/passwd') = 'x'", "RS1212", 1, "not one of the functions"),
        ("lower(age) = 'x'", "RS1213", 7, "`lower` needs a text, this is an integer"),
        ("lower(method, method) = 'x'", "RS1212", 1, "takes 1 value"),
        ("to_date(method, method) = born", "RS1210", 17, "the format"),
        ("to_date(method, '%x') = born", "RS1210", 17, "the format"),
        ("coalesce(age, method)", "RS1213", 15, "an integer and a text"),
        ("case when age then 1 end", "RS1213", 11, "`when` needs"),
        ("case when carer then 1 else 'x' end", "RS1213", 29, "an integer and a text"),
        ("method = 'abc", "RS1210", 10, "never closed"),
        ("(age > 1", "RS1210", 9, "`)` is needed here, found the end"),
        ("age > 1)", "RS1210", 8, "found `)`"),
        ("age > 12abc", "RS1210", 7, "does not belong"),
        ("age > 99999999999999999999", "RS1210", 7, "too large"),
        ("cost > 1e999", "RS1210", 8, "too large"),
        ("method = 'a\tb'", "RS1210", 10, "control characters"),
        ("age >\n agee", "RS1211", 2, "row 2 column 2"),
        ("(" * 60 + "age" + ")" * 60 + " > 1", "RS1215", 41, "nested"),
        ("age > " + "+".join("1" * 200), "RS1215", 206, "nested"),
        ("age > 1 " + " " * 4000, "RS1215", 1, "longer than"),
    ],
)
def test_a_refusal_shows_the_place(text, code, column, says):
    with pytest.raises(StudyError) as refused:
        read(text)
    assert refused.value.code == code
    first, shown, caret = refused.value.message.splitlines()
    assert first.startswith("study.yaml:3: cohort.who: ")
    assert f"column {column}:" in first
    assert says in refused.value.message
    assert caret.index("^") <= len(shown) + 1


def test_the_result_has_the_type_that_is_needed():
    assert read("age", expect=NUMBER).type is NUMBER
    with pytest.raises(StudyError, match="gives an integer, yes or no"):
        read("age + 1", expect=BOOLEAN)


def test_a_code_the_column_never_holds_is_refused():
    levels = {"people.sex": ("f", "m")}
    assert read("people.sex = 'f' and people.sex in ('f', 'm')", levels=levels)
    for text in ("people.sex = 'F'", "'F' <> people.sex", "people.sex not in ('f', 'F')"):
        with pytest.raises(StudyError, match="never holds `F`; codes: f, m") as refused:
            read(text, levels=levels)
        assert refused.value.code == "RS1216"


def test_a_source_may_be_named_before_its_column():
    columns = {"sex": STRING}
    found = parse("people.sex = 'f'", columns, {}, "x", source="people")
    assert found.columns == {"sex"}
    assert found.sql(prefix="e.") == "(e.\"sex\" = 'f')"


def test_columns_can_be_renamed_and_prefixed():
    found = read("people.sex = 'f' and age > 1")
    assert found.columns == {"people.sex", "age"}
    assert '"c_age"' in found.sql(lambda name: f"c_{name}")


def test_conditions_joined_by_and_come_apart_with_their_own_text():
    found = read("registered  and (age > 1 or carer) and not (carer and age > 2)")
    assert [part.text for part in found.conjuncts()] == [
        "registered",
        "(age > 1 or carer)",
        "not (carer and age > 2)",
    ]
    assert found.conjuncts()[0].columns == {"registered"}
    assert [part.text for part in read("registered or carer and age > 1").conjuncts()] == [
        "registered or carer and age > 1"
    ]
    assert read("true").conjuncts() == ()


def test_the_canonical_form_follows_the_meaning_not_the_spelling():
    assert read("age>1 AND registered").canonical == read("(age > 1) and registered").canonical
    assert read("age > 1").canonical != read("age > 1.0").canonical
    fewer = {"urgent": Codelist("urgent", {"21": "a"}, {"21": ""})}
    text = "method in codelist('urgent')"
    assert read(text).canonical != parse(text, COLUMNS, fewer, "x").canonical


# -- laws ----------------------------------------------------------------------------------------

WORDS = [
    *COLUMNS, *FUNCTION_NAMES, "and", "or", "not", "in", "is", "null", "between", "case", "when",
    "then", "else", "end", "true", "false", "(", ")", ",", ".", "+", "-", "*", "/", "%", "=", "<",
    ">=", "<>", "1", "2.5", "'21'", "'2024-01-01'", "date", "'urgent'", "select", "--", ";", "\n",
]  # fmt: skip


@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join)))
@settings(max_examples=1500, deadline=None)
def test_any_text_is_an_expression_or_a_study_error(people, text):
    try:
        found = read(text)
    except StudyError as error:
        assert error.code.startswith("RS121")
    else:
        people.execute(f"SELECT {found.sql()} FROM people").fetchall()


@cache
def _literal(kind: ColumnType) -> st.SearchStrategy[str]:
    return {
        STRING: st.text("aZ 9é'%{}😀", max_size=5).map(
            lambda text: "'" + text.replace("'", "''") + "'"
        ),
        INTEGER: st.integers(0, 2**63 - 1).map(str),
        NUMBER: st.floats(0, 1e300, allow_subnormal=False).map(
            lambda x: repr(x) if any(c in repr(x) for c in ".e") else f"{x}.0"
        ),
        BOOLEAN: st.sampled_from(["true", "false"]),
        DATE: st.dates().map(lambda day: f"date '{day}'"),
    }[kind]


@cache
def _columns(kind: ColumnType) -> st.SearchStrategy[str]:
    return st.sampled_from([name for name, is_ in COLUMNS.items() if is_ is kind])


def _joined(*parts: str | st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    made = [st.just(part) if isinstance(part, str) else part for part in parts]
    return st.tuples(*made).map(lambda found: "(" + " ".join(found) + ")")


@cache
def typed(kind: ColumnType, depth: int = 3) -> st.SearchStrategy[str]:
    """Texts of expressions of one type, every operator and function among them."""
    simple = _columns(kind) | _literal(kind)
    if not depth:
        return simple

    def of(inner: ColumnType) -> st.SearchStrategy[str]:
        return st.deferred(lambda: typed(inner, depth - 1))

    made = [
        simple,
        _joined("case when", of(BOOLEAN), "then", of(kind), "else", of(kind), "end"),
        _joined("coalesce(", of(kind), ",", of(kind), ")"),
    ]
    if kind is not BOOLEAN:
        made.append(_joined("greatest(", of(kind), ",", of(kind), ")"))
    for name, function in FUNCTIONS.items():
        takes = [min(options) for options in function.takes]
        if (function.gives or takes[0]) is kind:
            arguments = [part for one in takes for part in (",", of(one))][1:]
            made.append(_joined(f"{name}(", *arguments, ")"))
    if kind in (INTEGER, NUMBER):
        made += [_joined(of(kind), sign, of(kind)) for sign in "+-*%"]
        made.append(_joined("-", of(kind)))
    if kind is NUMBER:
        made.append(_joined(of(INTEGER), "/", of(INTEGER)))
    if kind is DATE:
        made.append(_joined("to_date(", of(STRING), ", '%d/%m/%Y' )"))
    if kind is BOOLEAN:
        for inner in (STRING, INTEGER, NUMBER, DATE):
            made.append(_joined(of(inner), "<=", of(inner)))
            made.append(_joined(of(inner), "between", of(inner), "and", of(inner)))
            made.append(_joined(of(inner), "in (", _literal(inner), ",", _literal(inner), ")"))
            made.append(_joined(of(inner), "is not null"))
        made += [_joined(of(BOOLEAN), word, of(BOOLEAN)) for word in ("and", "or", "=", "<>")]
        made += [_joined("not", of(BOOLEAN)), _joined(of(STRING), "in codelist('urgent')")]
    return st.one_of(made)


@given(st.sampled_from(list(ColumnType)).flatmap(lambda k: st.tuples(st.just(k), typed(k))))
@settings(max_examples=1000, deadline=None)
def test_what_is_accepted_runs_on_any_rows_and_has_its_type(people, drawn):
    kind, text = drawn
    try:
        found = read(text)
    except StudyError as error:
        assert error.code == "RS1215"
        return
    assert found.type is kind
    result = people.execute(f"SELECT {found.sql()} AS x FROM people")
    assert str(result.description[0][1]) == SQL_TYPES[kind]
    assert len(result.fetchall()) == len(ROWS)


def _plain(depth: int) -> st.SearchStrategy[str]:
    number = st.sampled_from(["age", "beds", "1", "2", "7"])
    sums = st.lists(st.tuples(st.sampled_from("+-*"), number), max_size=3)
    arithmetic = st.tuples(number, sums).map(
        lambda found: found[0] + "".join(f" {sign} {part}" for sign, part in found[1])
    )
    comparison = st.tuples(
        arithmetic, st.sampled_from(["<", ">=", "=", "<>", "between 1 and"]), arithmetic
    ).map(" ".join)
    one = comparison | st.sampled_from(["registered", "carer", "not carer", "age is null"])
    if depth:
        inner = st.deferred(lambda: _plain(depth - 1))
        one = one | inner.map(lambda text: f"({text})") | inner.map(lambda text: f"not ({text})")
    return st.lists(one | one.map(lambda text: f"not {text}"), min_size=1, max_size=4).flatmap(
        lambda parts: st.lists(
            st.sampled_from(["and", "or"]), min_size=len(parts), max_size=len(parts)
        ).map(
            lambda words: " ".join(
                part if not i else f"{words[i]} {part}" for i, part in enumerate(parts)
            )
        )
    )


@given(_plain(2))
@settings(max_examples=500, deadline=None)
def test_operators_bind_as_they_do_in_the_database(people, text):
    rows = "(SELECT * FROM people WHERE age BETWEEN -9 AND 99 OR age IS NULL)"
    ours = people.execute(f"SELECT {read(text).sql()} FROM {rows}").fetchall()
    theirs = people.execute(f"SELECT {text} FROM {rows}").fetchall()
    assert ours == theirs


@given(st.sampled_from(list(ColumnType)).flatmap(typed))
@settings(max_examples=200, deadline=None)
def test_what_is_accepted_is_one_plain_sql_expression_to_an_independent_parser(text):
    try:
        read(text)
    except StudyError:
        return
    [tree] = sqlglot.parse(f"SELECT {text}", read="duckdb")
    assert len(tree.expressions) == 1
    assert [*tree.find_all(sqlglot.exp.Select)] == [tree]
