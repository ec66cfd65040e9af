"""A study on its way through the stages: what is reused, and who works on the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

from riskstrat.contracts.agreements.check import check_agreements
from riskstrat.contracts.optouts import as_of, few
from riskstrat.pipeline.options import Listener, Options
from riskstrat.spark.session import close
from riskstrat.stages.jobs import Job, amount, call
from riskstrat.stages.lineage import Lineage
from riskstrat.store.artefacts import Artefact, Store
from riskstrat.store.ledger import Ledger
from riskstrat.store.worker import Done, end_kept, run_in_child
from riskstrat.study import Study
from riskstrat.study.origins import StudyOrigins
from riskstrat.vocabulary import Finding

GATES = "gates_digest"
"""of a run's entry of the log: SHA-256 of the gates it wrote, which no manifest can bless anew"""
MODULES = {
    "prepared": "prepared",
    "cohort": "cohort",
    "features": "features",
    "training": "learn",
    "audit": "learn",
    "linkage_error": "linkage_error",
    "mitigation": "mitigate",
    "explanations": "explain",
    "glassbox": "glassbox",
    "contributions": "contributions",
    "scores": "score",
}
"""stage -> the module of ``stages`` that makes it, where that is not ``derive``"""


SPREADS = (
    "derive.contracts_stage",
    "prepared.prepared_stage",
    "cohort.cohort_stage",
    "features.features_stage",
    "score.scores_stage",
    "contributions.contributions_stage",
    "check.check_all",
)
"""the functions of ``stages`` that a Spark works for, where there is one"""


@contextmanager
def holding(store: Store) -> Iterator[None]:
    """Hold the store while a study is worked on; what was kept running ends with it.

    Raises:
        BusyError: another process holds it.
    """
    with store.held():
        try:
            yield
        finally:
            end_kept(close)


@dataclass(slots=True)
class Work:
    """A study on its way through the stages."""

    study: Study
    options: Options
    lineage: Lineage
    listener: Listener
    score_on: date | None = None
    stages: list[dict[str, Any]] = field(default_factory=list)
    prefix: str = ""

    @property
    def store(self) -> Store:
        """Where everything is kept."""
        return self.options.store

    def job(self) -> Job:
        """What a child needs to know."""
        job = Job(
            study=self.study,
            lineage=self.lineage,
            store=Store(self.store.root),  # what is to be read afresh, we read ourselves
            data=self.options.data,
            memory=self.options.memory,
            threads=self.options.threads,
            score_on=self.score_on,
        )
        cluster = self.options.cluster
        if cluster is None:
            return job
        # Executors start in folders of their own; and Spark itself takes part of the memory.
        ours = max(amount(job.memory) - cluster.heap, 0)
        return replace(
            job,
            store=Store(job.store.root.resolve()),
            data=job.data.resolve(),
            memory=f"{ours / 2**20:.0f}MiB",
            cluster=cluster,
        )

    def child(self, function: str, *arguments: Any) -> Done:
        """Call ``riskstrat.stages.<function>`` in a child."""
        return run_in_child(
            call,
            function,
            self.job(),
            *arguments,
            memory=self.options.memory,
            progress=self.listener.moves,
            # A Spark takes seconds to start: what it works for shares one child.
            keep=self.options.cluster is not None and function in SPREADS,
        )

    def stage(
        self, name: str, say: Callable[[Mapping[str, Any]], str], *arguments: Any
    ) -> Artefact:
        """Reuse a stage's output, or have it made."""
        self.listener.starts(self.prefix + name)
        found = self.store.artefact(name, self.lineage[name])
        reused = found is not None
        if found is None:
            self.child(f"{MODULES.get(name, 'derive')}.{name}_stage", *arguments)
            found = self.job().artefact(name)
        self.record(name, found.facts, say(found.facts), reused=reused)
        return found

    def record(self, name: str, facts: Mapping[str, Any], summary: str, *, reused: bool) -> None:
        """Note what a stage cost, and say so."""
        self.stages.append(
            {
                "stage": self.prefix + name,
                "summary": summary,
                "seconds": facts["seconds"],
                "cpu_seconds": facts.get("cpu_seconds"),
                "peak_mb": facts["peak_mb"],
                "rows_in": facts.get("rows_in", facts.get("rows_out")),
                "rows_out": facts.get("rows_out"),
                "reused": reused,
            }
        )
        self.listener.ends(self.prefix + name, summary, facts["seconds"], reused=reused)


def allowed(study: Study, options: Options, *, score_on: date | None = None) -> tuple[Finding, ...]:
    """Refuse, before a row is read, what the sharing agreements do not grant.

    Args:
        score_on: the day that is scored for, where it is not the study's own.

    Raises:
        AgreementError: naming the clause that is missing and the smallest change.
    """
    asked = StudyOrigins.of(study).asked(score_on=score_on)
    return check_agreements(asked, study.catalogue.agreements, today=options.today)


def step(
    work: Work,
    name: str,
    function: str,
    *arguments: Any,
    say: Callable[[Mapping[str, Any]], str],
) -> dict[str, Any]:
    """Work whose result is not a derived table: the registry, a release."""
    work.listener.starts(name)
    done = work.child(function, *arguments)
    facts = {**done.value, "seconds": round(done.seconds, 3)}
    work.record(name, facts, say(facts), reused=False)
    return facts


def last_date(study: Study) -> date | None:
    """The last as-of date of a cohort with common dates."""
    as_of = study.spec.cohort.as_of
    return getattr(as_of, "last", None) or max(getattr(as_of, "dates", ()), default=None)


def opt_outs_applied(work: Work) -> dict[str, Any]:
    """For the log: which lists of opt-outs were applied, of which day, and to how many people."""
    applied = {}
    for source in work.study.opt_outs:
        stage = f"contracts/{source.source}"
        people = work.job().artefact(stage).facts["opted_out"]
        applied[source.source] = {
            "told_up_to": as_of(source).isoformat(),
            "digest": work.lineage[stage],
            "people": {kind: few(n) for kind, n in people.items()},
        }
    return {"opt_outs": applied} if applied else {}


def write_log(work: Work, what: str, details: Mapping[str, Any]) -> None:
    """Add an entry to the store's log; the reason is the purpose of the study."""
    Ledger.of_store(work.store.root).append(
        at=datetime.now(UTC),
        who=work.options.user,
        what=what,
        why=f"purpose: {work.study.spec.purpose}",
        details=details,
    )
