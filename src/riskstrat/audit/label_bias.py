"""Recorded rather than needed: whom the outcome's records leave out.

A model learns what was recorded. A group whose need is recorded less, because it is treated less,
believed less or further away, gets risks that are right for the records and too low for the need;
no comparison of risks with outcomes can see that. It shows against a sign of need that does not
come about as the outcome's records do: at the same stated risk the group shows more of it
(Obermeyer et al. 2019, doi:10.1126/science.aax2342).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import inf
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from riskstrat.audit.checks import finding
from riskstrat.audit.people import EVERYONE, People
from riskstrat.audit.spec import AuditSpec
from riskstrat.audit.tested import Tested
from riskstrat.statistics.clustered_mean import positive_ratio
from riskstrat.statistics.cuts import choose_reference, find_levels
from riskstrat.statistics.estimate import BoolArray, Estimate, FloatArray, IntArray
from riskstrat.statistics.resample import find_clusters
from riskstrat.vocabulary import Finding, Severity

STRATA = 10
"""parts of equal size into which people are cut by their risk"""
MARKED = 1.1
"""a group shows markedly more of the sign when the whole interval is above this, and markedly less
when it is below one over it"""

SCHEMA = pa.schema(
    [
        ("group", pa.string()),
        ("level", pa.string()),
        ("reference", pa.string()),
        ("marker", pa.string()),
        ("value", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("n", pa.int64()),
        ("people", pa.int64()),
        ("positives", pa.int64()),
    ]
)


def need_at_equal_risk(people: People, spec: AuditSpec, tested: Tested) -> pa.Table:
    """How much of the sign of need each level shows, against the reference at the same risk.

    Args:
        people: the rows under audit.
        spec: the sign of need, references and what is enough.
        tested: features of the rows, in the order of the predictions.

    Returns:
        A row per level: ``value`` is the mean of the sign over what people of the reference show
        at the level's own risks (indirect standardisation over tenths of risk, within the levels
        of ``need.within``). Rows where the sign is missing are left out. Empty where the study
        names no sign.
    """
    if spec.need is None:
        return SCHEMA.empty_table()
    marker = _numbers(tested, spec.need.feature, people.place)
    known = np.isfinite(marker)
    stratum = _strata(people, spec.need.within)
    who = find_clusters(people.clusters, len(people.y))
    rows: list[dict[str, Any]] = []
    for group, levels in people.levels.items():
        if group == EVERYONE or group in spec.need.within:
            continue
        reference = choose_reference(find_levels(group, levels), spec.references.get(group))
        base = known & (levels == reference)
        for level in np.unique(levels):
            own = known & (levels == level)
            if level == reference:
                continue
            value, pull = _standardised(marker, stratum, own, base)
            enough = own.sum() >= spec.min_group and base.sum() >= spec.min_group
            found = positive_ratio(value, pull, who, int(own.sum()))
            rows.append(
                {
                    "group": group,
                    "level": str(level),
                    "reference": reference,
                    "marker": spec.need.feature,
                    **(found if enough else Estimate.unknown(found.n)).as_dict(),
                    "people": len(np.unique(people.unit[own])),
                    "positives": int(people.y[own].sum()),
                }
            )
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _strata(people: People, within: Sequence[str]) -> IntArray:
    """A number for each tenth of risk in each combination of the levels within which to compare."""
    cuts = np.quantile(people.ranking, np.arange(1, STRATA) / STRATA)
    found = np.searchsorted(np.unique(cuts), people.ranking, side="right")
    for group in within:
        codes = np.unique(people.levels[group], return_inverse=True)[1].reshape(-1)
        found = found * (int(codes.max(initial=0)) + 1) + codes
    return np.unique(found, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _numbers(tested: Tested, feature: str, place: IntArray) -> FloatArray:
    column = tested.features.take((feature,), tested.place[place])[feature]
    values: NDArray[Any] = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return np.asarray(values, dtype=np.float64)


def _standardised(
    marker: FloatArray, stratum: IntArray, own: BoolArray, base: BoolArray
) -> tuple[float, FloatArray]:
    """Seen over expected, and how each row pulls it; strata without a reference are left out."""
    size = int(stratum.max(initial=0)) + 1
    here, there = (np.bincount(stratum[rows], minlength=size) for rows in (own, base))
    sums = np.bincount(stratum[base], weights=marker[base], minlength=size)
    mean = np.divide(sums, there, out=np.zeros(size), where=there > 0)
    mine = own & (there[stratum] > 0)
    seen, expected = float(marker[mine].sum()), float(mean[stratum[mine]].sum())
    if not expected > 0:
        return float("nan"), np.zeros(len(marker))
    value = seen / expected
    pull = np.zeros(len(marker))
    pull[mine] = (marker[mine] - value * mean[stratum[mine]]) / expected
    at = stratum[base]
    pull[base] -= value * here[at] * (marker[base] - mean[at]) / there[at] / expected
    return value, pull


def check_label_bias(spec: AuditSpec, table: pa.Table) -> Iterator[Finding]:
    """RS3504: what the study says of its records; RS3505: groups that need more than is recorded.

    Args:
        spec: the study's ``audit``.
        table: see ``need_at_equal_risk``.
    """
    said = spec.label_bias.strip()
    message = (
        f"who is recorded rather than who needs: {said}"
        if said
        else "the study does not say who is recorded for the outcome without needing help, and "
        "who needs help without being recorded"
    )
    severity = Severity.INFO if said else Severity.WARNING
    yield finding("RS3504", severity, "outcome", message)
    judged = [row for row in table.to_pylist() if row["low"] is not None]
    for group in dict.fromkeys(row["group"] for row in judged):
        yield from _of_group([row for row in judged if row["group"] == group])


def _of_group(rows: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """RS3505 for one group: levels that show more, and the reference if all others show less."""
    for row in rows:
        if row["low"] > MARKED:
            number = Estimate(row["value"], row["low"], row["high"], row["n"])
            yield _shows_more(row, row["level"], row["reference"], number)
    less = [row for row in rows if row["high"] < 1 / MARKED]
    if len(less) == len(rows):
        # The largest group's need can be recorded less, too. Told beside the level nearest to it.
        row = max(less, key=lambda each: float(each["high"]))
        value, low, high = (
            1 / x if x > 0 else inf for x in (row["value"], row["high"], row["low"])
        )
        number = Estimate(value, low, high, row["n"])
        many = ", and more than at every other level" if less[1:] else ""
        yield _shows_more(row, row["reference"], row["level"], number, many)
        return
    for row in less:
        number = Estimate(row["value"], row["low"], row["high"], row["n"])
        message = (
            f"{row['group']}: at the same risk people at level {row['level']} show "
            f"{_times(number)} as much of {row['marker']} as at level {row['reference']}, and not "
            "every level does: their need may be recorded more than that of others"
        )
        where = f"{row['group']}: {row['level']}"
        yield finding("RS3505", Severity.INFO, row["group"], message, number, where)


def _shows_more(
    row: Mapping[str, Any], level: str, other: str, number: Estimate, many: str = ""
) -> Finding:
    message = (
        f"{row['group']}: at the same risk people at level {level} show {_times(number)} as much "
        f"of {row['marker']} as at level {other}{many}: their need is recorded less in the "
        "outcome, or in what foretells it"
    )
    where = f"{row['group']}: {level}"
    return finding("RS3505", Severity.WARNING, row["group"], message, number, where)


def _times(number: Estimate) -> str:
    return f"{number.value:.3g} times (95% interval {number.low:.3g} to {number.high:.3g})"
