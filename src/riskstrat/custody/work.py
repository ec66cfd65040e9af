"""Each keeper's work as the command line asks for it: read the config, do it, enter it in the log.

Each runs in a child process of its own. So even where one machine plays all keepers, no process
that reads content for the analyst has ever had identifiers or a key in its memory.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskstrat.custody.gateway import Log
from riskstrat.custody.keyspec import Domain, Keeper
from riskstrat.custody.places import Places
from riskstrat.custody.spec import CustodySpec
from riskstrat.disk import read_json, write_json

if TYPE_CHECKING:
    from riskstrat.contracts.agreements.spec import SharingAgreement
    from riskstrat.contracts.spec import Source
    from riskstrat.linkage.engine import LinkedAddresses, LinkedRecords
    from riskstrat.linkage.spec import LinkageSpec

Progress = Callable[[float, str], None]
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
LINKAGE = "linkage.json"
"""beside the joined extracts: how surely each agency's records were linked, in counts"""


@dataclass(frozen=True, slots=True)
class Acting:
    """Who acts, why and when, and where each keeper writes that down."""

    who: str
    why: str
    at: datetime
    logs: Mapping[Keeper, Log]

    def note(self, keeper: Keeper, what: str, details: Mapping[str, Any]) -> str:
        """Enter something in a keeper's log; returns the hash of the entry."""
        return self.logs[keeper].append(
            at=self.at, who=self.who, what=what, why=self.why, details=details
        )


@dataclass(frozen=True, slots=True)
class Configs:
    """A custody file, and the folder its sources and linkage are looked for in."""

    spec: CustodySpec
    root: Path

    def contracts(self, agency: str) -> Mapping[str, Source]:
        """The contracts of an agency's extracts, by name; some may have none.

        Raises:
            StudyError: a contract has faults.
        """
        from riskstrat.contracts.spec import Source
        from riskstrat.yamlfile import read_spec

        paths = {
            n: self.root / "sources" / f"{n}.yaml" for n in self.spec.providers[agency].extracts
        }
        return {n: read_spec(path, Source)[0] for n, path in paths.items() if path.exists()}

    def agreements(self, contracts: Mapping[str, Source]) -> Mapping[str, SharingAgreement]:
        """The agreements that contracts name.

        Raises:
            StudyError: an agreement is missing or has faults.
        """
        from riskstrat.contracts.agreements.spec import SharingAgreement
        from riskstrat.yamlfile import read_spec

        names = sorted({source.agreement for source in contracts.values()})
        return {
            n: read_spec(self.root / "agreements" / f"{n}.yaml", SharingAgreement)[0] for n in names
        }

    @property
    def linkage_file(self) -> Path:
        """How records are linked."""
        return self.root / "linkage" / f"{self.spec.linkage}.yaml"


def read_configs(path: Path) -> Configs:
    """Read a custody file.

    Raises:
        StudyError: RS1201 to RS1203, a fault of the file.
    """
    from riskstrat.yamlfile import read_spec

    spec, _ = read_spec(path, CustodySpec)
    return Configs(spec, path.resolve().parent.parent)


def columns_read(source: Source) -> tuple[str, ...]:
    """The columns of a file that a contract reads, in its own order; no other may leave an agency.

    A contract may compute a column from others: whatever its text names counts as read.
    """
    read = [column.source or name for name, column in source.columns.items()]
    texts = [text for text in (*read, source.where or "") if not _WORD.fullmatch(text)]
    words = [word for text in texts for word in _WORD.findall(text)]
    return tuple(dict.fromkeys([*read, *words]))


def split_agencies(
    configs: Configs,
    data: Path,
    places: Places,
    agencies: Sequence[str],
    acting: Acting,
    *,
    progress: Progress,
) -> list[dict[str, Any]]:
    """The provider's work, agency by agency; each appears whole before the next begins."""
    from riskstrat.custody.objections import kept_back
    from riskstrat.custody.split import split

    told = []
    for done, agency in enumerate(agencies):
        contracts = configs.contracts(agency)
        agreements = configs.agreements(contracts)
        counts = split(
            configs.spec,
            agency,
            data,
            places,
            columns={name: columns_read(source) for name, source in contracts.items()},
            objections=kept_back(configs.spec.providers[agency], contracts, agreements, data),
            tokenise=_tokeniser(configs, places) if agency in configs.spec.tokenised else None,
            progress=_part(progress, done, len(agencies)),
        )
        facts = asdict(counts)
        acting.note(Keeper.PROVIDER, f"split {agency}", facts)
        told.append(facts)
    return told


def _tokeniser(configs: Configs, places: Places) -> Any:
    """Makes tokens under the providers' key, which the linker never has."""
    from riskstrat.custody.register import keyring
    from riskstrat.linkage.spec import read_linkage
    from riskstrat.linkage.tokens import tokenise

    key_id = str(configs.spec.key_ids()[Domain.TOKENS])
    key = keyring(configs.spec, places, Domain.TOKENS).key(key_id)
    linkage = read_linkage(configs.linkage_file)
    return lambda table: tokenise(table, key, linkage)


def link_received(
    configs: Configs,
    places: Places,
    acting: Acting,
    memory_bytes: int,
    threads: int,
    *,
    progress: Progress,
) -> dict[str, Any]:
    """The linker's work: links for the analyst, and for itself the model, counts and review."""
    import duckdb

    from riskstrat.custody.link import Linker, link
    from riskstrat.custody.register import keyring
    from riskstrat.linkage.spec import read_linkage

    spec = configs.spec
    linkage = read_linkage(configs.linkage_file)
    kept = places.linkage()
    scratch = places.of(Keeper.LINKER, "scratch", "spill")  # a killed step's is cleared away
    con = duckdb.connect(
        config={
            "memory_limit": f"{memory_bytes}B",
            "threads": threads,
            "temp_directory": str(scratch),
            "preserve_insertion_order": True,
        }
    )
    con.execute("SET enable_progress_bar = false")
    con.execute("SET TimeZone = 'UTC'")
    try:
        linkers: Mapping[Domain, Linker] = {
            Domain.PERSON: lambda c, v, known: _people(c, v, linkage, kept, scratch, known),
            Domain.HOUSEHOLD: lambda c, v, known: _addresses(c, v, linkage, kept),
        }
        ring = keyring(spec, places, Domain.PERSON)
        counts = link(spec, places, con, ring.key, linkers=linkers, progress=progress)
    finally:
        con.close()
        shutil.rmtree(scratch, ignore_errors=True)  # it held identifiers
    facts = asdict(counts)
    write_json(kept / "counts.json", facts)
    acting.note(Keeper.LINKER, "link", facts)
    return facts


def _people(
    con: Any, view: str, linkage: LinkageSpec, kept: Path, scratch: Path, known: str | None
) -> LinkedRecords:
    """Link people; keep the model, and what to review.

    Records that come to others are weighed as those were; where all are new, so is the model.
    """
    import pyarrow.parquet as pq

    from riskstrat.disk import file_aside, write_bytes
    from riskstrat.linkage.engine import link_people
    from riskstrat.linkage.model import MatchModel

    path = kept / "model.json"
    learnt = known is not None and path.exists()
    model = MatchModel.read(path.read_text(encoding="utf-8")) if learnt else None
    linked = link_people(con, view, linkage, model=model, scratch=scratch, known=known)
    write_bytes(path, linked.model.text().encode())
    write_json(kept / "people.json", dict(linked.counts))
    with file_aside(kept / "review.parquet") as aside:
        pq.write_table(linked.review, aside)
    return linked


def _addresses(con: Any, view: str, linkage: LinkageSpec, kept: Path) -> LinkedAddresses:
    """Link addresses; a home is named by its number or door, so none needs to be remembered."""
    from riskstrat.linkage.engine import link_addresses

    linked = link_addresses(con, view, linkage)
    write_json(kept / "addresses.json", dict(linked.counts))
    return linked


def join_received(
    configs: Configs, data: Path, places: Places, acting: Acting, *, progress: Progress
) -> dict[str, Any]:
    """The analyst's work: the extracts, and beside them how surely their rows were linked."""
    from riskstrat.custody.join import join

    counts = join(configs.spec, data, places, progress=progress)
    facts = asdict(counts)
    path = data / LINKAGE
    before = read_json(path) if path.exists() else {"extracts": {}}
    spec = configs.spec
    write_json(
        path,
        {
            "project": spec.project,
            "keys": {"person": spec.keys.person, "household": spec.keys.household},
            "extracts": before["extracts"]
            | {
                name: {"rows": rows, "bands": facts["bands"].get(name, {})}
                for name, rows in facts["rows"].items()
            },
        },
    )
    acting.note(Keeper.ANALYST, "join", facts)
    return facts


def _part(progress: Progress, done: int, of: int) -> Progress:
    """Progress of one of several equal parts."""

    def report(share: float, words: str = "") -> None:
        progress((done + share) / max(of, 1), words)

    return report
