"""What linkage error could hide, as tables and sentences that a report may show.

Rates are told as errors, so that two in a hundred look like twice one in a hundred:
``links_missed`` is one less recall, and so on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import ceil, floor
from pathlib import Path
from typing import Any

from riskstrat.audit.linkage import ALL, OF_PEOPLE
from riskstrat.disk import read_json
from riskstrat.release import evidence
from riskstrat.release.disclosure import protect, protect_estimates, protect_text
from riskstrat.release.policies import Policy
from riskstrat.vocabulary import Protected

Row = Mapping[str, Any]
FILE = "audit/linkage.json"
ERRORS = {
    "recall": "links_missed",
    "precision": "links_wrong",
    "on_register": "off_register",
    "sure": "unsure_links",
    OF_PEOPLE: "unsure_people",
}
"""measure of the linker, or of the study -> the error it leaves"""
COUNTS_PEOPLE = frozenset({"off_register", "unsure_links", "unsure_people"})
"""errors that are a share of records or people with something in common: small counts hide them"""
MEASURED = ("recall", "precision")
NOTHING_TO_LEAVE_OUT = (
    "Every link of the study's records is sure, so there is nothing to leave out."
)


def linkage_tables(
    folder: Path, policy: Policy, fairness: Protected, *, made_up: bool
) -> dict[str, Any]:
    """What the report says of links, by the names of ``ReportData``; empty if nothing is known.

    Args:
        folder: of the run.
        policy: of the report.
        fairness: what is withheld there is withheld here too.
        made_up: whether the data are.
    """
    path = folder / FILE
    if not path.exists():
        return {}
    told: Mapping[str, Any] = read_json(path)
    rates = [*_errors(told["rates"])]
    again = told["again"]
    return {
        "links_said": tuple(_said(told, policy, made_up=made_up)),
        "links": _agencies(rates, policy),
        "links_by_group": _groups(rates, told, policy),
        "link_bounds": _bounds(told["bounds"], policy),
        "link_bounds_by_group": _group_bounds(told["bounds_by_group"], policy, fairness),
        "unlinkable": _unlinkable(told["unlinkable"], policy),
        "left_out": _left_out(told["left_out"], policy),
        "sure_performance": evidence.performance_table(_both(again), policy) if again else None,
        "sure_at_capacity": evidence.capacity_table(_both(again), policy) if again else None,
    }


def _both(again: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """As ``metrics.json``: links in the place of splits."""
    found = {"all links": again.get("before"), "sure links only": again.get("after")}
    return {name: {"": measured} for name, measured in found.items() if measured}


# -- rates as errors -----------------------------------------------------------------------------


def _errors(rates: Iterable[Row]) -> Iterator[dict[str, Any]]:
    """One less each rate; of precision and recall the measured ones, else the estimated."""
    best: dict[tuple[Any, ...], Row] = {}
    for rate in rates:
        if rate["measure"] in ERRORS:
            key = tuple(rate[k] for k in ("domain", "measure", "agency", "group", "level"))
            if key not in best or rate["basis"] == "truth":
                best[key] = rate
    for rate in best.values():
        low, value, high = (
            None if rate[name] is None else 1 - rate[name] for name in ("high", "value", "low")
        )
        yield {**rate, "metric": ERRORS[rate["measure"]], "value": value, "low": low, "high": high}


def _estimates(
    title: str, columns: Sequence[str], rows: Sequence[Row], policy: Policy, note: str = ""
) -> Protected:
    return protect_estimates(
        title,
        columns,
        [[row[name] for name in columns] for row in rows],
        policy=policy,
        withhold=[_few(row, policy) for row in rows],
        note=note,
    )


def _few(row: Row, policy: Policy) -> bool:
    """Whether few records have what the rate is about, or few have not.

    A missed or a false link is a fact about linking, and says of nobody whose it is; being on no
    register is one about people.
    """
    if row["n"] is None or row["value"] is None:
        return row["n"] is None
    if row["metric"] not in COUNTS_PEOPLE:
        return False
    events = round(row["value"] * row["n"])
    # No error at all is what one hopes for, and tells of nobody.
    return any(count > 0 and not policy.shows(count) for count in (events, row["n"] - events))


def _agencies(rates: Sequence[Row], policy: Policy) -> Protected:
    chosen = [r for r in rates if r["group"] == ALL and r["agency"] != ALL]
    columns = ("domain", "agency", "metric", "basis", "value", "low", "high", "n")
    return _estimates("How each agency's records were linked", columns, chosen, policy)


def _groups(rates: Sequence[Row], told: Mapping[str, Any], policy: Policy) -> Protected:
    """By group: over all agencies, and of the agency whose records tell the outcome."""
    wanted = (ALL, told["agency"])
    chosen = [r for r in rates if r["group"] != ALL and r["agency"] in wanted]
    columns = ("domain", "agency", "group", "level", "metric", "basis", "value", "low", "high", "n")
    return _estimates("How records were linked, by group", columns, chosen, policy)


def _unlinkable(points: Sequence[Row], policy: Policy) -> Protected:
    columns = ("domain", "probability", "value", "n")
    rows = [{**p, "value": p["share"], "metric": "unlinkable"} for p in points]
    return protect_estimates(
        "Records that hold too little to be linked",
        columns,
        [[row[name] for name in columns] for row in rows],
        policy=policy,
        estimates=("value",),
    )


def _left_out(rows: Mapping[str, int], policy: Policy) -> Protected:
    return protect(
        "Rows left out where links must be sure",
        ("source", "rejected"),
        sorted(rows.items()),
        counts=("rejected",),
        policy=policy,
    )


# -- bounds --------------------------------------------------------------------------------------

BOUNDS = ("value", "low", "high", "chance_low", "chance_high")


def _bounds(rows: Sequence[Row], policy: Policy) -> Protected:
    columns = ("at", "metric", *BOUNDS, "n")
    return protect_estimates(
        "What linkage error could hide at each capacity",
        columns,
        [[row[name] for name in columns] for row in rows],
        policy=policy,
        estimates=BOUNDS,
        withhold=[_few_found(row, policy) for row in rows],
    )


def _few_found(row: Row, policy: Policy) -> bool:
    events = round(row["value"] * row["n"])
    return any(not policy.shows(count) for count in (events, row["n"] - events))


def _group_bounds(rows: Sequence[Row], policy: Policy, fairness: Protected) -> Protected:
    hidden = _withheld(fairness)
    columns = ("group", "level", "at", "metric", *BOUNDS, "n")
    return protect_estimates(
        "Outcomes reached with linkage error, by group",
        columns,
        [[row[name] for name in columns] for row in rows],
        policy=policy,
        estimates=BOUNDS,
        withhold=[
            (row["group"], row["level"], float(row["at"])) in hidden or _few_found(row, policy)
            for row in rows
        ],
    )


def _withheld(fairness: Protected) -> set[tuple[Any, ...]]:
    """Group, level and capacity of which the share reached is not shown."""
    return {
        (row["group"], row["level"], row["at"])
        for row in fairness.records()
        if row["metric"] == "sensitivity" and row["status"] != "shown"
    }


# -- sentences -----------------------------------------------------------------------------------

BASIS = {
    "handed_over": "Links were held against who the records are truly about, as agencies know it.",
    "reviewed": "Links were held against a sample of records that reviewers judged by hand.",
}
MADE_UP = (
    "Links were held against the sealed truth of the made-up county: who each record is truly "
    "about. Nobody has that in life."
)
ESTIMATED = (
    "Nobody knows here who the records are truly about. Missed and false links are estimated from "
    "the probabilities of the links; that cannot see wrong weights, a number that is another "
    "person's, or records that were never compared. Have a sample reviewed."
)
NO_COST = "What linkage cost the outcome cannot be said."
UNTOLD = "The linker told nothing of how good the links of the outcome's records are."


def _said(told: Mapping[str, Any], policy: Policy, *, made_up: bool) -> Iterator[str]:
    """How the quality is known, and what linkage cost, in sentences."""
    truth = told["truth"].get(told["domain"], "")
    if told["basis"] == "truth":
        yield MADE_UP if made_up and truth == "handed_over" else BASIS[truth]
    else:
        yield ESTIMATED if told["basis"] else UNTOLD
    yield _cost(told, policy) if told["outcome"] else NO_COST
    again = told["again"]
    if refused := again.get("refused"):
        yield f"On sure links only there is no result: too little is left [{refused}]."
    elif "after" in again:
        lost = again["of"] - again["rows"]
        words = "none of the rows tested is lost" if not lost else f"{lost:,} rows tested are lost"
        yield protect_text(
            f"Leaving out {sum(told['left_out'].values()):,} rows whose link is not sure, {words}.",
            policy,
        )
        if again["learnt_from"]:
            yield "The model had learnt from the rows it is judged on here, on all links too."
    else:
        yield NOTHING_TO_LEAVE_OUT


def _cost(told: Mapping[str, Any], policy: Policy) -> str:
    missed, false = told["outcome"]["missed"], told["outcome"]["false"]
    known = "were" if told["basis"] == "truth" else "are estimated to have been"
    return (
        f"{_count(missed['n'], policy).capitalize()} outcomes are seen among those tested. "
        f"{_about(missed, policy).capitalize()} more {known} missed, because their records were "
        f"not linked to the person; {_about(false, policy)} of those seen belong to somebody else."
    )


def _about(found: Mapping[str, float], policy: Policy) -> str:
    """A number of outcomes and its limits, as they may be shown."""
    low, high = floor(found["low"] + 1e-9), ceil(found["high"] - 1e-9)
    value = round(found["value"])
    if not high or not policy.shows(high):
        return "none" if not high and policy.shows(0) else policy.small
    limits = f"({_count(low, policy)} to {_count(high, policy)})"
    return (
        f"about {_count(value, policy)} {limits}"
        if policy.shows(value)
        else (f"{policy.small} {limits}")
    )


def _count(count: int, policy: Policy) -> str:
    shown = policy.alone.rounded(count)
    return policy.small if shown is None else f"{shown:,}"
