"""The rows of a feature table: who, on which day, and to which household they belonged that day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskstrat.asof import OPEN, literal, related
from riskstrat.features.coverage import Span, is_covered, spans_of
from riskstrat.features.plan import Feature, FeaturePlan
from riskstrat.vocabulary import Unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from riskstrat.contracts.spec import Source

ROWS = "feature_rows"


@dataclass
class Frame:
    """Rows to fill, numbered in the order of the output: by as-of date, then by unit.

    Making one creates the table ``feature_rows`` (row_id, unit_id, as_of) on the connection, and
    the tables of relations when they are first asked for; ``drop`` removes them.

    Attributes:
        con: a connection with ``pairs``, the views ``source_<name>``, and ``relations`` where a
            feature goes through one.
        plan: the features to fill.
        sources: the contracts, by name.
        pairs: the table of (unit_id, as_of), each pair once; or a subquery.
    """

    con: duckdb.DuckDBPyConnection
    plan: FeaturePlan
    sources: Mapping[str, Source]
    pairs: str = "pairs"
    keys: pa.Table = field(init=False)
    """unit_id (string) and as_of (date32) of every row"""
    days: tuple[date, ...] = field(init=False)
    """the as-of dates that occur, rising"""
    _tables: list[str] = field(init=False, default_factory=list)
    _covered: dict[tuple[Span, date], bool] = field(init=False, default_factory=dict)
    _says: dict[tuple[tuple[Span, ...], Unit | None], NDArray[np.bool_]] = field(
        init=False, default_factory=dict
    )
    _places: dict[Unit, tuple[NDArray[np.int64], pa.Table]] = field(
        init=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        self.create(
            ROWS,
            "SELECT CAST(row_number() OVER (ORDER BY as_of, unit_id) - 1 AS INTEGER) AS row_id, "
            f"unit_id, as_of FROM {self.pairs}",
        )
        self.keys = self.con.execute(
            f"SELECT unit_id, as_of FROM {ROWS} ORDER BY row_id"
        ).to_arrow_table()
        self.days = tuple(sorted(pc.unique(self.keys["as_of"]).to_pylist()))

    def __len__(self) -> int:
        return int(self.keys.num_rows)

    def create(self, name: str, sql: str) -> None:
        """Create a table on the connection that lives as long as the frame."""
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}")
        self._tables.append(name)

    def drop(self) -> None:
        """Remove every table the frame has made."""
        for name in dict.fromkeys(self._tables):
            self.con.execute(f"DROP TABLE IF EXISTS {name}")
        self._tables.clear()

    # -- what the agencies' data reach ------------------------------------------------------------

    def spans_covered(self, spans: Sequence[Span], day: date) -> bool:
        """Whether the agencies' data, as known on the day, reach over all these spans."""
        for span in spans:
            if (span, day) not in self._covered:
                self._covered[span, day] = is_covered(
                    self.sources[span.source], span, day, self.plan.min_covered
                )
        return all(self._covered[span, day] for span in spans)

    def covered(self, feature: Feature) -> NDArray[np.bool_]:
        """Whether each row says anything: covered on its day, and with a household to go by."""
        spans, via = spans_of(feature), feature.through
        if (spans, via) not in self._says:
            flags = np.array([self.spans_covered(spans, day) for day in self.days], np.bool_)
            found = flags[self._day]
            if via:
                found &= self.homes(via)[0] >= 0
            self._says[spans, via] = found
        return self._says[spans, via]

    @cached_property
    def as_of(self) -> NDArray[np.int32]:
        """Days since 1970-01-01 of every row."""
        return np.asarray(self.keys["as_of"].cast(pa.int32()).to_numpy())

    @cached_property
    def _day(self) -> NDArray[np.int64]:
        """Each row's place among the as-of dates."""
        return np.searchsorted(np.unique(self.as_of), self.as_of)

    # -- relations -------------------------------------------------------------------------------

    def homes_table(self, via: Unit) -> str:
        """The table (row_id, as_of, key) of each row's household on the day; rows without: none."""
        name = f"feature_homes_{via.value}"
        if name not in self._tables:
            homes = related(ROWS, "relations", via, self.plan.unit)
            self.create(
                name,
                f"SELECT c.row_id, c.as_of, h.via_id AS key FROM {ROWS} AS c "
                f"JOIN ({homes}) AS h USING (unit_id, as_of) WHERE h.via_id IS NOT NULL",
            )
        return name

    def members_table(self, via: Unit) -> str:
        """The table (as_of, home, key) of everyone of the rows' households on the day.

        Who else lived there is only what was known on the day: a person seen in two households,
        the first not yet known to have been left, counts in the second alone.
        """
        name = f"feature_members_{via.value}"
        if name not in self._tables:
            homes = self.homes_table(via)
            seen = (
                "SELECT DISTINCT p.as_of, e.unit_id FROM "
                f"(SELECT DISTINCT as_of, key FROM {homes}) AS p "
                f"JOIN relations AS e ON e.via_id = p.key AND e.via = {literal(via.value)} "
                f"AND e.unit = {literal(self.plan.unit.value)} AND {OPEN}"
            )
            living = related(f"({seen})", "relations", via, self.plan.unit)
            self.create(
                name,
                f"SELECT h.as_of, h.key AS home, m.unit_id AS key "
                f"FROM (SELECT DISTINCT as_of, key FROM {homes}) AS h "
                f"JOIN ({living}) AS m ON m.as_of = h.as_of AND m.via_id = h.key",
            )
        return name

    def homes(self, via: Unit) -> tuple[NDArray[np.int64], pa.Table]:
        """Each row's place among the households and days that occur (-1: none), and these."""
        if via in self._places:
            return self._places[via]
        name = self.places_table(via)
        places = self.con.execute(f"SELECT key, as_of FROM {name} ORDER BY place").to_arrow_table()
        row, place = (
            self.con.execute(
                f"SELECT h.row_id, p.place FROM {self.homes_table(via)} AS h "
                f"JOIN {name} AS p ON p.key = h.key AND p.as_of = h.as_of"
            )
            .fetchnumpy()
            .values()
        )
        found = np.full(len(self), -1, np.int64)
        found[row] = place
        self._places[via] = found, places
        return found, places

    def places_table(self, via: Unit) -> str:
        """The table (place, key, as_of) of the households and days that occur, numbered."""
        name = f"feature_places_{via.value}"
        if name not in self._tables:
            self.create(
                name,
                "SELECT CAST(row_number() OVER (ORDER BY key, as_of) - 1 AS INTEGER) AS place, "
                f"key, as_of FROM (SELECT DISTINCT key, as_of FROM {self.homes_table(via)})",
            )
        return name


def limited(plan: FeaturePlan, features: Sequence[Feature]) -> FeaturePlan:
    """The same plan with some of its features only."""
    return FeaturePlan(tuple(features), plan.unit, plan.min_covered, plan.age_bands)
