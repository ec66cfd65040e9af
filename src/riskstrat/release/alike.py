"""Rows of a pseudonymised list, cut until each looks the same as enough others of its band.

It is not enough that attributes are shared: a row is known again by everything it shows. So the
risk, the attributes and the reasons count together, and no row of a list is one of a kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from riskstrat.release.anonymity import WITHHELD, Attributes, coarsen, commonest_first, merged_steps
from riskstrat.release.wording import risk_range, risk_step

RISK, REASONS = "risk_band", "reasons"
MOST_REASONS = 5


@dataclass(frozen=True, slots=True)
class Shown:
    """What a row shows of a person.

    Attributes:
        cells: column -> text; of ``reasons`` they are joined by ``; ``.
        withheld: attributes of which nothing is shown.
        reasons_withheld: reasons that are not shown.
    """

    cells: Mapping[str, str]
    withheld: int
    reasons_withheld: int


def make_alike(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], k: int) -> list[Shown]:
    """Show of each row what at least ``k`` rows of its band show alike, or nothing.

    Columns come by importance: what is named last is withheld first. Of the reasons, those that
    most rows of the list hold come first, whatever they mean for one person, for a rare one would
    be withheld and take all after it along. A risk is told by steps of five points, merged until
    each range holds enough of the band; one that is withheld is told by the range of the band.

    Args:
        rows: ``band``, ``risk`` (0 to 1), ``coarse`` (reasons, most telling first), attributes.
        columns: of the list, those that tell of the person.
        k: the smallest number of rows that may be told apart.
    """
    reasons = commonest_first([row["coarse"][:MOST_REASONS] for row in rows])
    places: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        places.setdefault(row["band"], []).append(place)
    found: dict[int, Shown] = {}
    for members in places.values():
        told = [
            _Row({name: str(rows[at].get(name)) for name in columns}, reasons[at], rows[at]["risk"])
            for at in members
        ]
        found |= dict(zip(members, _within_a_band(told, columns, k), strict=True))
    return [found[place] for place in range(len(rows))]


@dataclass(frozen=True, slots=True)
class _Row:
    attributes: Mapping[str, str]
    reasons: tuple[str, ...]
    risk: float


def _within_a_band(rows: Sequence[_Row], columns: Sequence[str], k: int) -> list[Shown]:
    steps = [risk_step(row.risk) for row in rows]
    ranges = merged_steps(steps, k)
    whole = risk_range(min(steps), max(steps)) if len(rows) >= k else WITHHELD
    told = [
        tuple(
            cell
            for name in columns
            for cell in _cells(row, name, risk_range(*ranges[step]))
        )
        for row, step in zip(rows, steps, strict=True)
    ]  # fmt: skip
    return [
        _shown(row, safe, columns, whole)
        for row, safe in zip(rows, coarsen(told, k), strict=True)
    ]  # fmt: skip


def _cells(row: _Row, name: str, risk: str) -> Attributes:
    """A column as cells that can be withheld one by one."""
    if name == REASONS:
        return (*row.reasons, *[""] * (MOST_REASONS - len(row.reasons)))
    return (risk if name == RISK else row.attributes[name],)


def _shown(row: _Row, safe: Attributes, columns: Sequence[str], whole: str) -> Shown:
    left, cells = list(safe), {}
    for name in columns:
        width = MOST_REASONS if name == REASONS else 1
        own, left = left[:width], left[width:]
        if name == REASONS:
            cells[name] = "; ".join(text for text in own if text not in ("", WITHHELD))
        else:
            cells[name] = whole if name == RISK and own[0] == WITHHELD else own[0]
    kept = len(cells[REASONS].split("; ")) if cells.get(REASONS) else 0
    return Shown(
        cells,
        withheld=sum(
            cells[name] == WITHHELD for name in columns if name not in (RISK, REASONS)
        ),
        reasons_withheld=len(row.reasons) - kept if REASONS in columns else 0,
    )  # fmt: skip
