"""The feature dictionary: what each column means and how often it says nothing."""

from __future__ import annotations

from typing import Any

from riskstrat.features.build import FeatureSummary
from riskstrat.features.plan import FeaturePlan


def feature_dictionary(plan: FeaturePlan, summary: FeatureSummary) -> list[dict[str, Any]]:
    """One entry per feature, ready for ``features.json``.

    ``share_missing`` counts empty cells for any reason; ``share_not_covered`` those for which
    the agency's data do not reach over the window (or the unit had no household, area ...).
    """
    rows = max(summary.rows, 1)
    return [
        {
            "name": column.name,
            "meaning": column.meaning,
            "source": column.source,
            "agency": column.agency,
            "window": column.window_days,
            "kind": column.kind.value,
            "levels": list(column.levels),
            "labels": dict(column.labels),
            "ordered": column.ordered,
            "unit": column.unit,
            "digest": column.digest,
            "share_missing": summary.missing[column.name] / rows,
            "share_not_covered": summary.not_covered[column.name] / rows,
        }
        for column in plan.columns
    ]
