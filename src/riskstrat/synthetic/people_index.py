"""What an agency writes down of the people it knows: true identities, as of a day, with errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskstrat.synthetic.addresses import NOWHERE
from riskstrat.synthetic.agencies import Agency
from riskstrat.synthetic.entries import Entries
from riskstrat.synthetic.error_rates import people_rate
from riskstrat.synthetic.frames import IntArray
from riskstrat.synthetic.identities import Identities
from riskstrat.synthetic.mistakes import Clerk, objects, texts, unspaced, written
from riskstrat.synthetic.names import Words, name_book
from riskstrat.synthetic.naming import NONE
from riskstrat.synthetic.slips import (
    Chance,
    address_typo,
    date_digit,
    day_and_month,
    digit_lost,
    digit_wrong,
    digits_swapped,
    filler,
    hyphen_lost,
    letter_wrong,
    on_rows,
    postcode_typo,
    temporary_pupil_number,
    typo,
    year_off,
)
from riskstrat.synthetic.world import World

NEWBORN = 60
"""days of life in which a hospital may know a child as BABY"""
DEFAULT_BIRTHDAY = "1900-01-01"


class PeopleIndex:
    """The index of people of one agency in one block, column by column."""

    def __init__(
        self,
        name: str,
        agency: Agency,
        entries: Entries,
        world: World,
        identities: Identities,
        rng: np.random.Generator,
    ) -> None:
        self.agency, self.entries, self.world, self.identities = agency, entries, world, identities
        self.person = entries.unit
        self.clerk = Clerk(
            lambda error: people_rate(name, error, identities.groups, self.person),
            len(entries),
            rng,
        )
        people = world.population.persons
        latest = identities.last[self.person] if agency.follows else entries.last
        seen = np.where(self.clerk.some(agency.stale), entries.first, latest)
        self.seen = np.clip(seen, people.enters[self.person], identities.last[self.person])
        """the day whose name and address the agency has"""
        self.home = world.population.homes.at(people.family[self.person], self.seen)
        moved = self.home != identities.home[self.person]
        self.clerk.note({"address_of_before": np.flatnonzero(moved)})
        self._nobody = np.zeros(len(entries), np.bool_)
        """records of people whose name the agency does not know"""

    def table(self) -> pa.Table:
        """The index: `local_id` and the agency's identifiers, in the order of the ids."""
        columns: dict[str, pa.Array] = {}
        for group, make in COLUMNS.items():
            if any(column in self.agency.identifiers for column in group):
                columns.update(zip(group, make(self), strict=True))
        chosen = {name: columns[name] for name in self.agency.identifiers}
        table = pa.table({"local_id": self.entries.local_id, **chosen})
        return table.sort_by("local_id")

    def names(self) -> tuple[pa.Array, pa.Array]:
        """Forenames and surnames: how people are called that day, how they are spelled, slips."""
        names, clerk = self.identities.names, self.clerk
        forename = name_book().forenames[names.forename[self.person]]
        surname = names.surname(self.person, self.seen)
        now = names.surname(self.person, self.identities.last[self.person])
        clerk.note({"surname_of_before": np.flatnonzero(surname != now)})
        self._other_forms(forename, surname)
        found = clerk.errs(
            "name_unknown", "name_baby", "names_swapped", "forename_typo", "surname_typo",
            where={"name_baby": self.seen - self.identities.born[self.person] <= NEWBORN},
        )  # fmt: skip
        swapped = found["names_swapped"]
        forename[swapped], surname[swapped] = surname[swapped], forename[swapped].copy()
        on_rows(forename, found["forename_typo"], typo, clerk.rng)
        on_rows(surname, found["surname_typo"], typo, clerk.rng)
        boy = self.world.population.persons.male[self.person]
        baby = found["name_baby"]
        forename[baby] = np.where(
            clerk.rng.random(len(baby)) < 0.5, "Baby", np.where(boy[baby], "Baby Boy", "Baby Girl")
        )
        unknown = found["name_unknown"]
        self._nobody[unknown] = True
        forename[unknown] = "Unknown"
        surname[unknown] = np.where(
            clerk.rng.random(len(unknown)) < 0.5,
            "Unknown",
            np.where(boy[unknown], "Male", "Female"),
        )
        columns = texts(forename), texts(surname)
        if self.agency.capitals:
            return pc.utf8_upper(columns[0]), pc.utf8_upper(columns[1])
        return columns

    def _other_forms(self, forename: Words, surname: Words) -> None:
        """Nicknames, other spellings, middle names, lost hyphens: changes made in good faith."""
        book, names, rng = name_book(), self.identities.names, self.clerk.rng
        nickname, middle = names.nickname[self.person], names.middle[self.person]
        spelled = np.array([word in book.variants for word in book.forenames])
        found = self.clerk.errs(
            "nickname", "forename_variant", "middle_name_merged",
            where={
                "nickname": nickname != "",
                "forename_variant": spelled[names.forename[self.person]],
                "middle_name_merged": middle != NONE,
            },
        )  # fmt: skip
        forename[found["nickname"]] = nickname[found["nickname"]]
        merged = found["middle_name_merged"]
        joined = np.where(rng.random(len(merged)) < 0.7, " ", "")
        forename[merged] = forename[merged] + joined + book.forenames[middle[merged]]
        on_rows(forename, found["forename_variant"], _variant, rng)
        lost = self.clerk.errs(
            "surname_variant", "hyphen_lost",
            where={
                "surname_variant": np.array([word in book.variants for word in surname], np.bool_),
                "hyphen_lost": np.array(["-" in word or "'" in word for word in surname], np.bool_),
            },
        )  # fmt: skip
        on_rows(surname, lost["surname_variant"], _variant, rng)
        on_rows(surname, lost["hyphen_lost"], hyphen_lost, rng)

    def nhs_number(self) -> tuple[pa.Array]:
        """NHS numbers: missing, mistyped, another person's, or with spaces."""
        clerk, true = self.clerk, self.identities.nhs_number
        number = objects(true.take(pa.array(self.person)))
        found = clerk.errs(
            "nhs_missing", "nhs_digit", "nhs_swapped", "nhs_of_another", "nhs_short", "nhs_filler"
        )
        slips = {
            "nhs_digit": digit_wrong,
            "nhs_swapped": digits_swapped,
            "nhs_short": digit_lost,
            "nhs_filler": filler,
        }
        clerk.slip(number, found, slips)
        rows = found["nhs_of_another"]
        number[rows] = objects(true.take(pa.array(self._another(rows))))
        number[found["nhs_missing"]] = None
        number[self._nobody] = None
        spaced = clerk.some(self.agency.spaced) & (pa.array(number, pa.string()).is_valid())
        for row in np.flatnonzero(spaced):
            number[row] = f"{number[row][:3]} {number[row][3:6]} {number[row][6:]}"
        return (texts(number),)

    def _another(self, rows: IntArray) -> IntArray:
        """Somebody else: of the same family if there is one, else anybody."""
        family = self.world.population.persons.family
        person = self.person[rows]
        order = np.argsort(family, kind="stable")
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        near = order[(place[person] + 1) % len(order)]
        anybody = (person + self.clerk.rng.integers(1, len(family), len(rows))) % len(family)
        return np.where(family[near] == family[person], near, anybody)

    def upn(self) -> tuple[pa.Array]:
        """Pupil numbers; before school nobody has one."""
        clerk = self.clerk
        number = objects(self.identities.upn.take(pa.array(self.person)))
        found = clerk.errs("upn_missing", "upn_temporary", "upn_wrong")
        clerk.slip(
            number, found, {"upn_temporary": temporary_pupil_number, "upn_wrong": letter_wrong}
        )
        number[found["upn_missing"]] = None
        if "school_census" not in self.agency.extracts:
            year = self.entries.last.astype("datetime64[D]").astype("datetime64[Y]")
            starts = self.world.children.starts_school[self.person] - 1970
            number[year.astype(np.int64) < starts] = None
        return (texts(number),)

    def date_of_birth(self) -> tuple[pa.Array]:
        """Dates of birth as texts, most of them ISO dates."""
        clerk = self.clerk
        born = self.identities.born[self.person].astype("datetime64[D]")
        date = np.datetime_as_string(born).astype(object)
        month = born.astype("datetime64[M]").astype(np.int64) % 12 + 1
        day = (born - born.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64) + 1
        found = clerk.errs(
            "birth_missing", "birth_default", "birth_year_only", "birth_day_month",
            "birth_year_off", "birth_digit",
            where={"birth_day_month": (day <= 12) & (day != month)},
        )  # fmt: skip
        slips = {
            "birth_day_month": day_and_month, "birth_year_off": year_off, "birth_digit": date_digit
        }  # fmt: skip
        clerk.slip(date, found, slips)
        for row in np.flatnonzero(clerk.some(self.agency.day_first)):
            date[row] = f"{date[row][8:]}/{date[row][5:7]}/{date[row][:4]}"
        on_rows(date, found["birth_year_only"], _year_only, clerk.rng)
        date[found["birth_default"]] = DEFAULT_BIRTHDAY
        date[found["birth_missing"]] = None
        date[self._nobody] = DEFAULT_BIRTHDAY
        return (texts(date),)

    def sex(self) -> tuple[pa.Array]:
        """Sexes in the agency's words."""
        male = self.world.population.persons.male[self.person].copy()
        found = self.clerk.errs("sex_missing", "sex_wrong")
        male[found["sex_wrong"]] ^= True
        told = np.array(self.agency.sexes, dtype=object)[male.astype(np.int64)]
        told[found["sex_missing"]] = None
        return (texts(told),)

    def place(self) -> tuple[pa.Array, pa.Array, pa.Array]:
        """Postcode, address and UPRN of the home the agency knows of."""
        clerk, addresses = self.clerk, self.identities.addresses
        somewhere = addresses.kind[self.home] != NOWHERE
        clerk.note({"no_fixed_abode": np.flatnonzero(~somewhere)})
        at = pa.array(self.home)
        postcode = objects(addresses.postcode.take(at))
        found = clerk.errs("postcode_missing", "postcode_typo", where={"postcode_typo": somewhere})
        on_rows(postcode, found["postcode_typo"], postcode_typo, clerk.rng)
        postcode[found["postcode_missing"]] = None
        lines = objects(written(addresses.written, self.home, clerk.one_of(self.agency.written)))
        uprn = objects(addresses.uprn.take(at))
        if "address" in self.agency.identifiers:
            slipped = clerk.errs("address_typo", where={"address_typo": somewhere})
            on_rows(lines, slipped["address_typo"], address_typo, clerk.rng)
        if "uprn" in self.agency.identifiers:
            lacking = clerk.errs("uprn_missing", where={"uprn_missing": somewhere})
            uprn[lacking["uprn_missing"]] = None
        spaces = clerk.some(self.agency.spaced)
        return unspaced(texts(postcode), spaces), texts(lines), texts(uprn)


COLUMNS: Mapping[tuple[str, ...], Callable[[PeopleIndex], tuple[pa.Array, ...]]] = MappingProxyType(
    {
        ("forename", "surname"): PeopleIndex.names,  # first: it says whose name is not known
        ("nhs_number",): PeopleIndex.nhs_number,
        ("upn",): PeopleIndex.upn,
        ("date_of_birth",): PeopleIndex.date_of_birth,
        ("sex",): PeopleIndex.sex,
        ("postcode", "address", "uprn"): PeopleIndex.place,
    }
)
"""Columns of an index, and how they are written; in this order, so that chance stays the same."""


def _variant(word: str, chance: Chance) -> str:
    others = name_book().variants[word]
    return others[int(chance[0] * len(others))]


def _year_only(date: str, chance: Chance) -> str:
    return date[-4:] if "/" in date else date[:4]
