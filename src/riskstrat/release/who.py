"""Whom a release tells of: the people, how each attribute sorts them, which attributes are places.

Two tables of the same people can be added and subtracted; two tables of nearly the same people tell
of those who are in one only. So each table says whom it counts, by a digest that never leaves.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import pyarrow as pa

from riskstrat.errors import ReleaseRefused
from riskstrat.release.cohort_list import NOT_RECORDED
from riskstrat.release.interval.differences import IDENTITY
from riskstrat.release.spec import Recipient

BAND = "band"
PLACES = re.compile(
    r"^(area|place|neighbourhood|locality|community|lsoa|msoa|oa|soa|output_area|ward|parish|"
    r"district|borough|county|region|town|village|lad|ltla|utla|la|local_authority|council|icb|"
    r"sub_icb|ccg|pcn|primary_care_network|trust|practice|gp_practice|surgery|school|nursery|"
    r"children_s_centre|family_hub|care_home|hospital|postcode|outcode|postcode_sector|"
    r"postcode_district|household|property|address|uprn|grid|easting|northing|latitude|longitude|"
    r"constituency|police_beat|beat)(\d\d)?(_area|_catchment)?(_?(id|code|cd|name|nm|key))?$"
)
"""attributes whose last name says that they are places; a study names others under `places`"""


@dataclass(frozen=True, slots=True)
class Who:
    """The people of a release, and how they are sorted.

    Attributes:
        population: a digest of who they are.
        dimensions: attribute, or ``band`` -> its name with a digest of who is of which level.
        levels: attribute -> every level it is known to have, whether somebody is of it or not.
        places: the attributes that are places.
    """

    population: str = ""
    dimensions: Mapping[str, str] = field(default_factory=dict)
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    places: frozenset[str] = frozenset()

    def dimension(self, name: str) -> str:
        """A dimension with its identity."""
        return self.dimensions.get(name, name)


def who_is_told_of(
    banded: pa.Table,
    groups: pa.Table,
    attributes: Iterable[str],
    *,
    levels: Mapping[str, Sequence[str]] = MappingProxyType({}),
    places: Iterable[str] = (),
) -> Who:
    """The people of a release.

    Args:
        banded: unit_id, as_of, band: everybody in scope, each once.
        groups: unit_id, as_of and one column per attribute.
        attributes: those that the release tells of.
        levels: attribute -> the levels its contract declares.
        places: attributes that the study declares to be places.
    """
    units = np.asarray(banded["unit_id"].to_pylist(), dtype=object)
    order = np.argsort(units)
    told = {name: _levels_of(banded, groups, name) for name in dict.fromkeys(attributes)}
    sorts = {BAND: banded[BAND].to_pylist(), **told}
    days = [str(day) for day in banded["as_of"].to_pylist()]
    known = {
        name: tuple(sorted({*found, *_declared(found, levels.get(name, ()))}))
        for name, found in told.items()
    }
    named = {name for name in told if is_place(name)} | (set(places) & told.keys())
    return Who(
        population=_digest(units, days, order),
        dimensions=MappingProxyType(
            {
                name: f"{name}{IDENTITY}{_digest(units, cells, order)}"
                for name, cells in sorts.items()
            }
        ),
        levels=MappingProxyType(known),
        places=frozenset(named),
    )


def is_place(attribute: str) -> bool:
    """Whether an attribute's name says that it is a place.

    Examples:
        >>> is_place("gp_registration.practice_id"), is_place("ward21cd"), is_place("imd_quintile")
        (True, True, False)
    """
    return bool(PLACES.match(attribute.rpartition(".")[2].lower()))


def one_place(recipients: Iterable[Recipient], places: Iterable[str] = ()) -> None:
    """Refuse a release that tells of two kinds of place.

    Counts of wards and of the small areas in them, or of practices and of areas, can be
    subtracted: what is left is few people. Lists of own patients are not looked at: whoever has
    one knows where its people live.

    Raises:
        ReleaseRefused: RS3034, naming the kinds of place and who asks for each.
    """
    declared, asked = set(places), dict[str, list[str]]()
    for each in recipients:
        named = {"aggregate": each.by, "pseudonymised": each.columns}.get(each.rows, ())
        for name in named:
            if is_place(name) or name in declared:
                asked.setdefault(name, []).append(each.to)
    if len(asked) > 1:
        told = "; ".join(f"{name} for {', '.join(to)}" for name, to in sorted(asked.items()))
        raise ReleaseRefused(
            f"one release would tell of {len(asked)} kinds of place: {told}",
            fix="choose one of them for every recipient; small areas and larger ones, or areas and "
            "practices, can be subtracted from each other",
            code="RS3034",
        )


def _levels_of(banded: pa.Table, groups: pa.Table, name: str) -> list[str]:
    """The level of each person, in the order of ``banded``."""
    columns = (groups[each].to_pylist() for each in ("unit_id", "as_of", name))
    level = {(unit, day): value for unit, day, value in zip(*columns, strict=True)}
    pairs = zip(banded["unit_id"].to_pylist(), banded["as_of"].to_pylist(), strict=True)
    found = (level.get(pair) for pair in pairs)
    return [NOT_RECORDED if value in (None, "") else str(value) for value in found]


def _declared(found: Iterable[str], declared: Sequence[str]) -> Sequence[str]:
    """The declared levels, where those that there are are among them."""
    return declared if {*found} - {NOT_RECORDED} <= {*declared} else ()


def _digest(units: np.ndarray, cells: Sequence[str], order: np.ndarray) -> str:
    sealed = hashlib.sha256()
    for place in order:
        sealed.update(f"{units[place]}\x1f{cells[place]}\x1e".encode())
    return sealed.hexdigest()[:32]
