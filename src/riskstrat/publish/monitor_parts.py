"""What the sections of the page about a model in use share: cells and names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from riskstrat.publish.monitor_data import MonitorData
from riskstrat.publish.report_data import ReportData
from riskstrat.publish.tables import PlainTable, Shown, records
from riskstrat.publish.wording import estimate, mark, metric, percent
from riskstrat.vocabulary import Protected

NOT_KNOWN = "Outcomes are not known yet."
NAMES = {
    "feature": "Feature", "cell": "Values", "then": "People then", "now": "People now",
    "share_then": "Share then", "share_now": "Share now",
}  # fmt: skip


def as_report(data: MonitorData) -> ReportData:
    """What the report's own parts (gates, findings) need to word themselves."""
    meanings = [
        {"name": row["feature"], "meaning": row["meaning"]} for row in records(data.features)
    ]
    return ReportData(
        title=data.title, question="", study=data.study, outcome="", horizon="", purpose="",
        run_id=data.run_id, champion=data.learner, policy=data.policy,
        gates=data.gates, findings=data.findings,
        dictionary=PlainTable.of(
            "", ("name", "meaning", "source", "window", "share_missing"), meanings
        ),
    )  # fmt: skip


def cells_shown(caption: str, table: Protected, *, named: bool) -> Shown:
    """People in each cell, then and now; ``named`` where the cells are of several features."""
    columns = tuple(NAMES) if named else tuple(NAMES)[1:]
    body = []
    for row in records(table):
        told = {
            "feature": str(row["feature"]),
            "cell": str(row["cell"]),
            **{n: mark(table.policy) if row[n] is None else f"{row[n]:,}" for n in ("then", "now")},
            **{n: share(row[n]) for n in ("share_then", "share_now")},
        }
        body.append(tuple(told[name] for name in columns))
    headers = tuple((NAMES[name], name not in ("feature", "cell")) for name in columns)
    return Shown(caption, headers, tuple(body), table.note)


def measured(name: str, at: float | None) -> str:
    """A measure's name, with the capacity it is taken at."""
    return metric(name) if at is None else f"{metric(name)}, {percent(at)} seen"


def told(row: Mapping[str, Any] | None) -> str:
    """An estimate, or that there is none."""
    return "n/a" if row is None else estimate(row)


def count(value: int | None, data: MonitorData) -> str:
    """A count, or the policy's mark."""
    return mark(data.policy) if value is None else f"{value:,}"


def share(value: float | None) -> str:
    """A share in percent, or that it is withheld."""
    return "withheld" if value is None else percent(round(value, 3))


def points(row: Mapping[str, Any]) -> str:
    """A change of a share, in points."""
    if row["value"] is None:
        return str(row["status"])
    said = f"{100 * row['value']:.1f}"
    if row["low"] is None or row["high"] is None:
        return said
    return f"{said} ({100 * row['low']:.1f} to {100 * row['high']:.1f})"


def plain(value: float | None) -> str:
    """A number with three decimals."""
    return "n/a" if value is None else f"{value:.3f}"


def short(text: str, width: int = 80) -> str:
    """A label of at most so many letters."""
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"
