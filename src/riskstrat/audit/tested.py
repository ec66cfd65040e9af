"""The features of the rows under audit, read from where they lie when they are asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from riskstrat.risk_model import KEY, FeatureRows, RiskModel

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Tested:
    """Rows under audit and where their features lie.

    Attributes:
        rows: unit_id, as_of (n).
        features: of at least these rows.
        place: int (n,), the number of each row among the features, -1 where it is absent.
        names: the model's features.
    """

    rows: pa.Table
    features: FeatureRows
    place: IntArray
    names: tuple[str, ...]

    def of(self, chosen: IntArray) -> pa.Table:
        """unit_id, as_of and features of some rows, in the order asked; null where absent."""
        found = self.features.take(self.names, self.place[chosen])
        own = self.rows.take(pa.array(chosen))
        return pa.table({key: own[key] for key in KEY} | {name: found[name] for name in self.names})

    def empty(self) -> dict[str, int]:
        """How many of the rows have no value, by feature."""
        counts = dict.fromkeys(self.names, int((self.place < 0).sum()))
        present = np.sort(self.place[self.place >= 0])
        for piece, at, _ in self.features.chosen(self.names, present):
            chosen = piece if len(at) == piece.num_rows else piece.take(pa.array(at))
            for name in self.names:
                counts[name] += chosen[name].null_count
        return counts


def read_tested(rows: pa.Table, features: FeatureRows | pa.Table, model: RiskModel) -> Tested:
    """Find the rows under audit among the features.

    Args:
        rows: unit_id and as_of, each pair once.
        features: unit_id, as_of and the model's features.
        model: whose features count.
    """
    read = features if isinstance(features, FeatureRows) else FeatureRows.of_table(features)
    names = tuple(feature.name for feature in model.features)
    return Tested(rows.select(list(KEY)), read, read.find(rows), names)
