"""Hand every recipient its folder: list, spreadsheet, summary, manifest; whole or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from riskstrat.disk import folder_aside, read_json, write_bytes, write_json
from riskstrat.release import evidence
from riskstrat.release.bands import edges
from riskstrat.release.breaches import refuse
from riskstrat.release.cohort_list import BAND_ORDER, CohortList
from riskstrat.release.earlier import before
from riskstrat.release.keeping import kept
from riskstrat.release.manifest import manifest
from riskstrat.release.policies import Policy
from riskstrat.release.reach import common_reasons
from riskstrat.release.stamp import stamp
from riskstrat.release.standing import Cleared, Preview, Research, Standing, cover
from riskstrat.release.summary import Summary, summary_html
from riskstrat.release.write import list_csv, list_xlsx, read_me
from riskstrat.stages.jobs import Job, is_made_up
from riskstrat.stages.register import policy_of
from riskstrat.stages.releasing.disclosed import Disclosed, Handed, audited, disclosed, scanned
from riskstrat.stages.releasing.handover import Handover, opt_outs_told, seen_by, without_opted_out
from riskstrat.stages.releasing.secret import release_secret
from riskstrat.stages.score import band_shares
from riskstrat.store.artefacts import Store
from riskstrat.store.released import ReleaseLedger
from riskstrat.store.worker import Progress, peak_mb
from riskstrat.vocabulary import Protected, in_words


def release(
    job: Job, version: Mapping[str, Any], standing: Standing, *, progress: Progress
) -> dict[str, Any]:
    """Write every recipient's folder for one day, whole or not at all.

    Args:
        standing: whether it may be used. Only what is cleared goes where the next list looks for
            the last one, and a preview never takes the place of a list that left.

    Raises:
        ReleaseRefused: RS3340, the approval shown is of another model; RS302x to RS304x, something
            that was to leave tells what it may not.
    """
    cover(standing, version)
    study, spec = job.study, job.study.spec
    policy = policy_of(study)
    scores = job.folder("scores")
    banded, left_out = without_opted_out(job, pq.read_table(scores / "scores.parquet"))
    hand = Handover(
        study=study,
        seen=seen_by(study),
        as_of=job.day,
        version=version,
        policy=policy,
        banded=banded,
        reasons=pq.read_table(scores / "reasons.parquet"),
        groups=pq.read_table(job.folder("features") / "groups.parquet"),
        previous=_previous(job),
        certainty=tuple(version["certainty"]),
        standing=standing,
        identities={
            "run_id": version["run_id"],
            "study": version["tags"].get("study_digest", ""),
            "scores": job.lineage["scores"],
            "data": job.lineage.data,
        },
        opt_outs=opt_outs_told(job, policy, left_out),
        made_up=is_made_up(job.data),
        fairness=_fairness(job, version, policy),
        secret=release_secret(job.store.root),
    )
    target = place_of(job.store, spec.study, job.day, standing)
    left = ReleaseLedger.of_store(job.store.root)
    known = before(left.releases(), spec.study, job.day)
    progress(0.0, "protecting")
    out = disclosed(hand, known)
    progress(0.3, "auditing all tables together")
    refuse(audited(out, known, policy))
    with folder_aside(target) as folder:
        for number, handed in enumerate(out.handed):
            progress(0.4 + 0.4 * number / len(out.handed), handed.recipient.to)
            write_folder(hand, out, handed, folder / handed.folder)
        progress(0.8, "reading what is to leave")
        refuse(scanned(hand, out, folder, policy))
        if isinstance(standing, Cleared):
            _write_down(left, out, job, standing)
    if isinstance(standing, Cleared):
        _remember(job)
    return {
        "folder": target.relative_to(job.store.root).as_posix(),
        "rows_in": banded.num_rows,
        "rows_out": banded.num_rows,
        "recipients": [recipient.to for recipient in spec.release.recipients],
        "bands": kept(out.bands),
        "peak_mb": peak_mb(),
    }


def _write_down(left: ReleaseLedger, out: Disclosed, job: Job, standing: Standing) -> None:
    """Before the release takes its place: what has left without an entry could not be minded."""
    spec = job.study.spec
    left.record(
        out.leaving.as_dict(spec.study, job.day),
        at=datetime.now(UTC),
        who=" and ".join(str(each["by"]) for each in standing.decisions),
        why=f"purpose: {spec.purpose}",
    )


def _fairness(job: Job, version: Mapping[str, Any], policy: Policy) -> Protected | None:
    """What the audit of the version's own run found, if this store has it."""
    folders = [job.store.run_folder(job.study.spec.study, version["run_id"]) / "audit"]
    found = job.store.artefact("audit", version["tags"].get("audit", ""))
    if found is not None:
        folders.insert(0, found.folder)
    for folder in folders:
        if (folder / "fairness.parquet").exists():
            rows = pq.read_table(folder / "fairness.parquet").to_pylist()
            return evidence.fairness_table(rows, policy)
    return None


def _listed_in_words(table: pa.Table, released: CohortList | Protected) -> str:
    """How many people are on a list of people, whole and by band."""
    if isinstance(released, Protected) or "band" not in table.column_names:
        return ""
    counts = Counter(table["band"].to_pylist())
    by_band = ", ".join(f"{counts[band]:,} {band.replace('_', ' ')}" for band in BAND_ORDER
                        if counts[band])  # fmt: skip
    return f"This list names {table.num_rows:,}: {by_band}. The table is of everybody in scope."


def write_folder(hand: Handover, out: Disclosed, handed: Handed, folder: Path) -> None:
    """list.csv, list.xlsx, summary.html, and last the manifest that covers them."""
    recipient, table, released, owner = (
        handed.recipient, handed.table, handed.released, handed.owner
    )  # fmt: skip
    spec = hand.study.spec
    named = in_words(f"{recipient.to} {owner}".strip())
    stamped = stamp(table, hand.standing)
    readme = read_me(
        title=spec.title,
        purpose=spec.purpose,
        recipient=named,
        model=hand.model_words,
        data_as_at=hand.data_as_at,
        expires_on=hand.expires_on,
        policy=hand.policy.sentence,
        standing=hand.standing,
        columns=stamped.table.column_names,
    )
    reach = out.reach[recipient.to]
    reasons = hand.reasons_for(recipient)
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
        bands=out.bands,
        listed=_listed_in_words(table, released),
        certainty=hand.certainty,
        why=common_reasons(hand.banded, reasons, recipient.bands, hand.policy),
        reach=reach,
        made_up=hand.made_up,
        table=released if isinstance(released, Protected) else None,
        files={"list.csv": "the list", "list.xlsx": "the same, for a spreadsheet"},
        standing=hand.standing,
    )
    absent = hand.policy.mark if isinstance(released, Protected) else ""
    files = {
        "list.csv": list_csv(stamped, absent=absent),
        "list.xlsx": list_xlsx(stamped, readme, absent=absent),
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
        tables=[out.bands, *reach],
        standing=hand.standing,
        identities=hand.identities,
        lineage=hand.seen[recipient.to].lineage,
        opt_outs=hand.opt_outs,
    )
    write_json(folder / "manifest.json", facts)


def place_of(store: Store, study: str, day: date, standing: Standing) -> Path:
    """Where a day's lists go: what may be used, and what is to be reviewed, where lists leave from.

    A preview makes way where a list of that day has left, and research is never there.
    """
    leaving = store.release_folder(study, day.isoformat())
    if isinstance(standing, Research):
        return store.root / "research" / study / day.isoformat()
    if isinstance(standing, Preview) and _has_left(leaving):
        return store.root / "previews" / study / day.isoformat()
    return leaving


def _has_left(folder: Path) -> bool:
    told = (read_json(path) for path in folder.rglob("manifest.json"))
    return any(each.get("status") == Cleared.status for each in told)


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
