"""Where homes are: UPRNs, postcodes and addresses of made-up streets, as agencies write them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskstrat.synthetic.areas import Areas
from riskstrat.synthetic.frames import BoolArray, IntArray, words
from riskstrat.synthetic.names import place_names
from riskstrat.synthetic.numbers import Counted, property_numbers
from riskstrat.synthetic.population import Population

ORDINARY, HOSTEL, NOWHERE = range(3)
KINDS = ("home", "hostel", "no_fixed_abode")
"""What a home is; a hostel is one address for many, of no fixed abode is no address at all."""

# Starting values: of single people's homes, more where need is high.
IN_HOSTEL = 0.03  # in the areas that have a hostel
HOSTEL_EVERY = 4  # areas, by deprivation: one of so many has a hostel
ROOFLESS = 0.006

POSTCODES = 80  # of an area; a real one has some 40 at a time
STREET = 4  # postcodes of a street
DOORS = 64  # of a postcode, before more are squeezed in
LETTERS = "ABDEFGHJLNPQRSTUWXYZ"  # of the second half of a postcode
POST_AREAS = ("MC", "MD", "MH", "MR", "MW", "MY", "QC", "QD", "QH", "QM")  # not Royal Mail's
NO_FIXED_ABODE = "ZZ99 3VZ"  # the pseudo-postcode of the NHS for no fixed abode

STREET_KINDS = (
    ("Road", "Rd"), ("Street", "St"), ("Lane", "Ln"), ("Avenue", "Ave"), ("Close", "Cl"),
    ("Drive", "Dr"), ("Way", "Way"), ("Crescent", "Cres"), ("Court", "Ct"), ("Place", "Pl"),
    ("Gardens", "Gdns"), ("Terrace", "Terr"),
)  # fmt: skip
WAYS = 5
"""Ways of writing an address: in full, in capitals, abbreviated, house first, with the county."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """The address of each home of a block; nothing but a pseudo-postcode where there is none."""

    kind: IntArray  # ORDINARY, HOSTEL or NOWHERE
    uprn: pa.Array
    postcode: pa.Array
    written: tuple[pa.Array, ...]
    """the address in each of the WAYS"""


def make_addresses(
    population: Population, counted: Counted, seed: int, rng: np.random.Generator
) -> Addresses:
    """Give each home a door in its area: no two the same, but in a hostel, over all blocks."""
    homes, areas = population.homes, population.areas
    kind = _kinds(population, rng)
    uprn = len(areas) + counted.homes + np.arange(len(kind))
    uprn = np.where(kind == HOSTEL, homes.area, uprn)
    door = _doors(homes.area, counted)
    counted.homes += len(kind)
    unit, number, flat = _placed(areas, homes.area, door)
    nowhere = pa.array(kind == NOWHERE)
    hostel = kind == HOSTEL
    room = 1 + np.arange(len(kind)) % 60
    unit = np.where(hostel, POSTCODES - 1, unit)
    postcode = _postcodes(homes.area, unit)
    postcode = pc.if_else(nowhere, NO_FIXED_ABODE, postcode)
    written = _written(homes.area, unit, np.where(hostel, 300, number), flat, hostel, room)
    nothing = pa.array(("No fixed abode", "NO FIXED ABODE", "NFA", None, None), pa.string())
    return Addresses(
        kind,
        pc.if_else(nowhere, pa.scalar(None, pa.string()), property_numbers(uprn, seed)),
        postcode,
        tuple(pc.if_else(nowhere, nothing[way], text) for way, text in enumerate(written)),
    )


def _kinds(population: Population, rng: np.random.Generator) -> IntArray:
    homes, families = population.homes, population.families
    alone = families.kind[homes.family] == 2
    lift = np.exp(0.7 * families.need[homes.family] - 0.25)
    chance = rng.random(len(homes.area))
    hostel = alone & (homes.area % HOSTEL_EVERY == 0) & (chance < IN_HOSTEL * lift)
    roofless = alone & (chance > 1 - ROOFLESS * lift)
    return np.where(hostel, HOSTEL, np.where(roofless, NOWHERE, ORDINARY))


def _doors(area: IntArray, counted: Counted) -> IntArray:
    """The number of each home among all of its area, those of earlier blocks first."""
    order = np.argsort(area, kind="stable")
    ranked = area[order]
    first = np.searchsorted(ranked, ranked, side="left")
    door = np.empty(len(area), np.int64)
    door[order] = counted.dwellings[ranked] + np.arange(len(area)) - first
    counted.dwellings += np.bincount(area, minlength=len(counted.dwellings))
    return door


def _mixed(values: IntArray) -> IntArray:
    """A number of 31 bits from each value, always the same: for what streets are like."""
    word = values.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    word = (word ^ (word >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    return (word >> np.uint64(33)).astype(np.int64)


def _placed(areas: Areas, area: IntArray, door: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Postcode within the area, house number, and flat (0: a house) of each door."""
    there = POSTCODES * DOORS
    # 2503 shares no factor with their number, so that doors fill all streets evenly.
    place = np.where(door < there, (door * 2503 + area * 997) % there, door)
    unit, nth = place % POSTCODES, place // POSTCODES
    street = area * POSTCODES + unit
    share = np.where(areas.decile[area] <= 3, 35, 15)
    flats = _mixed(street) % 100 < share
    first = 1 + unit % STREET * DOORS
    return unit, first + np.where(flats, nth // 8, nth), np.where(flats, nth % 8 + 1, 0)


def _postcodes(area: IntArray, unit: IntArray) -> pa.Array:
    """Postcodes such as MC12 3AB: four areas share a sector, and no postcode lies in two."""
    sector, place = area // 4, area % 4 * POSTCODES + unit
    letters = (place * 147 + sector * 31) % 400
    half = pa.array([f"{a}{b}" for a in LETTERS for b in LETTERS]).take(pa.array(letters))
    district = pc.binary_join_element_wise(
        words(POST_AREAS, sector // 990 % len(POST_AREAS)),
        pa.array(sector // 10 % 99 + 1).cast(pa.string()),
        "",
    )
    inward = pc.binary_join_element_wise(pa.array(sector % 10).cast(pa.string()), half, "")
    return pc.binary_join_element_wise(district, inward, " ")


def _written(
    area: IntArray,
    unit: IntArray,
    number: IntArray,
    flat: IntArray,
    hostel: BoolArray,
    room: IntArray,
) -> tuple[pa.Array, ...]:
    names = place_names()
    street = _mixed(area * POSTCODES + unit // STREET)
    name = words(names.streets, street % len(names.streets))
    kind = street // 1009 % len(STREET_KINDS)
    full, short = (words([pair[at] for pair in STREET_KINDS], kind) for at in (0, 1))
    town = words(names.towns, area // 40 % len(names.towns))
    house = words(names.hostels, area % len(names.hostels))
    inside = pc.if_else(
        pa.array(hostel),
        pc.binary_join_element_wise(words(["Room"], np.zeros(len(room))), _text(room), house, " "),
        pc.if_else(pa.array(flat > 0), pc.binary_join_element_wise("Flat", _text(flat), " "), ""),
    )
    door = _text(number)
    long_street, short_street = (
        pc.binary_join_element_wise(door, name, each, " ") for each in (full, short)
    )
    in_full = _joined(inside, long_street, town)
    return (
        in_full,
        pc.utf8_upper(pc.replace_substring(in_full, ",", "")),
        _joined(inside, short_street),
        _joined(door, inside, _joined(name, full, by=" ")),
        _joined(inside, short_street, town, pa.array(["Mid County"] * len(area))),
    )


def _text(numbers: IntArray) -> pa.Array:
    return pa.array(numbers).cast(pa.string())


def _joined(*parts: pa.Array, by: str = ", ") -> pa.Array:
    """The parts that are not empty."""
    empty = [pc.if_else(pc.equal(part, ""), None, part) for part in parts]
    return pc.binary_join_element_wise(*empty, by, null_handling="skip")
