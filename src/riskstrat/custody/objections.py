"""Whose records must not even be sent: opt-outs that bind for every purpose.

An agreement says which kinds of opt-out bind which source. Where one binds whatever the records
would be used for, they stay with the agency; where it binds for some purposes, the studies with
these purposes leave the person out. Only counts are kept of any of it.

An agency that hands its list on still says who is on it: the linker must find them, or no other
agency's records of them could be left out. An agency with a list of its own says nothing at all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from riskstrat.asof import literal, quoted
from riskstrat.contracts.agreements.spec import SharingAgreement
from riskstrat.contracts.optouts import as_of, before_linkage, opt_outs_of, opted_out_sql
from riskstrat.contracts.spec import OptOut, Source
from riskstrat.custody.faults import CustodyError
from riskstrat.custody.rows import need_columns, plain
from riskstrat.custody.spec import OptOutList, Provider

PEOPLE = "people"
Dated = tuple[OptOutList, date]
"""a list, and the day whose opt-outs count: that up to which the records are complete"""


def kept_back(
    provider: Provider,
    contracts: Mapping[str, Source],
    agreements: Mapping[str, SharingAgreement],
    data: Path,
) -> dict[str, pa.Array]:
    """Local ids of people whose records an agency must keep, from the lists that it has.

    Args:
        provider: the agency; its lists are ``opt_outs``, and extracts whose contract has that role.
        contracts: of its extracts, by name.
        agreements: by name.
        data: where the paths of its extracts start.

    Returns:
        ``people`` -> those of whom nothing may leave, and extract -> those of whom its rows may
        not; strings (n,). Empty where the agency has no list of opt-outs.
    """
    about = [
        name
        for name, extract in provider.extracts.items()
        if extract.person and name in contracts and contracts[name].role is None
    ]
    own, handed_on = _own(provider, contracts), _handed_on(provider, contracts)
    if not (own or handed_on) or not about:
        return {}
    bound = {
        name: before_linkage(agreements[contracts[name].agreement], contracts[name])
        for name in about
    }
    found = {name: _ids([*own, *handed_on], kinds, data) for name, kinds in bound.items()}
    if own:
        found[PEOPLE] = _ids(own, frozenset.intersection(*bound.values()), data)
    return {name: ids for name, ids in found.items() if len(ids)}


def _own(provider: Provider, contracts: Mapping[str, Source]) -> list[Dated]:
    """The list that never leaves the agency."""
    if not (provider.opt_outs and contracts):
        return []
    return [(provider.opt_outs, max(map(as_of, contracts.values())))]


def _handed_on(provider: Provider, contracts: Mapping[str, Source]) -> list[Dated]:
    """Lists that are extracts too."""
    found: list[Dated] = []
    for name, source in contracts.items():
        if source.role == "opt_outs":
            extract = provider.extracts[name]
            told = OptOutList(
                file=extract.file,
                person=str(extract.person),
                kind=_column(source, "kind"),
                starts_on=_column(source, str(source.starts_on)),
                ends_on=_column(source, str(source.ends_on)),
            )
            found.append((told, as_of(source)))
    return found


def _ids(lists: Sequence[Dated], kinds: Collection[OptOut], data: Path) -> pa.Array:
    found: list[pa.Array] = [pa.array([], pa.string())]
    with duckdb.connect() as con:
        for told, day in lists:
            sql = opted_out_sql(_spells(told, data), kinds, day)
            found.append(plain(con.execute(sql).to_arrow_table().column(0)))
    return pa.concat_arrays(found).unique()


def _column(source: Source, name: str) -> str:
    return source.columns[name].source or name


def _spells(told: OptOutList, data: Path) -> str:
    """SQL of a list's spells, in the words of :mod:`riskstrat.contracts.optouts`.

    Raises:
        CustodyError: RS1601, the file is missing, lacks a column, or holds texts for dates.
    """
    path = data / told.file
    schema = need_columns(path, [told.person, told.kind, told.starts_on, told.ends_on])
    for name in (told.starts_on, told.ends_on):
        if not pa.types.is_temporal(schema.field(name).type):
            raise CustodyError(
                f"{path}: `{name}` does not hold dates",
                fix="ask for the list with dates; one that is not understood would be an objection "
                "that nobody hears",
                code="RS1601",
            )
    return (
        f"(SELECT CAST({quoted(told.person)} AS VARCHAR) AS unit_id, {quoted(told.kind)} AS kind, "
        f"CAST({quoted(told.starts_on)} AS DATE) AS starts_on, "
        f"CAST({quoted(told.ends_on)} AS DATE) AS ends_on "
        f"FROM read_parquet({literal(path.as_posix())}, hive_partitioning=false))"
    )


@dataclass(frozen=True, slots=True)
class Objectors:
    """Asks the analyst's list of opt-outs about one person; for the gateway."""

    data: Path
    told: OptOutList | None

    def __call__(self, pseudonym: str, day: date) -> bool:
        """Whether a person objects, by any kind of opt-out that holds on the day.

        Raises:
            CustodyError: RS1648, there is no list, so nobody can say.
        """
        if self.told is None:
            return False
        if not (self.data / self.told.file).exists():
            raise CustodyError(
                f"{self.data / self.told.file}: there is no list of opt-outs, so the gateway "
                "cannot know who objects",
                fix="put the list there, or, where none binds, say so in the custody file: "
                "`reidentification: {opt_outs: null}`",
                code="RS1648",
            )
        with duckdb.connect() as con:
            spells = _spells(self.told, self.data)
            return bool(opt_outs_of(con, spells, pseudonym, tuple(OptOut), day))
