"""A study held against its catalogue."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml

from riskstrat.attributes import band_labels
from riskstrat.contracts.catalogue import load_catalogue
from riskstrat.errors import StudyError
from riskstrat.statistics import RATES, SCORES
from riskstrat.study import load_study, resolve_attribute, schema
from riskstrat.study.demands import GROUP_RATES, GROUP_SCORES
from riskstrat.vocabulary import ColumnType, Unit

from .conftest import SOURCES, STUDY, outdent

ROOT = Path(__file__).parents[2]
STUDIES = sorted((ROOT / "configs" / "studies").glob("*.yaml"))


def refused(path: Path, *overrides: str) -> StudyError:
    with pytest.raises(StudyError) as error:
        load_study(path, overrides)
    return error.value


def test_a_study_finds_everything_its_names_mean(study_file, world):
    study = load_study(study_file())
    assert study.name == "stays_12m"
    assert study.root == world
    assert [source.source for source in study.sources] == [
        "areas", "calls", "deaths", "homes", "people", "register", "stays",
    ]  # fmt: skip
    assert study.population.source == "register"
    assert study.deaths is not None and study.deaths.source == "deaths"
    assert study.born is not None and study.born[1] == "birth_month"
    assert study.who.columns == {"registered", "age_at_as_of"}
    assert "'21', '22', '2B'" in study.outcome_where.sql()
    assert [where and where.text for where in study.block_filters] == [
        None, "kind = 'urgent'", None,
    ]  # fmt: skip
    assert set(study.block_attributes[0]) == {"age", "sex"}
    assert study.recipients == ("gp_practice",)


def test_a_study_reads_no_more_columns_than_it_needs(study_file):
    used = load_study(study_file()).used_columns
    assert used["stays"] == {
        "person_id", "admitted_on", "recorded_on", "method", "kind", "bed_days",
    }  # fmt: skip
    assert used["people"] == {"person_id", "valid_from", "birth_month", "sex"}
    assert used["homes"] == {"person_id", "starts_on", "ends_on", "household_id", "area_id"}
    assert used["areas"] == {"area_id", "published_on", "quintile"}
    assert used["deaths"] == {"person_id", "died_on"}


def test_attributes_are_found_where_they_are_recorded(study_file):
    found = load_study(study_file()).attributes
    assert {
        text: (each.kind, each.source, each.column, each.through) for text, each in found.items()
    } == {
        "age": ("age", "people", "birth_month", None),
        "age_at_as_of": ("age", "people", "birth_month", None),
        "age_band": ("age_band", "people", "birth_month", None),
        "household": ("relation", None, None, Unit.HOUSEHOLD),
        "quintile": ("column", "areas", "quintile", Unit.AREA),
        "register.practice_id": ("column", "register", "practice_id", None),
        "sex": ("column", "people", "sex", None),
    }
    assert found["age_band"].levels == ("0-4", "5-17", "18-39", "40-64", "65-74", "75-84", "85+")
    assert found["quintile"].ordered and found["quintile"].levels == ("1", "2", "3", "4", "5")
    assert found["sex"].labels == {"f": "female", "m": "male"}


@pytest.mark.parametrize(
    ("text", "unit", "code", "says"),
    [
        ("town", "person", "RS1231", "`town` is in several sources; write `homes.town` or"),
        ("sexx", "person", "RS1230", "did you mean `sex`?"),
        ("method", "person", "RS1230", "no attribute `method`"),
        ("people.sexx", "person", "RS1230", "people has no column `sexx`; did you mean `sex`?"),
        ("peple.sex", "person", "RS1222", "no source `peple`; did you mean `people`?"),
        ("property", "person", "RS1232", "needs the property of a person"),
        ("age", "household", "RS1233", "needs one source with `born_on` about a household"),
        ("people.sex", "household", "RS1232", "needs the person of a household"),
    ],
)
def test_an_attribute_that_cannot_be_found_says_why(world, text, unit, code, says):
    with pytest.raises(StudyError) as error:
        resolve_attribute(text, unit=Unit(unit), catalogue=load_catalogue(world))
    assert error.value.code == code
    assert says in error.value.message


def test_attributes_of_the_unit_itself_come_first_and_events_must_be_named(world):
    catalogue = load_catalogue(world)

    def find(text: str, unit: Unit = Unit.PERSON):
        return resolve_attribute(text, unit=unit, catalogue=catalogue)

    assert find("sex").source == "people"
    assert find("stays.method").column == "method"
    assert find("person").kind == "unit"
    assert find("homes.town").source == "homes"
    assert find("carer").type is ColumnType.BOOLEAN and find("carer").is_category


def test_bands_are_named_by_their_ages():
    assert band_labels((0, 1, 65)) == ("0", "1-64", "65+")
    assert band_labels((18,)) == ("18+",)


@pytest.mark.parametrize(
    ("old", "new", "code", "says"),
    [
        ("event: stays", "event: stay", "RS1222",
         "stays.yaml:13: outcome.event: there is no source `stay`; did you mean `stays`?"),
        ("event: stays", "event: calls", "RS1223", "rows of `calls` are about a household"),
        ("registered and age_at_as_of >= 18", "registred", "RS1211",
         "stays.yaml:10: cohort.who: column 1: there is no column `registred` here; did you mean"),
        ("registered and age_at_as_of >= 18", "town = 'x'", "RS1211", "is in several sources"),
        ("registered and age_at_as_of >= 18", "sex = 'F'", "RS1216", "never holds `F`"),
        ("registered and age_at_as_of >= 18", "age_at_as_of", "RS1213", "yes or no"),
        ("codelist('urgent')", "codelist('urgnt')", "RS1214", "outcome.where: column 20"),
        ("where: kind = 'urgent'", "where: kind = 'urgnt'", "RS1216",
         "stays.yaml:21: features.blocks.1.where: column 8"),
        ("source: calls, through: household", "source: calls", "RS1241", "through: household"),
        ("source: calls, through: household", "source: calls, through: property", "RS1232",
         "no source of spells says which property"),
        ("sum(bed_days)", "sum(bed_day)", "RS1242", "bed_day"),
        ("sum(bed_days)", "sum(method)", "RS1242", "method"),
        ("aggregates: [count, sum(bed_days)]", "aggregates: [count], by: method", "RS1243",
         "no codes"),
        ("attributes: [age, sex]", "attributes: [age, sexx]", "RS1230",
         "stays.yaml:20: features.blocks.0.attributes.1: people has no column `sexx`"),
        ("attributes: [age, sex]", "attributes: [age, town]", "RS1245", "town"),
        ("cluster: household", "cluster: houshold", "RS1230", "did you mean `household`?"),
        ("[age_sex, prior_use]", "[{age_sex: [age]}]", "RS1267", "reads 2 attributes, found 1"),
        ("learners: [lightgbm]", "learners: [{existing_score: {column: score}}]", "RS1235",
         "training.learners.0: `score` is not an attribute"),
        ("groups: [sex, age_band", "groups: [sex, age", "RS1236", "use `age_band`"),
        ("groups: [sex,", "groups: [sex, birth_month,", "RS1236", "too many values"),
        ("at=0.05", "at=0.1", "RS1237", "0.1 is not one of `audit.capacity` (0.05, 0.2)"),
        ("sensitivity_ratio(sex, at=0.05)", "sensitivity_ratio(sex)", "RS1237", "say which"),
        ("sensitivity_ratio(sex,", "sensitivity_ratio(sexx,", "RS1237", "did you mean `sex`?"),
        ("sensitivity_ratio", "sensitivty_ratio", "RS1237", "did you mean `sensitivity`?"),
        ("auroc.low", "auroc_low.value", "RS1237", "did you mean `auroc`?"),
        ("auroc.low", "auroc(at=0.05)", "RS1237", "drop `at`"),
        ("capacity: [0.05, 0.2]", "capacity: [0.05, 0.2]\n  references: {sx: f}", "RS1236",
         "did you mean `sex`?"),
        ("capacity: [0.05, 0.2]", "capacity: [0.05, 0.2]\n  references: {sex: female}", "RS1236",
         "no level `female`"),
        ("capacity: [0.05, 0.2]", "capacity: [0.05, 0.2]\n  intersections: [[sex, age]]", "RS1236",
         "audit.intersections.0: `age` is not one of `audit.groups`"),
        ("capacity: [0.05, 0.2]", "capacity: [0.05, 0.2]\n  mitigate: [sx]", "RS1236",
         "did you mean `sex`?"),
        ("capacity: [0.05, 0.2]",
         "capacity: [0.05, 0.2]\n  need: {feature: calls__count, why: x}", "RS1238",
         "`calls__count` is not a feature of this study"),
        ("capacity: [0.05, 0.2]",
         "capacity: [0.05, 0.2]\n  need: {feature: people__age, why: x, within: [town]}",
         "RS1236", "audit.need.within.0"),
        ("own: register.practice_id", "own: register.practice", "RS1230",
         "release.recipients.0.own"),
        ("own: register.practice_id", "own: register.practice_id, columns: [release_id]",
         "RS1271", "never holds `release_id`"),
        ("own: register.practice_id", "own: register.practice_id, columns: [bnd]", "RS1230",
         "release.recipients.0.columns.0"),
    ],
)  # fmt: skip
def test_a_study_that_does_not_fit_its_catalogue_is_refused(study_file, old, new, code, says):
    error = refused(study_file((old, new)))
    assert (error.code, says in str(error)) == (code, True), str(error)
    assert "stays.yaml" in error.message
    assert error.exit_code == 12


def test_deaths_that_count_need_a_source_of_deaths(study_file, world):
    (world / "sources" / "deaths.yaml").unlink()
    assert refused(study_file()).code == "RS1234"
    study = load_study(study_file(("counts_as_event", "excluded")))
    assert study.deaths is None


def test_a_study_needs_a_clear_population(study_file, world):
    other = outdent(SOURCES["register"]).replace("register", "roll")
    (world / "sources" / "roll.yaml").write_text(other.replace("population: roll", "population: p"))
    assert refused(study_file()).code == "RS1221"
    study = load_study(study_file(("  as_of:", "  population: register\n  as_of:")))
    assert study.population.source == "register"


def test_units_may_bring_their_own_dates(study_file):
    dates = "{each: stays, where: kind = 'urgent', plus: 7}"
    path = study_file(("{first: 2020-04-01, last: 2023-04-01}", dates))
    study = load_study(path)
    assert study.each_where is not None
    assert study.each_where.text == "kind = 'urgent'"
    assert study.population.source == "register"
    error = refused(study_file(("{first: 2020-04-01, last: 2023-04-01}", "{each: calls}")))
    assert error.code == "RS1222"


def test_the_day_itself_may_be_named_in_who(study_file):
    who = "registered and birth_month <= add_days(as_of, -3650)"
    study = load_study(study_file(("registered and age_at_as_of >= 18", who)))
    assert "as_of" in study.who.columns
    assert "as_of" not in study.attributes
    assert "birth_month" in study.attributes


def test_every_fault_of_a_study_is_told_at_once(study_file):
    error = refused(
        study_file(("event: stays", "event: stay"), ("cluster: household", "cluster: x"))
    )
    assert error.message.startswith("stays.yaml has 2 faults:")


def test_overrides_reach_the_study(study_file):
    study = load_study(study_file(), ["cohort.who=registered", "training.cluster=unit"])
    assert study.who.text == "registered"
    assert study.attributes["unit"].kind == "unit"
    assert "who: registered" in study.text
    error = refused(study_file(), "cohort.who=registred")
    assert error.message.startswith("--set cohort.who=registred: cohort.who: column 1")


def test_a_study_lives_beside_its_catalogue(study_file, tmp_path):
    alone = tmp_path / "a" / "b" / "alone.yaml"
    alone.parent.mkdir(parents=True)
    alone.write_text(study_file().read_text())
    assert refused(alone).code == "RS1205"
    beside = tmp_path / "beside.yaml"
    beside.write_text(alone.read_text())
    assert load_study(beside).root == tmp_path


def test_group_metrics_are_those_that_are_measured():
    assert frozenset(RATES) == GROUP_RATES
    assert frozenset(SCORES) == GROUP_SCORES


# -- schemas and the studies that are shipped ------------------------------------------------------


@pytest.mark.parametrize("name", ["study", "source", "agreement", "codelist"])
def test_a_schema_is_a_schema(name):
    jsonschema.Draft202012Validator.check_schema(schema()[name])


@pytest.mark.parametrize("kind", ["source", "agreement"])
def test_the_shipped_files_fit_their_schemas(kind):
    checker = jsonschema.Draft202012Validator(schema()[kind])
    for path in sorted((ROOT / "configs" / f"{kind}s").glob("*.yaml")):
        data = yaml.safe_load(path.read_text())
        faults = list(checker.iter_errors(_dates_as_text(data)))
        assert faults == [], path.name


def _dates_as_text(value):
    if isinstance(value, dict):
        return {str(key): _dates_as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_dates_as_text(item) for item in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def test_the_schema_of_studies_knows_the_short_forms():
    checker = jsonschema.Draft202012Validator(schema()["study"])
    texts = [STUDY, *(path.read_text() for path in STUDIES)]
    for text in texts:
        assert list(checker.iter_errors(_dates_as_text(yaml.safe_load(text)))) == []
    assert list(checker.iter_errors({"study": "x"}))


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_the_shipped_studies_fit_the_shipped_sources(path):
    from datetime import date

    from riskstrat.contracts.agreements.check import check_agreements
    from riskstrat.study.origins import StudyOrigins

    study = load_study(path)
    asked = StudyOrigins.of(study).asked()
    found = check_agreements(asked, study.catalogue.agreements, today=date(2026, 1, 1))
    assert len(found) == len(study.sources)


def test_a_gate_may_name_an_intersection_and_a_tolerance(study_file):
    gate = "sensitivity_ratio(sex_and_quintile, at=0.05) >= 0.8 +- 0.1"
    study = load_study(
        study_file(
            ("sensitivity_ratio(sex, at=0.05) >= 0.8", gate),
            ("capacity: [0.05, 0.2]", "capacity: [0.05, 0.2]\n  intersections: [[sex, quintile]]"),
        )
    )
    found = study.spec.audit.gates[1]
    assert (found.group, found.limit, found.tolerance) == ("sex_and_quintile", 0.8, 0.1)
