"""What a run did, as `Protected` tables that a report may show.

Each function takes plain rows as the stages tell them (mappings; a key that is absent is an
empty cell) and gives the columns that a report expects under the same name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from riskstrat.release.disclosure import protect, protect_estimates, protect_text
from riskstrat.release.policies import Policy
from riskstrat.vocabulary import Finding, Protected

Rows = Iterable[Mapping[str, Any]]


def sources_table(rows: Rows, policy: Policy) -> Protected:
    """source, agency, title, rows_in, accepted, rejected, covers, findings."""
    columns = ("source", "agency", "title", "rows_in", "accepted", "rejected", "covers", "findings")
    return protect(
        "Data used", columns, take(rows, columns),
        counts=("rows_in", "accepted", "rejected"), not_people=("findings",), policy=policy,
    )  # fmt: skip


def flow_table(rows: Rows, policy: Policy) -> Protected:
    """as_of, step, n: who was left after each step, from all units down to the cohort.

    Args:
        rows: as_of (None for all dates together), step, and ``n`` or ``left``.
    """
    columns = ("as_of", "step", "n")
    told = [{**row, "n": row.get("n", row.get("left"))} for row in rows]
    return protect(
        "From everybody to the cohort", columns, take(told, columns), counts=("n",), policy=policy
    )


def outcome_table(rows: Rows, policy: Policy) -> Protected:
    """as_of, n, yes, no, not_yet_known, known, rate (of yes among known, from shown counts)."""
    columns = ("as_of", "n", "yes", "no", "not_yet_known", "known", "rate")
    full = [{**row, "known": _sum(row.get("yes"), row.get("no"))} for row in rows]
    return protect(
        "The outcome by date", columns, take(full, columns),
        counts=("n", "yes", "no", "not_yet_known", "known"),
        rates={"rate": ("yes", "known")}, policy=policy,
    )  # fmt: skip


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
    hidden = _withheld_levels(fairness)
    told = []
    for row in rows:
        metric = row.get("metric", row.get("name"))
        # Where the reference decided, its number is that of the level beside it turned over.
        behind = (row.get("group") or "", row.get("against") or "")
        few = any((str(who), metric, row.get("at")) in hidden for who in behind)
        said = "" if few else protect_text(str(row.get("explanation") or ""), policy)
        people = row.get("n") if row.get("value") is not None else None
        told.append({**row, "metric": metric, "explanation": said, "n": people, "few": few})
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

    Counts inside the sentences are protected as well. A finding about a level that fairness
    withholds keeps its name and loses its numbers.
    """
    columns = (
        "code", "name", "severity", "where", "message", "value", "low", "high", "n", "group", "fix"
    )  # fmt: skip
    small = {level for level, _, _ in _withheld_levels(fairness)}
    told = [_told(found, policy, found.group in small) for found in findings]
    rows = [tuple(getattr(found, name) for name in columns) for found in told]
    return protect_estimates(
        "Findings", columns, [_floats_first(columns, row) for row in rows], policy=policy
    )


def histogram_table(rows: Rows, policy: Policy) -> Protected:
    """band, low, high, n: how many people have a risk in each interval."""
    columns = ("band", "low", "high", "n")
    told = [{**row, "low": _float(row.get("low")), "high": _float(row.get("high"))} for row in rows]
    return protect(
        "Risk across the cohort", columns, take(told, columns), counts=("n",), policy=policy
    )


def take(rows: Rows, columns: Sequence[str]) -> list[tuple[Any, ...]]:
    """The named cells of each row, in order."""
    return [tuple(row.get(name) for name in columns) for row in rows]


def _told(found: Finding, policy: Policy, few: bool) -> Finding:
    """A finding whose sentences hold no small count."""
    if few:
        message = f"{found.group}: too few people behind it to say more"
        return replace(found, message=message, value=None, low=None, high=None, n=None)
    message, fix = protect_text(found.message, policy), protect_text(found.fix, policy)
    return replace(found, message=message, fix=fix)


def _withheld_levels(fairness: Protected | None) -> frozenset[tuple[str, Any, Any]]:
    """(``group: level``, metric, at) of every estimate that is withheld.

    An attribute of a source stands under its last part, too: gates may name it so.
    """
    if fairness is None:
        return frozenset()
    rows = (dict(zip(fairness.columns, row, strict=True)) for row in fairness.rows)
    return frozenset(
        (f"{name}: {row['level']}", row["metric"], row["at"])
        for row in rows
        if row["status"] == "withheld"
        for name in (row["group"], row["group"].rpartition(".")[2])
    )


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
