"""The page of Markdown, from every result that is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HEAD = (
    "| linked by | records | wall s | CPU s | peak MB | pairs compared | precision | recall | F1 |",
    "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
)


def write_page(results: Path) -> str:
    """Write `linkage.md` beside the results; return where it is, for the terminal."""
    kept: dict[str, Any] = json.loads((results / "linkage.json").read_text(encoding="utf-8"))
    counties = sorted((name for name in kept if name.isdigit()), key=int)
    lines = [
        "# Linkage beside plain Splink",
        "",
        "Made by `benchmarks/linkage/bench.py`. Both work on the same records in one run, each in "
        "a process of its own; seconds and peak memory are those of its whole process tree from "
        "the first record read to the last link, without imports. Pairwise figures against the "
        "truth, with 95% intervals that resample people. Plain Splink has the settings of its own "
        "tutorials; on the published sets, the cut that suits it best.",
    ]
    for name in sorted(set(kept) - set(counties)):
        lines += ["", f"## {name}", "", machine(kept[name]["machine"]), "", *HEAD]
        lines += [_row(engine, row, row.get("quality")) for engine, row in _engines(kept[name])]
    for name in counties:
        lines += _county(int(name), kept[name])
    page = results / "linkage.md"
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return f"written: {page.name} and JSON in {results.parent.name}/{results.name}"


def _engines(found: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return sorted(found["engines"].items(), key=lambda each: (each[0] == "plain Splink", each[0]))


def machine(on: dict[str, Any]) -> str:
    """The machine in words."""
    return (
        f"{on['cores']} cores, {on['memory_gb']} GB of memory, load average {on['load_before']} "
        "before the start."
    )


def _county(people: int, found: dict[str, Any]) -> list[str]:
    lines = [
        "",
        f"## The made-up county, {people:,} people",
        "",
        f"{machine(found['machine'])} Seven agencies' indexes; pairs of which at least one record "
        "has no valid NHS number, then all pairs.",
        "",
        *HEAD,
    ]
    for engine, row in _engines(found):
        quality = row.get("quality", {})
        without = quality.get("without_number", [None])[0]
        lines.append(_row(engine, row, without))
        if quality:
            lines.append(_row(f"{engine}, all pairs", {}, quality["all"]))
    ours = found["engines"].get("riskstrat", {}).get("quality", {}).get("without_number", [])
    if len(ours) > 1:
        lines += ["", "By group, riskstrat, pairs without a number:", ""]
        lines += ["| group | records | precision | recall |", "|---|---:|---:|---:|"]
        lines += [
            f"| {each['group']}: {each['level']} | {each['records']:,} "
            f"| {_interval(each['precision'])} | {_interval(each['recall'])} |"
            for each in ours[1:]
        ]
    return lines


def _row(engine: str, row: dict[str, Any], quality: dict[str, Any] | None) -> str:
    if "why" in row:
        return f"| {engine} | | | | {row.get('peak_mb', '')} | | {row['why']} | | |"
    cost = (
        [f"{row['wall']:,.1f}", f"{row['cpu']:,.1f}", f"{row['peak_mb']:,}", f"{row['pairs']:,}"]
        if row
        else ["", "", "", ""]
    )
    told = [_interval(quality[name]) for name in ("precision", "recall", "f1")] if quality else []
    records = f"{quality['records']:,}" if quality else ""
    return f"| {' | '.join([engine, records, *cost, *told])} |"


def _interval(estimate: dict[str, Any]) -> str:
    value, low, high = (estimate[name] for name in ("value", "low", "high"))
    if value is None:
        return ""
    return f"{value:.4f} ({low:.4f} to {high:.4f})" if low is not None else f"{value:.4f}"
