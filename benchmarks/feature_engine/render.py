"""The page of Markdown, from every result that is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SIZES = ("10m", "100m", "500m")


def write_page(results: Path) -> str:
    """Write `feature_engine.md` beside the results; return its text."""
    lines = [
        "# The feature engine beside its peers",
        "",
        "Made by `make bench SIZE=10m` (`100m`, `500m`). 1.2 million made-up people, seven tables "
        "over ten years, four quarterly dates, 254 columns; the engines take turns on the same "
        "slice of people, in one run. Wall and CPU seconds and the peak memory are those of the "
        "whole process tree (the PostgreSQL server included) from the first row read to the last "
        "file closed; imports and compilation are apart. Ratios are of CPU seconds per person, "
        "since other work may share the machine. *Answers* compares every cell as a 32-bit float.",
    ]
    for size in SIZES:
        file = results / f"feature_engine_{size}.json"
        if file.exists():
            lines += wide(json.loads(file.read_text(encoding="utf-8")))
    for size in SIZES:
        file = results / f"feature_engine_whole_{size}.json"
        if file.exists():
            lines += whole(json.loads(file.read_text(encoding="utf-8")))
    for name, draw in (("task_a", task_a), ("task_b", task_b)):
        file = results / f"feature_engine_{name}.json"
        if file.exists():
            lines += draw(json.loads(file.read_text(encoding="utf-8")))
    text = "\n".join(lines) + "\n"
    (results / "feature_engine.md").write_text(text, encoding="utf-8")
    return text


def machine(on: dict[str, Any]) -> str:
    """The machine in words."""
    return (
        f"{on['cores']} cores, {on['memory_gb']} GB of memory, load average {on['load_before']} "
        "before the start"
    )


def table(found: dict[str, Any]) -> list[str]:
    """The rows of a comparison."""
    own, rows = found["riskstrat"], found["engines"]
    first = own[0] if own else {}
    kernel = next((r for r in rows if r["name"].startswith("bare kernel, Parquet")), {})
    bare = kernel["cpu"] / kernel["people"] if "cpu" in kernel else None
    mine = first["cpu"] / first["people"] if first.get("cpu") else None
    lines = [
        "| engine | people | wall s | CPU s | peak MB | rows/s | CPU ÷ riskstrat | "
        "CPU ÷ bare kernel | answers |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    for row in (*own, *rows):
        said = f"| {row['name']} | {row['people']:,} "
        if "cpu" not in row:
            lines.append(f"{said}| | | | | | | {row['why']} |")
            continue
        each = row["cpu"] / row["people"]
        made = row["people"] * found["dates"] / row["wall"]
        answers = row["answers"]["text"] if "answers" in row else ""
        text = "; ".join(part for part in (answers, row.get("remark", "")) if part)
        lines.append(
            f"{said}| {row['wall']:.2f} | {row['cpu']:.2f} | {row['peak_mb']:,.0f} | {made:,.0f} "
            f"| {_ratio(each, mine)} | {_ratio(each, bare)} | {text} |"
        )
    return lines


def _ratio(this: float, that: float | None) -> str:
    return f"{this / that:.2g}" if that else ""


def wide(found: dict[str, Any]) -> list[str]:
    """One size."""
    lines = [
        "",
        f"## {found['rows_of_the_population'] // 10**6} million events",
        "",
        f"A slice of {found['people']:,} people with {found['events']:,} events: "
        f"{found['people'] * found['dates']:,} rows of {found['columns']} columns. "
        f"{machine(found['machine'])}. The reference of *answers*: {found['reference']}.",
        "",
        *table(found),
    ]
    for own in found["riskstrat"]:
        if "one-off" not in own:
            continue
        parts = ", ".join(
            f"{name}: {own[step]['wall']:.1f} s, {own[step]['cpu']:.1f} CPU s, "
            f"{own[step]['peak_mb']:,.0f} MB"
            for name, step in (
                ("contracts, linkage and the prepared layout, once for an extract", "one-off"),
                ("the cohort", "cohort"),
                ("the same command with nothing left to do", "again"),
            )
        )
        lines += ["", f"{own['name']} besides: {parts}."]
    for row in found["engines"]:
        if "load" in row:
            load = row["load"]
            lines += ["", f"{row['name']}: loading {load['wall']:.1f} s, {load['cpu']:.1f} CPU s."]
        if spent := row.get("facts", {}).get("spent"):
            cells = found["people"] * found["dates"] * found["columns"]
            parts = ", ".join(f"{k} {v:.2f} s ({v / cells * 1e9:.1f} ns)" for k, v in spent.items())
            lines += ["", f"{row['name']}: CPU seconds, and for each cell: {parts}."]
    lines += from_extracts(found)
    lines += ["", "Writing one block of this, one thread:", ""]
    lines += ["| way | write, ns a cell | read back, ns a cell | MB |", "|---|---:|---:|---:|"]
    for way, figures in found["writes"]["ways"].items():
        lines.append(
            f"| {way} | {figures['write_ns_per_cell']} | {figures['read_ns_per_cell']} "
            f"| {figures['mb']} |"
        )
    return lines


def from_extracts(found: dict[str, Any]) -> list[str]:
    """riskstrat with its checks on: contracts, linkage, layout, cohort and features together."""
    lines = []
    for own in found["riskstrat"]:
        if "one-off" in own:
            parts = [own["one-off"], own["cohort"], own]
            wall, cpu = (sum(part[key] for part in parts) for key in ("wall", "cpu"))
            lines += [
                "",
                f"{own['name']} from the extracts on, with contracts, linkage, the prepared layout "
                f"and the cohort: {wall:.1f} s, {cpu:.1f} CPU s.",
            ]
    return lines


def task_a(found: dict[str, Any]) -> list[str]:
    """Ten thousand people, twelve months, thirty columns."""
    lines = [
        "",
        "## 10,000 people, twelve months, 30 columns",
        "",
        "30 events each on average, windows of 30, 90 and 180 days, 120,000 rows. "
        f"{machine(found['machine'])}.",
    ]
    for part in found["parts"]:
        lines += ["", f"### {part['title']}", "", *table(part)]
        lines += from_extracts(part)
    return lines


def whole(found: dict[str, Any]) -> list[str]:
    """Everybody, from the extracts to the features, within the memory that was given."""
    stages = found["stages"]
    features = next(stage for stage in stages if stage["stage"] == "features")
    cells = found["rows"] * found["features"]
    lines = [
        "",
        f"## Everybody, {found['memory']} of memory: {found['events']:,} events",
        "",
        f"{found['people']:,} people, {found['rows']:,} rows of {found['features']} columns, from "
        f"the extracts on; {machine(found['machine'])}. {found['wall']:,.0f} s, "
        f"{found['cpu']:,.0f} CPU seconds, at most {found['peak_mb']:,.0f} MB over all processes. "
        f"The features: {found['events'] / features['seconds']:,.0f} events and "
        f"{cells / features['seconds'] / 1e6:,.1f} million cells a second.",
        "",
        "| stage | seconds | CPU s | peak MB of its process |",
        "|---|---:|---:|---:|",
    ]
    for stage in stages:
        lines.append(
            f"| {stage['stage']} | {stage['seconds']:,.1f} | {stage['cpu_seconds']:,.1f} | "
            f"{stage['peak_mb']:,.0f} |"
        )
    if "kills" in found:
        moments = found["kills"]["after_seconds"]
        same = "the same bytes" if found["same_bytes"] else "OTHER BYTES"
        lines += [
            "",
            f"Killed (`kill -9`) {len(moments)} times at random moments and run again: {same}.",
        ]
    return lines


def task_b(found: dict[str, Any]) -> list[str]:
    """Twelve models end to end."""
    lines = [
        "",
        "## Twelve models, end to end",
        "",
        f"{found['title']} {machine(found['machine'])}.",
        "",
        "| | wall s | CPU s | peak MB |",
        "|---|---:|---:|---:|",
    ]
    for row in found["rows"]:
        lines.append(
            f"| {row['name']} | {row['wall']:.1f} | {row['cpu']:.1f} | {row['peak_mb']:,.0f} |"
        )
    return [*lines, "", *found.get("remarks", [])]
