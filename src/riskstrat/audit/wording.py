"""A feature's value in plain words: what a case worker reads beside a name."""

from __future__ import annotations

import re
from datetime import date, timedelta
from math import isnan

from riskstrat.vocabulary import FeatureColumn, FeatureKind

KNOWN = "__known"
"""Ending of the companion of a block that says whether the agency knows the unit."""
COUNTED = ("count", "open", "distinct")
_SINCE = re.compile(r"^days since the (last|first) (.*?)( in the last [\w ]+)?$")
_ASIDE = re.compile(r"^(.*?) (\([^()]*\))(.*)$")
MONTHS_FROM, YEARS_FROM = 60, 730
"""From so many days on, months (years) are told instead: nobody reads 2,859 days. A date loses its
day after ``YEARS_FROM``."""
PENNIES_BELOW = 100


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
    for name in ("days_since_last", "days_since_first", *COUNTED, "any", "trend"):
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
    if feature.unit in ("£", "pounds"):
        exact = abs(value) < PENNIES_BELOW
        return f"£{value:,.2f}".removesuffix(".00") if exact else f"£{value:,.0f}"
    if feature.unit == "%":
        return f"{number}%"
    if not feature.unit:
        return number
    unit = feature.unit.removesuffix("s") if value == 1 else feature.unit
    return f"{number} {unit}"


def reason_text(
    feature: FeatureColumn,
    value: float | str | None,
    as_of: date | None = None,
    *,
    agency_named: bool = False,
) -> str:
    """The value and what it measures, as half a sentence.

    Args:
        feature: what was measured.
        value: of one person.
        as_of: the day it was measured for; with it, days become dates.
        agency_named: the agency stands before it already.

    Examples:
        >>> visits = FeatureColumn(
        ...     "ed__count__90d", "emergency department attendances in the last 90 days",
        ...     FeatureKind.NUMBER, "ed", window_days=90)
        >>> reason_text(visits, 4.0)
        '4 emergency department attendances in the last 90 days'
        >>> since = FeatureColumn(
        ...     "ed__days_since_last", "days since the last attendance", FeatureKind.NUMBER, "ed")
        >>> reason_text(since, 99.0)
        'last attendance 3 months ago'
        >>> reason_text(since, 99.0, date(2025, 4, 1))
        'last attendance on 23 December 2024'
        >>> reason_text(visits, 0.0)
        'no emergency department attendances in the last 90 days'
    """
    meaning = feature.meaning
    if feature.name.endswith(KNOWN):
        return _known(feature, value, agency_named)
    if value is None or (isinstance(value, float) and isnan(value)):
        return _nothing(feature, meaning)
    if isinstance(value, str):
        return f"{meaning}: {value_text(feature, value)}"
    kind = aggregate(feature)
    if kind in COUNTED:
        return _counted(feature, value)
    if kind == "any":
        return f"{'' if value else 'no '}{meaning.removeprefix('any ')}"
    if kind.startswith("days_since") and (found := _SINCE.match(meaning)):
        return f"{found[1]} {found[2]} {_when(value, as_of)}"
    if kind == "trend":
        return _changed(feature, value)
    if feature.unit == "years" and meaning == "age":
        return f"age {_number(value)}"
    if _is_attribute(feature) and (found := _ASIDE.match(meaning)):
        return f"{found[1]}{found[3]}: {value_text(feature, value)} {found[2]}"
    return f"{meaning}: {value_text(feature, value)}"


def _known(feature: FeatureColumn, value: float | str | None, agency_named: bool) -> str:
    """Absence of a record is said as what it is: not known, or not covered; never low need."""
    records = feature.source.replace("_", " ")
    what = feature.meaning.partition(" has ")[2] or f"{records} records"
    agency = feature.agency or records
    if agency_named and value in ("has_record", "no_record"):
        return f"{what} on record" if value == "has_record" else f"no {what} on record"
    if value == "has_record":
        return f"known to {agency}: {what}"
    if value == "no_record":
        return f"not known to {agency}: no {what}"
    return f"{records} records do not cover this person at this time"


def _nothing(feature: FeatureColumn, meaning: str) -> str:
    if found := _SINCE.match(meaning):
        return f"no {found[2]} on record"
    return f"{meaning}: not recorded, or not covered by {feature.source.replace('_', ' ')} records"


def topic_text(feature: FeatureColumn, value: float | str | None) -> str:
    """What a reason is about, without how much, how often or when; what is absent stays ``no``.

    Examples:
        >>> since = FeatureColumn(
        ...     "ed__days_since_last", "days since the last attendance", FeatureKind.NUMBER, "ed")
        >>> topic_text(since, 99.0), topic_text(since, None)
        ('time since the last attendance', 'no attendance on record')
    """
    if feature.name.endswith(KNOWN) or value is None or (value != value):
        return reason_text(feature, value)
    if isinstance(value, str):
        return feature.meaning
    kind = aggregate(feature)
    if kind == "any" or (kind in COUNTED and value == 0):
        return reason_text(feature, value)
    if kind.startswith("days_since") and (found := _SINCE.match(feature.meaning)):
        return f"time since the {found[1]} {found[2]}"
    found = _ASIDE.match(feature.meaning) if _is_attribute(feature) else None
    return f"{found[1]}{found[3]}" if found else feature.meaning


def _is_attribute(feature: FeatureColumn) -> bool:
    """Whether it is a value as known on the day, and not made from records in a window."""
    return feature.window_days is None and not aggregate(feature)


def _counted(feature: FeatureColumn, value: float) -> str:
    """``4 admissions``, ``1 admission``, ``no admissions``."""
    if value == 0:
        return f"no {feature.meaning.removeprefix('different ')}"
    if value == 1 and feature.singular:
        return f"1 {feature.singular.removeprefix('different ')}"
    return f"{_number(value)} {feature.meaning}"


def _changed(feature: FeatureColumn, value: float) -> str:
    """``3 more admissions in the last year than in the year before``."""
    one = abs(value) == 1 and feature.singular
    what = (feature.singular if one else feature.meaning).removeprefix("change in ")
    if value == 0:
        return f"as many {what.replace(' against the ', ' as in the ', 1)}"
    than = what.replace(" against the ", " than in the ", 1)
    return f"{_number(abs(value))} {'more' if value > 0 else 'fewer'} {than}"


def _when(days: float, as_of: date | None) -> str:
    """``on 16 February 2025``, ``in March 2018`` where long ago; ``7 years ago`` without a day."""
    if as_of is None:
        return _ago(days)
    day = as_of - timedelta(days=round(days))
    return f"in {day:%B %Y}" if days >= YEARS_FROM else f"on {day.day} {day:%B %Y}"


def _ago(days: float) -> str:
    if days < MONTHS_FROM:
        return f"{_number(days)} {'day' if days == 1 else 'days'} ago"
    if days < YEARS_FROM:
        return f"{round(days / 30.44)} months ago"
    return f"{round(days / 365.25)} years ago"


def _number(value: float) -> str:
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:.2g}"
