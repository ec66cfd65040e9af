"""How well the model does, as `Protected` tables: a small count behind a number withholds it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from riskstrat.release.arithmetic import events_of
from riskstrat.release.behind import few_on_a_side, going_together, had_outcome, rows_told
from riskstrat.release.counts_behind import PEOPLE, POSITIVES
from riskstrat.release.disclosure import protect_estimates
from riskstrat.release.partitions import withheld
from riskstrat.release.policies import Policy
from riskstrat.release.proportions import following, proportions
from riskstrat.release.report_tables import Rows, take
from riskstrat.statistics.estimate import wilson_interval
from riskstrat.vocabulary import Protected, compares

MOST_POINTS = 60
"""a curve has at most this many points"""


def performance_table(metrics: Mapping[str, Any], policy: Policy) -> Protected:
    """split, learner, metric, value, low, high, n, status: from `metrics.json` as it stands."""
    columns = ("split", "learner", "metric", "value", "low", "high", "n")
    rows = [
        {"split": split, "learner": learner, "metric": name, **found}
        for split, learners in metrics.items()
        for learner, measured in learners.items()
        for name, found in measured.items()
        if isinstance(found, Mapping) and "value" in found
    ]
    return protect_estimates(
        "Performance", columns, take(rows, columns), policy=policy, proportions=proportions(rows)
    )


def capacity_table(metrics: Mapping[str, Any], policy: Policy) -> Protected:
    """split, learner, share, selected, metric, value, low, high, n, status.

    One row per metric at each capacity, from `metrics.json` as it stands. ``rows_each`` of a
    learner, where told, is the most rows that one person has there.
    """
    columns = ("split", "learner", "share", "selected", "metric", "value", "low", "high", "n")
    keys = ("split", "learner", "share")
    rows = [
        {"split": split, "learner": learner, "share": float(at["share"]),
         "selected": _whole(at.get("selected")), "metric": name,
         "rows_each": measured.get("rows_each"), **found, "prevalence": _prevalence(measured)}
        for split, learners in metrics.items()
        for learner, measured in learners.items()
        for at in measured.get("at_capacity", ())
        for name, found in at.items()
        if isinstance(found, Mapping) and "value" in found
    ]  # fmt: skip
    shown = [{**row, "n": rows_told(row, policy)} for row in following(rows, policy, keys)]
    return protect_estimates(
        "At capacity", columns, take(shown, columns), policy=policy, counts=("selected",),
        withhold=going_together(rows, policy, keys), proportions=proportions(rows),
    )  # fmt: skip


def _prevalence(measured: Mapping[str, Any]) -> tuple[float, int] | None:
    """The share with the outcome, and of how many."""
    found, n = measured.get("prevalence"), measured.get("n")
    return None if n is None or not isinstance(found, int | float) else (float(found), int(n))


def fairness_table(rows: Rows, policy: Policy) -> Protected:
    """group, level, metric, at, value, low, high, n, people, positives, reference, verdict, status.

    People are counted, not rows: ``positives`` are those who had the outcome on some date.
    Small levels stay listed, withheld; a level nobody belongs to stays listed too. A comparison
    is withheld with either of the rates it compares, which it would otherwise give away. So are
    counts that would give one back, and all rates of a level at a capacity with each other: of two
    the third follows.

    Args:
        rows: as the audit tells them; ``at`` a share (as number or text) or another cut's name.
    """
    columns = (
        "group", "level", "metric", "at", "value", "low", "high", "n", "people", "positives",
        "reference", "verdict",
    )  # fmt: skip
    keys = ("group", "level", "at")
    told = [{**row, "at": _share(row.get("at"))} for row in rows]
    hidden = withheld(told, policy)
    withhold = [
        few or hidden.row(row) or hidden.row({**row, "level": row.get("reference")})
        if compares(str(row["metric"]))
        else few or hidden.row(row)
        for few, row in zip(going_together(told, policy, keys), told, strict=True)
    ]
    shown = [
        {
            **row,
            "n": None if hidden.n(row) else rows_told(row, policy),
            "people": None if hidden.count(row, PEOPLE) else row.get("people"),
            "positives": None if hidden.count(row, POSITIVES) else had_outcome(row),
        }
        for row in following(told, policy, keys)
    ]
    return protect_estimates(
        "By group", columns, take(shown, columns), policy=policy, counts=("people", "positives"),
        withhold=withhold, proportions=proportions(told),
    )  # fmt: skip


def calibration_table(rows: Rows, policy: Policy) -> Protected:
    """learner, predicted, observed, low, high, n, status: neighbouring small bins are merged.

    Each bin shown has enough people, enough of them with the outcome, and enough without. An
    interval is Wilson's, of rows, where bins are merged here: `enough_in_a_bin` has them merged
    before their intervals are made.

    Args:
        rows: learner, predicted, observed, low, high, n, in order of risk; see
            `calibration_rows`.
    """
    columns = ("learner", "predicted", "observed", "low", "high", "n")
    merged = [
        {**found, "learner": learner}
        for learner, bins in _by_learner(rows).items()
        for found in _merged(bins, policy)
    ]
    return protect_estimates(
        "Predicted and observed", columns, take(merged, columns), policy=policy,
        estimates=("observed", "predicted", "low", "high"),
        withhold=[not _enough(row, policy) for row in merged],
    )  # fmt: skip


def enough_in_a_bin(policy: Policy) -> Callable[[int, int], bool]:
    """Whether so many people, so many of them with the outcome, may be shown as one bin."""
    return lambda n, positives: _enough({"n": n, "positives": positives}, policy)


def calibration_rows(learner: str, bins: Iterable[Any]) -> list[dict[str, Any]]:
    """Rows for `calibration_table` from `statistics.risk_curves.calibration_curve`."""
    return [
        {"learner": learner, "predicted": one.expected, "observed": one.observed.value,
         "low": one.observed.low, "high": one.observed.high, "n": one.observed.n}
        for one in bins
    ]  # fmt: skip


def gains_rows(learner: str, capacities: Iterable[Any]) -> list[dict[str, Any]]:
    """Rows for `curve_table` (share, sensitivity, ppv) from `statistics`' ``lift_curve``."""
    return [
        {"learner": learner, "share": at.share, "sensitivity": at.sensitivity.value,
         "ppv": at.ppv.value, "n": at.ppv.n,
         "positives": events_of(at.ppv.value, at.ppv.n) if at.ppv.estimable else None}
        for at in capacities
    ]  # fmt: skip


def decision_rows(learner: str, points: Iterable[Any]) -> list[dict[str, Any]]:
    """Rows for `curve_table` (probability_threshold, net_benefit) from ``decision_curve``."""
    rows = []
    for point in points:
        for who, value in ((learner, point.model.value), ("everybody", point.treat_all.value),
                           ("nobody", 0.0)):  # fmt: skip
            rows.append(
                {"learner": who, "probability_threshold": point.threshold, "net_benefit": value,
                 "n": point.model.n}
            )  # fmt: skip
    return sorted(rows, key=lambda row: (row["learner"] != learner, row["learner"]))


def curve_table(title: str, rows: Rows, policy: Policy, *, values: Sequence[str]) -> Protected:
    """learner, the values (the axis first), n, status: at most 60 points a learner.

    Points that rest on too few people (``n``, and ``positives`` and the rest of ``n`` where a
    row gives them) are withheld.
    """
    columns = ("learner", *values, "n")
    thinned = [
        {**row, values[0]: float(row[values[0]])}
        for points in _by_learner(rows).values()
        for row in points[:: max(1, -(-len(points) // MOST_POINTS))]
    ]
    shown = [_point(row, policy) for row in thinned]
    return protect_estimates(
        title, columns, take(shown, columns), policy=policy,
        estimates=(*values[1:], values[0]),
        withhold=[few_on_a_side(row, policy) for row in thinned],
    )  # fmt: skip


def _point(row: Mapping[str, Any], policy: Policy) -> Mapping[str, Any]:
    """A point of the list that each length finds, of rounded counts."""
    policy, value = policy.alone, row.get("sensitivity")
    if row.get("positives") is None or value is None or not value > 0 or policy.base == 1:
        return row
    everybody = policy.rounded(int(row["positives"] / value + 0.5))
    reached, listed = policy.rounded(row["positives"]), policy.rounded(row["n"])
    if not (everybody and reached and listed):
        return row
    return {**row, "sensitivity": min(1.0, reached / everybody), "ppv": min(1.0, reached / listed)}


def _merged(bins: Sequence[Mapping[str, Any]], policy: Policy) -> list[dict[str, Any]]:
    """Neighbouring bins joined until each has enough people with and without the outcome."""
    found: list[dict[str, Any]] = []
    for row in bins:
        n, observed = int(row["n"]), float(row["observed"] or 0)
        new = {**row, "positives": events_of(observed, n)}
        if found and not _enough(found[-1], policy):
            new = _joined(found.pop(), new)
        found.append(new)
    if len(found) > 1 and not _enough(found[-1], policy):
        last = found.pop()
        found.append(_joined(found.pop(), last))
    return found


def _enough(row: Mapping[str, Any], policy: Policy) -> bool:
    n, positives = int(row["n"]), int(row["positives"])
    return min(n, positives, n - positives) >= policy.threshold or policy.threshold <= 1


def _joined(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    n = int(one["n"]) + int(other["n"])
    positives = int(one["positives"]) + int(other["positives"])
    predicted = (one["predicted"] * one["n"] + other["predicted"] * other["n"]) / max(n, 1)
    rate = wilson_interval(positives, n)
    return {
        "predicted": predicted, "observed": rate.value, "low": rate.low, "high": rate.high,
        "n": n, "positives": positives,
    }  # fmt: skip


def _by_learner(rows: Rows) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(str(row.get("learner", "")), []).append(row)
    return found


def _share(at: Any) -> Any:
    """A capacity as a number; the name of another cut as it is."""
    try:
        return None if at is None else float(at)
    except ValueError:
        return at


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)
