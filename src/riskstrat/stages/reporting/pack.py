"""From a run's folder to the board's pack beside its report."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import yaml

from riskstrat.disk import read_json, write_bytes, write_json
from riskstrat.publish.pack.answers import Answers, read_answers
from riskstrat.publish.pack.facts import Approved, Facts
from riskstrat.publish.pack.write import Pack, make_pack
from riskstrat.publish.report_data import ReportData
from riskstrat.study import Study

FOLDER, KEPT = "pack", "answers.json"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "msedge")
PRINTED = ("summary", "model-card", "dpia", "equality")
"""pages that are also printed where a browser is at hand: those that are carried to a meeting"""
PRINT_SECONDS = 120


def write_pack(
    folder: Path, data: ReportData, before: Sequence[Approved], answers: Answers
) -> Pack:
    """Write the pack into a run's folder; the folder's own manifest is the caller's."""
    told = yaml.safe_load((folder / "study.yaml").read_text(encoding="utf-8"))
    facts = Facts(
        data=data,
        told=told,
        approved=tuple(before),
        software=read_json(folder / "report.json")["run"]["versions"],
    )
    pack = make_pack(facts, answers)
    target = folder / FOLDER
    shutil.rmtree(target, ignore_errors=True)
    for name, content in pack.files.items():
        write_bytes(target / name, content)
    write_json(target / KEPT, answers.model_dump(mode="json"))
    state = {
        "complete": pack.complete,
        "asked": list(pack.asked),
        "open": list(pack.open),
        "documents": sorted(pack.files),
    }
    write_json(target / "state.json", state)
    return pack


def answers_of(study: Study, folder: Path) -> Answers:
    """What people answered: ``answers/<study>.yaml`` of the configs, or what was kept before.

    Raises:
        StudyError: RS1297, the file is about another study.
    """
    file = study.root / "answers" / f"{study.name}.yaml"
    return read_answers(file, study.name) if file.exists() else kept_answers(folder, study.name)


def kept_answers(folder: Path, study: str) -> Answers:
    """The answers that a run's pack was made with; none if there is no pack yet."""
    kept = folder / FOLDER / KEPT
    return Answers.model_validate(read_json(kept) if kept.exists() else {"study": study})


# -- printing ------------------------------------------------------------------------------------


def print_pages(folder: Path) -> list[str]:
    """PDFs of the pages that are carried to a meeting, by a browser without a window."""
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        return []
    made = []
    for name in PRINTED:
        page, pdf = folder / f"{name}.html", folder / f"{name}.pdf"
        with tempfile.TemporaryDirectory() as own:
            part = Path(own) / "page.pdf"
            command = [
                browser, "--headless", "--disable-gpu", "--no-sandbox", "--disable-javascript",
                f"--user-data-dir={own}", "--no-pdf-header-footer",
                f"--print-to-pdf={part}", page.resolve().as_uri(),
            ]  # fmt: skip
            # Our own page, opened by the browser of this machine, with scripts off.
            done = subprocess.run(  # noqa: S603
                command, capture_output=True, timeout=PRINT_SECONDS, check=False
            )
            if done.returncode == 0 and part.exists():
                write_bytes(pdf, _undated(part.read_bytes()))
                made.append(pdf.name)
    return made


_DATES = re.compile(rb"/(CreationDate|ModDate) ?\(D:\d{14}[^)]*\)")


def _undated(pdf: bytes) -> bytes:
    """The day of printing, taken out in place: the same page gives the same file."""
    return _DATES.sub(
        lambda found: re.sub(rb"\d", b"0", found[0]), pdf
    )  # same length, so that offsets stay true
