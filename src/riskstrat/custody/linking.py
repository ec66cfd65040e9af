"""The linker's work as the command line asks for it: links, how good they are, and the model."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskstrat.custody.keyspec import Domain, Keeper
from riskstrat.custody.places import Places
from riskstrat.custody.work import Acting, Configs, Progress
from riskstrat.disk import write_json

if TYPE_CHECKING:
    from riskstrat.custody.quality import Judge
    from riskstrat.linkage.engine import LinkedAddresses, LinkedRecords
    from riskstrat.linkage.spec import LinkageSpec


def link_received(
    configs: Configs,
    places: Places,
    acting: Acting,
    memory_bytes: int,
    threads: int,
    truth: Path | None = None,
    *,
    progress: Progress,
) -> dict[str, Any]:
    """The linker's work: links for the analyst, how good they are, and for itself the model.

    With a reviewed sample and nothing received, the links that are kept are held against it.
    """
    from riskstrat.custody.link import Linker, link, something_received
    from riskstrat.custody.quality_file import judge_kept, keep_quality, withdraw_quality
    from riskstrat.custody.register import keyring
    from riskstrat.custody.truth import read_reviewed
    from riskstrat.linkage.spec import read_linkage

    spec = configs.spec
    linkage = read_linkage(configs.linkage_file)
    reviewed = read_reviewed(truth) if truth else None
    judge = _judge(configs, linkage)
    kept = places.linkage()
    with _engine(places, memory_bytes, threads) as (con, scratch):
        if reviewed is not None and not something_received(spec, places):
            found = judge_kept(spec, places, con, judge, reviewed)
            acting.note(Keeper.LINKER, "review", {"records": reviewed.num_rows})
            return {"records": {}, "entities": {}, "moved": {}, "quality": found}
        linkers: Mapping[Domain, Linker] = {
            Domain.PERSON: lambda c, v, known: _people(c, v, linkage, kept, scratch, known),
            Domain.HOUSEHOLD: lambda c, v, known: _addresses(c, v, linkage, kept),
        }
        ring = keyring(spec, places, Domain.PERSON)
        withdraw_quality(places)
        counts = link(
            spec, places, con, ring.key, linkers=linkers, judge=judge, reviewed=reviewed,
            progress=progress,
        )  # fmt: skip
    facts = asdict(counts)
    quality = facts.pop("quality")
    keep_quality(spec, places, quality)
    write_json(kept / "counts.json", facts)
    acting.note(Keeper.LINKER, "link", facts)
    return facts | {"quality": quality}


@contextmanager
def _engine(places: Places, memory_bytes: int, threads: int) -> Iterator[tuple[Any, Path]]:
    """A connection, and the folder it may spill to; what was spilt held identifiers, and goes."""
    import duckdb

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
        yield con, scratch
    finally:
        con.close()
        shutil.rmtree(scratch, ignore_errors=True)


def _judge(configs: Configs, linkage: LinkageSpec) -> Judge:
    """Ages are counted on the last day that the population's extracts tell of."""
    from riskstrat.contracts.optouts import as_of
    from riskstrat.custody.quality import Judge

    population = configs.spec.population
    days = [as_of(source) for source in configs.contracts(population).values()]
    numbers = {"people": linkage.identifiers[0].field} if linkage.identifiers else {}
    if linkage.homes:
        numbers["addresses"] = linkage.homes.number
    return Judge(population, numbers, max(days, default=None), linkage.training.seed)


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
    linked = link_people(con, view, linkage, model=model, scratch=scratch, known=known, doubts=True)
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
