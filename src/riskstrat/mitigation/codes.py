"""Codes of the trial of remedies: what each error means and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from riskstrat.vocabulary import Code

_TEXTS = (
    Code(
        "RS3510",
        "No groups to treat more alike",
        "Remedies are tried between the groups that the audit compares, and the study names none.",
        "The study's `audit.groups` are read before the trial begins.",
        "List attributes under `audit.groups`, and run the study again.",
    ),
    Code(
        "RS3511",
        "A group or capacity that the run does not have",
        "The trial was asked for a group that the study does not compare, or for a length of list "
        "that it does not judge.",
        "Both are looked up in the study of the run.",
        "Name one of `audit.groups` with `--group`, or one of `audit.capacity` with `--at`.",
    ),
    Code(
        "RS3512",
        "Too few levels to compare remedies by",
        "Fewer than two levels of the group have enough people and outcomes among those tested, so "
        "nothing could be said of what a remedy gains.",
        "Levels with fewer people than `audit.min_group`, or fewer outcomes than "
        "`audit.min_outcomes`, are not judged.",
        "Name another group with `--group`, or merge levels that the service treats alike.",
    ),
)

MITIGATION_CODES: Mapping[str, Code] = MappingProxyType({code.code: code for code in _TEXTS})
