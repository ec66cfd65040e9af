"""What a feature spec must fit in the contracts; faults are named before any data are read."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import TYPE_CHECKING

from riskstrat.errors import StudyError
from riskstrat.features.naming import block_name
from riskstrat.features.spec import Aggregate, Block
from riskstrat.vocabulary import ColumnType, Unit

if TYPE_CHECKING:
    from riskstrat.attributes import Attribute
    from riskstrat.contracts.spec import Source
    from riskstrat.expressions import Expression

SMALL_UNITS = frozenset({Unit.HOUSEHOLD, Unit.PROPERTY})
"""units few enough belong to that everybody's rows can lie beside each of them"""
NUMERIC = frozenset({ColumnType.INTEGER, ColumnType.NUMBER, ColumnType.BOOLEAN})


def check_block(block: Block, unit: Unit, sources: Mapping[str, Source]) -> None:
    """Check that a block's source exists and is about the right unit.

    Raises:
        StudyError: RS1241; RS1248, when others' rows are asked for through a large unit.
    """
    name = block_name(block)
    if (source := sources.get(block.source)) is None:
        raise StudyError(
            f"block `{name}` reads `{block.source}`, which is not a source of this study",
            fix=f"choose one of {', '.join(sorted(sources))}",
            code="RS1241",
        )
    if block.through is None and source.unit != unit:
        raise StudyError(
            f"block `{name}` reads `{block.source}`, whose rows are about a {source.unit}, "
            f"not a {unit}",
            fix=f"add `through: {source.unit}` to the block",
            code="RS1241",
        )
    if block.through is not None and source.unit not in (unit, block.through):
        raise StudyError(
            f"block `{name}` goes through the {block.through}, but rows of `{block.source}` "
            f"are about a {source.unit}",
            fix=f"use `through: {source.unit}`",
            code="RS1241",
        )
    if block.through == unit:
        raise StudyError(
            f"block `{name}` goes through the {unit}, which is the study's own unit",
            fix="drop `through` from the block",
            code="RS1241",
        )
    if block.through is not None and source.unit == unit and block.through not in SMALL_UNITS:
        raise StudyError(
            f"block `{name}` reads `{block.source}` of everyone of the same {block.through}, "
            f"which may be most of the population",
            fix=f"go through the household, or bring a source whose rows are about each "
            f"{block.through}",
            code="RS1248",
        )


def check_aggregate(block: Block, aggregate: Aggregate, source: Source) -> None:
    """Check that an aggregate's column exists and has a type that can be aggregated.

    Raises:
        StudyError: RS1242 (column) or RS1244 (spells).
    """
    where = f"block `{block_name(block)}`"
    if aggregate.function == "open" and source.shape != "spells":
        raise StudyError(
            f"{where} asks for `open`, but {source.source} holds {source.shape}, not spells",
            fix="use `count` or `any` instead",
            code="RS1244",
        )
    if aggregate.column is None:
        return
    if (column := source.columns.get(aggregate.column)) is None:
        raise StudyError(
            f"{where} aggregates `{aggregate.column}`, which {source.source} does not have",
            fix=f"choose one of {', '.join(sorted(source.columns))}",
            code="RS1242",
        )
    if aggregate.function != "distinct" and column.type not in NUMERIC:
        raise StudyError(
            f"{where} asks for `{aggregate}`, but `{aggregate.column}` is a {column.type}",
            fix=f"choose a number, or use `distinct({aggregate.column})`",
            code="RS1242",
        )


def check_ends(block: Block, where: Expression | None, source: Source) -> None:
    """Check that a block over spells does not ask how, or whether, they ended.

    A row of a spell counts from the day it began, and tells its end only later: what names the
    end would see beyond the day. ``open`` asks for no more than was known.

    Raises:
        StudyError: RS1247.
    """
    asked = {
        "where": where.columns if where else frozenset(),
        "by": {block.by.column} if block.by else frozenset(),
        "aggregates": {each.column for each in block.aggregates if each.column},
    }
    for key, columns in asked.items():
        if leaking := names_the_end(source, columns):
            raise StudyError(
                f"block `{block_name(block)}`: `{key}` names `{leaking[0]}`, the end of a spell of "
                f"{source.source}, which is known only later than the spell itself",
                fix="use the aggregate `open`, which counts spells not known to have ended",
                code="RS1247",
            )


def names_the_end(source: Source, columns: Set[str]) -> list[str]:
    """Which of these columns tell the end of a spell, which becomes known later than the rest."""
    if source.shape != "spells":
        return []
    return sorted(columns & {"ends_on", "end_known_on", source.ends_on, source.end_known_on})


def check_attribute(block: Block, name: str, attribute: Attribute) -> None:
    """Check that an attribute can be a feature: a number, or a category with known codes.

    Raises:
        StudyError: RS1245.
    """
    coded = attribute.levels or attribute.type in NUMERIC
    if attribute.kind in ("unit", "relation") or not coded:
        raise StudyError(
            f"block `{block_name(block)}`: `{name}` cannot be a feature, "
            f"since it is a {attribute.type} without codes",
            fix="list its codes in the contract, or leave it out",
            code="RS1245",
        )
