"""What a study asks of its agreements: where each feature and each released column comes from."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml

from riskstrat.contracts.agreements.check import check_agreements
from riskstrat.errors import AgreementError, RiskstratError, StudyError
from riskstrat.study import load_study
from riskstrat.study.origins import StudyOrigins

CONFIGS = Path(__file__).parents[2] / "configs"
STUDIES = sorted((CONFIGS / "studies").glob("*.yaml"))
TODAY = date(2026, 1, 1)

LISTS = """
source: opt_outs
title: Opt-outs
agency: ICB
agreement: health
file: opt_outs.csv
row: opt-out
role: opt_outs
shape: spells
unit: person
unit_key: person_id
starts_on: starts_on
ends_on: ends_on
known_on: recorded_on
coverage: {from: 2015-01-01, to: 2025-01-01}
columns:
  person_id: {type: string}
  kind: {type: string, required: true, codes: [national, risk_stratification]}
  starts_on: {type: date}
  ends_on: {type: date}
  recorded_on: {type: date}
"""


def ask(study, today=TODAY, **more):
    asked = StudyOrigins.of(study).asked(**more)
    return check_agreements(asked, study.catalogue.agreements, today=today)


def refusal(study, **more):
    with pytest.raises(AgreementError) as refused:
        ask(study, **more)
    assert refused.value.exit_code == 11
    return refused.value.message


def edit(path, **changes):
    """Change an agreement: ``sources__stays__columns=[...]``; None takes a key out."""
    told = yaml.safe_load(path.read_text())
    for way, value in changes.items():
        *keys, last = way.split("__")
        place = told
        for key in keys:
            place = place[key]
        if value is None:
            del place[last]
        else:
            place[last] = value
    path.write_text(yaml.safe_dump(told))


@pytest.fixture
def bound(world):
    """The world with a list of opt-outs that bind."""
    (world / "sources" / "opt_outs.yaml").write_text(LISTS)
    health = world / "agreements" / "health.yaml"
    columns = ["person_id", "kind", "starts_on", "ends_on", "recorded_on"]
    edit(
        health,
        sources__opt_outs={"columns": columns},
        legal_basis__opt_outs={"uk_gdpr": ["6(1)(e)"]},
        opt_outs={"national": {"sources": ["stays"]}},
    )
    return world


# -- origins -------------------------------------------------------------------------------------


def test_a_feature_shows_the_columns_it_measures_and_rests_on_keys_and_relations(study_file):
    origins = StudyOrigins.of(load_study(study_file()))
    made = {each.name: each for each in origins.features}
    summed = made["stays__sum_bed_days__365d"]
    assert dict(summed.made_from.shows) == {"stays": {"bed_days", "kind"}}
    assert dict(summed.made_from.rests_on) == {"stays": {"person_id", "admitted_on", "recorded_on"}}
    assert (summed.source, summed.how) == ("stays", "sum")
    calls = made["household_calls__count__90d"]
    assert dict(calls.made_from.shows) == {"calls": {"called_on"}}
    assert calls.made_from.rests_on["homes"] >= {"household_id", "person_id", "starts_on"}
    assert dict(made["people__age"].made_from.shows) == {"people": {"birth_month"}}
    assert dict(made["stays__known"].made_from.shows) == {"stays": {"admitted_on"}}


def test_a_score_rests_on_features_cohort_and_outcome_but_not_on_groups(study_file):
    score = StudyOrigins.of(load_study(study_file())).score
    assert score.keys() == {"register", "people", "stays", "calls", "homes", "deaths"}
    assert score["stays"] >= {"method", "kind", "bed_days"}
    assert "quintile" not in {column for columns in score.values() for column in columns}


def test_released_columns_tell_their_sources_and_agreements(study_file):
    study = load_study(study_file())
    [recipient] = study.spec.release.recipients
    told = StudyOrigins.of(study).lineage(recipient)
    assert "as_of" not in told and told["data_as_at"]["sources"] == {}
    assert told["band"]["agreements"] == ["DSA-1", "DSA-2"]
    assert told["band"]["shows"] == {}
    assert told["unit_id"]["shows"] == {"register": ["person_id"]}
    assert told["register.practice_id"]["shows"] == {"register": ["practice_id"]}
    assert set(told["reasons"]["shows"]) == {"people", "stays", "calls"}


def test_reasons_leave_out_what_a_recipient_may_not_see_and_stop_nothing(study_file, world):
    sees = {"homes": [], "areas": [], "calls": []}
    edit(world / "agreements" / "council.yaml", recipients={"gp_practice": {"sees": sees}})
    study = load_study(study_file())
    assert ask(study)
    origins = StudyOrigins.of(study)
    [recipient] = study.spec.release.recipients
    seen = origins.visible_features(recipient)
    assert "stays__count__90d" in seen and "household_calls__count__90d" not in seen
    assert origins.hidden_features() == (
        (),
        (
            "household_calls__count__90d",
            "household_calls__count__365d",
            "household_calls__known",
        ),
    )
    assert "calls" not in origins.lineage(recipient)["reasons"]["shows"]
    assert "calls" in origins.lineage(recipient)["reasons"]["sources"]
    assert "quintile" not in origins.visible_attributes(recipient)


def test_a_date_in_a_reason_needs_the_right_to_see_dates(study_file, world):
    sees = {"register": "all", "people": "all", "stays": ["kind", "method", "bed_days"]}
    edit(world / "agreements" / "health.yaml", recipients={"gp_practice": {"sees": sees}})
    study = load_study(study_file(("[count, sum(bed_days)]", "[count, days_since_last]")))
    [recipient] = study.spec.release.recipients
    seen = StudyOrigins.of(study).visible_features(recipient)
    assert "stays__count__365d" in seen
    assert "stays__days_since_last" not in seen


def test_a_column_that_a_recipient_may_not_see_stops_the_study(study_file, world):
    wanted = ("own: register.practice_id", "own: register.practice_id, columns: [sex, band]")
    study = load_study(study_file(wanted))
    assert ask(study)
    everything = dict.fromkeys(("register", "stays", "deaths"), "all")
    edit(
        world / "agreements" / "health.yaml",
        recipients={"gp_practice": {"sees": {**everything, "people": []}}},
    )
    study = load_study(study_file(wanted))
    assert "does not let gp_practice see sex of source people, which column `sex`" in refusal(study)


def test_the_days_asked_about_are_the_last_as_of_date_and_the_day_scored_for(study_file):
    study = load_study(study_file())
    assert StudyOrigins.of(study).asked().days == (date(2023, 4, 1),)
    assert "ends on 2026-12-31, and the study asks about 2027-01-01" in refusal(
        study, score_on=date(2027, 1, 1)
    )


def test_another_way_of_making_features_than_is_granted_is_refused(study_file, world):
    edit(world / "agreements" / "health.yaml", sources__stays__derive=["count"])
    message = refusal(load_study(study_file()))
    assert "grants features of stays by count, not by sum" in message
    assert "stays__sum_bed_days__90d" in message


# -- opt-outs ------------------------------------------------------------------------------------


def test_a_list_of_opt_outs_is_read_where_a_kind_of_it_binds_and_nowhere_else(study_file, bound):
    study = load_study(study_file())
    assert [source.source for source in study.opt_outs] == ["opt_outs"]
    assert "opt_outs" not in [source.source for source in study.records]
    assert study.used_columns["opt_outs"] >= {"kind", "ends_on"}
    assert ask(study)
    edit(bound / "agreements" / "health.yaml", opt_outs={"national": {"not_for": ["case_finding"]}})
    assert load_study(study_file()).opt_outs == ()


def test_an_opt_out_that_nobody_lists_stops_the_study(study_file, bound):
    edit(bound / "agreements" / "health.yaml", opt_outs={"type_1": {"sources": ["stays"]}})
    message = refusal(load_study(study_file()))
    assert "type_1 opt-outs bind source stays for case_finding, and no source lists them" in message


def test_a_list_older_than_the_records_or_the_day_scored_for_stops_the_study(study_file, bound):
    study = load_study(study_file())
    assert ask(study, score_on=date(2025, 1, 22))
    message = refusal(study, score_on=date(2025, 1, 23))
    assert "told up to 2025-01-01, and the study needs them up to 2025-01-23" in message
    path = bound / "sources" / "opt_outs.yaml"
    path.write_text(path.read_text().replace("to: 2025-01-01", "to: 2024-12-10"))
    assert "told up to 2024-12-10" in refusal(load_study(study_file()))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("attributes: [age, sex]}\n", "attributes: [age, sex]}\n"
         "    - {source: opt_outs, aggregates: [count]}\n"),
        ("registered and age_at_as_of >= 18", "registered and opt_outs.kind = 'national'"),
        ("groups: [sex,", "groups: [opt_outs.kind,"),
    ],
)  # fmt: skip
def test_opt_outs_may_be_used_for_nothing_else(study_file, bound, old, new):
    with pytest.raises(RiskstratError) as refused:
        load_study(study_file((old, new)))
    assert refused.value.exit_code in (11, 12)


def test_a_bare_name_never_means_a_column_of_a_list_of_opt_outs(study_file, bound):
    with pytest.raises(StudyError, match="no attribute `kind`"):
        load_study(study_file(("groups: [sex,", "groups: [kind,")))


# -- the shipped studies -------------------------------------------------------------------------


def without(study, source, column):
    """The study's agreements, one column of one source no longer granted."""
    agreements = dict(study.catalogue.agreements)
    agreement = agreements[study.sources_by_name[source].agreement]
    columns = agreement.sources[source].columns - {column}
    grant = agreement.sources[source].model_copy(update={"columns": columns})
    changed = {"sources": {**agreement.sources, source: grant}}
    return {**agreements, agreement.agreement: agreement.model_copy(update=changed)}


def test_removing_any_granted_column_that_both_studies_read_stops_both():
    studies = [load_study(path) for path in STUDIES]
    first, second = (study.used_columns for study in studies)
    both = [(name, c) for name in first if name in second for c in first[name] & second[name]]
    assert len(both) > 50
    for source, column in both:
        for study in studies:
            asked = StudyOrigins.of(study).asked()
            with pytest.raises(AgreementError) as refused:
                check_agreements(asked, without(study, source, column), today=TODAY)
            assert refused.value.exit_code == 11
            assert f"does not cover {column} of source {source}" in refused.value.message


@pytest.mark.parametrize("recipient", ["gp_practice", "icb_commissioner", "public_health"])
@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_police_records_go_into_scores_and_show_nowhere(path, recipient):
    study = load_study(path)
    origins = StudyOrigins.of(study)
    told = next(each for each in study.spec.release.recipients if each.to == recipient)
    features = origins.visible_features(told)
    seen = {each.source for each in origins.features if each.name in features}
    assert "police_incidents" not in seen
    assert ("gp_events" in seen) == (recipient != "public_health")
    for column in origins.lineage(told).values():
        assert "police_incidents" not in column["shows"]
        assert ("MC-ISA-2017-02" in column["agreements"]) == bool(column["sources"])
