"""Rules of thumb every model must beat: the base rate, age and sex, and earlier use.

A baseline is one function and one line in ``BASELINES``. It reads attributes, not features.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

from numpy.typing import NDArray
from scipy.special import logit

from riskstrat.errors import StudyError
from riskstrat.risk_model import LinearScorer, RiskModel, Term
from riskstrat.training import logistic
from riskstrat.training.rows import IntArray
from riskstrat.training.spec import Baseline
from riskstrat.training.task import Learn, Learnt, Task, make_model, pooled
from riskstrat.training.tune import Found

PENALTY = logistic.Penalty("l2", 10.0)
AGE_COLUMNS = ("age_at_as_of", "age", "age_band")
SEX_COLUMNS = ("sex",)

MakeTerms: TypeAlias = Callable[[NDArray[Any]], Sequence[Term]]


def learn_base_rate(task: Task) -> Learnt:
    """Everybody at the training part's rate."""
    return _learn_linear(task, "base_rate", lambda matrix: ())


def learn_age_sex(task: Task) -> Learnt:
    """A spline of age, or its bands, with sex and their products."""

    def terms(matrix: NDArray[Any]) -> list[Term]:
        age, sex = _main_terms(task, matrix, 0), _main_terms(task, matrix, 1)
        both = [
            logistic.centred(matrix, a.factors + s.factors, scaled=True) for a in age for s in sex
        ]
        return age + sex + both

    return _learn_linear(task, "age_sex", terms)


def learn_prior_use(task: Task) -> Learnt:
    """The log of how often the service was used before."""
    return _learn_linear(
        task, "prior_use", lambda matrix: logistic.learn_terms(matrix, task.frame.features)
    )


def _main_terms(task: Task, matrix: NDArray[Any], position: int) -> list[Term]:
    if task.frame.levels[position]:
        return logistic.level_terms(matrix, position)
    factors = logistic.spline_factors(matrix, position)
    return [logistic.centred(matrix, (factor,), scaled=True) for factor in factors]


def _learn_linear(task: Task, kind: str, terms: MakeTerms) -> Learnt:
    def fit(rows: IntArray) -> RiskModel:
        matrix, outcome = task.frame.matrix(rows), task.rows.outcome[rows]
        made = terms(matrix)
        scorer = LinearScorer(float(logit(outcome.mean())))
        if made:
            scorer = logistic.fit_terms(matrix, outcome, made, PENALTY)
        return make_model(task, kind, {}, linear=scorer)

    raw = [task.frame.raw_of(fit(split.train), split.evaluate) for split in task.fold.inner]
    return pooled(task, fit(task.fold.train), raw, Found({}))


BASELINES: Mapping[str, Learn] = MappingProxyType(
    {
        "base_rate": learn_base_rate,
        "age_sex": learn_age_sex,
        "prior_use": learn_prior_use,
    }
)


def baseline_columns(baseline: Baseline, present: Sequence[str], prior: str) -> tuple[str, ...]:
    """The attributes a baseline reads: as the study names them, or the usual ones.

    Args:
        baseline: from the study.
        present: attributes there are.
        prior: the attribute that counts earlier use.

    Raises:
        StudyError: RS1267, when the study names too few or too many.
    """
    wanted = {"base_rate": 0, "age_sex": 2, "prior_use": 1}[baseline.kind]
    if baseline.columns and len(baseline.columns) != wanted:
        raise StudyError(
            f"the baseline `{baseline.kind}` reads {wanted} attributes, "
            f"and the study names {len(baseline.columns)}",
            fix="write `{age_sex: [age, sex]}`, `{prior_use: [count]}`, or the name alone",
            code="RS1267",
        )
    if baseline.columns or not wanted:
        return baseline.columns
    if baseline.kind == "prior_use":
        return (prior,)
    return (_usual(AGE_COLUMNS, present), _usual(SEX_COLUMNS, present))


def _usual(names: Sequence[str], present: Sequence[str]) -> str:
    """The first usual name there is, alone or as ``source.name``."""
    for name in names:
        for column in present:
            if column == name or column.endswith(f".{name}"):
                return column
    return names[0]
