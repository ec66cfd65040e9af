"""What a custody file may say, and what it is told when it does not hold together."""

from __future__ import annotations

import pytest

from custody.sites import Site
from riskstrat.errors import StudyError


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("project: trial", "projects: trial", "did you mean `project`"),
        ("population: icb", "population: police", "no provider with a people index"),
        ("person: trial-person-1", "person: Trial_1", "is no key id"),
        ("person: trial-person-1", "person: trial-household-1", "two have the same id"),
        ("  police:\n", "  keys:\n", "no agency can be called `keys`"),
        (
            "admissions: {file: raw/hospitals/admissions.parquet",
            "residence: {file: raw/hospitals/admissions.parquet",
            "`residence` is sent by two agencies",
        ),
        ("household: address_id}\n  public", "person: address_id}\n  public", "names people"),
        (
            "parquet, person: local_id}\n  police",
            "parquet, household: local_id}\n  police",
            "names addresses",
        ),
        (
            "[uprn, address, postcode]\n    extracts:\n      police",
            "[]\n    extracts:\n      police",
            "links to nothing",
        ),
        ("date_of_birth: born}", "date_of_birth: born, shoe_size: shoes}", "shoe_size"),
        (
            "date_of_birth: born}",
            "date_of_birth: born}\n      hand_over: tokens",
            "some indexes are handed over as tokens and others as identifiers",
        ),
        (
            "project: trial",
            "project: trial\nkey_stores: {linker: {kind: command, argv: [vault]}}",
            "must hold `{key_id}`",
        ),
        (
            "project: trial",
            "project: trial\nkey_stores: {linker: {kind: environment, prefix: key_}}",
            "capitals, digits and underscores",
        ),
        ("project: trial", "project: trial\nkey_stores: {linker: {kind: floppy}}", "floppy"),
        ("project: trial", "project: trial\nreidentification: {per_hour: 0}", "per_hour"),
    ],
)
def test_a_file_that_does_not_hold_together_is_told_where(
    site: Site, old: str, new: str, said: str
) -> None:
    site.change(old, new)
    with pytest.raises(StudyError) as told:
        _ = site.spec
    assert said in str(told.value)
    assert "trial.yaml" in str(told.value)


def test_tokens_need_a_key_of_the_providers(site: Site) -> None:
    site.hand_over_tokens()
    site.change(", tokens: trial-tokens-1", "")
    with pytest.raises(StudyError, match=r"`keys\.tokens` is missing"):
        _ = site.spec


def test_a_list_of_identifiers_means_columns_of_these_names(site: Site) -> None:
    people = site.spec.providers["icb"].people
    assert people is not None
    assert all(identifier.value == column for identifier, column in people.identifiers.items())


def test_the_log_has_a_key_of_its_own_without_being_told(site: Site) -> None:
    assert list(site.spec.key_ids().values()) == [
        "trial-person-1",
        "trial-household-1",
        None,
        "trial-log-1",
    ]
