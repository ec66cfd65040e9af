"""The page of Markdown, from every result that is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SIZES = ("10m", "100m", "500m")
EVERYBODY = 1_200_000


def write_page(results: Path) -> str:
    """Write `feature_engine.md` beside the results; return where it is, for the terminal."""
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
    lines += growth(results)
    for size in SIZES:
        file = results / f"feature_engine_whole_{size}.json"
        if file.exists():
            lines += whole(json.loads(file.read_text(encoding="utf-8")))
    for name, draw in (("task_a", task_a), ("task_b", task_b)):
        file = results / f"feature_engine_{name}.json"
        if file.exists():
            lines += draw(json.loads(file.read_text(encoding="utf-8")))
    page = results / "feature_engine.md"
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return f"written: {page.name} and JSON in {results.parent.name}/{results.name}"


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


def growth(results: Path) -> list[str]:
    """What more events on the same people cost, and what 12 billion would."""
    files = [results / f"feature_engine_{size}.json" for size in SIZES]
    sizes = [json.loads(file.read_text(encoding="utf-8")) for file in files if file.exists()]
    sizes = [found for found in sizes if found["riskstrat"] and "cpu" in found["riskstrat"][0]]
    if len({found["people"] for found in sizes}) != 1 or len(sizes) < len(SIZES):
        return []
    lines = [
        "",
        "## More events on the same people",
        "",
        f"{sizes[0]['people']:,} people, riskstrat, CPU seconds.",
        "",
        "| events | features | and for each event | from the extracts on | and for each event |",
        "|---:|---:|---:|---:|---:|",
    ]
    points = []
    for found in sizes:
        own, events = found["riskstrat"][0], found["events"]
        every = own["one-off"]["cpu"] + own["cohort"]["cpu"] + own["cpu"]
        points.append((events, own["cpu"], every))
        lines.append(
            f"| {events:,} | {own['cpu']:.1f} | {own['cpu'] / events * 1e9:,.0f} ns | {every:.1f} "
            f"| {every / events * 1e9:,.0f} ns |"
        )
    slices = EVERYBODY / sizes[0]["people"]
    hours = [_projected(points[-2], points[-1], at, slices) / 3600 for at in (1, 2)]
    return [
        *lines,
        "",
        f"12 billion events on {EVERYBODY:,} people, if the step between the two largest sizes "
        f"goes on (not measured): {hours[0]:.1f} CPU hours for the features, {hours[1]:.1f} from "
        "the extracts on.",
    ]


def _projected(one: tuple[float, ...], two: tuple[float, ...], at: int, slices: float) -> float:
    """CPU seconds of 12 billion events on a straight line through two sizes of a slice."""
    each = (two[at] - one[at]) / (two[0] - one[0])
    return slices * (one[at] - each * one[0]) + each * 12e9


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
    if "bare" in found:
        bare = found["bare"]
        lines += [
            "",
            f"The bare kernel with Parquet on the same people, one thread, from sorted whole "
            f"numbers: {bare['wall']:,.1f} s, {bare['cpu']:,.1f} CPU s. The features stage takes "
            f"{features['cpu_seconds'] / bare['cpu']:.2f} times that.",
        ]
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
