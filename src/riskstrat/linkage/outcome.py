"""What is told of a linkage: counts for the report, and pairs for a clerical reviewer."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa

from riskstrat.linkage import splinking
from riskstrat.linkage.clusters import FloatArray
from riskstrat.linkage.codes import LINKAGE_CODES
from riskstrat.linkage.decide import Links, pairs_to_review
from riskstrat.linkage.model import MatchModel
from riskstrat.linkage.spec import LinkageSpec
from riskstrat.linkage.workspace import Workspace
from riskstrat.vocabulary import Finding, Severity

TOLD_AS_WARNING = 0.01
"""share of an agency's records above which a broken rule is a warning"""
OF_HOMES: Mapping[str, str] = MappingProxyType(
    {"shared_homes": "RS1323", "wrong_numbers": "RS1324", "ambiguous_doors": "RS1325"}
)
"""a count of linked addresses -> the code under which it is told"""
CURVE = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999)
"""probabilities at which unlinkable records are counted"""


def count_outcome(
    work: Workspace, spec: LinkageSpec, table: pa.Table, links: Links, itself: FloatArray
) -> dict[str, Any]:
    """Counts without any value: by agency, expected precision and recall, unlinkable records.

    Args:
        work: holds ``sides`` and ``described``.
        spec: thresholds.
        table: the links.
        links: between groups.
        itself: float (profiles,), how surely each matches its own likeness.
    """
    agencies: dict[str, dict[str, Any]] = {}
    counted = work.rows(
        f"SELECT agency, how, count(*) FROM {work.name('described')} GROUP BY ALL ORDER BY ALL"
    )
    for agency, how, records in counted:
        there = agencies.setdefault(str(agency), {"records": 0, "how": {}, "broken": {}})
        there["records"] += int(records)
        there["how"][str(how)] = int(records)
    sought = work.arrays(
        f"SELECT unique_id FROM {work.name('sides')} WHERE open AND NOT known ORDER BY unique_id"
    )["unique_id"].astype(np.int64)
    return {
        "records": table.num_rows,
        "entities": work.number(f"SELECT count(*) FROM {work.name('entities')}"),
        "profiles": len(itself),
        "agencies": agencies,
        "twins_kept_apart": int(links.twins.sum()),
        "expected": links.expected(spec.thresholds.link),
        "unlinkable": [_unlinkable(itself[sought], at) for at in CURVE],
    }


def linkage_findings(counts: Mapping[str, Any]) -> tuple[Finding, ...]:
    """What was wrong with the identifiers of each agency, as findings with their shares.

    Args:
        counts: of :class:`~riskstrat.linkage.engine.LinkedRecords` or ``LinkedAddresses``.
    """
    of_agencies = [
        _finding(agency, code, records, told["records"])
        for agency, told in sorted(counts["agencies"].items())
        for code, records in sorted(told["broken"].items())
    ]
    of_homes = [
        _finding("addresses", code, counts[name], counts["records"])
        for name, code in OF_HOMES.items()
        if counts.get(name)
    ]
    return (*of_agencies, *of_homes)


def _finding(where: str, code: str, count: int, of: int) -> Finding:
    known = LINKAGE_CODES[code]
    share = count / of
    return Finding(
        code=code,
        name="identifiers",
        severity=Severity.WARNING if share > TOLD_AS_WARNING else Severity.INFO,
        where=where,
        message=f"{where}: {known.title}: {count:,} in {of:,} records ({share:.2%})",
        value=share,
        n=of,
        fix=known.fix,
    )


def _unlinkable(itself: FloatArray, at: float) -> dict[str, float | int | None]:
    share = float((itself < at).mean()) if len(itself) else None
    return {"probability": at, "share": share, "n": len(itself)}


def make_review(
    work: Workspace, spec: LinkageSpec, model: MatchModel, prior: float, links: Links
) -> pa.Table:
    """Pairs that deserve a second look, with what each comparison weighs; surest first.

    Columns: record_key_l, record_key_r, probability, weight, linked, reason, and
    ``weight_<comparison>``. Of a profile of several records, the first key stands for all.
    """
    pairs = pairs_to_review(work, spec, links)
    weighed = splinking.score(work, spec, model, prior, pairs, "weighed", each_weight=True)
    each = ", ".join(f'w."weight_{comparison.name}"' for comparison in spec.comparisons)
    work.table(
        "keys",
        f"SELECT unique_id, min(record_key) AS key FROM {work.name('records')} WHERE unique_id IN "
        f"(SELECT join_key_l FROM {pairs} UNION SELECT join_key_r FROM {pairs}) GROUP BY unique_id",
    )
    return work.arrow(
        f"SELECT l.key AS record_key_l, r.key AS record_key_r, q.probability, "
        f"w.match_weight AS weight, q.linked, q.reason, {each} FROM {weighed} AS w "
        f"JOIN {pairs} AS q ON q.join_key_l = w.unique_id_l AND q.join_key_r = w.unique_id_r "
        f"JOIN {work.name('keys')} AS l ON l.unique_id = w.unique_id_l "
        f"JOIN {work.name('keys')} AS r ON r.unique_id = w.unique_id_r "
        f"ORDER BY q.probability DESC, weight DESC, record_key_l, record_key_r"
    )
