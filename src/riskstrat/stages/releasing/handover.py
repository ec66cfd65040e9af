"""What every recipient's folder of one release shares, and what each of them may see of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from riskstrat.asof import quoted
from riskstrat.audit.reasons import columns_for
from riskstrat.contracts.optouts import as_of, opted_out_sql
from riskstrat.release.policies import Policy
from riskstrat.release.reach import reach_table, without_groups
from riskstrat.release.spec import Recipient
from riskstrat.release.standing import Standing
from riskstrat.stages.engine import accepted_views, engine
from riskstrat.stages.jobs import Job
from riskstrat.study import Study
from riskstrat.study.origins import StudyOrigins
from riskstrat.vocabulary import Protected, Unit


@dataclass(frozen=True, slots=True)
class Seen:
    """What one recipient may see of a release.

    Attributes:
        reasons: the columns of the scores' reasons that hold none but those it may be told.
        hidden_groups: groups of the audit that it may not be told of.
        lineage: column -> the sources and agreements it derives from.
    """

    reasons: tuple[str, str]
    hidden_groups: frozenset[str]
    lineage: Mapping[str, Mapping[str, Any]]


def seen_by(study: Study) -> dict[str, Seen]:
    """What each recipient of a study may see, under the agreements behind it."""
    origins = StudyOrigins.of(study)
    sets = origins.hidden_features()
    found = {}
    for recipient in study.spec.release.recipients:
        features = origins.visible_features(recipient)
        hidden = tuple(f.name for f in origins.features if f.name not in features)
        attributes = origins.visible_attributes(recipient)
        found[recipient.to] = Seen(
            columns_for(sets.index(hidden)),
            frozenset(study.spec.audit.groups) - attributes,
            origins.lineage(recipient),
        )
    return found


@dataclass(frozen=True, slots=True)
class Handover:
    """What every recipient's folder of one release shares."""

    study: Study
    seen: Mapping[str, Seen]
    """recipient -> what it may see"""
    as_of: date
    version: Mapping[str, Any]
    policy: Policy
    banded: pa.Table
    reasons: pa.Table
    groups: pa.Table
    previous: pa.Table | None
    certainty: tuple[str, ...]
    standing: Standing
    """whether what is written may be used"""
    identities: Mapping[str, str]
    opt_outs: Mapping[str, Any]
    """which kinds were applied, of which day, and to how many"""
    secret: bytes = field(repr=False)
    """what ids of pseudonymised lists are made with"""
    made_up: bool = False
    fairness: Protected | None = None
    """how the audit found each group to be reached, where it is at hand"""

    @property
    def data_as_at(self) -> date:
        """The last day that the list may tell of."""
        return self.as_of - timedelta(days=1)

    @property
    def expires_on(self) -> date:
        """The last day of the list: it outlives no agreement behind it, and not its approval."""
        agreements = self.study.catalogue.agreements
        ends = [agreements[source.agreement].ends for source in self.study.sources]
        ends += [self.standing.until] if self.standing.until else []
        return min(self.as_of + timedelta(days=self.study.spec.release.valid_for.days), *ends)

    @property
    def model_words(self) -> str:
        """Which version scored, and where it stands."""
        told = ", ".join(filter(None, [*self.version["aliases"], self.version["not_passed"]]))
        return f"{self.version['name']} version {self.version['version']}" + (
            f" ({told})" if told else ""
        )

    def reasons_for(self, recipient: Recipient) -> pa.Table:
        """unit_id, as_of, reasons, coarse: made from features that a recipient may be told of."""
        told = self.reasons.select(["unit_id", "as_of", *self.seen[recipient.to].reasons])
        return told.rename_columns(["unit_id", "as_of", "reasons", "coarse"])

    def reach_for(self, recipient: Recipient) -> tuple[Protected, ...]:
        """Who a list of this recipient's length reaches, by the groups it may be told of."""
        if self.fairness is None:
            return ()
        bands = self.study.spec.release.bands
        shares = [share for name, share in bands.items() if name in recipient.bands]
        fairness = without_groups(self.fairness, self.seen[recipient.to].hidden_groups)
        table = reach_table(fairness, max(shares, default=0.0))
        return (table,) if table.rows else ()


def without_opted_out(job: Job, banded: pa.Table) -> tuple[pa.Table, int]:
    """Ranked people without those who have opted out, and how many these are.

    They are not in the cohort any more; this is a second barrier before anything leaves. It asks
    for the day of the list and for the last day that is told of.
    """
    lists = job.study.opt_outs
    if not lists or job.study.spec.unit is not Unit.PERSON:
        return banded, 0
    with engine(job, "scores", share=0.2, apart="opt_outs") as con:
        accepted_views(con, job, lists)
        each = [
            opted_out_sql(quoted(f"source_{one.source}"), job.study.bound_by, day)
            for one in lists
            for day in (job.day, as_of(one))
        ]
        gone = con.execute(" UNION ".join(each)).to_arrow_table()["unit_id"]
    kept = banded.filter(pc.invert(pc.is_in(banded["unit_id"], gone.combine_chunks())))
    return kept, banded.num_rows - kept.num_rows


def opt_outs_told(job: Job, policy: Policy, left_out: int) -> dict[str, Any]:
    """What a manifest tells of opt-outs: counts under the release's policy."""
    told: dict[str, Any] = {}
    for one in job.study.opt_outs:
        people = job.artefact(f"contracts/{one.source}").facts["opted_out"]
        shown = {kind: policy.alone.rounded(n) for kind, n in people.items()}
        told[one.source] = {
            "told_up_to": as_of(one).isoformat(),
            "people": {kind: policy.small if n is None else n for kind, n in shown.items()},
        }
    if told:
        shown_here = policy.alone.rounded(left_out)
        told["left_out_of_the_scores"] = policy.small if shown_here is None else shown_here
    return told
