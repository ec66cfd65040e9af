"""Raw extracts as agencies hold them: their own ids, identifiers with errors, nothing linked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pyarrow as pa

from riskstrat.synthetic import true_links, truth
from riskstrat.synthetic.agencies import AGENCIES, Agency
from riskstrat.synthetic.entries import Entries, Known, known_units, make_entries, twice_known
from riskstrat.synthetic.extracts import Draft, draft
from riskstrat.synthetic.files import Files
from riskstrat.synthetic.frames import IntArray, pseudonyms, stream
from riskstrat.synthetic.identities import Identities, make_identities
from riskstrat.synthetic.numbers import Counted, local_ids
from riskstrat.synthetic.people_index import PeopleIndex
from riskstrat.synthetic.place_index import place_index
from riskstrat.synthetic.plant import Plant
from riskstrat.synthetic.registrations import register_again
from riskstrat.synthetic.world import HOME, PERSON, World


class RawBlock:
    """One block of the county on its way into the agencies' files."""

    def __init__(
        self,
        world: World,
        files: Files,
        truths: Files,
        counted: Counted,
        seed: int,
        block: int,
        plants: Sequence[Plant] = (),
    ) -> None:
        self.world, self.files, self.truths = world, files, truths
        self.counted, self.seed, self.block, self.plants = counted, seed, block, plants
        self.identities: Identities = make_identities(world, counted, seed, block)
        self.persons = pseudonyms("P", seed, block, len(world.population.persons))
        self.homes = pseudonyms("H", seed, block, len(world.population.homes.family))
        self.defects: Counter[str] = Counter()

    def write(self) -> Counter[str]:
        """Write every agency's files, and what is true of them; how many of each defect."""
        for name, agency in AGENCIES.items():
            self._agency(name, agency)
        for name, rows in truth.tables(self.world, self.persons).items():
            self.truths.append(name, rows)
        for name, rows in true_links.who(self.world, self.identities, self.persons).items():
            self.truths.append(name, rows)
        self.truths.append("homes", true_links.homes(self.world, self.identities, self.homes))
        return self.defects

    def _agency(self, name: str, agency: Agency) -> None:
        drafts = {
            each: draft(each, self.world, self.seed, self.block, self.plants)
            for each in agency.extracts
        }
        indexes: dict[str, Entries] = {}
        if agency.identifiers:
            indexes[PERSON] = self._people(name, agency, drafts)
        if agency.addresses:
            indexes[HOME] = self._addresses(name, agency, drafts)
        for each, extract in drafts.items():
            ids = {
                column: (LOCAL[column], _under(extract, column, index))
                for column, index in indexes.items()
                if column in extract.table.column_names
            }
            self.files.append(f"{name}/{each}", extract.finished(ids, self.block))
            self.defects += extract.defects

    def _people(self, name: str, agency: Agency, drafts: Mapping[str, Draft]) -> Entries:
        rng = stream(self.seed, self.block, f"{name} people")
        count = len(self.world.population.persons)
        known = known_units(_records(drafts, PERSON), count)
        if agency.follows:
            known = known.within(self.world.population.persons.enters, self.identities.last)
        twice = twice_known(known, agency.twice, rng)
        entries = self._entries(name, agency.prefix, known, count, twice)
        if "gp_registration" in drafts:
            register_again(drafts, entries.switch)
        index = PeopleIndex(name, agency, entries, self.world, self.identities, rng)
        self.files.append(f"{name}/people", index.table())
        self._remember(name, "links", entries, index.clerk.made)
        return entries

    def _addresses(self, name: str, agency: Agency, drafts: Mapping[str, Draft]) -> Entries:
        rng = stream(self.seed, self.block, f"{name} addresses")
        count = len(self.world.population.homes.family)
        known = known_units(_records(drafts, HOME), count)
        twice = twice_known(known, agency.twice, rng)
        entries = self._entries(name, "L", known, count, twice)
        table, clerk = place_index(name, agency, entries, self.identities, rng)
        self.files.append(f"{name}/addresses", table)
        self._remember(name, "address_links", entries, clerk.made)
        return entries

    def _entries(
        self,
        name: str,
        prefix: str,
        known: Known,
        count: int,
        twice: tuple[IntArray, IntArray],
    ) -> Entries:
        total = len(known.unit) + len(twice[0])
        ids = local_ids(name, prefix, total, self.counted, self.seed)
        return make_entries(known, count, twice, ids)

    def _remember(
        self, name: str, links: str, entries: Entries, made: Mapping[str, IntArray]
    ) -> None:
        at = pa.array(entries.unit)
        if links == "links":
            told = true_links.links(name, entries.local_id, self.persons.take(at), entries.again)
        else:
            kind = self.identities.addresses.kind[entries.unit]
            told = true_links.address_links(name, entries.local_id, self.homes.take(at), kind)
        self.truths.append(links, told)
        self.truths.append("identifier_errors", true_links.errors(name, entries.local_id, made))
        self.defects.update({f"{name}.{error}": len(rows) for error, rows in made.items()})
        self.defects.update({f"{name}.{links}_second": int(entries.again.sum())})


LOCAL = {PERSON: "local_id", HOME: "address_id"}


def _records(drafts: Mapping[str, Draft], column: str) -> list[tuple[IntArray, IntArray]]:
    return [
        (extract.column(column), extract.column("recorded_on"))
        for extract in drafts.values()
        if column in extract.table.column_names
    ]


def _under(extract: Draft, column: str, index: Entries) -> pa.Array:
    entry = index.of(extract.column(column), extract.column("recorded_on"))
    return index.local_id.take(pa.array(entry))
