"""What linkage error could hide from a study: bounds, differences between groups, a second look.

How good the links are is the linker's word, as rows of ``linkage.evidence.LinkRate`` on their way
through JSON: measure, basis, agency, group, level, value, low, high, n.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from riskstrat.audit.fairness import EVERYONE, OK
from riskstrat.audit.linkage_error import Bounds, Judged, bounds_within
from riskstrat.statistics.estimate import Estimate, wilson_interval

Row = Mapping[str, Any]
ALL = "all"
LEAST = 1e-6
"""a share of links of nothing at all bounds nothing"""
MEASURED = ("truth", "estimated")
"""where precision and recall come from, the better first"""
OF_PEOPLE = "sure_people"
"""share of people of whom every record is surely linked: counted by the study itself"""


@dataclass(frozen=True, slots=True)
class Told:
    """How good the links of the outcome's records are.

    Attributes:
        agency: whose records tell the outcome.
        basis: ``truth`` or ``estimated``.
        precision, recall: of its links to the register.
    """

    agency: str
    basis: str
    precision: Estimate
    recall: Estimate


def told_of(rates: Sequence[Row], agency: str, group: str = ALL, level: str = ALL) -> Told | None:
    """Precision and recall of an agency's links, measured if possible, estimated else.

    None where nothing is told: too few records, or nobody could.
    """
    mine = [r for r in rates if (r["agency"], r["group"], r["level"]) == (agency, group, level)]
    for basis in MEASURED:
        found = {r["measure"]: r for r in mine if r["basis"] == basis and r["value"] is not None}
        if {"precision", "recall"} <= found.keys() and found["recall"]["value"] > 0:
            return Told(agency, basis, _estimate(found["precision"]), _estimate(found["recall"]))
    return None


def _estimate(row: Row) -> Estimate:
    """A rate whose limits are its value where there are none."""
    value = float(row["value"])
    low, high = (value if row[name] is None else float(row[name]) for name in ("low", "high"))
    return Estimate(value, low, high, int(row["n"] or 0))


# -- bounds --------------------------------------------------------------------------------------


def hidden_outcomes(outcomes: int, told: Told) -> dict[str, Any]:
    """About how many outcomes were missed, and how many belong to somebody else.

    ``missed = outcomes * precision * (1 / recall - 1)`` and ``false = outcomes * (1 -
    precision)``; the limits are those of recall, and of precision.

    Returns:
        missed and false, each {value, low, high, n}, in outcomes; n is the outcomes seen.
    """
    right = outcomes * told.precision.value
    missed = [right * (1 / r - 1) for r in _limits(told.recall, least=LEAST)]
    false = [outcomes * (1 - p) for p in _limits(told.precision)]
    return {
        "missed": _counted(missed, outcomes),
        "false": _counted(false, outcomes),
    }


def _limits(rate: Estimate, least: float = 0.0) -> tuple[float, float, float]:
    """Value, upper and lower limit: the last gives the most errors."""
    return max(rate.value, least), max(rate.high, least), max(rate.low, least)


def _counted(found: Sequence[float], n: int) -> dict[str, Any]:
    value, low, high = found
    return {"value": value, "low": low, "high": high, "n": n}


def capacity_bounds(measured: Mapping[str, Any], told: Told) -> list[dict[str, Any]]:
    """How far PPV and sensitivity at each capacity may be from what was seen.

    Any precision and recall within their intervals may be true, so the bounds hold the
    uncertainty of the linkage's quality too; they do not hold that of the sample of people.

    Args:
        measured: one learner's entry of ``metrics.json``.
        told: of the outcome's records.

    Returns:
        A row for each capacity and metric: at, metric, value (as seen), low and high (bounds),
        chance_low and chance_high (the 95% interval of sampling), n.
    """
    rows = []
    for at in measured.get("at_capacity", ()):
        seen = {name: at[name] for name in ("ppv", "sensitivity")}
        if any(entry["value"] is None for entry in seen.values()):
            continue
        listed, outcomes = float(at["selected"]), float(measured["outcomes"])
        found = min(seen["ppv"]["value"] * listed, listed, outcomes)
        bounds = _bounds(float(measured["n"]), listed, found, outcomes, told)
        for name, entry in seen.items():
            rows.append({"at": at["share"], "metric": name} | _bounded(bounds[name], entry))
    return rows


def group_bounds(
    fairness: Sequence[Row], rates: Sequence[Row], told: Told, at: str
) -> list[dict[str, Any]]:
    """The same of sensitivity, for each level of which the linker tells precision and recall.

    Args:
        fairness: rows of ``fairness``.
        rates: of links.
        told: of everybody; a level must be told on the same basis.
        at: the capacity, as the fairness table names it.

    Returns:
        A row for each level: group, level, recall {value, low, high}, and as above.
    """
    rows = []
    for row in fairness:
        asked = (row["metric"], row["at"], row["verdict"]) == ("sensitivity", at, OK)
        if not asked or row["group"] == EVERYONE or row["value"] is None:
            continue
        group = str(row["group"]).rpartition(".")[2]
        own = told_of(rates, told.agency, group, str(row["level"]))
        size = _size(fairness, row)
        if own is None or own.basis != told.basis or size is None or not row["selected"]:
            continue
        outcomes, listed = float(row["positives"]), float(row["selected"])
        found = min(row["value"] * outcomes, listed, outcomes)
        people = max(size, listed + outcomes - found)
        bounds = _bounds(people, listed, found, outcomes, own)
        named = {"group": row["group"], "level": row["level"], "metric": "sensitivity"}
        rows.append(named | _bounded(bounds["sensitivity"], row) | {"recall": own.recall.as_dict()})
    return rows


def _size(fairness: Sequence[Row], of: Row) -> float | None:
    """Rows of a level: the denominator of its share that is listed."""
    for row in fairness:
        if row["metric"] == "selection_rate" and all(
            row[name] == of[name] for name in ("group", "level", "at")
        ):
            return float(row["n"])
    return None


def _bounds(
    people: float, listed: float, found: float, outcomes: float, told: Told
) -> dict[str, Bounds]:
    whole = bounds_within(
        Judged(max(people, listed + outcomes - found), listed, found, outcomes),
        recall=(max(told.recall.low, LEAST), told.recall.high),
        precision=(max(told.precision.low, LEAST), told.precision.high),
    )
    return {"ppv": whole.ppv, "sensitivity": whole.sensitivity}


def _bounded(bounds: Bounds, seen: Row) -> dict[str, Any]:
    return {
        "value": bounds.seen,
        "low": min(bounds.low, bounds.seen),
        "high": max(bounds.high, bounds.seen),
        "chance_low": seen["low"],
        "chance_high": seen["high"],
        "n": seen["n"],
    }


# -- by the study's own groups -------------------------------------------------------------------


def sure_people(
    unsure: Sequence[bool], units: Sequence[str], levels: Mapping[str, Sequence[str]]
) -> Iterator[dict[str, Any]]:
    """Share of people of whom every record is surely linked, by the study's groups.

    The linker cannot tell it: it holds no ethnicity and no deprivation. Whom it says nothing of is
    somebody without a record, or whose record was not found.

    Args:
        unsure: (n,), whether some record of the row's unit is not surely linked.
        units: (n,), the unit of each row; a unit counts once in a level.
        levels: group -> (n,) levels.

    Yields:
        Rows like the linker's rates.
    """
    whole = {ALL: [ALL] * len(units), **levels}
    for group, of in whole.items():
        seen: dict[str, dict[str, bool]] = {}
        for unit, level, doubt in zip(units, of, unsure, strict=True):
            seen.setdefault(level, {})[unit] = not doubt
        for level in sorted(seen):
            people = seen[level].values()
            rate = wilson_interval(sum(people), len(people))
            named = {"measure": OF_PEOPLE, "basis": "counted", "agency": ALL}
            yield named | {"group": group, "level": level} | rate.as_dict()
