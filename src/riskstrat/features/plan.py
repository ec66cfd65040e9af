"""The feature spec compiled to a plan: one plain value per column, before any data are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from riskstrat.derivation import digest
from riskstrat.errors import StudyError
from riskstrat.features.checks import (
    check_aggregate,
    check_attribute,
    check_block,
    check_ends,
)
from riskstrat.features.naming import (
    block_name,
    column_label,
    feature_name,
    meaning,
    place,
    shortened,
    slugs,
)
from riskstrat.features.spec import Aggregate, AggregateName, Block, FeaturesSpec, SplitBy
from riskstrat.vocabulary import Codelist, ColumnType, FeatureColumn, FeatureKind, Unit

if TYPE_CHECKING:
    from riskstrat.attributes import Attribute
    from riskstrat.contracts.spec import Source
    from riskstrat.expressions import Expression

KNOWN_LEVELS = ("has_record", "no_record", "not_covered")
KNOWN_LABELS = MappingProxyType(
    {
        "has_record": "has a record",
        "no_record": "not known to this agency",
        "not_covered": "not covered by this agency's data",
    }
)
OVER_ALL = frozenset({"days_since_last", "days_since_first"})
"""aggregates over the longest window only, one feature each"""
COUNTED = frozenset({"count", "open", "distinct", "trend"})
"""aggregates whose value is a number of things, and so may be one"""


@dataclass(frozen=True, slots=True)
class Split:
    """One part of a split block: rows whose column holds one of these codes (as text)."""

    column: str
    part: int
    groups: tuple[tuple[str, ...], ...]
    """every part's codes, this one's at ``part``"""


@dataclass(frozen=True, slots=True)
class Feature:
    """One column to compute.

    ``window`` is in days; ``known`` companions carry their block's longest. ``attributes`` are
    set for features read as known on the day (for ``known``: all of the block's).
    """

    column: FeatureColumn
    block: str
    source: str
    function: AggregateName | Literal["attribute", "known"]
    value: str | None = None
    where: Expression | None = None
    split: Split | None = None
    window: int | None = None
    through: Unit | None = None
    attributes: tuple[Attribute, ...] = ()


@dataclass(frozen=True, slots=True)
class FeaturePlan:
    """Every feature of a study, in the order of the columns."""

    features: tuple[Feature, ...]
    unit: Unit
    min_covered: float
    age_bands: tuple[int, ...]

    @property
    def columns(self) -> tuple[FeatureColumn, ...]:
        """What describes each column of the feature table."""
        return tuple(feature.column for feature in self.features)


def plan_features(
    spec: FeaturesSpec,
    *,
    unit: Unit,
    sources: Mapping[str, Source],
    codelists: Mapping[str, Codelist],
    filters: Sequence[Expression | None],
    attributes: Sequence[Mapping[str, Attribute]],
    age_bands: Sequence[int],
) -> FeaturePlan:
    """Compile a study's feature spec.

    Args:
        spec: the spec.
        unit: the study's unit.
        sources: the contracts, by name.
        codelists: by name, for ``by`` with a codelist.
        filters: each block's parsed ``where``, in the order of the blocks.
        attributes: each block's attributes by the name the block uses, in the same order.
        age_bands: lowest age of each band.

    Raises:
        StudyError: RS1240 to RS1247, naming the block and the column.
    """
    found: dict[str, Feature] = {}
    lasting: dict[str, list[Feature]] = {}
    for block, where, known in zip(spec.blocks, filters, attributes, strict=True):
        check_block(block, unit, sources)
        source = sources[block.source]
        check_ends(block, where, source)
        if block.aggregates:
            made = list(_aggregated(spec, block, source, where, codelists))
        else:
            made = list(_attributes(block, source, known))
        for feature in made:
            if feature.column.name in found:
                raise StudyError(
                    f"two features would be called `{feature.column.name}`",
                    fix=f"give one of the blocks on `{block.source}` a `name` of its own",
                    code="RS1240",
                )
            found[feature.column.name] = feature
        lasting.setdefault(block_name(block), []).extend(made)
    ordered = [*found.values(), *(_known(spec, sources, parts) for parts in lasting.values())]
    ordered = [_with_digest(feature, spec, sources) for feature in _grouped(ordered)]
    return FeaturePlan(tuple(ordered), unit, spec.min_covered, tuple(age_bands))


def _grouped(features: Sequence[Feature]) -> Iterator[Feature]:
    """Each block's features together, its ``known`` companion last."""
    for block in dict.fromkeys(feature.block for feature in features):
        yield from (feature for feature in features if feature.block == block)


def _aggregated(
    spec: FeaturesSpec,
    block: Block,
    source: Source,
    where: Expression | None,
    codelists: Mapping[str, Codelist],
) -> Iterator[Feature]:
    windows = tuple(sorted(set(block.windows or spec.windows)))
    parts = tuple(_parts(block, source, codelists))
    for aggregate in block.aggregates:
        check_aggregate(block, aggregate, source)
        for split, by, group in parts:
            spans = windows[-1:] if aggregate.function in OVER_ALL else windows
            for window in (None,) if aggregate.function == "open" else spans:
                named = None if aggregate.function in OVER_ALL else window
                name = feature_name(block_name(block), aggregate, by, named)
                text = meaning(source, block, aggregate, group, window)
                column = FeatureColumn(
                    name=name,
                    meaning=text,
                    kind=FeatureKind.NUMBER,
                    source=source.source,
                    agency=source.agency,
                    window_days=window,
                    unit=_unit_of(aggregate, source),
                    singular=meaning(source, block, aggregate, group, window, one=True)
                    if aggregate.function in COUNTED
                    else "",
                )
                yield Feature(
                    column=column,
                    block=block_name(block),
                    source=source.source,
                    function=aggregate.function,
                    value=aggregate.column,
                    where=where,
                    split=split,
                    window=window,
                    through=block.through,
                )


def _unit_of(aggregate: Aggregate, source: Source) -> str:
    if aggregate.function in OVER_ALL:
        return "days"
    if aggregate.column and aggregate.function != "distinct":
        return source.columns[aggregate.column].unit
    return ""


def _parts(
    block: Block, source: Source, codelists: Mapping[str, Codelist]
) -> Iterator[tuple[Split | None, str, str]]:
    """Each part of a block: the split, its piece of the name, and its plain English."""
    if block.by is None:
        yield None, "", ""
        return
    labels, groups = _codes(block, block.by, source, codelists)
    for part, (name, label) in enumerate(zip(slugs(tuple(groups)), labels, strict=True)):
        split = Split(block.by.column, part, tuple(groups.values()))
        yield split, f"{block.by.column}_{name}", label


def _codes(
    block: Block, by: SplitBy, source: Source, codelists: Mapping[str, Codelist]
) -> tuple[list[str], dict[str, tuple[str, ...]]]:
    """Labels of the parts, and the codes of each by the part's key."""
    column = source.columns.get(by.column)
    if by.codelist:
        listed = codelists.get(by.codelist)
        if listed is None or column is None:
            missing = f"codelist `{by.codelist}`" if column else f"`{by.column}`"
            raise StudyError(
                f"block `{block_name(block)}` splits by {missing}, which does not exist",
                fix="add the codelist under configs/codelists, or the column to the contract",
                code="RS1243",
            )
        groups = listed.by_group()
        if any(groups):
            return [group.replace("_", " ") for group in groups if group], {
                group: codes for group, codes in groups.items() if group
            }
        return [listed.labels[code] for code in listed.codes], {c: (c,) for c in listed.codes}
    if column is not None and column.codes:
        return [label or code for code, label in column.codes.items()], {
            code: (code,) for code in column.codes
        }
    if column is not None and column.type is ColumnType.BOOLEAN:
        label = column_label(source, by.column)
        return [label, f"not {label}"], {"yes": ("true",), "no": ("false",)}
    raise StudyError(
        f"block `{block_name(block)}` splits by `{by.column}`, which has no codes",
        fix=f"list the codes of `{by.column}` in the contract of {source.source}, "
        "or split by a codelist",
        code="RS1243",
    )


def _attributes(block: Block, source: Source, known: Mapping[str, Attribute]) -> Iterator[Feature]:
    for name in block.attributes:
        attribute = known[name]
        check_attribute(block, name, attribute)
        numeric = not attribute.levels and attribute.type is not ColumnType.BOOLEAN
        declared = source.columns.get(name)
        column = FeatureColumn(
            name=shortened(f"{block_name(block)}__{name}"),
            meaning=f"{column_label(source, name)}{place(source, block.through)}",
            kind=FeatureKind.NUMBER if numeric else FeatureKind.CATEGORY,
            source=source.source,
            agency=source.agency,
            levels=() if numeric else tuple(attribute.levels) or ("yes", "no"),
            labels={} if numeric else dict(attribute.labels),
            ordered=attribute.ordered,
            unit="years" if attribute.kind == "age" else declared.unit if declared else "",
        )
        yield Feature(
            column=column,
            block=block_name(block),
            source=source.source,
            function="attribute",
            value=name,
            through=block.through,
            attributes=(attribute,),
        )


def _known(spec: FeaturesSpec, sources: Mapping[str, Source], parts: Sequence[Feature]) -> Feature:
    """The companion of a block: whether the agency knows the unit, or could."""
    first = parts[0]
    if len({(part.source, part.through) for part in parts}) > 1:
        raise StudyError(
            f"two blocks are called `{first.block}` and read different sources or relations",
            fix="give one of them another `name`",
            code="RS1240",
        )
    source = sources[first.source]
    windows = [part.window for part in parts if part.window]
    attributes = tuple(a for part in parts for a in part.attributes)
    column = FeatureColumn(
        name=shortened(f"{first.block}__known"),
        meaning=f"whether {source.agency} has {source.plural}{place(source, first.through)}",
        kind=FeatureKind.CATEGORY,
        source=source.source,
        agency=source.agency,
        levels=KNOWN_LEVELS,
        labels=KNOWN_LABELS,
        window_days=max(windows) if windows else None,
    )
    return Feature(
        column=column,
        block=first.block,
        source=first.source,
        function="known",
        value="open" if any(part.function == "open" for part in parts) else None,
        window=max(windows) if windows else None,
        through=first.through,
        attributes=attributes,
    )


def _with_digest(feature: Feature, spec: FeaturesSpec, sources: Mapping[str, Source]) -> Feature:
    """Identify a feature by everything that decides its values, other than the data."""
    column = feature.column
    source = sources[feature.source]
    identity = digest(
        column.name,
        feature.function,
        feature.value,
        feature.where.canonical if feature.where else None,
        (feature.split.column, feature.split.part, feature.split.groups) if feature.split else None,
        feature.window,
        feature.through,
        column.levels,
        [(a.text, a.kind, a.source, a.column, a.through) for a in feature.attributes],
        spec.min_covered,
        source.coverage,
        source.known_on,
    )
    named = FeatureColumn(
        **{name: getattr(column, name) for name in FeatureColumn.__slots__ if name != "digest"},
        digest=identity,
    )
    return Feature(
        **{name: getattr(feature, name) for name in Feature.__slots__ if name != "column"},
        column=named,
    )
