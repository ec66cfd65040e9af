"""Who takes part: the learners and baselines of a study, each with the columns it may read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from riskstrat.errors import StudyError
from riskstrat.risk_model import FeatureRows
from riskstrat.training.baselines import BASELINES, baseline_columns
from riskstrat.training.calibrate import Scale
from riskstrat.training.frame import Frame, make_frame
from riskstrat.training.learners import LEARNERS
from riskstrat.training.rows import IntArray, Rows, group_column
from riskstrat.training.spec import Baseline, Learner, TrainingSpec
from riskstrat.training.task import Learn
from riskstrat.vocabulary import FeatureColumn, FeatureKind


@dataclass(frozen=True, slots=True)
class Entrant:
    """A learner or baseline with the columns it may read.

    Attributes:
        name: in metrics and predictions.
        learn: how it learns.
        frame: what it reads.
        baseline: never wins, and needs no calibration.
        fixed: parameters the study sets.
        options: what else the study says, such as ``positive_at``.
    """

    name: str
    learn: Learn
    frame: Frame
    baseline: bool
    fixed: Mapping[str, Any]
    options: Mapping[str, Any]

    @property
    def scale(self) -> Scale:
        """What a sigmoid calibration is linear in: a published score need be no probability."""
        return "identity" if "positive_at" in self.options else "log_odds"


def needed_attributes(spec: TrainingSpec, present: Sequence[str]) -> tuple[str, ...]:
    """The columns of ``groups`` this training reads, given which there could be.

    Args:
        spec: the study's ``training``.
        present: attributes that can be had.
    """
    named = [spec.cluster, *([spec.folds.by] if spec.folds.scheme == "grouped_kfold" else [])]
    for baseline in spec.baselines:
        named += baseline_columns(baseline, present, "prior_use")
    return tuple(dict.fromkeys(name for name in named if name != "unit"))


@dataclass(frozen=True, slots=True)
class Read:
    """Where features are, and which rows of them are kept in memory.

    Attributes:
        rows: whose outcome is known.
        features: all features.
        place: the number of each row among them.
        held: row numbers that boosting learns from.
        trained: row numbers that any fold may learn from; None: all.
    """

    rows: Rows
    features: FeatureRows
    place: IntArray
    held: IntArray
    trained: IntArray | None = None


def make_entrants(
    read: Read, columns: tuple[FeatureColumn, ...], spec: TrainingSpec, prior: str
) -> list[Entrant]:
    """Every learner and baseline, features encoded once for all of them.

    Args:
        read: rows and features.
        columns: what the features are.
        spec: the study's ``training``.
        prior: the attribute that counts earlier use.

    Raises:
        StudyError: RS1261 to RS1267, when the study names what is not there.
    """
    features = make_frame(read.features, read.place, read.held, columns)
    learners = [_entrant(learner, read, columns, features, spec) for learner in spec.learners]
    baselines = [_baseline_entrant(baseline, read, prior) for baseline in spec.baselines]
    return learners + baselines


def _entrant(
    learner: Learner,
    read: Read,
    columns: tuple[FeatureColumn, ...],
    features: Frame,
    spec: TrainingSpec,
) -> Entrant:
    if learner.existing_score is None:
        fixed = {str(kind): set_ for kind, set_ in spec.parameters.items()}.get(learner.kind, {})
        return Entrant(learner.name, LEARNERS[learner.kind], features, False, fixed, {})
    score = learner.existing_score
    column = (published_score(columns, score.column),)
    everyone = np.arange(len(read.rows))
    frame = make_frame(read.features, read.place, everyone, column, np.float64)
    options = {"positive_at": score.positive_at}
    return Entrant(learner.name, LEARNERS[learner.kind], frame, False, {}, options)


def published_score(columns: Sequence[FeatureColumn], wanted: str) -> FeatureColumn:
    """The numeric feature a study means by ``name``, ``block__name`` or ``source.name``.

    Raises:
        StudyError: RS1266, when there is none, or more than one.
    """
    source, _, attribute = wanted.rpartition(".")
    numbers = [feature for feature in columns if feature.kind is FeatureKind.NUMBER]
    found = [feature for feature in numbers if feature.name == wanted] or [
        feature
        for feature in numbers
        if feature.name.endswith(f"__{attribute}") and source in ("", feature.source)
    ]
    if len(found) != 1:
        raise StudyError(
            f"`{wanted}`, the published score, is not one numeric feature of this study "
            f"({len(found)} found among {len(columns)} features)",
            fix="add it to `features`, and name it as it is called there",
            code="RS1266",
        )
    return found[0]


def _baseline_entrant(baseline: Baseline, read: Read, prior: str) -> Entrant:
    rows = read.rows
    names = baseline_columns(baseline, rows.groups.column_names, prior)
    features = tuple(_group_feature(rows.groups, name) for name in names)
    everyone = np.arange(len(rows))
    source = FeatureRows.of_table(rows.groups)
    frame = make_frame(source, everyone, everyone, features, learnt=read.trained)
    return Entrant(baseline.kind, BASELINES[baseline.kind], frame, True, {}, {})


def _group_feature(groups: pa.Table, name: str) -> FeatureColumn:
    kind = group_column(groups, name).type
    number = pa.types.is_floating(kind) or pa.types.is_integer(kind)
    return FeatureColumn(
        name=name,
        meaning=f"{name.replace('_', ' ')} on the as-of date",
        kind=FeatureKind.NUMBER if number else FeatureKind.CATEGORY,
        source="groups",
    )
