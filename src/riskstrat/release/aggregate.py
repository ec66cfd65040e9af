"""Counts by place and group, for those who may see no rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from riskstrat.errors import StudyError
from riskstrat.release.bands import REST
from riskstrat.release.cohort_list import BAND_ORDER, NOT_RECORDED, attribute_names
from riskstrat.release.disclosure import protect
from riskstrat.release.policies import Policy
from riskstrat.release.spec import Recipient
from riskstrat.vocabulary import Protected


def aggregate_list(
    banded: pa.Table, groups: pa.Table, *, recipient: Recipient, policy: Policy, title: str
) -> Protected:
    """How many people of each combination of ``recipient.by`` are in each band.

    Returns:
        The dimensions, ``people`` (in the cohort), one count per listed band, and
        ``share_<band>`` of the shown counts; a last row adds up what is shown.

    Raises:
        StudyError: if a dimension is not an attribute of the study.
    """
    if unknown := sorted(set(recipient.by) - set(attribute_names(groups))):
        raise StudyError(
            f"recipient {recipient.to}: there is no dimension {', '.join(unknown)}",
            fix=f"choose from {', '.join(attribute_names(groups)) or '(none)'}",
            code="RS1272",
        )
    bands = _bands(recipient)
    cells = _count(banded, groups, recipient.by, bands)
    columns = counted_columns(recipient)
    rows = [(*place, *counts, *(None for _ in bands)) for place, counts in sorted(cells.items())]
    return protect(
        title,
        columns,
        rows,
        counts=("people", *bands),
        rates={f"share_{name}": (name, "people") for name in bands},
        policy=policy,
        total="All that is shown",
    )


def counted_columns(recipient: Recipient) -> tuple[str, ...]:
    """The columns of a recipient's table of counts, in order."""
    bands = _bands(recipient)
    return (*recipient.by, "people", *bands, *(f"share_{name}" for name in bands))


def _bands(recipient: Recipient) -> list[str]:
    return [name for name in BAND_ORDER if name in recipient.bands]


def band_summary(
    banded: pa.Table, *, policy: Policy, title: str = "Everybody in scope"
) -> Protected:
    """Each band with its people and the outcomes expected among them (the sum of their risks).

    Returns:
        ``band``, ``people``, ``expected`` and ``expected_share``; bands from the top, then `low`.
    """
    people: dict[str, int] = defaultdict(int)
    risk: dict[str, float] = defaultdict(float)
    for name, value in zip(banded["band"].to_pylist(), banded["risk"].to_pylist(), strict=True):
        people[name] += 1
        risk[name] += value
    rows = [
        (name, people[name], int(risk[name] + 0.5), risk[name] / max(people[name], 1))
        for name in (*BAND_ORDER,)
        if name in people or name == REST
    ]
    return protect(
        title,
        ("band", "people", "expected", "expected_share"),
        rows,
        counts=("people", "expected"),
        means={"expected_share": "people"},
        policy=policy,
        total="All that is shown",
        note="Expected outcomes are the sum of the calibrated risks, the expected rate their mean.",
    )


def _count(
    banded: pa.Table, groups: pa.Table, by: Sequence[str], bands: Sequence[str]
) -> dict[tuple[str, ...], list[int]]:
    place = {
        (row["unit_id"], row["as_of"]): tuple(_level(row[name]) for name in by)
        for row in groups.select(["unit_id", "as_of", *by]).to_pylist()
    }
    cells: dict[tuple[str, ...], list[int]] = defaultdict(lambda: [0] * (1 + len(bands)))
    nowhere = (NOT_RECORDED,) * len(by)
    for row in banded.select(["unit_id", "as_of", "band"]).to_pylist():
        counts = cells[place.get((row["unit_id"], row["as_of"]), nowhere)]
        counts[0] += 1
        if row["band"] in bands:
            counts[1 + bands.index(row["band"])] += 1
    return cells


def _level(value: Any) -> str:
    return NOT_RECORDED if value in (None, "") else str(value)
