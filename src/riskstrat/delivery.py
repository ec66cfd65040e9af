"""Beyond the audit: register the winner, score a day, and write what may leave.

Runs in child processes, like ``stages.py``: here pure stages meet the store and the registry.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from riskstrat.audit.explain import contributions, reasons
from riskstrat.derivation import PACKAGE, digest, file_digest
from riskstrat.errors import StudyError
from riskstrat.jobs import Job, is_made_up
from riskstrat.release import evidence
from riskstrat.release.aggregate import aggregate_list, band_summary
from riskstrat.release.bands import REST, band_scores, edges
from riskstrat.release.cohort_list import (
    BAND_ORDER,
    CohortList,
    ListFacts,
    cohort_list,
    owners,
)
from riskstrat.release.identity import release_key
from riskstrat.release.manifest import manifest
from riskstrat.release.policies import Policy, policy_named, strictest
from riskstrat.release.reach import common_reasons, reach_table
from riskstrat.release.spec import Recipient
from riskstrat.release.summary import Summary, summary_html
from riskstrat.release.wording import in_words
from riskstrat.release.write import list_csv, list_xlsx, protected_table, read_me
from riskstrat.risk_model import RiskModel
from riskstrat.stages import feature_plan, making
from riskstrat.store.artefacts import Store
from riskstrat.store.files import folder_aside, read_json, write_bytes, write_json
from riskstrat.store.registry import ModelVersion, Registry, RunRecord, TrialRecord
from riskstrat.store.worker import Progress, peak_mb
from riskstrat.study import Study
from riskstrat.study.spec import StudySpec
from riskstrat.vocabulary import Protected


def register(job: Job, facts: Mapping[str, Any], *, progress: Progress) -> dict[str, Any]:
    """Write the run to MLflow and register its winner; a second time changes nothing."""
    training, audit = job.folder("training"), job.folder("audit")
    winner = read_json(training / "training.json")["winner"]
    verdict = read_json(audit / "verdict.json")
    spec = job.study.spec
    metrics = read_json(training / "metrics.json")
    certainty = certainty_of(metrics["test"][winner], policy_of(job.study))
    record = RunRecord(
        study=spec.study,
        title=spec.title,
        run_id=facts["run_id"],
        winner=winner,
        metrics=metrics,
        gates=read_json(audit / "gates.json"),
        passed=verdict["passed"],
        model_dir=training / "models" / winner,
        features=RiskModel.load(training / "models" / winner).features,
        study_text=job.study.text,
        study_digest=facts["digests"]["study"],
        data_fingerprint=facts["digests"]["data"],
        lock_digest=_lock_digest(),
        params={
            "seed": spec.seed,
            "purpose": spec.purpose,
            "unit": spec.unit.value,
            "outcome": spec.outcome.model_dump(mode="json"),
            "training": spec.training.model_dump(mode="json"),
            "versions": facts["versions"],
        },
        trials=tuple(TrialRecord.from_tuning(row) for row in read_json(training / "tuning.json")),
        version_tags={"certainty": "\n".join(certainty), "audit": job.lineage["audit"]},
        files={
            "metrics": training / "metrics.json",
            "folds": training / "folds.json",
            "features": job.folder("features") / "features.json",
        },
    )
    progress(0.2, "writing to the registry")
    version = Registry.of_store(job.store.root).log_run(record)
    return {**_model_facts(version), "peak_mb": peak_mb()}


def _lock_digest() -> str:
    """Of the lock file this environment was built from, when run from a checkout."""
    lock = PACKAGE.parent.parent / "requirements.lock"
    return file_digest(lock) if lock.exists() else ""


def _model_facts(version: ModelVersion) -> dict[str, Any]:
    return {
        "name": version.name,
        "version": version.version,
        "aliases": sorted(version.aliases),
        "uri": f"models:/{version.name}/{version.version}",
        "passed": version.passed,
        "run_id": version.run_id,
        "digest": version.tags.get("model_digest", ""),
        "tags": dict(version.tags),
        "approvals": list(approvals_of(version.tags)),
        "certainty": version.tags.get("certainty", "").splitlines(),
    }


def chosen_version(
    job: Job, name: str, number: int | None, *, progress: Progress
) -> dict[str, Any]:
    """The registered version to score with: by number, or the champion, or the challenger."""
    progress(0.0, "")
    return _model_facts(Registry.of_store(job.store.root).find_version(name, number))


def decide(
    store: Store,
    model: str,
    number: int,
    by: str,
    reason: str,
    approved: bool,
    on: date,
    *,
    progress: Progress,
) -> dict[str, Any]:
    """Move the alias of a version as a named person decided."""
    registry = Registry.of_store(store.root)
    progress(0.1, "recording the decision")
    moves = registry.approve if approved else registry.reject
    return _model_facts(moves(model, number, by=by, reason=reason, on=on))


def band_shares(spec: StudySpec) -> dict[str, float]:
    """Each band's cumulative share of the cohort."""
    return {str(name): share for name, share in spec.release.bands.items()}


def model_folder(job: Job, version: Mapping[str, Any]) -> RiskModel:
    """A registered model, through our own loader, its bytes verified."""
    registry = Registry.of_store(job.store.root)
    return registry.load(registry.find_version(version["name"], version["version"]))


# -- scores --------------------------------------------------------------------------------------


def scores_stage(job: Job, version: Mapping[str, Any], *, progress: Progress) -> None:
    """Score everyone in scope on the day; band them, and give reasons to those on a list."""
    spec = job.study.spec
    facts: dict[str, Any] = {}
    with making(job, "scores", facts) as folder:
        model = model_folder(job, version)
        _same_features(job.study, model, version)
        features = pq.read_table(job.folder("features") / "features.parquet")
        progress(0.1, f"scoring {features.num_rows:,} units")
        raw = model.raw_scores(features)
        scores = pa.table(
            {
                "unit_id": features["unit_id"],
                "as_of": features["as_of"],
                "raw_score": pa.array(raw, pa.float64()),
                "risk": pa.array(model.calibrate(raw), pa.float64()),
            }
        )
        banded = band_scores(scores, band_shares(spec), key=digest(spec.study, spec.seed))
        pq.write_table(banded, folder / "scores.parquet", compression="zstd")
        progress(0.3, "reasons")
        listed = _listed_features(banded, features)
        given = reasons(contributions(model, listed), spec.audit.reasons)
        pq.write_table(given, folder / "reasons.parquet", compression="zstd")
        facts |= {"rows_in": features.num_rows, "rows_out": banded.num_rows}
        facts |= {"listed": listed.num_rows}


def _same_features(study: Study, model: RiskModel, version: Mapping[str, Any]) -> None:
    """A model may only score features that mean what they meant when it was trained."""
    plan = {column.name: column.digest for column in feature_plan(study).columns}
    changed = [each.name for each in model.features if plan.get(each.name) != each.digest]
    if changed:
        raise StudyError(
            f"{study.path}: {len(changed)} of the {len(model.features)} features of "
            f"{version['name']} version {version['version']} mean something else now, "
            f"among them `{changed[0]}`",
            fix="score with the study file as it was when the model was trained, or run the "
            "study again",
            code="RS1290",
        )


def _listed_features(banded: pa.Table, features: pa.Table) -> pa.Table:
    """The features of those in a band, in rank order."""
    listed = banded.filter(pc.not_equal(banded["band"], REST)).select(["unit_id", "as_of"])
    place = {
        pair: index
        for index, pair in enumerate(
            zip(features["unit_id"].to_pylist(), features["as_of"].to_pylist(), strict=True)
        )
    }
    wanted = zip(listed["unit_id"].to_pylist(), listed["as_of"].to_pylist(), strict=True)
    return features.take(pa.array([place[pair] for pair in wanted], pa.int64()))


# -- releases ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Handover:
    """What every recipient's folder of one release shares."""

    study: Study
    as_of: date
    version: Mapping[str, Any]
    policy: Policy
    banded: pa.Table
    reasons: pa.Table
    groups: pa.Table
    bands: Protected
    previous: pa.Table | None
    certainty: tuple[str, ...]
    approvals: tuple[Mapping[str, str], ...]
    identities: Mapping[str, str]
    made_up: bool = False
    fairness: Protected | None = None
    """how the audit found each group to be reached, where it is at hand"""

    @property
    def data_as_at(self) -> date:
        """The last day that the list may tell of."""
        return self.as_of - timedelta(days=1)

    @property
    def expires_on(self) -> date:
        """The last day on which the list may be used."""
        return self.as_of + timedelta(days=self.study.spec.release.valid_for.days)

    @property
    def model_words(self) -> str:
        """Which version scored, and where it stands."""
        alias = ", ".join(self.version["aliases"]) or "not promoted: its gates did not pass"
        return f"{self.version['name']} version {self.version['version']} ({alias})"


def policy_of(study: Study) -> Policy:
    """The strictest policy of the contributing sources' agreements, or the one named."""
    named = study.spec.release.disclosure
    if named != "strictest":
        return policy_named(named)
    agreements = study.catalogue.agreements
    return strictest(agreements[source.agreement].disclosure.value for source in study.sources)


def certainty_of(metrics: Mapping[str, Any], policy: Policy) -> list[str]:
    """How sure a list of each length is, from one learner's held-out metrics.

    What rests on too few people to be shown is left out.
    """
    table = evidence.capacity_table({"test": {"": metrics}}, policy)
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    found = {(row["share"], row["metric"]): row for row in rows}
    said = []
    for share in dict.fromkeys(row["share"] for row in rows):
        ppv, reached = found.get((share, "ppv")), found.get((share, "sensitivity"))
        if not ppv or not reached or ppv["low"] is None or reached["low"] is None:
            continue
        said.append(
            f"Of the {_percent(share)} at highest risk, {ppv['value']:.0%} had the outcome on "
            f"held-out data (95% interval {ppv['low']:.0%} to {ppv['high']:.0%}); they were "
            f"{reached['value']:.0%} ({reached['low']:.0%} to {reached['high']:.0%}) of all who "
            "had it."
        )
    return said


def _percent(share: float) -> str:
    return f"{share:.1%}".replace(".0%", "%")


def release(job: Job, version: Mapping[str, Any], *, progress: Progress) -> dict[str, Any]:
    """Write every recipient's folder for one day, whole or not at all."""
    study, spec = job.study, job.study.spec
    policy = policy_of(study)
    scores = job.folder("scores")
    banded = pq.read_table(scores / "scores.parquet")
    bands = band_summary(banded, policy=policy)
    hand = Handover(
        study=study,
        as_of=job.day,
        version=version,
        policy=policy,
        banded=banded,
        reasons=pq.read_table(scores / "reasons.parquet"),
        groups=pq.read_table(job.folder("features") / "groups.parquet"),
        bands=bands,
        previous=_previous(job),
        certainty=tuple(version["certainty"]),
        approvals=tuple(version["approvals"]),
        identities={
            "run_id": version["run_id"],
            "study": version["tags"].get("study_digest", ""),
            "scores": job.lineage["scores"],
        },
        made_up=is_made_up(job.data),
        fairness=_fairness(job, version, policy),
    )
    target = job.store.release_folder(spec.study, job.day.isoformat())
    with folder_aside(target) as folder:
        for number, recipient in enumerate(spec.release.recipients):
            progress(number / len(spec.release.recipients), recipient.to)
            _hand_over(hand, recipient, folder / recipient.to)
    _remember(job)
    return {
        "folder": target.relative_to(job.store.root).as_posix(),
        "rows_in": banded.num_rows,
        "rows_out": banded.num_rows,
        "recipients": [recipient.to for recipient in spec.release.recipients],
        "bands": asdict(bands),
        "peak_mb": peak_mb(),
    }


def _fairness(job: Job, version: Mapping[str, Any], policy: Policy) -> Protected | None:
    """What the audit of the version's own run found, if this store has it."""
    folders = [job.store.run_folder(job.study.spec.study, version["run_id"]) / "audit"]
    kept = job.store.artefact("audit", version["tags"].get("audit", ""))
    if kept is not None:
        folders.insert(0, kept.folder)
    for folder in folders:
        if (folder / "fairness.parquet").exists():
            rows = pq.read_table(folder / "fairness.parquet").to_pylist()
            return evidence.fairness_table(rows, policy)
    return None


def _reach(hand: Handover, recipient: Recipient) -> tuple[Protected, ...]:
    """Who a list of this recipient's length reaches, by group."""
    if hand.fairness is None:
        return ()
    shares = [share for name, share in hand.study.spec.release.bands.items()
              if name in recipient.bands]  # fmt: skip
    table = reach_table(hand.fairness, max(shares, default=0.0))
    return (table,) if table.rows else ()


def _listed_in_words(table: pa.Table, released: CohortList | Protected) -> str:
    """How many people are on a list of people, whole and by band."""
    if isinstance(released, Protected) or "band" not in table.column_names:
        return ""
    counts = Counter(table["band"].to_pylist())
    by_band = ", ".join(f"{counts[band]:,} {band.replace('_', ' ')}" for band in BAND_ORDER
                        if counts[band])  # fmt: skip
    return f"This list names {table.num_rows:,}: {by_band}. The table is of everybody in scope."


def approvals_of(tags: Mapping[str, str]) -> tuple[Mapping[str, str], ...]:
    """Decisions recorded with a version, as the manifest and the report tell them."""
    if not tags.get("decided_by"):
        return ()
    return (
        {
            "by": tags["decided_by"],
            "role": tags.get("decided_role", "information governance"),
            "on": tags.get("decided_on", ""),
            "decision": tags.get("decision", "approved"),
            "reason": tags.get("reason", ""),
        },
    )


def _hand_over(hand: Handover, recipient: Recipient, folder: Path) -> None:
    spec = hand.study.spec
    if recipient.rows == "aggregate":
        counted = aggregate_list(
            hand.banded,
            hand.groups,
            recipient=recipient,
            policy=hand.policy,
            title=f"{spec.title}: people in each band",
        )
        _write_folder(hand, recipient, folder, protected_table(counted), counted)
        return
    key = release_key(digest(hand.study.text), hand.as_of, recipient.to, spec.seed)
    facts = ListFacts(
        outcome=spec.outcome.title or spec.outcome.name.replace("_", " "),
        data_as_at=hand.data_as_at,
        expires_on=hand.expires_on,
    )
    listed = cohort_list(
        hand.banded,
        hand.reasons,
        hand.groups,
        recipient=recipient,
        facts=facts,
        policy=hand.policy,
        key=key,
        previous=hand.previous,
    )
    if recipient.own is None:
        _write_folder(hand, recipient, folder, listed.table, listed)
        return
    for owner, table in owners(listed, recipient.own).items():
        own = CohortList(table, listed=table.num_rows)
        _write_folder(hand, recipient, folder / owner, table, own, owner)


def _write_folder(
    hand: Handover,
    recipient: Recipient,
    folder: Path,
    table: pa.Table,
    released: CohortList | Protected,
    owner: str = "",
) -> None:
    """list.csv, list.xlsx, summary.html, and last the manifest that covers them."""
    spec = hand.study.spec
    named = in_words(f"{recipient.to} {owner}".strip())
    readme = read_me(
        title=spec.title,
        purpose=spec.purpose,
        recipient=named,
        model=hand.model_words,
        data_as_at=hand.data_as_at,
        expires_on=hand.expires_on,
        policy=hand.policy.sentence,
        approvals=[f"{each['decision']} by {each['by']}" for each in hand.approvals],
        columns=table.column_names,
    )
    reach = _reach(hand, recipient)
    summary = Summary(
        title=spec.title,
        recipient=named,
        purpose=spec.purpose,
        outcome=spec.outcome.title or spec.outcome.name.replace("_", " "),
        model=hand.model_words,
        as_of=hand.as_of,
        data_as_at=hand.data_as_at,
        expires_on=hand.expires_on,
        policy=hand.policy.sentence,
        bands=hand.bands,
        listed=_listed_in_words(table, released),
        certainty=hand.certainty,
        why=common_reasons(hand.banded, hand.reasons, recipient.bands, hand.policy),
        reach=reach,
        made_up=hand.made_up,
        table=released if isinstance(released, Protected) else None,
        files={"list.csv": "the list", "list.xlsx": "the same, for a spreadsheet"},
        approvals=[f"{each['decision']} by {each['by']}" for each in hand.approvals],
    )
    absent = hand.policy.mark if isinstance(released, Protected) else ""
    files = {
        "list.csv": list_csv(table, absent=absent),
        "list.xlsx": list_xlsx(table, readme, absent=absent),
        "summary.html": summary_html(summary).encode(),
    }
    for name, content in files.items():
        write_bytes(folder / name, content)
    facts = manifest(
        study=spec.study,
        as_of=hand.as_of,
        recipient=recipient,
        files=files,
        released=released,
        policy=hand.policy,
        edges=edges(hand.banded, band_shares(spec)),
        model={name: hand.version[name] for name in ("name", "version", "aliases")},
        data_as_at=hand.data_as_at,
        expires_on=hand.expires_on,
        tables=[hand.bands, *reach],
        approvals=hand.approvals,
        identities=hand.identities,
    )
    write_json(folder / "manifest.json", facts)


def _memory(job: Job) -> Path:
    return job.store.root / "releases" / job.study.spec.study / ".scored"


def _remember(job: Job) -> None:
    """Keep which scores a day's release was made from, so that the next can tell what changed."""
    write_json(_memory(job) / f"{job.day}.json", {"scores": job.lineage["scores"]})


def _previous(job: Job) -> pa.Table | None:
    """Ranks and bands of the last release before this day, if there was one."""
    earlier = sorted(
        path for path in _memory(job).glob("*.json") if path.stem < job.day.isoformat()
    )
    for path in reversed(earlier):
        found = job.store.artefact("scores", read_json(path)["scores"])
        if found:
            table = pq.read_table(found / "scores.parquet")
            return table.select(["unit_id", "rank", "band"])
    return None
