"""What is told of a model's memory: one finding for each thing measured, the worst first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from riskstrat.privacy.codes import PRIVACY_CODES
from riskstrat.privacy.measures import AUC, INFORMED, POSITIVES, TPR, Level, Measured
from riskstrat.privacy.structure import FEW, Structure
from riskstrat.statistics.estimate import Estimate
from riskstrat.vocabulary import Finding, Pages, Severity

_finding = Pages(PRIVACY_CODES).finding

LIMITS: Mapping[str, tuple[str, float, str]] = {
    AUC: ("RS3401", 0.53, "people learnt from and others"),
    POSITIVES: ("RS3402", 0.60, "people with the outcome, learnt from and others,"),
    TPR: ("RS3403", 0.005, ""),
}
"""metric -> code, the limit above which a warning is given, and who is told apart"""


def from_attacks(winner: str, measured: Mapping[str, Measured]) -> Iterator[Finding]:
    """RS3401 to RS3403: a warning where the whole interval is beyond the limit."""
    for name, (code, limit, who) in LIMITS.items():
        found = measured[name]
        number = found.number
        if name == TPR:
            said = f"{winner}: of those learnt from, a share of {number.in_words()} can be named"
        else:
            said = f"{winner}: {who} are told apart with an area under the curve of "
            said += number.in_words()
        if not number.estimable:
            said = f"{winner}: {found.too_few or 'nothing could be estimated'}"
        elif found.too_few:
            said = f"{said}; {found.too_few}"
        else:
            said = f"{said}; at most {limit:g} is wanted"
        beyond = number.estimable and not found.too_few and number.low > limit
        yield _finding(code, Severity.WARNING if beyond else Severity.INFO, winner, said, number)


def from_insider(winner: str, measured: Mapping[str, Measured]) -> Iterator[Finding]:
    """RS3404: what somebody with everybody else's records could tell; always told, never judged."""
    everybody, some = (measured[f"{INFORMED}{name}"].number for name in (AUC, POSITIVES))
    if everybody.estimable and some.estimable:
        said = (
            f"{winner}: with everybody else's records, people are told apart with an area under "
            f"the curve of {everybody.in_words()}, those with the outcome {some.in_words()}"
        )
        yield _finding("RS3404", Severity.INFO, winner, said, everybody)


def from_levels(levels: Sequence[Level]) -> Iterator[Finding]:
    """RS3405: levels whose people are told apart better than the limit for everybody."""
    limit = LIMITS[AUC][1]
    for level in levels:
        number = level.measured.number
        if number.estimable and number.low > limit:
            said = (
                f"{level.group}: people of level {level.level} are told apart with an area under "
                f"the curve of {number.in_words()}; at most {limit:g} is wanted"
            )
            group = f"{level.group}: {level.level}"
            yield _finding("RS3405", Severity.WARNING, level.group, said, number, group)


def from_structure(winner: str, found: Structure) -> Iterator[Finding]:
    """RS3406 to RS3410: what the model's own text gives away."""
    if found.smallest_leaf_people is not None:
        people = found.smallest_leaf_people
        said = f"{winner}: every leaf or coefficient rests on {_people(people)}"
        severity = Severity.ERROR if people < FEW else Severity.INFO
        yield _finding("RS3406", severity, winner, said, _exact(people, found))
    if found.degrees_of_freedom is not None:
        left = found.degrees_of_freedom
        few = left < FEW
        said = f"{winner}: {'too few' if few else f'at least {left:,}'} degrees of freedom are left"
        severity = Severity.ERROR if few else Severity.INFO
        yield _finding("RS3407", severity, winner, said, _exact(left, found))
    for name, count in found.rare_reasons.items():
        what = "a reason" if count == 1 else f"{count} reasons"
        said = f"{name} can give {what} that fewer than {FEW} people learnt from share"
        yield _finding("RS3408", Severity.WARNING, name, said)
    for name, count in found.rare_levels.items():
        learnt = name in found.learnt_levels
        what = "a category" if count == 1 else f"{count} categories"
        said = f"{name} has {what} that fewer than {FEW} people learnt from hold"
        said += ", and no contract declares them" if learnt else ""
        yield _finding("RS3409", Severity.WARNING if learnt else Severity.INFO, name, said)
    if found.extremes:
        said = f"{winner}: the stored model holds the least and the largest value of its features"
        yield _finding("RS3410", Severity.ERROR, winner, said)


def _exact(count: int, found: Structure) -> Estimate:
    return Estimate(float(count), float(count), float(count), found.people)


def _people(count: int) -> str:
    return f"at least {count:,} people" if count >= FEW else f"fewer than {FEW} people"
