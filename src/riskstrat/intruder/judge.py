"""The judge: reads what no recipient has, lends the intruder public facts, and confirms claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from riskstrat.audit.wording import COUNTED, KNOWN, aggregate, reason_text, topic_text
from riskstrat.disk import read_json
from riskstrat.intruder.releases import OWN_PATIENTS, PSEUDONYMISED, Release
from riskstrat.release.cohort_list import NOT_RECORDED
from riskstrat.release.identity import release_id, release_key
from riskstrat.vocabulary import FeatureColumn, FeatureKind

Bools = npt.NDArray[np.bool_]

EVENTFUL = (*COUNTED, "any", "days_since_last", "days_since_first")
"""features that say something happened, which others may remember"""
HAS_RECORD = "has_record"
NO_SECRET = b""
"""what somebody without the secret can try"""


@dataclass(frozen=True, slots=True)
class Person:
    """What those who know somebody could tell.

    Attributes:
        pseudonym: for the judge alone.
        attributes: age band, sex, area ... by the names of a release's columns.
        happened: agency's source -> what a list would say of it, without how much or when.
    """

    pseudonym: str
    attributes: Mapping[str, str]
    happened: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Judge:
    """Knows whose row is whose, from the store's own tables.

    Attributes:
        store: the folder of the store.
        release_keys: secrets that release ids were made with, where there are any.
        seeds: study -> its seed, from the published study.
    """

    store: Path
    release_keys: tuple[bytes, ...] = ()

    def owners(self, release: Release) -> Sequence[str | None] | None:
        """The pseudonym behind each row; None if the judge cannot tell."""
        if release.kind == OWN_PATIENTS:
            return [row.get("unit_id") for row in release.rows]
        units = self.units(release)
        if release.kind != PSEUDONYMISED or units is None:
            return None
        ids = [row.get("release_id", "") for row in release.rows]
        for secret in (*self.release_keys, NO_SECRET):
            for key in possible_keys(release, self.seeds(release.study), secret):
                found = {release_id(key, unit, release.as_of): unit for unit in units}
                if any(each in found for each in ids):
                    return [found.get(each) for each in ids]
        return None

    def units(self, release: Release) -> Sequence[str] | None:
        """Everybody who was scored for a release, listed or not."""
        path = self.store / "derived" / "scores" / release.scores[:32] / "scores.parquet"
        if not release.scores or not path.exists():
            return None
        units: Sequence[str] = pq.read_table(path, columns=["unit_id"])["unit_id"].to_pylist()
        return units

    def seeds(self, study: str) -> list[int]:
        """The seeds of a study, which stand in its published text."""
        from riskstrat.yamlfile import read_document

        found = []
        for path in sorted((self.store / "runs" / study).glob("*/study.yaml")):
            seed = read_document(path).data.get("seed")
            found += [seed] if isinstance(seed, int) else []
        return list(dict.fromkeys(found))

    def people(self, release: Release, most: int, rng: np.random.Generator) -> list[Person] | None:
        """A seeded sample of everybody who was scored, and what others know of them.

        Returns:
            None if the store no longer has the tables that tell.
        """
        units = self.units(release)
        folder = self._features(release, units)
        if units is None or folder is None:
            return None
        groups = pq.read_table(folder / "groups.parquet")
        chosen = np.sort(rng.permutation(groups.num_rows)[:most])
        groups = groups.take(pa.array(chosen))
        told = {
            name: [NOT_RECORDED if each in (None, "") else str(each) for each in column.to_pylist()]
            for name, column in zip(groups.column_names, groups.columns, strict=True)
            if name in release.attributes
        }
        happened = _happened(folder, groups["unit_id"], release)
        return [
            Person(unit, {name: told[name][at] for name in told}, happened[at])
            for at, unit in enumerate(groups["unit_id"].to_pylist())
        ]

    def _features(self, release: Release, units: Sequence[str] | None) -> Path | None:
        """The folder with the groups and features of those who were scored."""
        if units is None:
            return None
        for path in sorted((self.store / "derived" / "features").glob("*/groups.parquet")):
            if set(release.attributes) <= set(pq.read_schema(path).names):
                table = pq.read_table(path, columns=["unit_id", "as_of"])
                days = pc.unique(table["as_of"]).to_pylist()
                if days == [release.as_of] and set(table["unit_id"].to_pylist()) >= set(units):
                    return path.parent
        return None


def possible_keys(release: Release, seeds: Sequence[int], secret: bytes = NO_SECRET) -> list[bytes]:
    """The keys a release's ids can have been made with, by the public rule."""
    return [
        release_key(secret, release.study_digest, release.as_of, release.recipient, seed)
        for seed in seeds
    ]


def _happened(
    folder: Path, units: pa.ChunkedArray, release: Release
) -> list[dict[str, frozenset[str]]]:
    """For each unit: source -> what a list would name of it."""
    said = {text for row in release.rows for text in row.get("reasons", "").split("; ")}
    told = [_column(each) for each in read_json(folder / "features.json")]
    features = [(each, topic) for each in told if (topic := _topic(each)) and topic in said]
    names = [column.name for column, _ in features]
    table = pq.read_table(folder / "features.parquet", columns=["unit_id", *names])
    table = table.take(pc.index_in(units, value_set=table["unit_id"].combine_chunks()))
    found: list[dict[str, set[str]]] = [{} for _ in range(len(units))]
    for column, topic in features:
        for at in np.flatnonzero(_true_of(column, table[column.name])):
            found[at].setdefault(column.source, set()).add(topic)
    return [{name: frozenset(topics) for name, topics in each.items()} for each in found]


def _topic(column: FeatureColumn) -> str:
    """What a list says if the feature speaks of something that others may remember, else ''."""
    if column.name.endswith(KNOWN):
        return reason_text(column, HAS_RECORD)
    return topic_text(column, 1.0) if aggregate(column) in EVENTFUL else ""


def _true_of(column: FeatureColumn, values: pa.ChunkedArray) -> Bools:
    """Of which units it is true that this happened: bool (n,)."""
    if column.name.endswith(KNOWN):
        return np.array([each == HAS_RECORD for each in values.cast(pa.string()).to_pylist()])
    numbers = values.cast(pa.float64()).to_numpy(zero_copy_only=False)
    if aggregate(column).startswith("days_since"):
        return np.asarray(~np.isnan(numbers))
    return np.asarray(np.nan_to_num(numbers) > 0)


def _column(told: Mapping[str, object]) -> FeatureColumn:
    """Enough of a feature to say what a reason about it is called."""
    return FeatureColumn(
        str(told["name"]),
        str(told["meaning"]),
        FeatureKind(str(told["kind"])),
        str(told["source"]),
        agency=str(told.get("agency", "")),
    )
