"""Each keeper's work as the command line asks for it: read the config, do it, enter it in the log.

Each runs in a child process of its own. So even where one machine plays all keepers, no process
that reads content for the analyst has ever had identifiers or a key in its memory.
"""

from __future__ import annotations

import re
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
    truth: Path | None = None,
    *,
    progress: Progress,
) -> list[dict[str, Any]]:
    """The provider's work, agency by agency; each appears whole before the next begins."""
    from riskstrat.custody.objections import kept_back
    from riskstrat.custody.split import split
    from riskstrat.custody.truth import read_truth

    known = read_truth(truth) if truth else {}
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
            truth=known,
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


def join_received(
    configs: Configs, data: Path, places: Places, acting: Acting, *, progress: Progress
) -> dict[str, Any]:
    """The analyst's work: the extracts, and beside them how surely their rows were linked.

    Where the linker only sent word of a sample reviewed since, that alone is taken in.
    """
    from riskstrat.custody.join import content_received, join
    from riskstrat.custody.quality_file import forget_quality, take_quality

    spec, path = configs.spec, data / LINKAGE
    quality = take_quality(spec, places)
    before = read_json(path) if path.exists() else {"extracts": {}}
    facts: dict[str, Any] = {"rows": {}, "bands": {}}
    if quality is None or content_received(spec, places):
        facts = asdict(join(spec, data, places, progress=progress))
    told = {
        name: {"rows": rows, "bands": facts["bands"].get(name, {}), **_origin(spec, name)}
        for name, rows in facts["rows"].items()
    }
    whole = {
        "project": spec.project,
        "keys": {"person": spec.keys.person, "household": spec.keys.household},
        "extracts": before["extracts"] | told,
    }
    # Links that came without a word on their quality leave nothing known of it.
    write_json(path, whole | ({"quality": quality} if quality else {}))
    forget_quality(places)
    acting.note(Keeper.ANALYST, "join", facts)
    return facts


def _origin(spec: CustodySpec, name: str) -> dict[str, str]:
    """Whose extract it is, and which links place its rows: of people before those of addresses."""
    agency = next(a for a, provider in spec.providers.items() if name in provider.extracts)
    extract = spec.extract(name)
    domain = "people" if extract.person else "addresses" if extract.household else ""
    return {"agency": agency, "domain": domain}


def _part(progress: Progress, done: int, of: int) -> Progress:
    """Progress of one of several equal parts."""

    def report(share: float, words: str = "") -> None:
        progress((done + share) / max(of, 1), words)

    return report
