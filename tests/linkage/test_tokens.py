"""Tokens in the place of identifiers: equal where pieces are, and telling nothing else."""

import pyarrow as pa
import pytest

from linkage.small import entities, link, spec_of
from riskstrat.errors import LinkageError
from riskstrat.linkage.spec import LinkageSpec
from riskstrat.linkage.tokens import make_tokens, tokenise
from tables import table

KEY, OTHER = b"k" * 32, b"o" * 32
ROWS = table("""
    record_key | nhs_number   | forename | surname | date_of_birth | sex | postcode | address
    -----------+--------------+----------+---------+---------------+-----+----------+--------------
    a          | 999 000 0018 | Ann      | Lee     | 1980-05-03    | F   | CM1 1AA  | 3 High Street
    b          | 9990000018   | ANN      | LEE     | 03/05/1980    | f   | cm11aa   | 3 HIGH ST
    c          | 9990000019   | Robert   | Okafor  | 1951-11-30    | M   | CM2 9ZZ  |
""")


@pytest.fixture(scope="module")
def spec():
    return spec_of("mid_county_tokens")


def rows_of(tokens):
    return {row["record_key"]: row for row in tokens.to_pylist()}


def test_the_same_person_written_differently_has_the_same_tokens(spec):
    told = rows_of(tokenise(ROWS, KEY, spec))
    assert {k: v for k, v in told["a"].items() if k != "record_key"} == {
        k: v for k, v in told["b"].items() if k != "record_key"
    }


def test_no_piece_of_an_identifier_is_left_and_all_tokens_are_128_bits(spec):
    told = tokenise(ROWS, KEY, spec)
    assert told["record_key"].to_pylist() == ["a", "b", "c"]
    said = str(told.drop_columns(["record_key"]).to_pydict()).lower()
    for piece in ("ann", "lee", "okafor", "9990000018", "1980", "cm11aa", "high"):
        assert f"'{piece}'" not in said
    made = [cell for name in spec.tokens.make for cell in told[name].to_pylist() if cell]
    assert all(len(token) == 32 and int(token, 16) >= 0 for token in made)


def test_an_invalid_number_gives_no_token_and_is_told_to_the_provider_alone(spec):
    told = make_tokens(ROWS, KEY, spec)
    assert rows_of(told.table)["c"]["nhs_token"] is None
    assert dict(told.broken) == {"RS1310": 1}


def test_two_keys_never_agree_on_anything(spec):
    mine, theirs = (tokenise(ROWS, key, spec) for key in (KEY, OTHER))
    for name in spec.tokens.make:
        assert not set(filter(None, mine[name].to_pylist())) & set(
            filter(None, theirs[name].to_pylist())
        )


def test_one_piece_in_two_fields_has_two_tokens(spec):
    told = rows_of(tokenise(ROWS, KEY, spec))["a"]
    made = [told[name] for name in spec.tokens.make if told[name]]
    assert len(set(made)) == len(made)


def test_rare_tokens_are_withheld_and_counted():
    spec = with_tokens(least=2, guarded=["surname_token"])
    told = make_tokens(ROWS, KEY, spec)
    assert told.table["surname_token"].null_count == 1
    assert told.withheld["surname_token"] == 1


def test_salted_tokens_are_comparable_among_equal_salt_alone():
    spec = with_tokens(salt=["date_of_birth_year"], salted=["surname_token"])
    rows = ROWS.set_column(
        ROWS.column_names.index("date_of_birth"), "date_of_birth", pa.array(["1980", "x", None])
    )
    later = ROWS.set_column(
        ROWS.column_names.index("date_of_birth"),
        "date_of_birth",
        pa.array(["1980-05-03", "1981-05-03", "1951-11-30"]),
    )
    one, other = tokenise(later, KEY, spec)["surname_token"].to_pylist()[:2]
    assert one != other
    assert tokenise(rows, KEY, spec)["surname_token"].null_count == 3


def with_tokens(**changes):
    plain = spec_of("mid_county_tokens")
    tokens = plain.tokens.model_dump(by_alias=True) | changes
    return LinkageSpec.model_validate(plain.model_dump(by_alias=True) | {"tokens": tokens})


def test_the_linker_links_on_tokens_alone(spec, tmp_path):
    icb = table("""
        record_key | nhs_number | forename | surname | date_of_birth | sex | postcode
        -----------+------------+----------+---------+---------------+-----+---------
        i1         | 9990000018 | Ann      | Lee     | 1980-05-03    | F   | CM1 1AA
        i2         | 9990000026 | Robert   | Okafor  | 1951-11-30    | M   | CM2 9ZZ
    """)
    schools = table("""
        record_key | forename | surname | date_of_birth | sex | postcode
        -----------+----------+---------+---------------+-----+---------
        s1         | Ann      | Lee     | 1980-03-05    | F   | CM1 1AA
        s2         | Femi     | Ade     | 2014-09-09    | M   | CM9 9ZZ
    """)
    parts = [
        tokenise(rows, KEY, spec).append_column("agency", pa.array([agency] * rows.num_rows))
        for agency, rows in (("icb", icb), ("schools", schools))
    ]
    found = entities(link(pa.concat_tables(parts), tmp_path, spec))
    assert found["s1"] == found["i1"]
    assert found["i1"].startswith("nhs_token|")
    assert found["s2"] not in (found["i1"], found["i2"])


@pytest.mark.parametrize(
    ("key", "name", "code"),
    [(b"short", "mid_county_tokens", "RS1329"), (KEY, "mid_county", "RS1304")],
)
def test_tokens_need_a_long_key_and_a_recipe(key, name, code):
    with pytest.raises(LinkageError) as told:
        tokenise(ROWS, key, spec_of(name))
    assert told.value.code == code


def test_the_linker_knows_every_token_that_providers_make(spec):
    assert set(spec.tokens.make) == set(spec.fields)
