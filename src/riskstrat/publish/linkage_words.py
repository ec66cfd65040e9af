"""What linkage error could hide, in sentences."""

from __future__ import annotations

from riskstrat.publish.report_data import ReportData
from riskstrat.publish.tables import Record, records, same_share
from riskstrat.publish.wording import cell_text, estimate, metric, percent

NOT_KNOWN = (
    "The extracts came already linked, and nothing is known of how well: how many outcomes were "
    "missed, how many are somebody else's, and for whom."
)


def linkage_cost(data: ReportData) -> str:
    """For the first page: what linkage may have cost at the summary's capacity."""
    if not data.links_said:
        return NOT_KNOWN
    told = (*data.links_said[:2], bounded(data, "sensitivity"))
    return " ".join(part for part in told if part)


def bounded(data: ReportData, name: str) -> str:
    """One metric at the summary's capacity: as seen, and where it may lie."""
    row = next(
        (
            each
            for each in records(data.link_bounds, metric=name)
            if same_share(each["at"], data.capacity)
        ),
        None,
    )
    if row is None or row["value"] is None or row["low"] is None:
        return ""
    low, high = (cell_text(end, row, "") for end in ("low", "high"))
    return (
        f"{metric(name)} when {percent(data.capacity)} are seen: {cell_text('value', row, '')} as "
        f"seen; with errors of linkage it may lie between {low} and {high}."
    )


def on_sure_links(data: ReportData) -> str:
    """How well the model does on sure links, beside all of them."""
    found = {row["split"]: row for row in records(data.sure_performance, metric="auroc")}
    sure, every = found.get("sure links only"), found.get("all links")
    if not sure or not every or sure["value"] is None:
        return ""
    return f"AUROC on sure links only: {estimate(sure)}; on all links: {estimate(every)}."


def worst(rows: list[Record]) -> str:
    """From the level with the fewest errors to the one with the most, where they can be told."""
    known = sorted((row for row in rows if row["value"] is not None), key=lambda r: r["value"])
    if not known:
        return "too few records to tell."
    least, most = known[0], known[-1]
    if (most["low"] or 0) > (least["high"] or 1):
        apart = "the intervals do not overlap"
    else:
        apart = "the intervals overlap"
    return f"from {_level(least)} to {_level(most)}; {apart}."


def _level(row: Record) -> str:
    return f"“{str(row['level']).replace('_', ' ')}”, {estimate(row)}"
