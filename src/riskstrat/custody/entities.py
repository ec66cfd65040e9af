"""Who a pseudonym is: the linker's entity table, asked for one pseudonym at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from riskstrat.asof import literal, quoted
from riskstrat.custody.faults import CustodyError
from riskstrat.custody.headers import opened, read_header
from riskstrat.custody.keyspec import Domain
from riskstrat.custody.places import Places
from riskstrat.custody.spec import CustodySpec, Identifier


@dataclass(frozen=True, slots=True)
class Entities:
    """Looks people up in the linker's folder; for the gateway alone."""

    table: Path
    rekeys: tuple[Path, ...]
    """tables from old pseudonyms to new, the oldest first"""
    agencies: tuple[str, ...]
    """whose record counts before whose"""
    fields: tuple[Identifier, ...]

    def current(self, pseudonym: str) -> str:
        """The pseudonym that took this one's place, by a rotation or new evidence, else itself."""
        name = pseudonym
        for path in self.rekeys:
            rows = _ask(path, "new", "old", name)
            name = str(rows[0][0]) if rows else name
        return name

    def identity(self, pseudonym: str) -> Mapping[str, str] | None:
        """What the linker was told of a person, by the agency whose record counts most.

        Each field is the first that is not empty, so a number one agency lacks comes from the next.
        """
        if not self.table.exists():
            raise CustodyError(
                f"{self.table}: the linker holds no entity table for the key of people",
                fix="the gateway works where the linker's folder is; link first, or check `keys` "
                "in the custody file",
                code="RS1646",
            )
        there = self._columns()
        wanted = [each.value for each in self.fields if each.value in there]
        if not wanted:
            return None
        listed = ", ".join(["agency", *map(quoted, wanted)])
        rows = _ask(self.table, listed, "pseudonym", pseudonym)
        place = {agency: i for i, agency in enumerate(self.agencies)}
        rows.sort(key=lambda row: (place.get(str(row[0]), len(place)), *map(str, row)))
        told = {
            name: str(next((row[i] for row in rows if row[i]), ""))
            for i, name in enumerate(wanted, start=1)
        }
        return told if any(told.values()) else None

    def _columns(self) -> Sequence[str]:
        names: Sequence[str] = opened(self.table).schema_arrow.names
        return names


def entities(spec: CustodySpec, places: Places) -> Entities:
    """The people of a project, as the linker knows them under the key in use."""
    key_id = str(spec.key_ids()[Domain.PERSON])
    others = [name for name in spec.providers if name != spec.population]
    return Entities(
        places.entities(key_id) / "people.parquet",
        tuple(_rotations(places, spec, key_id)),
        (spec.population, *others),
        spec.reidentification.fields,
    )


def _rotations(places: Places, spec: CustodySpec, key_id: str) -> Sequence[Path]:
    """The tables that lead to a key's pseudonyms of today, the oldest first."""
    found: dict[str, Path] = {}
    for path in sorted(places.rekey(key_id).parent.glob("*.parquet")):
        header = read_header(path)
        if header and header.kind == "rekey" and header.project == spec.project:
            found[header.keys.get(Domain.PERSON.value, "")] = path
    chain = [places.moved(key_id)]
    while key_id in found:
        path = found.pop(key_id)
        key_id = path.stem
        chain[:0] = [places.moved(key_id), path]
    return [path for path in chain if path.exists()]


def _ask(path: Path, columns: str, where: str, value: str) -> list[tuple[object, ...]]:
    with duckdb.connect() as con:
        return con.execute(
            f"SELECT {columns} FROM read_parquet({literal(path.as_posix())}, "
            f"hive_partitioning=false) WHERE {quoted(where)} = ?",
            [value],
        ).fetchall()
