"""Records of several agencies become people: the whole of linkage, in one DuckDB connection.

    raw records -> standardised -> profiles (equal records once) -> groups (same valid number)
                -> candidate pairs (blocking) -> weights (Splink) -> people (best link first)

Nothing here writes a file or knows a key: the caller gives a table and gets tables back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from riskstrat.asof import literal
from riskstrat.linkage import splinking
from riskstrat.linkage.addresses import LinkedAddresses, link_addresses
from riskstrat.linkage.candidates import (
    Candidates,
    count_agreeing,
    make_candidates,
    mark_twins,
    scope,
)
from riskstrat.linkage.clusters import FloatArray
from riskstrat.linkage.decide import best_of_each, decide
from riskstrat.linkage.doubts import describe_doubts
from riskstrat.linkage.entities import Bands, describe_links, name_entities, renamed
from riskstrat.linkage.identified import identify
from riskstrat.linkage.model import MatchModel, check_fit
from riskstrat.linkage.outcome import count_outcome, make_review
from riskstrat.linkage.parts import columns_given
from riskstrat.linkage.profiles import make_profiles
from riskstrat.linkage.spec import LinkageSpec
from riskstrat.linkage.standardise import Broken, standardise
from riskstrat.linkage.workspace import Workspace, listed, workspace

__all__ = ["LinkedAddresses", "LinkedRecords", "link_addresses", "link_people"]

SAMPLE = 200_000
"""records at most that a model is learnt from"""


@dataclass(frozen=True, slots=True)
class LinkedRecords:
    """What linking gave.

    Attributes:
        table: record_key, entity, probability, band, how, agency; one row for each record, sorted
            by record key. ``how`` is an identifier's field, ``probabilistic`` or ``alone``; the
            probability of a record alone is that no other is of the same person.
        model: what the weights were; store it to link later extracts alike.
        counts: for the report: records, links and broken rules by agency, candidates, expected
            precision and recall, unlinkable records. No values.
        review: pairs for a clerical reviewer: record keys, probability, reason, and the weight of
            each comparison. No values.
        rekey: old, new, rule: known entities that have another name now.
        doubts: see :func:`~riskstrat.linkage.doubts.describe_doubts`; None where not asked for.
    """

    table: pa.Table
    model: MatchModel
    counts: Mapping[str, Any]
    review: pa.Table
    rekey: pa.Table
    doubts: pa.Table | None = None


def link_people(
    con: duckdb.DuckDBPyConnection,
    people: str,
    spec: LinkageSpec,
    *,
    model: MatchModel | None = None,
    scratch: Path,
    known: str | None = None,
    doubts: bool = False,
) -> LinkedRecords:
    """Say which records are of one person.

    Args:
        con: a connection; its memory limit and spill folder hold. What is made in it is dropped.
        people: a table or view of record_key, agency and any of the raw columns that the spec's
            fields name, as text. Record keys occur once.
        spec: what to compare and what counts as the same person.
        model: a model trained before; without one, one is trained on these records.
        scratch: a folder for what does not fit in memory, if the connection has none.
        known: a table or view of record_key and entity for those of the records that were linked
            before. They are not compared with each other again, and keep their names but where
            ``rekey`` says otherwise.
        doubts: tell what is left in doubt, record by record.

    Raises:
        LinkageError: RS1303 record keys reused, RS1304 nothing to link on, RS1305 a model of
            other comparisons, RS1306 nothing to learn from, RS1307 Splink failed.
    """
    if model:
        check_fit(model, spec)
    _spill_to(con, scratch)
    with workspace(con) as work:
        broken = standardise(work, people, spec, spec.people_fields(), known)
        make_profiles(work, spec)
        return _linked(work, spec, model, broken, doubts=doubts)


def _spill_to(con: duckdb.DuckDBPyConnection, scratch: Path) -> None:
    """Let a connection that was given no folder for it spill to ``scratch``."""
    scratch.mkdir(parents=True, exist_ok=True)
    found = con.execute("SELECT current_setting('temp_directory')").fetchone()
    if not found or found[0] in ("", ".tmp"):
        con.execute(f"SET temp_directory = {literal(str(scratch))}")


def _linked(
    work: Workspace, spec: LinkageSpec, model: MatchModel | None, broken: Broken, *, doubts: bool
) -> LinkedRecords:
    identified = identify(work, spec, broken)
    splinking.count_frequencies(work, spec)
    candidates = make_candidates(work, spec)
    mark_twins(work, spec)
    model = model or _train(work, spec, candidates)
    prior = model.prior(candidates.open, scope(work, spec))
    splinking.score(work, spec, model, prior, work.name("pairs"), "scored")
    links = decide(work, spec, identified.clusters)
    itself = _self_weights(work, spec, model, prior)
    roots = identified.clusters.roots()
    name_entities(work, spec, roots)
    inside, outside = best_of_each(links, len(roots))
    table = describe_links(work, spec, Bands(inside, outside, itself))
    counts = count_outcome(work, spec, table, links, itself)
    counts["candidates"] = candidates.as_dict()
    counts["numbers_in_conflict"] = identified.conflicts
    for agency, codes in broken.items():
        counts["agencies"][agency]["broken"] = dict(sorted(codes.items()))
    return LinkedRecords(
        table,
        model,
        MappingProxyType(counts),
        make_review(work, spec, model, prior, links),
        renamed(work),
        describe_doubts(work, spec, links, itself) if doubts else None,
    )


def _train(work: Workspace, spec: LinkageSpec, candidates: Candidates) -> MatchModel:
    """Learn from the records, or from a sample of them where there are many.

    A sample keeps all records with one label, or of one content, together.
    """
    partners = count_agreeing(work, spec) / spec.prior.recall / max(candidates.open, 1)
    columns = listed(columns_given(spec.people_fields()), "p")
    label = f'p."{spec.training.labels}", ' if spec.training.labels else ""
    records = work.number(f"SELECT count(*) FROM {work.name('records')}")
    share = min(1.0, SAMPLE / max(records, 1))
    learnt = work.table(
        "learnt",
        f"SELECT row_number() OVER (ORDER BY p.unique_id, r.agency, r.record_key) - 1 "
        f"AS unique_id, {columns} FROM {work.name('records')} AS r "
        f"JOIN {work.name('profiles')} AS p USING (unique_id) "
        f"WHERE hash(coalesce({label}p.content), {spec.training.seed}) "
        f"<= {share} * 18446744073709551615",
    )
    model = splinking.train(work, spec, learnt, partners)
    work.drop("learnt")
    return model


def _self_weights(
    work: Workspace, spec: LinkageSpec, model: MatchModel, prior: float
) -> FloatArray:
    """Probability that a record exactly like each open profile is the same person; 1 elsewhere.

    A profile that does not even match itself surely holds too little to be linked.
    """
    pairs = work.table(
        "selves",
        f"SELECT '0' AS match_key, unique_id AS join_key_l, unique_id AS join_key_r "
        f"FROM {work.name('sides')} WHERE open",
    )
    splinking.score(work, spec, model, prior, pairs, "self_scored")
    found = work.arrays(f"SELECT unique_id_l, match_weight FROM {work.name('self_scored')}")
    itself = np.ones(work.number(f"SELECT count(*) FROM {work.name('profiles')}"))
    weight = np.clip(found["match_weight"].astype(np.float64), -500.0, 500.0)
    itself[found["unique_id_l"].astype(np.int64)] = 1.0 / (1.0 + np.exp2(-weight))
    return itself
