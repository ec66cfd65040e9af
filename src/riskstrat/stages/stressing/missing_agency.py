"""A supplier's data do not arrive: what the model as it is makes of what is left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta

import duckdb
import numpy as np
import pyarrow as pa

from riskstrat.asof import literal, quoted
from riskstrat.contracts.spec import Coverage, Source
from riskstrat.features.frame import Frame, limited
from riskstrat.features.plan import Feature, FeaturePlan
from riskstrat.features.reference import reference_table
from riskstrat.risk_model import KEY
from riskstrat.robustness.agreement import agreement
from riskstrat.robustness.paired import SECOND, row
from riskstrat.stages.engine import accepted_views, engine, view
from riskstrat.stages.stressing.bench import Bench, Rows, Tell
from riskstrat.statistics import NotEstimable
from riskstrat.statistics.estimate import IntArray
from riskstrat.statistics.paired import Scorer
from riskstrat.study.planned import feature_plan
from riskstrat.training.rows import sample_units

MOST_TESTED, FEW_TESTED = 10_000, 3_000
"""people tested on whom the drill is done"""
NEVER = Coverage.model_validate({"from": date(1, 1, 1), "to": date(1, 1, 2)})
MONTH = 30


def missing_agency(bench: Bench, tell: Tell) -> Rows:
    """Each agency in turn sends nothing of the last month, or nothing at all."""
    plan = feature_plan(bench.job.study)
    agencies = sorted({feature.column.agency for feature in plan.features})
    rows = _people(bench)
    names = [feature.name for feature in bench.model.features]
    frame = bench.frame
    whole = frame.source.take([*KEY, *names], frame.place[rows])
    own = _scored(bench, whole)
    day = whole["as_of"][0].as_py()
    found: Rows = []
    with _views(bench, whole) as con:
        for number, agency in enumerate(agencies):
            features = [f for f in plan.features if f.column.agency == agency]
            for part, (words, since) in enumerate(
                (("no data of the last month", day - timedelta(days=MONTH)), ("no data", date.min))
            ):
                case = f"{agency}: {words}"
                tell((number + part / 2) / len(agencies), case)
                left = _what_is_left(con, bench, plan, features, since)
                again = _scored(bench, _replaced(whole, left, features))
                found += _compared(bench, case, rows, own, again, 2 * number + part)
    return found


def _people(bench: Bench) -> IntArray:
    """Rows of the last date tested, or a sample of its units, rising."""
    tested = np.sort(bench.tested())
    day = bench.ground.rows.as_of[tested]
    last = tested[day == day.max()]
    most = bench.some(MOST_TESTED, FEW_TESTED)
    return sample_units(bench.ground.rows, last, most, (bench.ground.seed, 73))


def _scored(bench: Bench, table: pa.Table) -> Scorer:
    raw = bench.model.raw_scores(table)
    return Scorer(risk=bench.model.calibrate(raw), raw=raw)


def _compared(
    bench: Bench, case: str, rows: IntArray, own: Scorer, again: Scorer, seed: int
) -> Iterator[dict[str, object]]:
    try:
        compared = bench.held_against(rows, own, again, seed=80 + seed)
    except NotEstimable:
        yield row("missing_agency", case, "", "", agreement(own.raw, (), 1.0))
        return
    for each in compared:
        yield from each.rows("missing_agency", case)
    for share in bench.job.study.spec.audit.capacity:
        alike = agreement(own.raw, [again.raw], share)
        yield row("missing_agency", case, "jaccard", SECOND, alike, at=share)


# -- features again ------------------------------------------------------------------------------


@contextmanager
def _views(bench: Bench, whole: pa.Table) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the pairs, relations and every source's accepted rows."""
    job = bench.job
    with engine(job, "features", apart="drill") as con:
        accepted_views(con, job, job.study.records)
        view(con, "relations", job.folder("linkage") / "relations.parquet")
        con.register("whole", whole.select(list(KEY)))
        con.execute("CREATE TEMP TABLE pairs AS SELECT unit_id, as_of FROM whole")
        yield con


def _what_is_left(
    con: duckdb.DuckDBPyConnection,
    bench: Bench,
    plan: FeaturePlan,
    features: list[Feature],
    since: date,
) -> pa.Table:
    """Some features, made from what had arrived of their sources before a day."""
    names = {feature.source for feature in features}
    sources = dict(bench.job.study.sources_by_name)
    accepted_views(con, bench.job, [sources[name] for name in sorted(names)])
    for name in sorted(names):
        told = quoted(f"source_{name}")
        held = quoted(f"held_{name}")
        con.execute(f"CREATE OR REPLACE TEMP TABLE {held} AS SELECT * FROM {told} "
                    f"WHERE known_on < DATE {literal(since.isoformat())}")  # fmt: skip
        con.execute(f"CREATE OR REPLACE TEMP VIEW {told} AS SELECT * FROM {held}")
        sources[name] = ends_before(sources[name], since)
    frame = Frame(con, limited(plan, features), sources)
    try:
        return reference_table(frame, features)
    finally:
        frame.drop()
        accepted_views(con, bench.job, [bench.job.study.sources_by_name[n] for n in sorted(names)])
        for name in sorted(names):
            con.execute(f"DROP TABLE {quoted(f'held_{name}')}")


def ends_before(source: Source, day: date) -> Source:
    """A source whose extract is complete only for days before one."""
    kept = tuple(
        spell.model_copy(update={"end": min(spell.end, day)})
        for spell in source.coverage
        if spell.start < day
    )
    return source.model_copy(update={"coverage": kept or (NEVER,)})


def _replaced(whole: pa.Table, left: pa.Table, features: list[Feature]) -> pa.Table:
    """The people's features with those of one agency in place of what they were."""
    for feature in features:
        name = feature.column.name
        place = whole.column_names.index(name)
        whole = whole.set_column(place, name, left[name])
    return whole
