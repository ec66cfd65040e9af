"""What a run did, as `Protected` tables that a report may show.

Each function takes plain rows as the stages tell them (mappings; a key that is absent is an
empty cell) and gives the columns that a report expects under the same name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from riskstrat.release.disclosure import Draft, protect, protect_all, protect_estimates
from riskstrat.release.interval.differences import Earlier
from riskstrat.release.interval.published import of_table
from riskstrat.release.policies import Policy
from riskstrat.release.said import by_level, findings_shown, gate_shown
from riskstrat.vocabulary import Counted, Finding, Protected

Rows = Iterable[Mapping[str, Any]]


def sources_table(rows: Rows, policy: Policy) -> Protected:
    """source, agency, title, rows_in, accepted, rejected, covers, findings.

    The rows that came in are the sum of those that are shown.
    """
    columns = ("source", "agency", "title", "rows_in", "accepted", "rejected", "covers", "findings")
    told = [adding_up(row, "rows_in", ("accepted", "rejected"), policy) for row in rows]
    return protect(
        "Data used", columns, take(told, columns),
        counts=("rows_in", "accepted", "rejected"), not_people=("findings",), policy=policy,
    )  # fmt: skip


def flow_table(rows: Rows, policy: Policy, outcomes: Protected | None = None) -> Protected:
    """as_of, step, n: who was left after each step, from all units down to the cohort.

    Each step is shown as those left by the next one and those it took away, rounded or, where they
    are few, not counted: a difference of two steps tells no more than its own count would.

    Args:
        rows: as_of (None for all dates together), step, and ``n`` or ``left``; in order.
        outcomes: of `outcome_table`, whose number of each date the last step then has.
    """
    columns = ("as_of", "step", "n")
    told = [{**row, "n": row.get("n", row.get("left"))} for row in rows]
    days = [] if outcomes is None else list(outcomes.records())
    last = {row["as_of"]: row["n"] for row in days}
    last |= {None: sum(row["n"] or 0 for row in days)} if days else {}
    flow = [
        each
        for day in dict.fromkeys(row.get("as_of") for row in told)
        for each in _steps([row for row in told if row.get("as_of") == day], last, policy)
    ]
    return protect(
        "From everybody to the cohort", columns, take(flow, columns), counts=("n",), policy=policy
    )


def _steps(
    rows: Sequence[Mapping[str, Any]], last: Mapping[Any, int | None], policy: Policy
) -> list[dict[str, Any]]:
    """The steps of one date, each the sum of what the steps after it show."""
    rules = policy.alone
    if rules.base == 1 or any(row["n"] is None for row in rows):
        return [dict(row) for row in rows]
    after, left = rows[-1]["n"], rules.rounded(rows[-1]["n"])
    left = last.get(rows[-1].get("as_of"), left)
    found = [{**rows[-1], "n": left}]
    for row in reversed(rows[:-1]):
        apart = rules.rounded(abs(row["n"] - after)) or 0
        if row["n"] < after:  # no step, but a count of some of those who are left
            found.append({**row, "n": None if left is None else max(0, left - apart)})
            continue
        left, after = (left or 0) + apart, row["n"]
        found.append({**row, "n": left or None})
    return found[::-1]


def outcome_table(rows: Rows, policy: Policy) -> Protected:
    """as_of, n, yes, no, not_yet_known, known, rate (of yes among known, from shown counts).

    Everybody, and those whose outcome is known, are sums of what is shown.
    """
    columns = ("as_of", "n", "yes", "no", "not_yet_known", "known", "rate")
    full = []
    for row in rows:
        told = adding_up(row, "n", ("yes", "no", "not_yet_known"), policy)
        told["known"] = _sum(row.get("yes"), row.get("no"))
        known = [policy.alone.rounded(row[name]) for name in ("yes", "no")
                 if row.get(name) is not None]  # fmt: skip
        told = adding_up(told, "known", ("yes", "no"), policy)
        full.append({**told, "known": None if None in known else told["known"]})
    return protect(
        "The outcome by date", columns, take(full, columns),
        counts=("n", "yes", "no", "not_yet_known", "known"),
        rates={"rate": ("yes", "known")}, policy=policy,
    )  # fmt: skip


def adding_up(
    row: Mapping[str, Any], whole: str, parts: Sequence[str], policy: Policy
) -> dict[str, Any]:
    """The row with its whole as the sum of the parts that are shown.

    Whole and parts, each rounded from the true count, would tell a part that is hidden more nearly
    than its mark does.

    Examples:
        >>> from riskstrat.release.policies import POLICIES
        >>> row = {"all": 14_189, "in": 14_181, "out": 8}
        >>> adding_up(row, "all", ("in", "out"), POLICIES["strict"])["all"]
        14180
    """
    counts = [row.get(name) for name in parts]
    rules = policy.alone
    if rules.base == 1 or row.get(whole) is None or any(count is None for count in counts):
        return dict(row)
    shown = [rules.rounded(int(count)) for count in counts if count is not None]
    known = [count for count in shown if count is not None]
    return {**row, whole: sum(known) if known else None}


def folds_table(rows: Rows, policy: Policy) -> Protected:
    """fold, role, as_of_from, as_of, window_ends, n, positives.

    Args:
        rows: as training describes its folds: fold, role, as_of_from, as_of_to, n, outcomes,
            label_window_end.
    """
    columns = ("fold", "role", "as_of_from", "as_of", "window_ends", "n", "positives")
    told = [
        {
            **row,
            "fold": str(row.get("fold", "")),
            "as_of": row.get("as_of", row.get("as_of_to")),
            "as_of_from": row.get("as_of_from", row.get("as_of")),
            "window_ends": row.get("window_ends", row.get("label_window_end")),
            "positives": row.get("positives", row.get("outcomes")),
        }
        for row in rows
    ]
    return protect(
        "Dates that taught and dates that tested", columns, take(told, columns),
        counts=("n", "positives"), policy=policy,
    )  # fmt: skip


def gates_table(rows: Rows, policy: Policy, *, fairness: Protected | None = None) -> Protected:
    """code, text, metric, group, at, value, low, high, n, threshold, verdict, explanation.

    Args:
        rows: as the gates tell themselves (`GateResult.as_dict`): ``name`` is the metric.
        fairness: what is withheld there is withheld here too, value and explanation.
    """
    columns = (
        "code", "text", "metric", "group", "at", "value", "low", "high", "n", "threshold",
        "verdict", "explanation",
    )  # fmt: skip
    levels = by_level(fairness)
    told = [
        gate_shown({**row, "metric": row.get("metric", row.get("name"))}, policy, levels)
        for row in rows
    ]
    return protect_estimates(
        "Gates", columns,
        [tuple(_float(row.get(c)) if c == "threshold" else row.get(c) for c in columns)
         for row in told],
        withhold=[row["few"] for row in told], policy=policy,
    )  # fmt: skip


def findings_table(
    findings: Iterable[Finding], policy: Policy, *, fairness: Protected | None = None
) -> Protected:
    """code, name, severity, where, message, value, low, high, n, group, fix, status.

    Counts and shares inside the sentences are protected as well. A finding about a level that
    fairness withholds keeps its name and loses its numbers.
    """
    columns = (
        "code", "name", "severity", "where", "message", "value", "low", "high", "n", "group", "fix"
    )  # fmt: skip
    told = findings_shown(findings, policy, fairness)
    rows = [tuple(getattr(found, name) for name in columns) for found in told]
    return protect_estimates(
        "Findings", columns, [_floats_first(columns, row) for row in rows], policy=policy
    )


def histogram_table(rows: Rows, policy: Policy) -> Protected:
    """band, low, high, n: how many people have a risk in each interval.

    Empty intervals are written too, and how many people a band holds is known: no count that is
    hidden may follow from it.

    Args:
        rows: every interval of every band; see `intervals_told` for those that are shown.
    """
    columns = ("band", "low", "high", "n")
    rules = policy.alone
    told = [
        {**row, "low": _float(row.get("low")), "high": _float(row.get("high"))}
        for row in intervals_told(list(rows), rules)
    ]
    title = "Risk across the cohort"
    if rules.threshold <= 1:
        return protect(title, columns, take(told, columns), counts=("n",), policy=policy)
    bands = Counter[str]()
    for row in told:
        bands[str(row["band"])] += row["n"]
    whole = protect(
        title, ("band", "n"), list(bands.items()), counts=("n",),
        policy=replace(rules, hides_more=False), counted=_spread("band"),
    )  # fmt: skip
    known = of_table(whole, rules)
    draft = Draft(
        title=title, columns=columns, rows=take(told, columns), counts=("n",), policy=rules,
        counted=_spread("band", "low"),
    )  # fmt: skip
    earlier = [Earlier(known, same_study=False, same_day=False)] if known else []
    return protect_all([draft], earlier=earlier)[0]


def _spread(*dimensions: str) -> Counted:
    return Counted("risks", tuple((name, name) for name in dimensions), "n")


def intervals_told(rows: Sequence[Mapping[str, Any]], policy: Policy) -> list[Mapping[str, Any]]:
    """The intervals of each band that a table lists, the empty ones among them.

    A band is listed from where the one below it is last shown to where the one above it is first
    shown, the lowest from 0 and the highest up to 1: so what is listed tells of no hidden count.

    Args:
        rows: band, low, high and n, from the lowest band to the highest.
    """
    bands = list(dict.fromkeys(row["band"] for row in rows))
    mine = {band: [row for row in rows if row["band"] == band] for band in bands}
    shown = {band: [row["low"] for row in mine[band] if row["n"] and policy.shows(row["n"])]
             for band in bands}  # fmt: skip
    found: list[Mapping[str, Any]] = []
    for place, band in enumerate(bands):
        below = [max(shown[each]) for each in bands[:place] if shown[each]]
        above = [min(shown[each]) for each in bands[place + 1 :] if shown[each]]
        least, most = max(below, default=0.0), min(above, default=1.0)
        found += [row for row in mine[band] if least <= row["low"] <= most]
    return found


def take(rows: Rows, columns: Sequence[str]) -> list[tuple[Any, ...]]:
    """The named cells of each row, in order."""
    return [tuple(row.get(name) for name in columns) for row in rows]


def _floats_first(columns: Sequence[str], row: tuple[Any, ...]) -> tuple[Any, ...]:
    numbers = ("value", "low", "high")
    return tuple(
        _float(cell) if name in numbers else cell for name, cell in zip(columns, row, strict=True)
    )


def _float(value: Any) -> Any:
    """A measure is a float even where it happens to be whole: it counts nobody."""
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _sum(*counts: int | None) -> int | None:
    return None if any(count is None for count in counts) else sum(c for c in counts if c)
