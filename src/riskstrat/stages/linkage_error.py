"""What linkage error could hide, in its child process: bounds, groups, and sure links only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from riskstrat.asof import literal, quoted
from riskstrat.audit import linkage as links
from riskstrat.audit import linkage_checks as checks
from riskstrat.audit.audit import clusters_of
from riskstrat.audit.fairness import align, level_texts, share_text
from riskstrat.contracts.bands import LINK_BAND
from riskstrat.contracts.files import extract_files
from riskstrat.disk import read_json, write_json
from riskstrat.risk_model import KEY, FeatureRows, RiskModel
from riskstrat.stages.engine import as_rows, engine, making
from riskstrat.stages.jobs import Job
from riskstrat.stages.learn import columns_of
from riskstrat.stages.lineage import LINKAGE_ERROR, Lineage
from riskstrat.stages.links import SURE, extract_of, read_linkage, unsure_rows
from riskstrat.stages.score import score_batch
from riskstrat.statistics import NotEstimable, evaluate
from riskstrat.store.worker import Progress
from riskstrat.vocabulary import Finding

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
Facts = dict[str, Any]


def linkage_error_stage(job: Job, sure: Lineage, refused: str, *, progress: Progress) -> None:
    """Bounds under missed and false links, differences between groups, the model on sure links.

    Args:
        job: of the study on all links.
        sure: what the study derives from sure links only.
        refused: the code of what stood in the way of that; '' where nothing did.
        progress: told how far it is.
    """
    facts: Facts = {}
    with making(job, LINKAGE_ERROR, facts) as folder:
        tested = _Tested(job)
        told = _links(job)
        told["rates"] += _sure_people(job, tested)
        progress(0.2, "bounds")
        told |= _bounds(job, tested, told)
        progress(0.4, "the model on sure links only")
        told["again"] = {"refused": refused} if refused else _again(job, sure, tested)
        write_json(folder / "linkage.json", told)
        found = _findings(job, told)
        write_json(folder / "linkage_findings.json", as_rows(found))
        facts |= {
            "rows_in": tested.rows.num_rows,
            "rows_out": len(told["rates"]),
            "basis": told["basis"],
            "findings": len(found),
            "left_out": sum(told["left_out"].values()),
            "refused": refused,
        }


class _Tested:
    """The winner on the held-out rows, and the attributes of their units."""

    def __init__(self, job: Job) -> None:
        training = job.folder("training")
        self.winner: str = read_json(training / "training.json")["winner"]
        self.metrics: Facts = read_json(training / "metrics.json")["test"][self.winner]
        self.model = RiskModel.load(training / "models" / self.winner)
        chosen = [("split", "=", "test"), ("learner", "=", self.winner)]
        self.rows = pq.read_table(training / "predictions.parquet", filters=chosen)
        spec = job.study.spec
        wanted = (*spec.audit.groups, spec.training.cluster)
        since = pc.min(self.rows["as_of"]).as_py()
        self.groups = columns_of(job.folder("features") / "groups.parquet", wanted, since=since)


# -- what the linker says ------------------------------------------------------------------------


def _links(job: Job) -> Facts:
    """The rates of links of the agencies that the study reads, and what is left out."""
    linkage = read_linkage(job.data) or {"extracts": {}}
    sources = job.study.records
    agencies = {extract_of(source, linkage).get("agency", "") for source in sources}
    quality = linkage.get("quality", {})
    rates, unlinkable = [], []
    for domain, said in sorted(quality.items()):
        rates += [
            {"domain": domain, **rate}
            for rate in said["rates"]
            if rate["agency"] in agencies or rate["agency"] == links.ALL
        ]
        unlinkable += [{"domain": domain, **point} for point in said["unlinkable"]]
    outcome = extract_of(job.study.sources_by_name[job.study.spec.outcome.event], linkage)
    domain = outcome.get("domain", "")
    return {
        "known": bool(quality),
        "truth": {name: said["truth"] for name, said in quality.items()},
        "registers": {name: said["register"] for name, said in quality.items()},
        "rates": rates,
        "unlinkable": unlinkable,
        "agency": outcome.get("agency", ""),
        "domain": domain,
        "left_out": {s.source: unsure_rows(s, linkage) for s in sources if unsure_rows(s, linkage)},
    }


def _sure_people(job: Job, tested: _Tested) -> list[Facts]:
    """By the study's groups: the share of people tested of whom every record is surely linked."""
    unsure = _unsure_units(job)
    if unsure is None:
        return []
    units = tested.rows["unit_id"]
    doubt = pc.is_in(units, value_set=unsure).to_pylist()
    names = [name for name in job.study.spec.audit.groups if name in tested.groups.column_names]
    aligned = align(tested.rows, tested.groups, names)
    levels = {name: level_texts(aligned[name]).tolist() for name in names}
    domain = job.study.spec.unit.value
    found = links.sure_people(doubt, units.to_pylist(), levels)
    return [{"domain": domain, **row} for row in found]


def _unsure_units(job: Job) -> pa.Array | None:
    """Units with a record whose link is not sure; None where every record's is."""
    linkage = read_linkage(job.data) or {"extracts": {}}
    asked = []
    for source in job.study.records:
        column = source.columns[source.unit_key].source or source.unit_key
        plain = _PLAIN.fullmatch(column) and source.unit is job.study.spec.unit
        if plain and unsure_rows(source, linkage):
            files = ", ".join(
                literal((job.data / name).as_posix()) for name in extract_files(source, job.data)
            )
            kept = ", ".join(map(literal, SURE))
            asked.append(
                f"SELECT CAST({quoted(column)} AS VARCHAR) AS unit_id FROM read_parquet([{files}], "
                f"hive_partitioning=false) WHERE {quoted(LINK_BAND)} NOT IN ({kept})"
            )
    if not asked:
        return None
    with engine(job, LINKAGE_ERROR) as con:
        found = con.execute(" UNION ".join(asked)).to_arrow_table()
    return found["unit_id"].combine_chunks()


# -- bounds --------------------------------------------------------------------------------------


def _bounds(job: Job, tested: _Tested, said: Facts) -> Facts:
    """Bounds of the outcome's links; nothing where nothing is told of them."""
    mine = [rate for rate in said["rates"] if rate["domain"] == said["domain"]]
    told = links.told_of(mine, said["agency"]) if said["agency"] else None
    if told is None:
        return {"basis": "", "outcome": {}, "bounds": [], "bounds_by_group": []}
    shares = job.study.spec.audit.capacity
    fairness = pq.read_table(job.folder("audit") / "fairness.parquet").to_pylist()
    by_group = [
        {"at": share, **row}
        for share in shares
        for row in links.group_bounds(fairness, mine, told, share_text(share))
    ]
    return {
        "basis": told.basis,
        "outcome": {
            "precision": told.precision.as_dict(),
            "recall": told.recall.as_dict(),
            **links.hidden_outcomes(int(tested.metrics["outcomes"]), told),
        },
        "bounds": links.capacity_bounds(tested.metrics, told),
        "bounds_by_group": by_group,
    }


# -- sure links only -----------------------------------------------------------------------------


def _again(job: Job, sure: Lineage, tested: _Tested) -> Facts:
    """The same model on features and outcomes from sure links, beside all links.

    Both are scored by the registered model. Where folds are of groups it has learnt from the rows
    that were tested, so it is judged again on all links, too, to compare like with like.
    """
    if not sure.sure:
        return {}
    again = replace(job, lineage=sure)
    judged = again.folder("cohort") / "cohort.parquet"
    features = FeatureRows.of_file(again.folder("features") / "features.parquet")
    kept = FeatureRows.of_file(judged).find(tested.rows)
    outcome = pq.read_table(judged, columns=["outcome"])["outcome"]
    outcome = outcome.take(pa.array(kept, mask=kept < 0))
    rows = tested.rows.set_column(tested.rows.column_names.index("outcome"), "outcome", outcome)
    rows = rows.filter(pc.is_valid(rows["outcome"]))
    all_features = FeatureRows.of_file(job.folder("features") / "features.parquet")
    before = _scored(tested.model, all_features, tested.rows)
    same = np.allclose(before["raw_score"].to_numpy(), tested.rows["raw_score"].to_numpy())
    try:
        after = _judged(job, tested, rows, _scored(tested.model, features, rows))
    except NotEstimable:  # nobody, or everybody, had the outcome
        return {"refused": "RS1403"}
    return {
        "rows": rows.num_rows,
        "of": tested.rows.num_rows,
        "learnt_from": not same,
        "before": tested.metrics if same else _judged(job, tested, tested.rows, before),
        "after": after,
    }


def _scored(model: RiskModel, features: FeatureRows, rows: pa.Table) -> pa.Table:
    """raw_score and risk of rows, in their order, a piece of the features at a time."""
    place = features.find(rows)
    order = np.unique(place)
    names = [*KEY, *(feature.name for feature in model.features)]
    parts = [
        score_batch(model, piece.take(pa.array(at)))
        for piece, at, _ in features.chosen(names, order)
    ]
    return pa.concat_tables(parts).take(pa.array(np.searchsorted(order, place)))


def _judged(job: Job, tested: _Tested, rows: pa.Table, scores: pa.Table) -> Facts:
    """An entry of ``metrics.json``, by the resamples of training's own."""
    spec = job.study.spec
    outcome = rows["outcome"].to_numpy().astype(bool)
    judged = evaluate(
        outcome,
        scores["risk"].to_numpy(),
        ranking=scores["raw_score"].to_numpy(),
        clusters=clusters_of(rows, tested.groups, spec.training.cluster),
        shares=spec.audit.capacity,
        replicates=spec.training.replicates,
        rng=np.random.default_rng([spec.seed, 0]),
        lists=rows["as_of"].to_numpy() if spec.cohort.lists_by_date else None,
    )
    each = rows["unit_id"].value_counts().field("counts")
    counts = {"n": judged.n, "outcomes": judged.positives, "rows_each": pc.max(each).as_py()}
    return judged.as_dict() | counts


def _findings(job: Job, told: Mapping[str, Any]) -> tuple[Finding, ...]:
    found: list[Finding] = []
    mine = [rate for rate in told["rates"] if rate["domain"] == told["domain"]]
    said = links.told_of(mine, told["agency"]) if told["basis"] else None
    if said:
        found += checks.check_hidden(said, told["outcome"])
        found += checks.check_bounds(said, told["bounds"], job.study.spec.audit.gates)
    for domain in dict.fromkeys(rate["domain"] for rate in told["rates"]):
        rates = [rate for rate in told["rates"] if rate["domain"] == domain]
        found += checks.check_link_groups(rates, told["agency"])
    found += checks.check_again(told["again"])
    return tuple(found)
