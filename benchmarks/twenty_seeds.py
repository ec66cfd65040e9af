"""Does the audit stay quiet on honest counties, and does it name what is planted in others?

Makes one county for each seed, runs both demo studies on it, and tells every gate's verdict and
how many warnings of each kind there are. On a clean county every gate should pass; with `--plant`
the finding that names the fault should be there. Each county is thrown away when it is done;
what it gave is kept, so that a stopped run goes on where it was.

    python benchmarks/twenty_seeds.py                       # 20 clean counties of 50,000: hours
    python benchmarks/twenty_seeds.py --raw                 # as agencies hold them, then linked
    python benchmarks/twenty_seeds.py --seeds 3 --plant under_recorded:ethnicity=asian:0.4
    python benchmarks/twenty_seeds.py --show                # the table of what there is

Ends with code 1 if a gate of a clean county does not pass, or a planted fault is not named.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks/results"
STUDIES = ("emergency_admission", "school_readiness")
CUSTODY = ROOT / "configs/custody/mid_county.yaml"
NAMES_A_LEAK, NAMES_A_GROUP = ("RS3506",), ("RS310", "RS3505", "RS3507")
KEPT = ("gates.json", "findings.json", "fairness.parquet", "need.parquet")


def riskstrat(*words: object) -> subprocess.CompletedProcess[str]:
    """Run a command of this version; its sentences go to our stderr."""
    command = [sys.executable, "-m", "riskstrat", *map(str, words)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)


def one_seed(seed: int, asked: argparse.Namespace, kept: Path) -> None:
    """Make, run and keep the verdicts of one county; `done.json` appears last."""
    work = kept / "work"
    shutil.rmtree(work, ignore_errors=True)
    data, store = work / "data", work / "store"
    linked = [] if asked.raw else ["--linked"]
    plants = [word for fault in asked.plant for word in ("--plant", fault)]
    _must(
        riskstrat(
            "synth", data, "--people", asked.people, "--seed", seed, *linked, *plants, "--quiet"
        )
    )
    if asked.raw:
        where = ("--data", data, "--custody", work / "custody")
        _must(riskstrat("pseudonymise", "all", CUSTODY, *where, "--quiet"))
    for study in asked.studies:
        path = ROOT / "configs/studies" / f"{study}.yaml"
        where = ("--data", data, "--store", store, "--memory", asked.memory)
        done = riskstrat("run", path, *where, "--until", "audit", "--json", "--quiet")
        if done.returncode not in (0, 20):
            raise SystemExit(f"seed {seed}, {study}: ended with {done.returncode}")
        audit = Path(json.loads(done.stdout.splitlines()[0])["folders"][0])
        (kept / study).mkdir(parents=True, exist_ok=True)
        for name in KEPT:
            shutil.copy(audit / name, kept / study / name)
    shutil.rmtree(work)
    (kept / "done.json").write_text(json.dumps({"seed": seed}), encoding="utf-8")


def _must(done: subprocess.CompletedProcess[str]) -> None:
    if done.returncode:
        raise SystemExit(f"{' '.join(done.args[2:5])} ended with {done.returncode}")


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSON file."""
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return rows


def show(folder: Path, asked: argparse.Namespace) -> tuple[str, bool]:
    """A table for each study, as Markdown; whether all is as it should be."""
    seeds = sorted(folder.glob("seed-*/done.json"), key=lambda p: int(p.parent.name[5:]))
    good = bool(seeds)
    lines = ["# Honest counties and planted faults", "", "Made by `benchmarks/twenty_seeds.py`."]
    for study in asked.studies:
        planted = f", with {' and '.join(asked.plant)}" if asked.plant else ""
        lines += ["", f"## {study}: {len(seeds)} counties of {asked.people:,} people{planted}", ""]
        lines += [
            "| seed | gates passed | not passed | warnings | named |",
            "|---:|---|---|---|---|",
        ]
        for done in seeds:
            gates = read(done.parent / study / "gates.json")
            findings = read(done.parent / study / "findings.json")
            short = [
                f"{g['text']}: {g['verdict'].replace('_', ' ')}" for g in gates if not g["passed"]
            ]
            warned = Counter(f["code"] for f in findings if f["severity"] != "info")
            named = _named(findings, asked.plant)
            lines.append(
                f"| {done.parent.name[5:]} | {len(gates) - len(short)} of {len(gates)} | "
                f"{'; '.join(short) or 'none'} | "
                f"{', '.join(f'{c} x{n}' for c, n in sorted(warned.items())) or 'none'} | "
                f"{', '.join(named) or ('nothing' if asked.plant else '-')} |"
            )
            if asked.plant and study == STUDIES[0]:
                good &= len(named) >= len(asked.plant)
            elif not asked.plant:
                good &= not short
    return "\n".join(lines) + "\n", good


def _named(findings: Sequence[dict[str, Any]], plants: Sequence[str]) -> list[str]:
    """Which planted faults a finding names, and by which code."""
    found = []
    for fault in plants:
        kind, what, _ = fault.split(":")
        value = what.partition("=")[2]
        codes = NAMES_A_LEAK if kind == "leak" else NAMES_A_GROUP
        for finding in findings:
            named = value in (finding["group"] + " " + finding["where"])
            if finding["code"] in codes and finding["severity"] == "warning" and named:
                found.append(f"{value} by {finding['code']}")
                break
    return found


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--people", type=int, default=50_000)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--raw", action="store_true", help="as agencies hold them, then linked")
    parser.add_argument("--plant", action="append", default=[], help="a fault to plant")
    parser.add_argument("--studies", nargs="+", default=list(STUDIES))
    parser.add_argument("--memory", default="4GB")
    parser.add_argument("--work", type=Path, default=ROOT / "benchmarks/.work/twenty_seeds")
    parser.add_argument("--keep", action="store_true", help="write the table into results/")
    parser.add_argument("--show", action="store_true", help="only print what there is")
    asked = parser.parse_args()
    kind = "-".join(
        ["raw" if asked.raw else "linked", str(asked.people), *map(_plain, asked.plant)]
    )
    folder = asked.work / kind
    for seed in range(asked.first, asked.first + asked.seeds) if not asked.show else ():
        kept = folder / f"seed-{seed}"
        if not (kept / "done.json").exists():
            print(f"seed {seed} ...", file=sys.stderr, flush=True)
            one_seed(seed, asked, kept)
    told, good = show(folder, asked)
    print(told)
    if asked.keep:
        (RESULTS / f"twenty_seeds_{kind}.md").write_text(told, encoding="utf-8")
    return 0 if good else 1


def _plain(text: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in text)


if __name__ == "__main__":
    sys.exit(main())
