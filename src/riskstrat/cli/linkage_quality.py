"""How good links are, as a command says it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from riskstrat.cli.console import say

ALL = "all"
"""every agency, or everybody, in a rate of links"""


def say_quality(told: Mapping[str, Any], *, quiet: bool) -> None:
    """Say how good the links are, below what was done.

    Args:
        told: what the linker's step gave back.
        quiet: say nothing.
    """
    for line in () if quiet else said_quality(told["quality"]):
        say(f"  {line}", style="dim")


def said_quality(told: Mapping[str, Any]) -> Iterator[str]:
    """How good the links are, in a few sentences: by agency, and between which groups they differ.

    Args:
        told: domain -> what ``custody.quality`` tells of it.
    """
    for domain, facts in told.items():
        basis = "truth" if facts["truth"] else "estimated"
        words = "found" if facts["truth"] else "found, by the weights' own estimate"
        for rate in facts["rates"]:
            kind = (rate["measure"], rate["basis"], rate["group"])
            if rate["agency"] != ALL and kind == ("recall", basis, ALL):
                right = _rate(facts["rates"], rate, "precision")
                yield (
                    f"{domain} of {rate['agency']}: {words} {_interval(rate)}; "
                    f"right {_interval(right)}"
                )
        yield from _said_gaps(domain, facts["rates"])


def _rate(rates: Sequence[Mapping[str, Any]], like: Mapping[str, Any], measure: str) -> Any:
    names = ("basis", "agency", "group", "level")
    for rate in rates:
        if rate["measure"] == measure and all(rate[name] == like[name] for name in names):
            return rate
    return {"value": None}


def _said_gaps(domain: str, rates: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The levels of each group of the truth between which pairs were found most unequally."""
    found = [r for r in rates if r["measure"] == "pair_recall" and r["value"] is not None]
    overall = next((rate for rate in found if rate["group"] == ALL), None)
    if overall:
        right = _rate(rates, overall, "pair_precision")
        yield (
            f"{domain} without a number: found {_interval(overall)}, right {_interval(right)} "
            f"of {overall['n']:,} pairs"
        )
    for group in dict.fromkeys(rate["group"] for rate in found if rate["group"] != ALL):
        levels = [rate for rate in found if rate["group"] == group]
        low, high = (pick(levels, key=lambda rate: rate["value"]) for pick in (min, max))
        yield (
            f"  by {group}: from {low['level']} {_interval(low)} to {high['level']} "
            f"{_interval(high)}, a gap of {high['value'] - low['value']:.3f}"
        )


def _interval(rate: Mapping[str, Any]) -> str:
    if rate["value"] is None:
        return "(too few to tell)"
    if rate["low"] is None or rate["high"] is None:
        return f"{rate['value']:.3f}"
    return f"{rate['value']:.3f} ({rate['low']:.3f} to {rate['high']:.3f})"
