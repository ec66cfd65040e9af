"""The sealed truth of raw extracts: who is who, where, and what agencies got wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from riskstrat.attributes import band_labels
from riskstrat.synthetic.addresses import KINDS
from riskstrat.synthetic.agencies import AGENCIES
from riskstrat.synthetic.areas import QUINTILES
from riskstrat.synthetic.error_rates import (
    AGES,
    BY_AGE,
    BY_ETHNICITY,
    BY_FIFTH,
    OF_PEOPLE,
    OF_PLACES,
    PEOPLE,
    PLACES,
)
from riskstrat.synthetic.frames import BoolArray, IntArray, dates, words
from riskstrat.synthetic.identities import Identities
from riskstrat.synthetic.names import name_book
from riskstrat.synthetic.naming import NONE
from riskstrat.synthetic.population import ETHNICITIES
from riskstrat.synthetic.world import World

README = """
The extracts of this county are not linked. Which records are one person or home, and what was
wrong with them, is here too:

- `links.parquet`: agency and local id -> `person` (the `person_id` of the files above). `kind` is
  `second` where the agency knows a person under two ids.
- `address_links.parquet`: agency and address id -> `household`; `kind` says whether that is a home,
  a hostel (one address of many households) or no fixed abode.
- `homes.parquet`: each household's true address, and its small area.
- `groups.parquet`: each person's sex, age band (when the data end, or on the last day in the
  county), ethnicity and fifth of deprivation, to compare linkage between groups.
- `identities.parquet`: each person's true identifiers on that day. Made up, like all here.
- `identifier_errors.parquet`: agency, id and kind of every error in an index. `surname_of_before`
  and `address_of_before` were true once; the other kinds are in `synthetic/error_rates.py`.
"""


def who(world: World, identities: Identities, ids: pa.Array) -> dict[str, pa.Table]:
    """Who everybody of one block is, and which groups they count in."""
    people, groups = world.population.persons, identities.groups
    names, forenames = identities.names, name_book().forenames
    middle = forenames[np.maximum(names.middle, 0)]
    middle[names.middle == NONE] = None
    addresses, at = identities.addresses, pa.array(identities.home)
    sexes = words(("female", "male"), people.male)
    everybody = {
        "person_id": ids,
        "nhs_number": identities.nhs_number,
        "upn": identities.upn,
        "forename": pa.array(forenames[names.forename], pa.string()),
        "middle_name": pa.array(middle, pa.string()),
        "surname": pa.array(names.surname(np.arange(len(people)), identities.last), pa.string()),
        "surname_of_before": pa.array(names.before, pa.string()),
        "date_of_birth": dates(identities.born),
        "sex": sexes,
        "postcode": addresses.postcode.take(at),
        "uprn": addresses.uprn.take(at),
    }
    counted = {
        "person_id": ids,
        "sex": sexes,
        "age_band": words(band_labels(AGES), groups.age),
        "ethnicity": words(ETHNICITIES, groups.ethnicity),
        "imd_quintile": words(QUINTILES, groups.fifth),
    }
    return {
        "identities": pa.table(everybody).sort_by("person_id"),
        "groups": pa.table(counted).sort_by("person_id"),
    }


def homes(world: World, identities: Identities, ids: pa.Array) -> pa.Table:
    """Where each household of one block is."""
    addresses, area = identities.addresses, pa.array(world.population.homes.area)
    columns = {
        "household": ids,
        "kind": words(KINDS, addresses.kind),
        "uprn": addresses.uprn,
        "address": addresses.written[0],
        "postcode": addresses.postcode,
        "lsoa_code": world.population.areas.codes.take(area),
    }
    return pa.table(columns).sort_by("household")


def links(agency: str, local_id: pa.Array, person: pa.Array, again: BoolArray) -> pa.Table:
    """Whom each entry of an agency's index of people is about."""
    kind = words(("first", "second"), again)
    columns = {"local_id": local_id, "person": person, "kind": kind}
    return _by_agency(agency, columns)


def address_links(
    agency: str, address_id: pa.Array, household: pa.Array, kind: IntArray
) -> pa.Table:
    """Which home each entry of an agency's index of addresses is."""
    columns = {"address_id": address_id, "household": household, "kind": words(KINDS, kind)}
    return _by_agency(agency, columns)


def errors(agency: str, ids: pa.Array, made: Mapping[str, IntArray]) -> pa.Table:
    """Every error in an agency's index, by the kinds of `error_rates`."""
    rows = np.concatenate([np.empty(0, np.int64), *made.values()])
    kinds = np.repeat(np.arange(len(made)), [len(each) for each in made.values()])
    columns = {"id": ids.take(pa.array(rows)), "error": words(tuple(made), kinds)}
    return _by_agency(agency, columns)


def _by_agency(agency: str, columns: Mapping[str, Any]) -> pa.Table:
    count = len(next(iter(columns.values())))
    return pa.table({"agency": words((agency,), np.zeros(count)), **columns})


def planted() -> dict[str, Any]:
    """The rates that errors were made with, for `planted.json`."""
    return {
        "identifiers": {
            "rate_at_each_agency": {
                error: dict(zip(PEOPLE, told, strict=True))
                for error, (_, told) in OF_PEOPLE.items()
            },
            "rate_at_each_agency_of_addresses": {
                error: dict(zip(PLACES, told, strict=True)) for error, told in OF_PLACES.items()
            },
            "factor_by_ethnicity": {
                sort: dict(zip(ETHNICITIES, told.tolist(), strict=True))
                for sort, told in BY_ETHNICITY.items()
            },
            "factor_by_fifth": dict(zip(QUINTILES, BY_FIFTH.tolist(), strict=True)),
            "factor_by_age": dict(zip(band_labels(AGES), BY_AGE.tolist(), strict=True)),
            "known_twice": {name: each.twice for name, each in AGENCIES.items()},
        }
    }
