"""How well the model does, as `Protected` tables: a small count behind a number withholds it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from riskstrat.release.counts_behind import PEOPLE, POSITIVES
from riskstrat.release.disclosure import protect_estimates
from riskstrat.release.partitions import withheld
from riskstrat.release.policies import Policy
from riskstrat.release.proportions import COMPARED, OF_A_LIST, PROPORTIONS, following, proportions
from riskstrat.release.report_tables import Rows, take
from riskstrat.statistics.estimate import wilson_interval
from riskstrat.vocabulary import Protected

TOGETHER = "of a list"
RESTS_ON = MappingProxyType(
    {"lift": "ppv", "number_needed_to_review": "ppv", "net_benefit": "ppv",
     "ppv_best": "ppv", "ppv_worst": "ppv", "sensitivity_best": "sensitivity",
     "sensitivity_worst": "sensitivity"}
)  # fmt: skip
"""metrics from which another could be worked out: they are withheld together"""

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

    One row per metric at each capacity, from `metrics.json` as it stands.
    """
    columns = ("split", "learner", "share", "selected", "metric", "value", "low", "high", "n")
    keys = ("split", "learner", "share")
    rows = [
        {"split": split, "learner": learner, "share": float(at["share"]),
         "selected": _whole(at.get("selected")), "metric": name, **found,
         "prevalence": _prevalence(measured)}
        for split, learners in metrics.items()
        for learner, measured in learners.items()
        for at in measured.get("at_capacity", ())
        for name, found in at.items()
        if isinstance(found, Mapping) and "value" in found
    ]  # fmt: skip
    return protect_estimates(
        "At capacity", columns, take(following(rows, policy, keys), columns), policy=policy,
        counts=("selected",), withhold=_withheld(rows, policy, keys),
        proportions=proportions(rows),
    )  # fmt: skip


def _prevalence(measured: Mapping[str, Any]) -> tuple[float, int] | None:
    """The share with the outcome, and of how many."""
    found, n = measured.get("prevalence"), measured.get("n")
    return None if n is None or not isinstance(found, int | float) else (float(found), int(n))


def fairness_table(rows: Rows, policy: Policy) -> Protected:
    """group, level, metric, at, value, low, high, n, people, positives, reference, verdict, status.

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
        if str(row["metric"]).endswith(COMPARED)
        else few or hidden.row(row)
        for few, row in zip(_withheld(told, policy, keys), told, strict=True)
    ]
    shown = [
        {
            **row,
            "n": None if hidden.n(row) else row.get("n"),
            "people": None if hidden.count(row, PEOPLE) else row.get("people"),
            "positives": None if hidden.count(row, POSITIVES) else row.get("positives"),
        }
        for row in following(told, policy, keys)
    ]
    return protect_estimates(
        "By group", columns, take(shown, columns), policy=policy, counts=("people", "positives"),
        withhold=withhold, proportions=proportions(told),
    )  # fmt: skip


def calibration_table(rows: Rows, policy: Policy) -> Protected:
    """learner, predicted, observed, low, high, n, status: neighbouring small bins are merged.

    Each bin shown has enough people, enough of them with the outcome, and enough without; its
    interval is Wilson's where bins were merged.

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
         "positives": int(at.ppv.value * at.ppv.n + 0.5) if at.ppv.estimable else None}
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
        withhold=[_few_on_a_side(row, policy) for row in thinned],
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


def _small(row: Mapping[str, Any], policy: Policy) -> bool:
    """Whether any count behind an estimate is too small to be shown."""
    value, n = row.get("value"), row.get("n")
    behind = [n, row.get("people"), row.get("positives")]
    if row.get("people") is not None and row.get("positives") is not None:
        behind.append(row["people"] - row["positives"])
    if row.get("metric") in PROPORTIONS and value is not None and value == value and n is not None:
        events = int(value * n + 0.5)
        behind += [events, n - events]
    return any(count is not None and not policy.shows(int(count)) for count in behind)


def _withheld(rows: Sequence[Mapping[str, Any]], policy: Policy, keys: Sequence[str]) -> list[bool]:
    """Which rows to withhold: those with a small count, and those that would give such a one back.

    One over ``number_needed_to_review`` is ``ppv``; a ratio times its reference is the level. Of
    ``ppv``, ``sensitivity`` and the share listed, two give the counts of the third.

    Args:
        keys: what two rows of the same people have in common.
    """

    def key(row: Mapping[str, Any], metric: str, **changed: Any) -> tuple[Any, ...]:
        metric = TOGETHER if metric in OF_A_LIST else metric
        return (metric, *({**row, **changed}.get(name) for name in keys))

    small = {key(row, str(row.get("metric"))) for row in rows if _small(row, policy)}
    found = []
    for row in rows:
        metric = str(row.get("metric"))
        rests_on = [key(row, metric), key(row, RESTS_ON.get(metric, metric))]
        for ending in COMPARED:
            if metric.endswith(ending):
                base = metric.removesuffix(ending)
                reference = row.get("reference")
                rests_on += [key(row, base), key(row, base, level=reference)]
        found.append(any(one in small for one in rests_on))
    return found


def _few_on_a_side(row: Mapping[str, Any], policy: Policy) -> bool:
    n, positives = row.get("n"), row.get("positives")
    if n is None or positives is None:
        return False
    return any(not policy.shows(int(count)) for count in (positives, n - positives))


def _merged(bins: Sequence[Mapping[str, Any]], policy: Policy) -> list[dict[str, Any]]:
    """Neighbouring bins joined until each has enough people with and without the outcome."""
    found: list[dict[str, Any]] = []
    for row in bins:
        n, observed = int(row["n"]), float(row["observed"] or 0)
        new = {**row, "positives": int(observed * n + 0.5)}
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
