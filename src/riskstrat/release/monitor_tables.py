"""What watching a model in use found, as `Protected` tables; rows are plain, as the stage tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from riskstrat.release.disclosure import protect, protect_estimates, retold
from riskstrat.release.policies import Policy
from riskstrat.release.report_tables import Rows, take
from riskstrat.vocabulary import Protected


def volumes_table(rows: Rows, policy: Policy) -> Protected:
    """source, title, agency, period, then, now, covered, value, low, high, n, status.

    Args:
        rows: with ``then`` and ``now`` counts of rows, and their ratio as value, low and high.
    """
    columns = (
        "source", "title", "agency", "period", "then", "now", "covered", "value", "low", "high", "n"
    )  # fmt: skip
    told = [{**row, "covered": float(row["covered"])} for row in rows]
    return protect_estimates(
        "Rows before the day, against training", columns, take(told, columns), policy=policy,
        estimates=("value", "low", "high", "covered"), counts=("then", "now"),
        withhold=[_few(row, ("then", "now"), policy) for row in told],
    )  # fmt: skip


def missing_table(rows: Rows, policy: Policy) -> Protected:
    """source, column, then, now, value, low, high, n, status: shares without a value.

    Args:
        rows: with ``then`` and ``now`` shares, ``empty_then`` and ``empty_now`` counts of empty
            rows, ``n_then`` and ``n`` rows, and the change as value, low and high.
    """
    columns = ("source", "column", "then", "now", "value", "low", "high", "n")
    told = list(rows)
    return protect_estimates(
        "Empty values before the day, against training", columns, take(told, columns),
        policy=policy, estimates=("value", "low", "high", "then", "now"),
        withhold=[_few_sides(row, policy) for row in told],
    )  # fmt: skip


def features_table(rows: Rows, policy: Policy) -> Protected:
    """feature, meaning, agency, value, low, high, n, plain, since, status: the drift of each.

    Args:
        rows: with the index as value, low and high, as it is computed everywhere as ``plain``,
            and against the held-out dates as ``since`` (None where there are none apart).
    """
    columns = ("feature", "meaning", "agency", "value", "low", "high", "n", "plain", "since")
    return protect_estimates(
        "Drift of each feature against training", columns, take(rows, columns), policy=policy,
        estimates=("value", "low", "high", "plain", "since"),
    )  # fmt: skip


def cells_table(title: str, rows: Rows, policy: Policy) -> Protected:
    """feature, cell, then, now, share_then, share_now: people in each cell, and their shares.

    Args:
        title: what is told.
        rows: feature, cell, ``then`` and ``now`` counts, in order.
    """
    columns = ("feature", "cell", "then", "now", "share_then", "share_now")
    told = [{**row, **_sides(row)} for row in _whole(rows)]
    shown = protect(
        title, (*columns[:4], "all_then", "all_now", *columns[4:]),
        take(told, (*columns[:4], "all_then", "all_now", *columns[4:])),
        counts=("then", "now", "all_then", "all_now"),
        rates={"share_then": ("then", "all_then"), "share_now": ("now", "all_now")}, policy=policy,
    )  # fmt: skip
    return _only(shown, columns)


def _whole(rows: Rows) -> list[dict[str, Any]]:
    """The rows with the sums of their feature beside them."""
    told = [dict(row) for row in rows]
    sums: dict[Any, list[int]] = {}
    for row in told:
        sums.setdefault(row["feature"], [0, 0])
        sums[row["feature"]][0] += row["then"]
        sums[row["feature"]][1] += row["now"]
    return [
        {**row, "all_then": sums[row["feature"]][0], "all_now": sums[row["feature"]][1]}
        for row in told
    ]


def _sides(row: Mapping[str, Any]) -> dict[str, None]:
    return dict.fromkeys(("share_then", "share_now"))


def cuts_table(rows: Rows, policy: Policy) -> Protected:
    """share, then, now, value, low, high, n, status: people above each cut of approval.

    Args:
        rows: ``then`` and ``now`` shares of everybody, ``people_then`` and ``people_now``, and
            their ratio as value, low and high; n is everybody on the day.
    """
    columns = ("share", "then", "now", "people_now", "value", "low", "high", "n")
    told = [{**row, "share": float(row["share"])} for row in rows]
    return protect_estimates(
        "People above each cut of approval", columns, take(told, columns), policy=policy,
        estimates=("value", "low", "high", "then", "now"), counts=("people_now",),
        not_people=("share",),
        withhold=[_few(row, ("people_then", "people_now"), policy) for row in told],
    )  # fmt: skip


def metrics_table(title: str, rows: Rows, policy: Policy) -> Protected:
    """when, metric, at, value, low, high, n, status: what the model achieved, then and now.

    Args:
        title: what is told.
        rows: ``when`` is ``approval`` or ``now``; ``at`` a capacity, or None; ``positives`` the
            count behind a proportion, where there is one.
    """
    columns = ("when", "metric", "at", "value", "low", "high", "n", "positives")
    told = [{**row, "at": _float(row.get("at"))} for row in rows]
    shown = protect_estimates(
        title, columns, take(told, columns), policy=policy, positives="positives"
    )
    return _only(shown, [name for name in shown.columns if name != "positives"])


def churn_table(rows: Rows, policy: Policy) -> Protected:
    """band, share, before, now, stayed, below, gone, risen, entered: who left and who came."""
    counts = ("before", "now", "stayed", "below", "gone", "risen", "entered")
    columns = ("band", "share", *counts)
    told = [{**row, "share": float(row["share"])} for row in rows]
    return protect(
        "The list since the last release", columns, take(told, columns), counts=counts,
        policy=policy,
    )  # fmt: skip


def _only(table: Protected, columns: Sequence[str]) -> Protected:
    """Some columns of the table."""
    return retold(table, table.title, [(name, name) for name in columns], range(len(table.rows)))


def _few(row: Mapping[str, Any], names: tuple[str, ...], policy: Policy) -> bool:
    """Whether a count behind an estimate is too small to be shown (none at all is not)."""
    return any(row[name] and not policy.shows(int(row[name])) for name in names)


def _few_sides(row: Mapping[str, Any], policy: Policy) -> bool:
    """Whether empty rows, or full ones, are too few to be shown, then or now."""
    sides = [
        int(count)
        for empty, rows in (("empty_then", "n_then"), ("empty_now", "n"))
        for count in (row[empty], (row[rows] or 0) - row[empty])
    ]
    return any(count and not policy.shows(count) for count in sides)


def _float(value: Any) -> float | None:
    return None if value is None else float(value)
