"""What drills found, held against what a careful person would accept. They inform; gates decide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from riskstrat.robustness.codes import ROBUSTNESS_CODES
from riskstrat.robustness.paired import GAINED, SECOND
from riskstrat.statistics import Estimate
from riskstrat.vocabulary import Finding, Pages, Severity

_finding = Pages(ROBUSTNESS_CODES).finding

RIGHT = (0.8, 1.25)
"""observed over expected outcomes"""
BY_CHANCE = (0.47, 0.53)
MATTERS = 0.01
"""of AUROC lost: less is told as good to know"""
STEADY = {"another seed": 0.7, "people drawn anew": 0.5}
"""what lists agree in at least, on average"""

Row = Mapping[str, Any]


def findings(rows: Sequence[Row]) -> list[Finding]:
    """Every drill's findings, the worst first.

    Args:
        rows: as ``paired.row`` makes them, of any drills.
    """
    order = list(Severity)
    told = [found for check in CHECKS for found in check(rows)]
    return sorted(told, key=lambda each: (order.index(each.severity), each.code, each.where))


def number_of(rows: Sequence[Row], **where: Any) -> Estimate:
    """The one number of a drill that fits; not estimable where there is none."""
    for row in rows:
        if all(row[name] == value for name, value in where.items()):
            return Estimate.from_dict(row)
    return Estimate.unknown(0)


def cases(rows: Sequence[Row], drill: str) -> list[str]:
    """The cases of a drill, in order."""
    return list(dict.fromkeys(str(row["case"]) for row in rows if row["drill"] == drill))


def _done(rows: Sequence[Row], drill: str) -> list[str]:
    return [
        case
        for case in cases(rows, drill)
        if any(row["metric"] for row in rows if (row["drill"], row["case"]) == (drill, case))
    ]


def check_ablation(rows: Sequence[Row]) -> Iterator[Finding]:
    """RS3751: agencies whose data are not shown to add anything."""
    for agency in _done(rows, "ablation"):
        at = {"drill": "ablation", "case": agency, "role": GAINED}
        auroc = number_of(rows, metric="auroc", **at)
        precision = number_of(rows, metric="average_precision", **at)
        if not (auroc.low > 0 or precision.low > 0):
            message = f"the data of {agency} are not shown to add anything: AUROC with them less "
            message += f"AUROC without is {auroc.in_words()}"
            yield _finding("RS3751", Severity.INFO, agency, message, auroc)


def check_elsewhere(rows: Sequence[Row]) -> Iterator[Finding]:
    """RS3752 and RS3753: another place, and a later year."""
    for drill, code in (("transport", "RS3752"), ("later_year", "RS3753")):
        for case in _done(rows, drill):
            at = {"drill": drill, "case": case}
            lost = number_of(rows, metric="auroc", role=GAINED, **at)
            right = number_of(rows, metric="calibration_in_the_large", role=SECOND, **at)
            if lost.low > 0:
                message = (
                    f"{case}: AUROC is lower than that of the model as it is, by {lost.in_words()}"
                )
                severity = Severity.WARNING if lost.value >= MATTERS else Severity.INFO
                yield _finding(code, severity, case, message, lost)
            if right.outside(*RIGHT):
                message = f"{case}: observed over expected outcomes {right.in_words()}; 1 is right"
                yield _finding(code, Severity.WARNING, case, message, right)


def check_stability(rows: Sequence[Row]) -> Iterator[Finding]:
    """RS3754: lists that owe much to chance."""
    for row in rows:
        if row["drill"] != "stability" or row["metric"] != "jaccard":
            continue
        number = number_of([row])
        if number.estimable and number.value < STEADY[row["case"]]:
            where = f"top {100 * row['at']:g}%"
            message = (
                f"{where}: lists of models that differ by {row['case']} have {number.value:.0%} of "
                f"their people in common on average (lowest {number.low:.0%}, highest "
                f"{number.high:.0%})"
            )
            yield _finding("RS3754", Severity.WARNING, where, message, number)


def check_missing(rows: Sequence[Row]) -> Iterator[Finding]:
    """RS3755: suppliers without whom the list is not what it says."""
    for case in _done(rows, "missing_agency"):
        at = {"drill": "missing_agency", "case": case}
        right = number_of(rows, metric="calibration_in_the_large", role=SECOND, **at)
        lost = [
            (float(row["at"]), number_of([row]))
            for row in rows
            if (row["drill"], row["case"]) == ("missing_agency", case)
            and (row["metric"], row["role"]) == ("ppv", GAINED)
        ]
        worse = [(share, number) for share, number in lost if number.low > 0]
        if right.outside(*RIGHT):
            message = f"{case}: observed over expected outcomes {right.in_words()}; 1 is right"
            yield _finding("RS3755", Severity.WARNING, case, message, right)
        elif worse:
            share, number = max(worse, key=lambda each: each[1].value)
            message = f"{case}: of the top {100 * share:g}% fewer are right, by "
            message += f"{number.in_words(100)} points"
            yield _finding("RS3755", Severity.WARNING, case, message, number)


def check_curve(rows: Sequence[Row]) -> Iterator[Finding]:
    """RS3756: whether twice the people gained anything."""
    done = _done(rows, "learning_curve")
    if done:
        at = {"drill": "learning_curve", "case": done[-1], "role": GAINED}
        number = number_of(rows, metric="auroc", **at)
        verb = "still gains" if number.low > 0 else "is not shown to gain"
        message = (
            f"the model {verb} from twice as many people: AUROC differs by {number.in_words()}"
        )
        yield _finding("RS3756", Severity.INFO, "learning curve", message, number)


def check_permutation(rows: Sequence[Row]) -> Iterator[Finding]:
    """RS3757: something is learnt from outcomes dealt out by lot."""
    number = number_of(rows, drill="permutation", metric="auroc", role=SECOND)
    if number.outside(*BY_CHANCE):
        message = f"learnt from outcomes dealt out by lot, the mean AUROC is {number.in_words()}"
        yield _finding("RS3757", Severity.ERROR, "outcomes by lot", message, number)


def check_leaks(rows: Sequence[Row]) -> Iterator[Finding]:
    """RS3758: a planted leak that nobody named, or noise that was."""
    for row in rows:
        if row["drill"] != "planted_leaks" or not row["metric"]:
            continue
        kind = str(row["case"]).partition(":")[0]
        named = bool(row["value"])
        if named == (kind == "noise"):
            what = "was named as a leak" if named else "was not named"
            severity = Severity.WARNING if kind != "proxy" else Severity.ERROR
            yield _finding("RS3758", severity, kind, f"planted, {row['case']}: {what}")


def check_undone(rows: Sequence[Row]) -> Iterator[Finding]:
    """RS3759: cases that could not be done."""
    for row in rows:
        if not row["metric"]:
            message = f"{str(row['drill']).replace('_', ' ')}: {row['case']}: could not be done"
            yield _finding("RS3759", Severity.INFO, str(row["drill"]), message)


CHECKS = (
    check_ablation, check_elsewhere, check_stability, check_missing, check_curve,
    check_permutation, check_leaks, check_undone,
)  # fmt: skip
