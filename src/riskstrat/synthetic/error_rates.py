"""How often agencies get wrong who somebody is or where: starting values, all in one place.

What agencies lack is from domain facts B4 (NHS number missing in 0.5% of admissions, 3% of
emergency attendances, 10% of adult social care; UPRN missing in 5%; duplicates 1%); the other rates
are from memory: they have the size that studies of linkage report, not the value of any agency.

That errors differ between groups is well measured, by how much is not: links are missed more often
for ethnic minorities, people of deprived areas and people of no fixed abode (Hagger-Johnson et al.
2017, doi:10.14236/jhi.v24i2.891; Libuy et al. 2021, doi:10.23889/ijpds.v6i1.1671), identifiers of
infants are wrong more often (Harron et al. 2017, doi:10.1186/s12874-017-0306-8). The factors below
have that direction and are starting values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np

from riskstrat.synthetic.frames import FloatArray, IntArray

Sort = Literal["number", "name", "date", "place"]

PEOPLE = (
    "icb", "general_practice", "hospitals", "adult_social_care", "children_services",
    "community_health", "schools",
)  # fmt: skip
"""Agencies that know people, in the order of the rates below."""
PLACES = ("icb", "police", "housing", "benefits")
"""Agencies that know addresses, in the order of the rates below."""

# Of the records of an agency's index, for the groups whose factors are 1. Some errors need
# something to go wrong with: a nickname is used for people who have one, day and month are swapped
# where that gives a date.
OF_PEOPLE: Mapping[str, tuple[Sort, tuple[float, ...]]] = MappingProxyType(
    {
        "nhs_missing": ("number", (0.001, 0.001, 0.020, 0.100, 0.300, 0.020, 0.0)),
        "nhs_digit": ("number", (0.0003, 0.0005, 0.0015, 0.004, 0.008, 0.002, 0.0)),
        "nhs_swapped": ("number", (0.0002, 0.0003, 0.0008, 0.002, 0.004, 0.001, 0.0)),
        "nhs_of_another": ("number", (0.0001, 0.0002, 0.0006, 0.002, 0.003, 0.001, 0.0)),
        "nhs_short": ("number", (0.0, 0.0, 0.0003, 0.001, 0.002, 0.0003, 0.0)),
        "nhs_filler": ("number", (0.0, 0.0, 0.0005, 0.002, 0.002, 0.0003, 0.0)),
        "upn_missing": ("number", (0.0, 0.0, 0.0, 0.0, 0.350, 0.0, 0.004)),
        "upn_temporary": ("number", (0.0, 0.0, 0.0, 0.0, 0.010, 0.0, 0.010)),
        "upn_wrong": ("number", (0.0, 0.0, 0.0, 0.0, 0.010, 0.0, 0.003)),
        "forename_typo": ("name", (0.006, 0.006, 0.012, 0.020, 0.025, 0.012, 0.012)),
        "surname_typo": ("name", (0.006, 0.006, 0.012, 0.020, 0.025, 0.012, 0.012)),
        "names_swapped": ("name", (0.001, 0.001, 0.003, 0.004, 0.004, 0.003, 0.002)),
        "nickname": ("name", (0.030, 0.050, 0.080, 0.300, 0.300, 0.100, 0.300)),
        "forename_variant": ("name", (0.015, 0.020, 0.050, 0.080, 0.100, 0.050, 0.050)),
        "surname_variant": ("name", (0.010, 0.015, 0.030, 0.050, 0.060, 0.030, 0.030)),
        "middle_name_merged": ("name", (0.010, 0.010, 0.020, 0.020, 0.020, 0.020, 0.030)),
        "hyphen_lost": ("name", (0.050, 0.050, 0.150, 0.200, 0.200, 0.150, 0.100)),
        "name_unknown": ("name", (0.0, 0.0, 0.0010, 0.0010, 0.0010, 0.0, 0.0)),
        "name_baby": ("name", (0.010, 0.010, 0.250, 0.0, 0.050, 0.020, 0.0)),
        "birth_missing": ("date", (0.0, 0.0, 0.001, 0.004, 0.004, 0.001, 0.0005)),
        "birth_default": ("date", (0.0, 0.0, 0.001, 0.004, 0.002, 0.0005, 0.0)),
        "birth_year_only": ("date", (0.0, 0.0, 0.0005, 0.003, 0.002, 0.0, 0.0)),
        "birth_day_month": ("date", (0.001, 0.001, 0.004, 0.008, 0.008, 0.004, 0.004)),
        "birth_year_off": ("date", (0.0005, 0.0005, 0.0015, 0.004, 0.004, 0.0015, 0.001)),
        "birth_digit": ("date", (0.0005, 0.0005, 0.002, 0.004, 0.005, 0.002, 0.002)),
        "sex_missing": ("date", (0.0001, 0.0001, 0.001, 0.003, 0.003, 0.001, 0.0005)),
        "sex_wrong": ("date", (0.0005, 0.0005, 0.0015, 0.003, 0.003, 0.002, 0.001)),
        "postcode_missing": ("place", (0.001, 0.001, 0.005, 0.010, 0.020, 0.005, 0.003)),
        "postcode_typo": ("place", (0.003, 0.003, 0.008, 0.010, 0.012, 0.008, 0.006)),
        "uprn_missing": ("place", (0.050, 0.0, 0.0, 0.050, 0.080, 0.0, 0.0)),
        "address_typo": ("place", (0.005, 0.0, 0.0, 0.010, 0.015, 0.0, 0.010)),
    }
)
"""Error -> which factors apply, and its rate at each of the agencies that know PEOPLE."""
OF_PLACES: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "uprn_missing": (0.030, 0.120, 0.020, 0.050),
        "uprn_of_another": (0.0005, 0.003, 0.0005, 0.001),
        "uprn_zeros_lost": (0.0, 0.0, 0.200, 0.0),
        "address_missing": (0.001, 0.005, 0.0, 0.002),
        "address_typo": (0.005, 0.020, 0.005, 0.010),
        "postcode_missing": (0.001, 0.040, 0.001, 0.005),
        "postcode_typo": (0.003, 0.012, 0.003, 0.006),
    }
)
"""Error -> its rate at each of the agencies that know PLACES; lost zeros spare the number."""

# White, asian, black, mixed, other: names that few spell as their bearers do, numbers and dates of
# people whose papers come from elsewhere.
BY_ETHNICITY: Mapping[Sort, FloatArray] = MappingProxyType(
    {
        "number": np.array([0.97, 1.30, 1.30, 1.10, 1.40]),
        "name": np.array([0.93, 1.60, 1.45, 1.20, 1.70]),
        "date": np.array([0.95, 1.45, 1.40, 1.10, 1.60]),
        "place": np.array([0.97, 1.20, 1.25, 1.15, 1.30]),
    }
)
BY_FIFTH = np.array([1.25, 1.10, 1.00, 0.90, 0.80])  # most deprived first
AGES = (0, 5, 18, 40, 65, 75, 85)
"""Lowest age of each band, as studies have them unless they say otherwise."""
BY_AGE = np.array([1.25, 0.90, 1.20, 1.00, 0.85, 0.90, 1.10])
HIGHEST = 0.9
"""No error is surer than this."""


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups that each person is counted in."""

    ethnicity: IntArray
    fifth: IntArray  # of deprivation, 0 the most deprived
    age: IntArray  # band of AGES


def people_rate(agency: str, error: str, groups: Groups, person: IntArray) -> FloatArray:
    """The chance of an error in an agency's record of each of some people.

    Args:
        agency: one of PEOPLE.
        error: a key of OF_PEOPLE.
        groups: of all people of the block.
        person: int (records,), whose records these are.

    Returns:
        float (records,), 0 to HIGHEST.
    """
    sort, rates = OF_PEOPLE[error]
    factor = (
        BY_ETHNICITY[sort][groups.ethnicity[person]]
        * BY_FIFTH[groups.fifth[person]]
        * BY_AGE[groups.age[person]]
    )
    return np.asarray(np.minimum(rates[PEOPLE.index(agency)] * factor, HIGHEST))


def place_rate(agency: str, error: str, fifth: IntArray) -> FloatArray:
    """The chance of an error in an agency's record of addresses in areas of some deprivation."""
    rate = OF_PLACES[error][PLACES.index(agency)]
    return np.asarray(np.minimum(rate * BY_FIFTH[fifth], HIGHEST))
