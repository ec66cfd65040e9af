"""A small catalogue of made-up sources, and a study that goes with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

SOURCES = {
    "register": """
        source: register
        title: Register
        agency: ICB
        agreement: health
        file: register.csv
        row: registration
        shape: spells
        unit: person
        unit_key: person_id
        starts_on: starts_on
        ends_on: ends_on
        known_on: recorded_on
        population: registered
        coverage: {from: 2015-01-01, to: 2025-01-01}
        columns:
          person_id: {type: string, required: true}
          practice_id: {type: string}
          starts_on: {type: date}
          ends_on: {type: date}
          recorded_on: {type: date}
    """,
    "people": """
        source: people
        title: People
        agency: ICB
        agreement: health
        file: people.csv
        row: person
        shape: attributes
        unit: person
        unit_key: person_id
        happened_on: valid_from
        known_on: {lag_days: 0}
        born_on: birth_month
        coverage: {from: 2015-01-01, to: 2025-01-01}
        columns:
          person_id: {type: string}
          birth_month: {type: date}
          sex: {type: string, label: sex, codes: {"f": female, "m": male}}
          town: {type: string}
          carer: {type: boolean}
          valid_from: {type: date}
    """,
    "homes": """
        source: homes
        title: Homes
        agency: Council
        agreement: council
        file: homes.csv
        row: stay
        shape: spells
        unit: person
        unit_key: person_id
        starts_on: starts_on
        ends_on: ends_on
        known_on: {lag_days: 10}
        relates: {household: household_id, area: area_id}
        coverage: {from: 2015-01-01, to: 2025-01-01}
        columns:
          person_id: {type: string}
          household_id: {type: string}
          area_id: {type: string}
          town: {type: string}
          starts_on: {type: date}
          ends_on: {type: date}
    """,
    "areas": """
        source: areas
        title: Areas
        agency: Council
        agreement: council
        file: areas.csv
        row: area
        shape: attributes
        unit: area
        unit_key: area_id
        happened_on: published_on
        known_on: published_on
        coverage: {from: 2015-01-01, to: 2025-01-01}
        columns:
          area_id: {type: string}
          quintile: {type: string, ordered: true, codes: ["1", "2", "3", "4", "5"]}
          sex: {type: string}
          published_on: {type: date}
    """,
    "stays": """
        source: stays
        title: Hospital stays
        agency: Hospital
        agreement: health
        file: stays.csv
        row: stay
        shape: events
        unit: person
        unit_key: person_id
        happened_on: admitted_on
        known_on: recorded_on
        coverage: {from: 2015-01-01, to: 2025-01-01}
        columns:
          person_id: {type: string}
          admitted_on: {type: date}
          recorded_on: {type: date}
          method: {type: string}
          kind: {type: string, codes: {"planned": planned, "urgent": urgent}}
          bed_days: {type: integer}
          cost: {type: number}
    """,
    "calls": """
        source: calls
        title: Calls
        agency: Police
        agreement: council
        file: calls.csv
        row: call
        shape: events
        unit: household
        unit_key: household_id
        happened_on: called_on
        known_on: {lag_days: 3}
        coverage: {from: 2015-01-01, to: 2025-01-01}
        columns:
          household_id: {type: string}
          called_on: {type: date}
    """,
    "deaths": """
        source: deaths
        title: Deaths
        agency: Registrar
        agreement: health
        file: deaths.csv
        row: death
        shape: events
        unit: person
        unit_key: person_id
        happened_on: died_on
        known_on: {lag_days: 7}
        status: death
        coverage: {from: 2015-01-01, to: 2025-01-01}
        columns:
          person_id: {type: string}
          died_on: {type: date}
    """,
}

HEALTH = """
    agreement: health
    reference: DSA-1
    title: Health
    parties: [ICB, Council]
    purposes: [case_finding]
    legal_basis:
      register: {uk_gdpr: ["6(1)(e)", "9(2)(h)"], statutory_gateway: s251B}
      people: {uk_gdpr: ["6(1)(e)"]}
      stays: {uk_gdpr: ["6(1)(e)"]}
      deaths: {uk_gdpr: ["6(1)(e)"]}
    sources:
      register: {columns: [person_id, practice_id, starts_on, ends_on, recorded_on]}
      people: {columns: [person_id, birth_month, sex, town, carer, valid_from]}
      stays: {columns: [person_id, admitted_on, recorded_on, method, kind, bed_days]}
      deaths: {columns: [person_id, died_on]}
    recipients: [gp_practice]
    starts: 2020-01-01
    ends: 2026-12-31
"""

COUNCIL = """
    agreement: council
    reference: DSA-2
    title: Council
    parties: [ICB, Council]
    purposes: [case_finding, research]
    legal_basis:
      homes: {uk_gdpr: ["6(1)(e)"]}
      areas: {uk_gdpr: ["6(1)(e)"]}
      calls: {uk_gdpr: ["6(1)(e)"]}
    sources:
      homes: {columns: [person_id, household_id, area_id, town, starts_on, ends_on]}
      areas: {columns: [area_id, quintile, sex, published_on]}
      calls: {columns: [household_id, called_on]}
    recipients: [gp_practice, public_health]
    starts: 2020-01-01
    ends: 2027-06-30
"""

STUDY = """
study: stays_12m
title: A stay within a year
kind: risk_model
purpose: case_finding
unit: person
seed: 1

cohort:
  as_of: {first: 2020-04-01, last: 2023-04-01}
  who: registered and age_at_as_of >= 18
outcome:
  name: stay
  event: stays
  where: method in codelist('urgent')
  within: 365 days
  on_death: counts_as_event
features:
  windows: [90, 365]
  blocks:
    - {source: people, attributes: [age, sex]}
    - {source: stays, where: kind = 'urgent', aggregates: [count, sum(bed_days)]}
    - {source: calls, through: household, aggregates: [count]}
training:
  folds: {scheme: rolling_origin}
  learners: [lightgbm]
  baselines: [age_sex, prior_use]
  cluster: household
audit:
  groups: [sex, age_band, quintile]
  capacity: [0.05, 0.2]
  gates:
    - auroc.low >= 0.6
    - sensitivity_ratio(sex, at=0.05) >= 0.8
release:
  recipients:
    - {to: gp_practice, rows: own_patients, own: register.practice_id}
"""


def outdent(text: str) -> str:
    from textwrap import dedent

    return dedent(text).lstrip("\n")


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """A config folder with sources, agreements and a codelist."""
    for name in ("sources", "agreements", "codelists", "studies"):
        (tmp_path / name).mkdir()
    for name, text in SOURCES.items():
        (tmp_path / "sources" / f"{name}.yaml").write_text(outdent(text))
    (tmp_path / "agreements" / "health.yaml").write_text(outdent(HEALTH))
    (tmp_path / "agreements" / "council.yaml").write_text(outdent(COUNCIL))
    codes = "code,label,group\n21,emergency,urgent\n22,GP,urgent\n2B,transfer,other\n"
    (tmp_path / "codelists" / "urgent.csv").write_text(codes)
    return tmp_path


@pytest.fixture
def study_file(world: Path) -> Callable[..., Path]:
    """Writes the study, with texts replaced, and gives its path."""

    def write(*changes: tuple[str, str]) -> Path:
        text = STUDY.lstrip("\n")
        for old, new in changes:
            assert text.count(old) == 1, f"`{old}` appears {text.count(old)} times"
            text = text.replace(old, new)
        path = world / "studies" / "stays.yaml"
        path.write_text(text)
        return path

    return write
