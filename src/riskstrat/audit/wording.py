"""A feature's value in plain words: what a case worker reads beside a name."""

from __future__ import annotations

import re
from math import isnan

from riskstrat.vocabulary import FeatureColumn, FeatureKind

KNOWN = "__known"
"""Ending of the companion of a block that says whether the agency knows the unit."""
COUNTED = ("count", "open", "distinct")
_LAST = re.compile(r",? in the last (\d+) days$")
_SPANS = {7: "week", 14: "fortnight", 30: "30 days", 365: "year"}


def measure(feature: FeatureColumn) -> str:
    """What is measured, whatever the window: windows of one thing give one reason.

    Examples:
        >>> short = FeatureColumn("ed__count__90d", "", FeatureKind.NUMBER, "ed", window_days=90)
        >>> measure(short)
        'ed__count'
    """
    if feature.window_days is None:
        return feature.name
    return feature.name.removesuffix(f"__{feature.window_days}d")


def aggregate(feature: FeatureColumn) -> str:
    """``count``, ``sum``, ``days_since_last`` ...: how the feature adds records up, or ''."""
    parts = feature.name.split("__")
    for name in ("days_since_last", "days_since_first", "count", "any", "open", "distinct"):
        if any(part == name or part.startswith(f"{name}_") for part in parts[1:]):
            return name
    return ""


def value_text(feature: FeatureColumn, value: float | str | None) -> str:
    """The value alone: ``4``, ``£12.50``, ``83 years``, ``White British``, ``not recorded``."""
    if value is None or (isinstance(value, float) and isnan(value)):
        return "not recorded"
    if isinstance(value, str) or feature.kind is FeatureKind.CATEGORY:
        return feature.labels.get(str(value), str(value)) or "not recorded"
    number = _number(value)
    if feature.unit == "£":
        return f"£{value:,.2f}".removesuffix(".00")
    if feature.unit == "%":
        return f"{number}%"
    if not feature.unit:
        return number
    unit = feature.unit.removesuffix("s") if value == 1 else feature.unit
    return f"{number} {unit}"


def reason_text(feature: FeatureColumn, value: float | str | None) -> str:
    """The value and what it measures, as half a sentence.

    Examples:
        >>> visits = FeatureColumn(
        ...     "ed__count__90d", "emergency department attendances in the last 90 days",
        ...     FeatureKind.NUMBER, "ed", window_days=90)
        >>> reason_text(visits, 4.0)
        '4 emergency department attendances in the last 90 days'
        >>> reason_text(visits, 0.0)
        'no emergency department attendances in the last 90 days'
    """
    meaning = _spans(feature.meaning)
    if feature.name.endswith(KNOWN):
        return _known(feature, value)
    if value is None or (isinstance(value, float) and isnan(value)):
        return _nothing(feature, meaning)
    if isinstance(value, str):
        return f"{meaning}: {value_text(feature, value)}"
    kind = aggregate(feature)
    if kind in COUNTED:
        return f"{'no' if value == 0 else _number(value)} {meaning}"
    if kind == "any":
        return meaning if value else f"no {meaning.removeprefix('any ')}"
    if kind.startswith("days_since"):
        return f"{_number(value)} {meaning if value != 1 else meaning.replace('days', 'day', 1)}"
    if feature.unit == "years" and meaning == "age":
        return f"age {_number(value)}"
    return f"{meaning}: {value_text(feature, value)}"


def _known(feature: FeatureColumn, value: float | str | None) -> str:
    """Absence of a record is said as what it is: not known, or not covered; never low need."""
    records = feature.source.replace("_", " ")
    what = feature.meaning.partition(" has ")[2] or f"{records} records"
    agency = feature.agency or records
    if value == "has_record":
        return f"known to {agency}: {what}"
    if value == "no_record":
        return f"not known to {agency}: no {what}"
    return f"{records} records do not cover this person at this time"


def _nothing(feature: FeatureColumn, meaning: str) -> str:
    kind = aggregate(feature)
    if kind.startswith("days_since"):
        what = re.sub(r"^days since the (last|first) ", "", meaning)
        return f"no {what} on record"
    return f"{meaning}: not recorded, or not covered by {feature.source.replace('_', ' ')} records"


def _spans(meaning: str) -> str:
    """``in the last 365 days`` reads ``in the last year``."""

    def said(found: re.Match[str]) -> str:
        days = int(found[1])
        if days >= 730 and days % 365 == 0:
            return found[0].replace(f"{days} days", f"{days // 365} years")
        return found[0].replace(f"{days} days", _SPANS.get(days, f"{days} days"))

    return _LAST.sub(said, meaning)


def _number(value: float) -> str:
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:.2g}"
