"""A version as it was judged, and a day as it is: what monitoring compares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml
from numpy.typing import NDArray

from riskstrat.audit.spec import AuditSpec
from riskstrat.disk import read_json
from riskstrat.risk_model import FeatureRows, RiskModel
from riskstrat.stages.jobs import Job
from riskstrat.stages.learn import columns_of
from riskstrat.stages.score import model_folder
from riskstrat.statistics.together import together
from riskstrat.store.files import verified_manifest


@dataclass(frozen=True, slots=True)
class Judged:
    """A registered version as it was judged: from the folder of the run that made it.

    Attributes:
        folder: of the run, its bytes verified.
        model: by our own loader.
        learner: its name in predictions and metrics.
        metrics: of the held-out dates.
        scores: unit_id, as_of, raw_score, risk of the held-out rows, sorted by as_of and unit_id.
        audit: the study's audit as it was approved, gates and all.
        gates: what each gate found then.
        fairness: rows of the fairness table then.
        trained: first and last as-of date that the model learnt from.
        tested: first and last date it was judged on.
    """

    folder: Path
    model: RiskModel
    learner: str
    metrics: Mapping[str, Any]
    scores: pa.Table
    audit: AuditSpec
    gates: list[dict[str, Any]]
    fairness: list[dict[str, Any]]
    trained: tuple[date, date]
    tested: tuple[date, date]

    @property
    def tested_apart(self) -> bool:
        """Whether the dates that judged the model come after those that taught it."""
        return self.tested[0] > self.trained[1]


def read_judged(job: Job, version: Mapping[str, Any]) -> Judged:
    """Read a version as it was judged.

    Raises:
        StorageError: RS7403, RS7404 or RS7453, when a file of the run or of the model is gone or
            was changed.
    """
    folder = job.store.run_folder(version["name"], version["run_id"])
    verified_manifest(folder)
    model = model_folder(job, version)
    learner = read_json(folder / "training.json")["winner"]
    chosen = [("split", "=", "test"), ("learner", "=", learner)]
    scores = pq.read_table(folder / "predictions.parquet", filters=chosen)
    scores = scores.sort_by([("as_of", "ascending"), ("unit_id", "ascending")])
    told = yaml.safe_load((folder / "study.yaml").read_text(encoding="utf-8"))
    learnt = (date.fromisoformat(model.provenance[f"trained_{end}"]) for end in ("from", "to"))
    days = pc.min_max(scores["as_of"]).as_py()
    return Judged(
        folder=folder,
        model=model,
        learner=learner,
        metrics=read_json(folder / "metrics.json")["test"][learner],
        scores=scores,
        audit=AuditSpec.model_validate(told["audit"]),
        gates=read_json(folder / "audit" / "gates.json"),
        fairness=pq.read_table(folder / "audit" / "fairness.parquet").to_pylist(),
        trained=(next(learnt), next(learnt)),
        tested=(days["min"], days["max"]),
    )


@dataclass(frozen=True, slots=True)
class Rows:
    """Units on some days: where their features lie, and which stand or fall together.

    Attributes:
        features: sorted by as_of and unit_id.
        start, stop: row numbers among the features.
        cluster: the text of each row's cluster.
        keys: unit_id and as_of of each row.
    """

    features: FeatureRows
    start: int
    stop: int
    cluster: pa.ChunkedArray
    keys: pa.Table

    def __len__(self) -> int:
        return self.stop - self.start

    def column(self, name: str) -> pa.ChunkedArray:
        """One feature, a value for each row."""
        parts = [piece[name] for _, piece in self.features.pieces([name], self.start, self.stop)]
        kind = self.features.schema.field(name).type
        chunks = [chunk for part in parts for chunk in part.chunks]
        plain = [chunk.cast(kind) for chunk in chunks]
        return pa.chunked_array(plain, kind)


def rows_of(folder: Path, cluster: str, first: date, last: date) -> Rows:
    """The rows of some days (both included) of a folder with features and groups.

    Args:
        folder: with ``features.parquet`` and ``groups.parquet``, both sorted by as_of and unit_id.
        cluster: what is resampled whole: ``unit``, or a column of the groups, where a row without
            a value stands for its unit.
        first, last: the days.
    """
    groups = columns_of(folder / "groups.parquet", [] if cluster == "unit" else [cluster])
    days = np.asarray(groups["as_of"].cast(pa.int32()).to_numpy())
    bounds = [(day - date(1970, 1, 1)).days for day in (first, last)]
    start, stop = int(np.searchsorted(days, bounds[0])), int(np.searchsorted(days, bounds[1] + 1))
    own = groups.slice(start, stop - start)
    return Rows(
        FeatureRows.of_file(folder / "features.parquet"),
        start,
        stop,
        cluster_texts(own, cluster),
        own.select(["unit_id", "as_of"]),
    )


def whole_texts(
    labels: Sequence[pa.ChunkedArray], keys: Sequence[pa.Table]
) -> list[pa.ChunkedArray]:
    """Texts of clusters, with those joined between which a unit moved: see ``together``.

    Args:
        labels: per period the text of each row's cluster.
        keys: per period unit_id and as_of of each row.
    """
    label, names = _coded(labels)
    unit, _ = _coded([each["unit_id"] for each in keys])
    days = [each["as_of"].cast(pa.date32()).cast(pa.int32()).to_numpy() for each in keys]
    found = together(unit, label, np.concatenate(days).astype(np.int64)).labels
    texts = names.take(pa.array(found))
    ends = np.cumsum([0, *(len(each) for each in labels)]).tolist()
    return [pa.chunked_array([texts[start:stop]]) for start, stop in pairwise(ends)]


def _coded(columns: Sequence[pa.ChunkedArray]) -> tuple[NDArray[np.int64], pa.Array]:
    """A number for each different text of several columns, one after the other; and the texts."""
    chunks = [chunk.cast(pa.string()) for each in columns for chunk in each.chunks]
    whole = pa.chunked_array(chunks, pa.string()).combine_chunks().dictionary_encode()
    codes = np.asarray(whole.indices.to_numpy(zero_copy_only=False)).astype(np.int64)
    return codes, whole.dictionary


def cluster_texts(groups: pa.Table, cluster: str) -> pa.ChunkedArray:
    """A text for each row: of its cluster, or of its unit where it has none."""
    units = pc.binary_join_element_wise("unit", groups["unit_id"].cast(pa.string()), " ")
    if cluster == "unit" or cluster not in groups.column_names:
        return units
    named = pc.binary_join_element_wise("=", groups[cluster].cast(pa.string()), " ")
    return pc.coalesce(named, units)
