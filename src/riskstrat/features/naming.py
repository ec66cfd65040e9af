"""Names and plain-English meanings of features."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from riskstrat.derivation import digest
from riskstrat.features.spec import Aggregate, Block
from riskstrat.vocabulary import Unit

if TYPE_CHECKING:
    from riskstrat.contracts.spec import Source

MAX_NAME = 120
_OTHER = re.compile(r"[^a-z0-9]+")


def slug(text: str) -> str:
    """Lower snake case: letters and digits stay, everything else becomes one underscore.

    Examples:
        >>> slug("Type 1: major A&E")
        'type_1_major_a_e'
    """
    return _OTHER.sub("_", text.lower()).strip("_") or "blank"


def slugs(texts: tuple[str, ...]) -> tuple[str, ...]:
    """One slug each, told apart by a number where two are the same."""
    found: dict[str, None] = {}
    for text in texts:
        base = name = slug(text)
        number = 2
        while name in found:
            name, number = f"{base}_{number}", number + 1
        found[name] = None
    return tuple(found)


def shortened(name: str) -> str:
    """The name itself, or its start and a digest when it is longer than ``MAX_NAME``."""
    return name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 9]}_{digest(name)[:8]}"


def block_name(block: Block) -> str:
    """The prefix of a block's features."""
    if block.name:
        return block.name
    return f"{block.through.value}_{block.source}" if block.through else block.source


def feature_name(block: str, aggregate: Aggregate, by: str, window: int | None) -> str:
    """``<block>__<aggregate>[_<column>][__<by column>_<code>][__<w>d]``."""
    column = f"_{aggregate.column}" if aggregate.column else ""
    days = f"__{window}d" if window else ""
    return shortened(f"{block}__{aggregate.function}{column}{f'__{by}' if by else ''}{days}")


def place(source: Source, through: Unit | None) -> str:
    """Whose rows they are: ``at the household``, ``of everyone in the household``."""
    if through is None:
        return ""
    if source.unit != through:
        return f" of everyone in the {through.value}"
    return f" {'in' if through is Unit.AREA else 'at'} the {through.value}"


def column_label(source: Source, column: str) -> str:
    """What a column is called in plain English."""
    declared = source.columns.get(column)
    text = declared.label if declared and declared.label else column.replace("_", " ")
    # "Drug class" reads on in lower case, "GP practice" does not.
    return text[0].lower() + text[1:] if text[1:2].islower() else text


def span(days: int) -> str:
    """A window in the words people use.

    Examples:
        >>> span(30), span(365), span(1095), span(400)
        ('30 days', 'year', '3 years', '400 days')
    """
    years = days // 365
    if years and days <= 365.25 * years + 1:
        return "year" if years == 1 else f"{years} years"
    return {7: "week", 14: "fortnight"}.get(days, f"{days} days")


def several(noun: str) -> str:
    """The plural of a plain English noun.

    Examples:
        >>> several("drug class"), several("code"), several("agency")
        ('drug classes', 'codes', 'agencies')
    """
    if noun.endswith(("s", "x", "ch", "sh")):
        return f"{noun}es"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}s"


def meaning(
    source: Source,
    block: Block,
    aggregate: Aggregate,
    group: str,
    window: int | None,
    *,
    one: bool = False,
) -> str:
    """A feature in plain English, such as ``admissions in the last 90 days``.

    Args:
        source, block, aggregate: what is measured.
        group: the part of a split block, in plain English.
        window: in days.
        one: word it for a single record: ``admission in the last 90 days``.
    """
    row, rows = block.row or source.row, block.rows or (f"{block.row}s" if block.row else "")
    rows = row if one else rows or source.plural
    where = place(source, block.through)
    if block.where and not (block.row or block.rows):
        where += f" (where {' '.join(block.where.split())})"
    kind = f" ({group})" if group else ""
    last = f" in the last {span(window)}" if window else ""
    label = column_label(source, aggregate.column) if aggregate.column else ""
    match aggregate.function:
        case "count":
            return f"{rows}{where}{kind}{last}"
        case "any":
            return f"any {row}{where}{kind}{last}"
        case "open":
            return f"{rows}{where}{kind} open on the day"
        case "sum":
            return f"total {label} of {rows}{where}{kind}{last}"
        case "mean":
            return f"average {label} of {rows}{where}{kind}{last}"
        case "min":
            return f"lowest {label} of {rows}{where}{kind}{last}"
        case "max":
            return f"highest {label} of {rows}{where}{kind}{last}"
        case "distinct":
            # A block named after what its codes say counts just that: long-term conditions.
            if block.row and re.search(rf"\b{aggregate.column}\b", block.where or ""):
                return f"{'' if one else 'different '}{rows}{where}{kind}{last}"
            among = block.rows or (f"{block.row}s" if block.row else source.plural)
            return f"different {label if one else several(label)} among {among}{where}{kind}{last}"
        case "days_since_last":
            return f"days since the last {row}{where}{kind}"
        case "days_since_first":
            return f"days since the first {row}{where}{kind}{last}"
        case "trend":
            return f"change in {rows}{where}{kind}{last} against the {span(window or 0)} before"
