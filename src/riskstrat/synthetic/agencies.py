"""The agencies of the county: what each sends, whom it knows by what, and how it keeps records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

HEALTH = ("nhs_number", "forename", "surname", "date_of_birth", "sex", "postcode")
COUNCIL = (*HEALTH, "address", "uprn")
IN_FULL, CAPITALS, ABBREVIATED, HOUSE_FIRST, WITH_COUNTY = range(5)
"""Places in `Addresses.written`."""


@dataclass(frozen=True, slots=True)
class Agency:
    """One agency: all shares are starting values."""

    title: str
    extracts: tuple[str, ...]
    identifiers: tuple[str, ...] = ()
    """columns of its index of people, besides `local_id`; none: it knows addresses only"""
    addresses: bool = False
    """whether it has an index of addresses"""
    follows: bool = False
    """whether it learns of people who do not come: where they move, and that they left"""
    stale: float = 0.0
    """share of people whose details are those of the first contact, not the last"""
    twice: float = 0.0
    """share of people, and of addresses, that are known under two local ids"""
    prefix: str = ""
    """of its people's local ids"""
    sexes: tuple[str, str] = ("female", "male")
    capitals: bool = False
    spaced: float = 0.0
    """share of NHS numbers written 999 123 4567, and of postcodes written without their space"""
    written: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 0.0)
    """weights of the ways of writing an address"""
    day_first: float = 0.0
    """share of dates of birth written 31/12/1999"""


AGENCIES: Mapping[str, Agency] = MappingProxyType(
    {
        "icb": Agency(
            "Mid County Integrated Care Board",
            ("gp_registration", "demographics", "residence", "deaths", "opt_outs"),
            COUNCIL,
            addresses=True,
            follows=True,
            stale=0.02,
            twice=0.004,
            prefix="C",
            written=(0.80, 0.05, 0.08, 0.03, 0.04),
        ),
        "general_practice": Agency(
            "Mid County general practices",
            ("gp_events", "prescriptions"),
            HEALTH,
            follows=True,
            stale=0.03,
            twice=0.003,
            prefix="G",
        ),
        "hospitals": Agency(
            "Mid County Hospitals",
            ("admissions", "ed_attendances"),
            HEALTH,
            stale=0.10,
            twice=0.010,
            prefix="M",
            sexes=("F", "M"),
            capitals=True,
            spaced=0.10,
        ),
        "adult_social_care": Agency(
            "Mid County Council",
            ("adult_social_care",),
            COUNCIL,
            stale=0.15,
            twice=0.008,
            prefix="A",
            sexes=("Female", "Male"),
            spaced=0.25,
            written=(0.45, 0.10, 0.25, 0.10, 0.10),
            day_first=0.05,
        ),
        "children_services": Agency(
            "Mid County Council",
            ("children_social_care",),
            ("nhs_number", "upn", *COUNCIL[1:]),
            stale=0.15,
            twice=0.008,
            prefix="K",
            sexes=("Female", "Male"),
            spaced=0.25,
            written=(0.45, 0.10, 0.25, 0.10, 0.10),
            day_first=0.05,
        ),
        "community_health": Agency(
            "Mid County Community Health",
            ("health_visitor_reviews",),
            HEALTH,
            stale=0.10,
            twice=0.004,
            prefix="V",
            sexes=("F", "M"),
            spaced=0.05,
        ),
        "schools": Agency(
            "Mid County schools",
            ("school_census", "eyfs_profile"),
            ("upn", "forename", "surname", "date_of_birth", "sex", "postcode", "address"),
            stale=0.12,
            twice=0.005,
            prefix="S",
            sexes=("F", "M"),
            spaced=0.05,
            written=(0.50, 0.10, 0.25, 0.05, 0.10),
        ),
        "police": Agency(
            "Mid County Police",
            ("police_incidents",),
            addresses=True,
            twice=0.010,
            spaced=0.15,
            written=(0.30, 0.30, 0.20, 0.10, 0.10),
        ),
        "housing": Agency(
            "Mid District Council",
            ("tenancies", "rent_arrears"),
            addresses=True,
            twice=0.003,
            written=(0.70, 0.10, 0.10, 0.05, 0.05),
        ),
        "benefits": Agency(
            "Mid District Council",
            ("benefits",),
            addresses=True,
            twice=0.005,
            spaced=0.10,
            written=(0.50, 0.15, 0.20, 0.05, 0.10),
        ),
    }
)
"""Agency -> what it is like. Open data, by area, are nobody's: they come from `public`."""
PUBLIC = ("area_deprivation",)
