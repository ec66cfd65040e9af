"""Counts by place and group, for those who may see no rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import product
from typing import Any

import pyarrow as pa

from riskstrat.errors import StudyError
from riskstrat.release.bands import REST
from riskstrat.release.cohort_list import BAND_ORDER, NOT_RECORDED, attribute_names
from riskstrat.release.disclosure import Draft, protect_all
from riskstrat.release.policies import Policy
from riskstrat.release.spec import Recipient
from riskstrat.release.who import BAND, Who, who_is_told_of
from riskstrat.vocabulary import Counted, Protected


def aggregate_draft(
    banded: pa.Table,
    groups: pa.Table,
    *,
    recipient: Recipient,
    policy: Policy,
    title: str,
    who: Who | None = None,
) -> Draft:
    """How many people of each combination of ``recipient.by`` are in each band, exactly.

    Every combination of levels has its row: one that is left out would say that nobody is of it.

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
    who = who or who_is_told_of(banded, groups, recipient.by)
    bands = _bands(recipient)
    cells = _count(banded, groups, recipient.by, bands)
    groups_of = product(*(who.levels[name] for name in recipient.by))
    rows = [(*group, *cells[group], *(None for _ in bands)) for group in groups_of]
    band = who.dimension(BAND)
    return Draft(
        title=title,
        columns=counted_columns(recipient),
        rows=rows,
        counts=("people", *bands),
        rates={f"share_{name}": (name, "people") for name in bands},
        policy=policy,
        total="All that is shown",
        counted=Counted(
            population=who.population,
            dimensions=tuple((name, who.dimension(name)) for name in recipient.by),
            whole="people",
            parts=tuple((name, band, (name,)) for name in bands),
            levels=((band, BAND_ORDER),),
            places=tuple(name for name in recipient.by if name in who.places),
        ),
    )


def aggregate_list(
    banded: pa.Table, groups: pa.Table, *, recipient: Recipient, policy: Policy, title: str
) -> Protected:
    """`aggregate_draft`, protected by itself.

    Raises:
        StudyError: if a dimension is not an attribute of the study.
    """
    draft = aggregate_draft(banded, groups, recipient=recipient, policy=policy, title=title)
    return protect_all([draft])[0]


def counted_columns(recipient: Recipient) -> tuple[str, ...]:
    """The columns of a recipient's table of counts, in order."""
    bands = _bands(recipient)
    return (*recipient.by, "people", *bands, *(f"share_{name}" for name in bands))


def _bands(recipient: Recipient) -> list[str]:
    return [name for name in BAND_ORDER if name in recipient.bands]


def band_draft(
    banded: pa.Table,
    *,
    policy: Policy,
    title: str = "Everybody in scope",
    who: Who | None = None,
) -> Draft:
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
    return Draft(
        title=title,
        columns=("band", "people", "expected", "expected_share"),
        rows=rows,
        counts=("people", "expected"),
        # A mean of few expected outcomes would give their number back.
        means={"expected_share": ("people", "expected")},
        policy=policy,
        total="All that is shown",
        note="Expected outcomes are the sum of the calibrated risks, the expected rate their mean.",
        counted=None
        if who is None
        else Counted(
            population=who.population,
            dimensions=(("band", who.dimension(BAND)),),
            whole="people",
            levels=((who.dimension(BAND), BAND_ORDER),),
        ),
    )


def band_summary(
    banded: pa.Table, *, policy: Policy, title: str = "Everybody in scope"
) -> Protected:
    """`band_draft`, protected by itself."""
    return protect_all([band_draft(banded, policy=policy, title=title)])[0]


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
