"""Contracts and linkage in their child process: check every extract, and say who lived where.

Here, and in the modules beside it, pure stages meet the store. Every function takes a ``Job`` and
leaves an artefact whose facts hold the stage's counts, summary, seconds and peak memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow.parquet as pq

from riskstrat.asof import literal
from riskstrat.contracts.check import check_source
from riskstrat.contracts.hands import Hands, OneEngine
from riskstrat.contracts.optouts import count_people, told
from riskstrat.contracts.spec import Source
from riskstrat.disk import write_json
from riskstrat.linkage.spine import check_keys, check_overlaps, spine_sql
from riskstrat.stages.engine import (
    accepted_views,
    as_rows,
    engine,
    making,
    opted_out_view,
    vital_views,
)
from riskstrat.stages.jobs import Job
from riskstrat.stages.lineage import in_checking_order
from riskstrat.stages.links import SURE
from riskstrat.stages.pieces import ManyHands
from riskstrat.store.worker import Progress

# -- 1 contracts ---------------------------------------------------------------------------------


def contracts_stage(job: Job, wanted: Sequence[str], *, progress: Progress) -> None:
    """Check the extracts of ``wanted`` sources; opt-outs, births and deaths come first."""
    order = [s for s in in_checking_order(job.study) if s.source in wanted]
    for number, source in enumerate(order):
        progress(number / len(order), source.title)
        check_one(job, source)


def check_one(job: Job, source: Source) -> None:
    """Check one extract and publish its accepted rows."""
    stage = f"contracts/{source.source}"
    facts: dict[str, Any] = {"source": source.source}
    with engine(job, stage) as con, making(job, stage, facts) as folder:
        births, deaths = vital_views(con, job, source)
        scratch = job.store.scratch("checking", job.lineage[stage])
        gone = opted_out_view(con, job, source)
        hands: Hands = OneEngine(con, source, births, deaths, scratch, gone)
        if job.cluster:
            hands = ManyHands(job, con, source, scratch)
        try:
            checked = check_source(
                con,
                source,
                job.data,
                births=births,
                deaths=deaths,
                scratch=scratch,
                codelists=job.study.catalogue.codelists,
                hands=hands,
                bands=SURE if source.source in job.lineage.sure else (),
            )
            hands.deliver(checked.accepted_sql, folder)
        finally:
            job.store.drop_scratch("checking", job.lineage[stage])
        findings = checked.findings
        if source.role:
            rows = f"read_parquet({literal((folder / 'accepted*.parquet').as_posix())})"
            facts["opted_out"] = count_people(con, source, rows, job.study.bound_by)
            findings = (*findings, told(source, facts["opted_out"]))
        write_json(folder / "findings.json", as_rows(findings))
        facts |= {
            "rows_in": checked.rows_in,
            "rows_out": checked.rows_accepted,
            "withheld": checked.withheld,
            "rejected": dict(checked.rejected),
        }


# -- 2 linkage -----------------------------------------------------------------------------------


def linkage_stage(job: Job, *, progress: Progress) -> None:
    """Resolve who lived where, and whether the sources speak of the same units."""
    facts: dict[str, Any] = {}
    study = job.study
    with engine(job, "linkage") as con, making(job, "linkage", facts) as folder:
        accepted_views(con, job, study.records)
        check_overlaps(con, study.records)
        relating = [source for source in study.records if source.relates]
        progress(0.3, "households and areas")
        out = literal((folder / "relations.parquet").as_posix())
        con.execute(f"COPY ({spine_sql(relating)}) TO {out} (FORMAT parquet, COMPRESSION zstd)")
        # A list of opt-outs may name people whose records, for that, have not been sent.
        findings = check_keys(con, study.records, study.population)
        write_json(folder / "findings.json", as_rows(tuple(findings)))
        facts["rows_out"] = pq.read_metadata(folder / "relations.parquet").num_rows
