"""A small linkage: the county's rules, weights written by hand, records drawn as a table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import yaml

from riskstrat.linkage.comparisons import levels_of
from riskstrat.linkage.engine import LinkedRecords, link_people
from riskstrat.linkage.model import MatchModel, fitting
from riskstrat.linkage.spec import LinkageSpec
from tables import table

CONFIGS = Path(__file__).parents[2] / "configs" / "linkage"
ALIKE = {"equal": (0.85, 0.003), "different": (0.03, 0.95)}
"""(m, u) of the first and last level; those between share what is left"""


def spec_of(name: str = "mid_county", **changes: Any) -> LinkageSpec:
    """A linkage file of the project, without nicknames, with parts replaced."""
    plain = yaml.safe_load((CONFIGS / f"{name}.yaml").read_text(encoding="utf-8"))
    plain.pop("nicknames", None)
    return LinkageSpec.model_validate(plain | changes)


def model_of(spec: LinkageSpec, partners: float = 1.0) -> MatchModel:
    """Weights that nobody had to learn."""
    weights: dict[str, Mapping[str, tuple[float, float]]] = {}
    for comparison in spec.comparisons:
        labels = [level.label for level in levels_of(comparison) if not level.null]
        between = len(labels) - 2
        weights[comparison.name] = {
            label: ALIKE.get(label, (0.12 / max(between, 1), 0.047 / max(between, 1)))
            for label in labels
        }
        if comparison.name == "sex":
            weights["sex"] = {"equal": (0.98, 0.5), "different": (0.02, 0.5)}
    return MatchModel(fitting(spec), weights, partners, {"records": 0})


def link(
    rows: str | pa.Table,
    folder: Path,
    spec: LinkageSpec | None = None,
    known: Mapping[str, str] | None = None,
) -> LinkedRecords:
    """Link a drawing with the weights above."""
    spec = spec or spec_of()
    with duckdb.connect() as con:
        con.register("people", table(rows) if isinstance(rows, str) else rows)
        if known is not None:
            keys, names = pa.array(known, pa.string()), pa.array(known.values(), pa.string())
            con.register("known", pa.table({"record_key": keys, "entity": names}))
        return link_people(
            con,
            "people",
            spec,
            model=model_of(spec),
            scratch=folder / "scratch",
            known="known" if known is not None else None,
        )


def entities(linked: LinkedRecords) -> dict[str, str]:
    """record key -> entity."""
    rows = linked.table
    return dict(zip(rows["record_key"].to_pylist(), rows["entity"].to_pylist(), strict=True))


def column(linked: LinkedRecords, name: str) -> dict[str, Any]:
    """record key -> what a column of the links says."""
    rows = linked.table
    return dict(zip(rows["record_key"].to_pylist(), rows[name].to_pylist(), strict=True))


def together(linked: LinkedRecords) -> set[frozenset[str]]:
    """The records of each person, without their names."""
    found: dict[str, set[str]] = {}
    for key, entity in entities(linked).items():
        found.setdefault(entity, set()).add(key)
    return {frozenset(keys) for keys in found.values()}
