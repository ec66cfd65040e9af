"""The section on what the model owes to one agency, place or year, and to chance."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from riskstrat.publish.monitor_charts import Axis, dots_chart
from riskstrat.publish.parts import Drawing, Section
from riskstrat.publish.report_data import ReportData
from riskstrat.publish.tables import Record, Shown, records, same_share
from riskstrat.publish.wording import estimate, metric, percent
from riskstrat.vocabulary import in_words

ANCHOR, TITLE = "robustness", "What the model rests on"
ABSENT = (
    "No drill was done. `riskstrat stress` tries the model without an agency, in a place it has "
    "not seen, with a supplier missing, and against chance."
)
LEAD = (
    "The model was learnt again without one thing at a time, with the parameters it has, and both "
    "were judged on the same held-out people."
)
AGAIN = "second"
Part = Callable[[ReportData], Iterator[Drawing | Shown]]


def robustness(data: ReportData) -> Section:
    """Every drill that was done."""
    if data.robustness is None or not data.robustness.rows:
        return Section(ANCHOR, TITLE, ABSENT)
    made = [each for part in PARTS for each in part(data)]
    quick = [in_words(name).lower() for name in data.robustness_quick]
    points = [*_said(data)]
    if quick:
        points.append(f"Done quickly, with few repetitions: {', '.join(quick)}.")
    return Section(
        ANCHOR,
        TITLE,
        LEAD,
        drawings=tuple(each for each in made if isinstance(each, Drawing)),
        tables=tuple(each for each in made if isinstance(each, Shown)),
        points=tuple(points),
    )


def _rows(data: ReportData, drill: str) -> tuple[Record, ...]:
    return tuple(row for row in records(data.robustness, drill=drill) if row["metric"])


def _cases(rows: Sequence[Record]) -> list[str]:
    return list(dict.fromkeys(str(row["case"]) for row in rows))


def _one(rows: Sequence[Record], data: ReportData, **where: Any) -> Record:
    """The row that fits; of measures at a capacity, that of the summary's."""
    fit = [row for row in rows if all(row[name] == value for name, value in where.items())]
    at = [r for r in fit if r["at"] is None or same_share(r["at"], data.capacity)]
    return at[0] if at else {"value": None, "low": None, "high": None, "status": "n/a"}


def ablation(data: ReportData) -> Iterator[Drawing | Shown]:
    """What each agency adds."""
    rows = _rows(data, "ablation")
    if not rows:
        return
    names = ("auroc", "average_precision", "ppv", "sensitivity")
    found = {
        case: [_one(rows, data, case=case, metric=name, role="difference") for name in names]
        for case in _cases(rows)
    }
    order = sorted(found, key=lambda case: -(found[case][0]["value"] or 0.0))
    drawn = [_dot(case, found[case][0]) for case in order]
    axis = Axis(
        "What is lost without each agency's data", "AUROC lost (95% interval)",
        ((0.0, "nothing lost"),), left=None,
    )  # fmt: skip
    headers = (("Without", False), *((f"{_named(name, data)}, lost", True) for name in names))
    body = tuple((case, *(estimate(each) for each in found[case])) for case in order)
    table = Shown("What is lost without each agency's data", headers, body, _note(data))
    most = f"Most is lost without {order[0]}: {estimate(found[order[0]][0])}."
    svg = dots_chart(drawn, name="ablation", axis=axis)
    if svg:
        yield Drawing(svg, most, table)
    else:
        yield table


def _dot(case: str, row: Record) -> dict[str, Any]:
    numbers = {name: row[name] for name in ("value", "low", "high")}
    return {"label": case, **numbers, "told": estimate(row)}


def elsewhere(data: ReportData) -> Iterator[Drawing | Shown]:
    """Another place, a later year, fewer people."""
    for drill, caption in (
        ("transport", "In a place it has not seen"),
        ("later_year", "Learnt up to an earlier date"),
        ("learning_curve", "Learnt from fewer people"),
    ):
        rows = _rows(data, drill)
        if not rows:
            continue
        body = []
        for case in _cases(rows):
            auroc = [
                _one(rows, data, case=case, metric="auroc", role=role)
                for role in ("first", AGAIN, "difference")
            ]
            right = _one(rows, data, case=case, metric="calibration_in_the_large", role=AGAIN)
            body.append((case[:1].upper() + case[1:], *map(estimate, (*auroc, right))))
        headers = (
            ("Case", False), ("AUROC of the model", True), ("AUROC learnt so", True),
            ("Lost", True), ("Observed over expected, learnt so", True),
        )  # fmt: skip
        yield Shown(caption, headers, tuple(body), _note(data))


def stability(data: ReportData) -> Iterator[Drawing | Shown]:
    """How much of the list is chance."""
    rows = _rows(data, "stability")
    body = []
    for row in (r for r in rows if r["metric"] == "jaccard"):
        kept = next(
            (r for r in rows if (r["metric"], r["case"], r["at"]) == (
                "always_listed", row["case"], row["at"])), row,
        )  # fmt: skip
        case = f"{in_words(str(row['case']))}, {percent(row['at'])} listed"
        body.append((case, _share(row), _share(kept)))
    headers = (
        ("Lists of models that differ by", False),
        ("People in common (lowest and highest of the lists)", True),
        ("On every list", True),
    )  # fmt: skip
    if body:
        yield Shown("How much of the list is chance", headers, tuple(body), _note(data))


def missing(data: ReportData) -> Iterator[Drawing | Shown]:
    """A supplier that does not send."""
    rows = _rows(data, "missing_agency")
    if not rows:
        return
    body, drawn = [], []
    for case in _cases(rows):
        was, now, lost = (
            _one(rows, data, case=case, metric="ppv", role=role)
            for role in ("first", AGAIN, "difference")
        )
        right = _one(rows, data, case=case, metric="calibration_in_the_large", role=AGAIN)
        alike = _one(rows, data, case=case, metric="jaccard", role=AGAIN)
        body.append((case, estimate(now), estimate(lost), estimate(right), _share(alike)))
        drawn.append({**_dot(case, now), "then": was["value"]}
                     | {f"then_{end}": was[end] for end in ("low", "high")})  # fmt: skip
    seen = percent(data.capacity)
    headers = (
        ("Without", False), (f"Correct among the top {seen}", True), ("Lost", True),
        ("Observed over expected", True), ("Of the list in common", True),
    )  # fmt: skip
    table = Shown("When a supplier does not send", headers, tuple(body), _note(data))
    axis = Axis(
        "Correct among those listed when a supplier does not send",
        f"Correct among the top {seen} (95% interval)", shares=True, then="With all data",
        now="Without",
    )  # fmt: skip
    svg = dots_chart(drawn, name="missing-agency", axis=axis)
    reading = (
        "The model as it is, on features made from what would be left: of a month, or of nothing "
        "at all. Hollow diamonds are the same people with all data."
    )
    if svg:
        yield Drawing(svg, reading, table)
    else:
        yield table


PARTS: tuple[Part, ...] = (ablation, missing, elsewhere, stability)


def _said(data: ReportData) -> Iterator[str]:
    """What is said in a sentence."""
    for row in _rows(data, "permutation"):
        yield (
            "Learnt from outcomes dealt out by lot, the model ranks people no better than chance "
            f"should: AUROC {estimate(row)}, 0.5 is chance."
        )
    planted = _rows(data, "planted_leaks")
    if planted:
        kinds = [row for row in planted if not str(row["case"]).startswith("noise")]
        caught = sum(bool(row["value"]) for row in kinds)
        noise = any(bool(row["value"]) for row in planted if str(row["case"]).startswith("noise"))
        tail = "; pure noise was named, too" if noise else "; pure noise was not"
        yield (
            f"Of {len(kinds)} features planted that know the outcome, the audit named {caught}"
            f"{tail}."
        )
    for row in records(data.robustness):
        if not row["metric"]:
            yield f"{in_words(str(row['drill']))}, {row['case']}: could not be done."


def _named(name: str, data: ReportData) -> str:
    at = name in ("ppv", "sensitivity")
    return f"{metric(name)}, {percent(data.capacity)} seen" if at else metric(name)


def _share(row: Record) -> str:
    """A share of people in percent, with its interval."""
    if row["value"] is None:
        return str(row["status"])
    value, low, high = row["value"], row["low"], row["high"]
    if low is None or high is None:
        return f"{value:.0%}"
    return f"{value:.0%} ({low:.0%} to {high:.0%})"


def _note(data: ReportData) -> str:
    return data.robustness.note if data.robustness else ""
