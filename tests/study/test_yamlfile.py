"""Config files: safe to read, told apart to the line, overridden from outside."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from riskstrat.contracts.spec import Source
from riskstrat.errors import StudyError
from riskstrat.study import StudySpec
from riskstrat.yamlfile import read_document, read_spec

from .conftest import SOURCES, STUDY, outdent


def refused(path: Path, *overrides: str, model: Any = StudySpec) -> StudyError:
    with pytest.raises(StudyError) as error:
        read_spec(path, model, overrides)
    assert "pydantic" not in str(error.value) and "Traceback" not in str(error.value)
    return error.value


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str | bytes], Path]:
    def write(content: str | bytes) -> Path:
        path = tmp_path / "some.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_a_study_reads_into_its_spec_with_every_default_written_out(study_file, tmp_path):
    spec, text = read_spec(study_file(), StudySpec)
    assert spec.study == "stays_12m"
    assert spec.cohort.as_of.first == date(2020, 4, 1)
    assert "replicates: 1000" in text
    again = tmp_path / "again.yaml"
    again.write_text(text)
    assert read_spec(again, StudySpec) == (spec, text)


def test_the_effective_text_of_sets_does_not_depend_on_their_order(world):
    from riskstrat.contracts.agreements.spec import SharingAgreement

    path = world / "agreements" / "council.yaml"
    _, text = read_spec(path, SharingAgreement)
    assert "purposes:\n- case_finding\n- research\n" in text


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("aggregates: [count]}", "agregates: [count]}",
         "stays.yaml:22: features.blocks.2.agregates: unknown key; did you mean `aggregates`?"),
        ("unit: person", "unit: persn",
         "stays.yaml:5: unit: `persn` is not one of person, household, property, practice, area, "
         "incident; did you mean `person`?"),
        ("last: 2023-04-01", "lst: 2023-04-01",
         "stays.yaml:9: cohort.as_of.lst: unknown key; did you mean `last`?"),
        ("{first: 2020-04-01, last: 2023-04-01}", "{dates: [2020-04-31]}",
         "stays.yaml:9: cohort.as_of.dates.0: found `2020-04-31`; a date looks like 2024-04-01"),
        ("{first: 2020-04-01, last: 2023-04-01}", "{each: stays, pluss: 3}",
         "stays.yaml:9: cohort.as_of.pluss: unknown key; did you mean `plus`?"),
        ("{first: 2020-04-01, last: 2023-04-01}", "{first: 2020-04-01, last: 2019-04-01}",
         "cohort.as_of: `last` (2019-04-01) comes before `first` (2020-04-01)"),
        ("within: 365 days", "within: 1 week",
         "a length of time looks like `365 days` or `1 year`, not `1 week`"),
        ("windows: [90, 365]", "windows: 90",
         "stays.yaml:18: features.windows: found `90`; a list is needed, such as [a, b]"),
        ("windows: [90, 365]", "windows: [90, many]",
         "features.windows.1: found `many`; a whole number is needed"),
        ("scheme: rolling_origin", "scheme: roling_origin",
         "training.folds: `scheme: roling_origin` is not one of rolling_origin, grouped_kfold; "
         "did you mean `rolling_origin`?"),
        ("{scheme: rolling_origin}", "{k: 5}",
         "training.folds: `scheme` is missing; one of grouped_kfold, rolling_origin"),
        ("{scheme: rolling_origin}", "{scheme: rolling_origin, gap: horizn}",
         "training.folds.gap: `horizn` is not one of horizon; did you mean `horizon`?; or "
         "a length of time looks like `365 days` or `1 year`, not `horizn`"),
        ("learners: [lightgbm]", "learners: [lightgbm, ligthgbm]",
         "did you mean `lightgbm`?"),
        ("learners: [lightgbm]", "learners: [{existing_score: {name: theirs}}]",
         "training.learners.0.existing_score.column: is missing (a feature of this study: the "
         "published score); add it"),
        ("auroc.low >= 0.6", "auroc.low => 0.6", "audit.gates.0: a gate looks like"),
        ("sum(bed_days)", "sum", "`sum` needs a column: `sum(cost)`"),
        ("title: A stay within a year", "title: 2024",
         "stays.yaml:2: title: found `2024`; a text is needed; put it in quotes"),
        ("title: A stay within a year\n", "", "stays.yaml:1: title: is missing; add it"),
        ("seed: 1", "seed: -1", "seed: found `-1`; it should be greater than or equal to 0"),
        ("study: stays_12m", "study: Stays 12m", "a name has small letters"),
        ("capacity: [0.05, 0.2]", "capacity: [5, 20]", "audit.capacity.0: found `5`; it should be"),
        ("cluster: household", "cluster: {household: yes}",
         "training.cluster: found keys and values; a text is needed"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_place_and_what_would_do(study_file, old, new, says):
    error = refused(study_file((old, new)))
    assert error.code == "RS1203"
    assert says in error.message


def test_every_fault_is_told_at_once(study_file):
    error = refused(study_file(("unit: person", "unit: x"), ("seed: 1", "sed: 1")))
    assert error.message.splitlines()[0] == "stays.yaml has 3 faults:"
    assert "stays.yaml:6: sed: unknown key; did you mean `seed`?" in error.message
    assert "seed: is missing" in error.message


def test_a_variant_is_chosen_by_its_keys_and_the_others_stay_silent(file):
    text = outdent(SOURCES["people"]).replace("{lag_days: 0}", "{lag_days: soon}")
    error = refused(file(text), model=Source)
    assert error.message == (
        "some.yaml:11: known_on.lag_days: found `soon`; a whole number is needed"
    )


def test_a_source_must_say_when_its_rows_became_known_and_is_told_how(file):
    text = outdent(SOURCES["people"]).replace("known_on: {lag_days: 0}", "")
    error = refused(file(text), model=Source)
    assert "some.yaml:1: known_on: is missing" in error.message
    assert "the column with the day it reached the platform" in error.message
    assert "`known_on: {lag_days: 45}`" in error.message
    null = outdent(SOURCES["people"]).replace("{lag_days: 0}", "")
    assert "known_on: found nothing" in refused(file(null), model=Source).message


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("a: &x 1\nb: *x\n", "some.yaml:1: anchors and aliases"),
        ("a: 1\nb: !!python/object/apply:os.system [ls]\n", "some.yaml:2: tags"),
        ("a: !local x\n", "some.yaml:1: tags"),
        ("a: 1\nb: 2\na: 3\n", "some.yaml:3: `a` appears twice, first on line 1"),
        ("a: [1, 2\nb: 3\n", "not valid YAML"),
        ("a: 1\n---\nb: 2\n", "not valid YAML"),
        ("- a\n- b\n", "does not hold keys and values"),
        ("", "does not hold keys and values"),
        ("? [a]\n: b\n", "a key must be a plain text"),
        ("a: \x07\n", "a character that YAML does not allow"),
        (b"a: caf\xe9\n", "some.yaml:1: not UTF-8"),
        (b"\xff\xfea\x00", "not UTF-8"),
        ("a: " + "[" * 200 + "]" * 200, "nested more than"),
        (b"# " + b"x" * 1_000_001, "larger than"),
    ],
)
def test_what_is_not_plain_yaml_is_refused(file, content, says):
    error = refused(file(content))
    assert error.code == "RS1202"
    assert says in str(error)


def test_yaml_values_are_what_they_look_like(file):
    text = (
        'no: no\n06: 06\none: 1\nhalf: 0.5\nday: 2024-02-30\nyes: true\nnone: ~\nq: "1"\nt: 12:30'
    )
    assert read_document(file(text)).data == {
        "no": "no", "06": "06", "one": 1, "half": 0.5, "day": "2024-02-30", "yes": True,
        "none": None, "q": "1", "t": "12:30",
    }  # fmt: skip


def test_a_missing_file_is_named_with_what_it_may_have_been(study_file):
    path = study_file()
    error = refused(path.with_name("stay.yaml"))
    assert error.code == "RS1201"
    assert str(path.with_name("stay.yaml")) in error.message
    assert "did you mean stays.yaml?" in error.fix
    assert "there is no folder" in refused(path.parent / "no" / "x.yaml").fix
    assert refused(path.parent).code == "RS1201"


# -- overrides -----------------------------------------------------------------------------------


def test_overrides_replace_and_add_values(study_file):
    spec, text = read_spec(
        study_file(),
        StudySpec,
        (
            "seed=7",
            "training.tune.trials=3",
            "training.learners.0=logistic_regression",
            "audit.capacity=[0.1, 0.3]",
            "cohort.who=true and registered",
            "release.recipients.0.bands=[high]",
        ),
    )
    assert (spec.seed, spec.training.tune.trials) == (7, 3)
    assert spec.training.learners[0].kind == "logistic_regression"
    assert spec.audit.capacity == (0.1, 0.3)
    assert spec.cohort.who == "true and registered"
    assert spec.release.recipients[0].bands == ("high",)
    assert "seed: 7" in text


@pytest.mark.parametrize(
    ("override", "code", "says"),
    [
        ("training.tun.trials=3", "RS1203",
         "--set training.tun.trials=3: training.tun: unknown key; did you mean `tune`?"),
        ("training.tune.trails=3", "RS1203",
         "--set training.tune.trails=3: training.tune.trails: unknown key; did you mean `trials`?"),
        ("seed=many", "RS1203", "--set seed=many: seed: found `many`; a whole number is needed"),
        ("training.learners.3=x", "RS1204", "`training.learners` is a list of 1"),
        ("training.learners.x=1", "RS1204", "`training.learners` is a list of 1"),
        ("seed.low=3", "RS1204", "`seed` holds a single value, so there is no `low` in it"),
        ("seed", "RS1204", "an override looks like"),
        ("=3", "RS1204", "an override looks like"),
        ("a..b=3", "RS1204", "an override looks like"),
        ("seed=[1", "RS1202", "--set seed"),
        ("title=&x y", "RS1202", "anchors"),
    ],
)  # fmt: skip
def test_an_override_that_cannot_work_says_so(study_file, override, code, says):
    error = refused(study_file(), override)
    assert error.code == code
    assert says in error.message


# -- laws ----------------------------------------------------------------------------------------

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates()
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["as_of", "first", "x", "kind", "scheme", "1"]), inner,
                      max_size=3),
    max_leaves=6,
)  # fmt: skip


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    below = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if (isinstance(value, list))
        else ()
    )
    return [path, *(place for key, item in below for place in _places(item, (*path, key)))]


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_any_change_of_a_study_is_read_or_refused_in_words(tmp_path_factory, data):
    study = yaml.safe_load(STUDY)
    *above, last = data.draw(st.sampled_from(_places(study)[1:]))
    here = study
    for key in above:
        here = here[key]
    here[last] = data.draw(VALUES)
    path = tmp_path_factory.getbasetemp() / "changed.yaml"
    path.write_text(yaml.safe_dump(study, allow_unicode=False))
    try:
        _, text = read_spec(path, StudySpec)
    except StudyError as error:
        assert error.code in ("RS1202", "RS1203")
        assert "changed.yaml" in error.message
    else:
        path.write_text(text)
        assert read_spec(path, StudySpec)[1] == text


@given(st.binary(max_size=80) | st.text("ab:-[]{}&*!|>'\"# \n\t,?%@0", max_size=60).map(str.encode))
@settings(max_examples=500, deadline=None)
def test_any_bytes_are_read_or_refused_in_words(tmp_path_factory, raw):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(raw)
    with pytest.raises(StudyError) as error:
        read_spec(path, StudySpec)
    assert error.value.code in ("RS1202", "RS1203")
