"""One step of a hand-over as a command takes it: in a child, in its keeper's folder, logged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from riskstrat.cli.console import StageDisplay
from riskstrat.custody.keyspec import Keeper
from riskstrat.custody.linking import link_received
from riskstrat.custody.places import Places
from riskstrat.custody.spec import CustodySpec
from riskstrat.custody.work import (
    Acting,
    Configs,
    join_received,
    read_configs,
    split_agencies,
)
from riskstrat.disk import read_json
from riskstrat.errors import UsageError
from riskstrat.vocabulary import Finding

OWN_BYTES = 400 * 2**20
"""what the program and its libraries take beside the database engine"""
LEAST_BYTES = 128 * 2**20


@dataclass(frozen=True, slots=True)
class Step:
    """The config, the folders and the moment of one command."""

    configs: Configs
    data: Path
    places: Places
    agencies: tuple[str, ...]
    now: datetime

    @classmethod
    def read(
        cls, file: Path, custody: Path, data: Path = Path(), agencies: Sequence[str] | None = None
    ) -> Self:
        """Read the custody file and check what was asked against it.

        Raises:
            StudyError: the file has faults.
            UsageError: an agency is none of its providers.
        """
        configs = read_configs(file)
        known = tuple(configs.spec.providers)
        if unknown := [name for name in agencies or () if name not in known]:
            raise UsageError(f"no agency `{unknown[0]}`", fix=f"one of {', '.join(known)}")
        chosen = tuple(name for name in known if not agencies or name in agencies)
        return cls(configs, data, Places(custody), chosen, datetime.now(UTC))

    @property
    def spec(self) -> CustodySpec:
        """What the custody file says."""
        return self.configs.spec

    def acting(self, who: str = "", why: str = "") -> Acting:
        """Who acts, and the keepers' logs."""
        from riskstrat.pipeline.options import whoever_asks
        from riskstrat.store.ledger import Ledger

        logs = {keeper: Ledger(self.places.log(keeper)) for keeper in Keeper}
        return Acting(who or whoever_asks(), why or f"project {self.spec.project}", self.now, logs)

    @contextmanager
    def holding(self, *keepers: Keeper) -> Iterator[None]:
        """Hold keepers' folders, and clear up what a killed step left half written there.

        Raises:
            BusyError: another step works there.
        """
        from riskstrat.store.artefacts import Store

        with ExitStack() as held:
            for keeper in keepers:
                held.enter_context(Store(self.places.of(keeper)).held())
            yield

    def new_keys(self, keepers: frozenset[Keeper] = frozenset(Keeper)) -> list[dict[str, Any]]:
        """Make the keys that are missing, of these keepers."""
        from riskstrat.custody.lifecycle import new_keys

        with self.holding(*sorted(keepers)):
            made = new_keys(self.spec, self.places, self.now, self.acting().note, keepers=keepers)
        return [asdict(each) for each in made]

    def split(self, display: StageDisplay, truth: Path | None = None) -> list[dict[str, Any]]:
        """The provider's step."""
        if truth and not truth.is_dir():
            raise UsageError(
                f"{truth}: no such folder", fix="give the folder with `links.parquet`, or none"
            )
        told: list[dict[str, Any]] = self._work(
            display,
            Keeper.PROVIDER,
            "split",
            _said_split,
            split_agencies,
            (self.configs, self.data, self.places, self.agencies, self.acting(), truth),
        )
        return told

    def forget(self) -> list[str]:
        """Remove what the provider made for others; gives back whose it was."""
        from riskstrat.custody.places import drop

        with self.holding(Keeper.PROVIDER):
            there = [name for name in self.agencies if self.places.sent(name).is_dir()]
            for name in there:
                drop(self.places.sent(name))
                self.acting().note(Keeper.PROVIDER, f"forget {name}", {})
        return there

    def link(
        self, display: StageDisplay, memory: str, threads: int, truth: Path | None = None
    ) -> dict[str, Any]:
        """The linker's step."""
        import os

        given = max(_bytes(memory) - OWN_BYTES, LEAST_BYTES)
        told: dict[str, Any] = self._work(
            display,
            Keeper.LINKER,
            "link",
            _said_link,
            link_received,
            (
                self.configs,
                self.places,
                self.acting(),
                given,
                threads or os.cpu_count() or 1,
                truth,
            ),
            memory,
        )
        return told

    def identifier_faults(self) -> tuple[Finding, ...]:
        """What was wrong with the identifiers that were linked last, in counts by agency."""
        from riskstrat.linkage.outcome import linkage_findings

        files = (self.places.linkage() / f"{name}.json" for name in ("people", "addresses"))
        there = (read_json(path) for path in files if path.exists())
        return tuple(finding for counts in there for finding in linkage_findings(counts))

    def join(self, display: StageDisplay) -> dict[str, Any]:
        """The analyst's step."""
        told: dict[str, Any] = self._work(
            display,
            Keeper.ANALYST,
            "join",
            _said_join,
            join_received,
            (self.configs, self.data, self.places, self.acting()),
        )
        return told

    def _work(
        self,
        display: StageDisplay,
        keeper: Keeper,
        name: str,
        said: Callable[[Any], str],
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        memory: str = "4GB",
    ) -> Any:
        from riskstrat.store.worker import run_in_child

        display.starts(name)
        with self.holding(keeper):
            done = run_in_child(function, *arguments, memory=memory, progress=display.moves)
        display.ends(name, said(done.value), done.seconds, reused=False)
        return done.value


def _bytes(memory: str) -> int:
    from riskstrat.stages.jobs import amount

    try:
        return amount(memory)
    except ValueError as fault:
        raise UsageError(str(fault), fix="write `4GB` or `800MB`") from None


def _said_split(told: Sequence[Mapping[str, Any]]) -> str:
    records = sum(sum(each["indexed"].values()) for each in told)
    rows = sum(sum(each["rows"].values()) for each in told)
    text = (
        f"{len(told)} agencies: {records:,} records for the linker, {rows:,} rows for the analyst"
    )
    left = sum(sum(each["unindexed"].values()) for each in told)
    return text + (f"; {left:,} rows name nobody and were left out" if left else "")


def _said_link(told: Mapping[str, Any]) -> str:
    if not told["records"]:
        return "the links that are kept were held against the sample"
    parts = [
        f"{sum(records.values()):,} records of {name} are {told['entities'][name]:,}"
        for name, records in told["records"].items()
    ]
    moved = sum(told["moved"].values())
    text = "; ".join(parts)
    if not moved:
        return text
    return text + f"; {moved:,} kept records now belong to others: hand their agencies over again"


def _said_join(told: Mapping[str, Any]) -> str:
    return f"{sum(told['rows'].values()):,} rows in {len(told['rows'])} extracts under pseudonyms"
