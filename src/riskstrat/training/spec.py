"""What a study may say about folds, learners, tuning and calibration."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from riskstrat.spec import Spec
from riskstrat.vocabulary import Name, Period


class RollingOrigin(Spec):
    """Train on earlier dates, test on the last ones; the same people may be on both sides."""

    scheme: Literal["rolling_origin"]
    test_last: Annotated[int, Field(ge=1)] = 1
    """how many of the latest as-of dates with a known outcome are held out"""
    validation_last: Annotated[int, Field(ge=1)] = 2
    """how many of the training dates serve, in turn, as inner validation"""
    gap: Literal["horizon"] | Period = "horizon"
    """time between a training date and the next evaluated date, so that its outcome had ripened"""


class GroupedKFold(Spec):
    """Every unit is tested once, by a model that saw nobody of its group."""

    scheme: Literal["grouped_kfold"]
    k: Annotated[int, Field(ge=2, le=20)] = 5
    inner_k: Annotated[int, Field(ge=2, le=20)] = 4
    by: str = "unit"
    """`unit`, a related unit (`household`), or an attribute such as `school.school_id`"""


class ExistingScore(Spec):
    """A score somebody else published, audited as if it were a learner."""

    name: Name = "existing_score"
    column: str
    """a feature of this study: the published score"""
    positive_at: float | None = None
    """the published decision: positive when the score is at least this"""


class Learner(Spec):
    """One way to learn, written by its name or as `{existing_score: {...}}`."""

    kind: Literal["lightgbm", "logistic_regression", "existing_score"]
    existing_score: ExistingScore | None = None

    @model_validator(mode="before")
    @classmethod
    def _read_text(cls, value: object) -> object:
        if isinstance(value, str):
            return {"kind": value}
        if isinstance(value, dict) and set(value) == {"existing_score"}:
            return {"kind": "existing_score", **value}
        return value

    @model_validator(mode="after")
    def _existing_score_is_described(self) -> Self:
        if (self.kind == "existing_score") != (self.existing_score is not None):
            raise ValueError("an existing score is written `{existing_score: {column: ...}}`")
        return self

    @property
    def name(self) -> str:
        """The learner's name in metrics, predictions and the registry."""
        return self.existing_score.name if self.existing_score else self.kind


class Baseline(Spec):
    """A rule of thumb every model must beat, by name or as `{age_sex: [age, sex]}`."""

    kind: Literal["base_rate", "age_sex", "prior_use"]
    columns: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _read_text(cls, value: object) -> object:
        if isinstance(value, str):
            return {"kind": value}
        if isinstance(value, dict) and len(value) == 1 and not {"kind"} & set(value):
            [(kind, columns)] = value.items()
            return {"kind": kind, "columns": columns}
        return value


class Tune(Spec):
    """How long to search, inside the training data only."""

    trials: Annotated[int, Field(ge=0, le=10_000)] = 20
    metric: Literal["average_precision", "auroc", "log_loss"] = "average_precision"
    max_minutes: Annotated[float, Field(gt=0)] | None = None
    """stop early; the run then depends on the machine's speed, and says so"""
    rows: Annotated[int, Field(ge=500)] = 30_000
    """search on at most this many rows per inner fold, sampled by unit; the final fit uses all"""


class KeptNegatives(Spec):
    """Learn from every row with the outcome and from a share of the others."""

    negatives: Annotated[float, Field(ge=0.01, lt=1)]
    """share of the rows without the outcome that is kept, by a hash of unit and date"""


Range = tuple[float, float]
LIGHTGBM_RANGES: Mapping[str, Range] = MappingProxyType(
    {
        "n_estimators": (1, 20_000),
        "learning_rate": (1e-4, 1),
        "num_leaves": (2, 1024),
        "max_depth": (-1, 64),
        "min_data_in_leaf": (10, 1e9),
        "feature_fraction": (0.01, 1),
        "feature_fraction_bynode": (0.01, 1),
        "bagging_fraction": (0.01, 1),
        "lambda_l1": (0, 1e9),
        "lambda_l2": (0, 1e9),
        "path_smooth": (0, 1e9),
    }
)
WHOLE = frozenset({"n_estimators", "num_leaves", "max_depth", "min_data_in_leaf"})


def _check_lightgbm(parameters: Mapping[str, Any]) -> None:
    for name, value in parameters.items():
        if name not in LIGHTGBM_RANGES:
            raise ValueError(
                f"lightgbm: `{name}` cannot be fixed; what can be: {', '.join(LIGHTGBM_RANGES)}"
            )
        low, high = LIGHTGBM_RANGES[name]
        whole = name in WHOLE
        right = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
        if not right or not low <= value <= high:
            what = "a whole number" if whole else "a number"
            raise ValueError(f"lightgbm: `{name}` must be {what} from {low:g} to {high:g}")


def _check_logistic(parameters: Mapping[str, Any]) -> None:
    if unknown := sorted(set(parameters) - {"C", "penalty"}):
        raise ValueError(
            f"logistic_regression: `{unknown[0]}` cannot be fixed; what can be: C, penalty"
        )
    if parameters.get("penalty", "l2") not in ("l1", "l2"):
        raise ValueError("logistic_regression: `penalty` must be l1 or l2")
    c = parameters.get("C", 1.0)
    if isinstance(c, bool) or not isinstance(c, int | float) or not 1e-8 <= c <= 1e8:
        raise ValueError("logistic_regression: `C` must be a number from 1e-8 to 1e8")


class TrainingSpec(Spec):
    """How to learn, and how to know that it was learnt honestly."""

    folds: Annotated[RollingOrigin | GroupedKFold, Field(discriminator="scheme")]
    learners: tuple[Learner, ...] = Field(min_length=1)
    baselines: tuple[Baseline, ...] = ()
    tune: Tune = Tune()
    sample: Literal["auto", "off"] | KeptNegatives = "auto"
    """rows boosting learns from; risks are put right again, calibrators and metrics see all rows"""
    calibrate: Literal["isotonic", "sigmoid", "none"] = "isotonic"
    cluster: str = "unit"
    """intervals resample these together: `unit`, `household`, or an attribute"""
    replicates: Annotated[int, Field(ge=100, le=10_000)] = 1000
    parameters: dict[Literal["lightgbm", "logistic_regression"], dict[str, Any]] = Field(default={})
    """fixed parameters, which the search leaves alone"""

    @field_validator("learners")
    @classmethod
    def _names_differ(cls, value: tuple[Learner, ...]) -> tuple[Learner, ...]:
        names = [learner.name for learner in value]
        if len(set(names)) < len(names):
            raise ValueError("each learner needs a name of its own")
        return value

    @model_validator(mode="after")
    def _names_are_the_entrants_own(self) -> Self:
        names = [learner.name for learner in self.learners]
        names += [baseline.kind for baseline in self.baselines]
        if len(set(names)) < len(names):
            raise ValueError("each learner and baseline appears once, under a name of its own")
        return self

    @field_validator("parameters")
    @classmethod
    def _parameters_can_be_fixed(cls, value: dict[str, dict[str, Any]]) -> dict[str, Any]:
        _check_lightgbm(value.get("lightgbm", {}))
        _check_logistic(value.get("logistic_regression", {}))
        return value
