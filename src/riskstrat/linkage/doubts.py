"""What linking leaves in doubt, record by record: for estimates where nobody knows the truth."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from riskstrat.asof import quoted
from riskstrat.linkage.clusters import FloatArray
from riskstrat.linkage.decide import Links
from riskstrat.linkage.spec import LinkageSpec
from riskstrat.linkage.workspace import Workspace

SEXES = {"f": "female", "m": "male"}


def describe_doubts(
    work: Workspace, spec: LinkageSpec, links: Links, itself: FloatArray
) -> pa.Table:
    """record_key, lost, blind, sex, born: what links leave in doubt, and two of a record's groups.

    ``lost`` is the probability that the record belongs to somebody on the register (the
    population's records; anybody where the spec names no population) to whom it was not linked:
    the sum over the pairs that were weighed and not joined, at most 1. Candidates for one record
    share one denominator, so the sum is a probability. Twins that are held apart are no doubt.

    ``blind`` says that a record holds too little: not even one exactly like it would be linked to
    it, so that ``lost`` cannot tell whom it misses.

    ``sex`` is ``female``, ``male`` or NULL, ``born`` a date or NULL, as the record was read.

    Args:
        work: holds ``records``, ``profiles``, ``grouped`` and ``sides``.
        spec: which fields tell sex and date of birth.
        links: between groups, after joining.
        itself: float (profiles,), how surely each matches its own likeness.
    """
    members = work.number(f"SELECT count(*) FROM {work.name('profiles')}")
    register = np.ones(members, np.bool_)
    if spec.population:
        found = work.arrays(
            f"SELECT grp, bool_or(trusted) AS trusted FROM {work.name('sides')} GROUP BY grp"
        )
        register[found["grp"].astype(np.int64)] = found["trusted"].astype(np.bool_)
    lost = np.zeros(members)
    apart = ~links.together & ~links.twins
    for one, other in ((links.left, links.right), (links.right, links.left)):
        chosen = apart & register[other]
        np.add.at(lost, one[chosen], links.probability[chosen])
    number = np.arange(members)
    work.keep("lost", pa.table({"grp": number, "lost": np.minimum(lost, 1.0)}))
    work.keep("blind", pa.table({"unique_id": number, "blind": itself < spec.thresholds.link}))
    told = work.arrow(
        f"SELECT r.record_key, l.lost, b.blind, {_sex(spec)} AS sex, {_born(spec)} AS born "
        f"FROM {work.name('records')} AS r JOIN {work.name('profiles')} AS p USING (unique_id) "
        f"JOIN {work.name('blind')} AS b USING (unique_id) "
        f"JOIN {work.name('grouped')} AS g USING (unique_id) "
        f"JOIN {work.name('lost')} AS l USING (grp)"
    )
    work.drop("lost", "blind")
    return told


def _sex(spec: LinkageSpec) -> str:
    column = _first(spec, "sex")
    if not column:
        return "CAST(NULL AS VARCHAR)"
    arms = " ".join(f"WHEN '{short}' THEN '{word}'" for short, word in SEXES.items())
    return f"CASE p.{quoted(column)} {arms} END"


def _born(spec: LinkageSpec) -> str:
    column = _first(spec, "date")
    return f"TRY_CAST(p.{quoted(column)} AS DATE)" if column else "CAST(NULL AS DATE)"


def _first(spec: LinkageSpec, kind: str) -> str:
    return next((name for name, field in spec.people_fields().items() if field.kind == kind), "")
