"""The board's pack of a finished run, made anew with what people answered since."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from riskstrat.disk import read_json
from riskstrat.publish.pack.answers import read_answers
from riskstrat.stages.reporting.approved import approved_before
from riskstrat.stages.reporting.pack import FOLDER, kept_answers, print_pages, write_pack
from riskstrat.stages.reporting.shown import report_data
from riskstrat.store.artefacts import Store
from riskstrat.store.files import write_manifest
from riskstrat.store.worker import Progress


def pack_again(
    store: Store, folder: Path, answers: Path | None, printed: bool, *, progress: Progress
) -> Mapping[str, Any]:
    """Make a finished run's pack anew: with these answers, or those it was made with.

    Raises:
        StudyError: the answers are about another study, or answer what nobody asks.
    """
    progress(0.1, "documents")
    study = read_json(folder / "run.json")["study"]
    given = read_answers(answers, study) if answers else kept_answers(folder, study)
    inputs = read_json(folder / "report.json")
    pack = write_pack(
        folder,
        report_data(folder, None, inputs),
        approved_before(store, study, folder.name, datetime.now(UTC).date()),
        given,
    )
    progress(0.7, "printing")
    pages = print_pages(folder / FOLDER) if printed else []
    write_manifest(folder, {"study": study, "run_id": folder.name})
    return {
        "pack": str(folder / FOLDER / "index.html"),
        "complete": pack.complete,
        "open": list(pack.open),
        "printed": pages,
    }
