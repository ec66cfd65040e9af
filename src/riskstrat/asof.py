"""What was known about a unit on the morning of a day: the one place of the bi-temporal rule.

A row counts at ``as_of`` only if it happened before that day *and* had reached the platform
before that day: ``happened_on < as_of and known_on < as_of`` (Kaufman et al. 2012,
doi:10.1145/2382577.2382579). A spell is half-open, ``[starts_on, ends_on)``, and its end is an
event like any other: it counts only if it happened before the day and was known before it. So
whoever moves on the day itself still lives at the old address that morning.

Functions give SQL text for DuckDB over named views; identifiers are quoted, and no text of a
study file is passed through.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from riskstrat.vocabulary import Days

if TYPE_CHECKING:
    from riskstrat.attributes import Attribute
    from riskstrat.contracts.spec import Coverage, Source


def quoted(name: str) -> str:
    """A SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A SQL string."""
    return "'" + text.replace("'", "''") + "'"


VISIBLE = "e.happened_on < p.as_of AND e.known_on < p.as_of"
STARTED = "e.starts_on < p.as_of AND e.known_on < p.as_of"
OPEN = (
    f"{STARTED} AND (e.ends_on IS NULL OR e.ends_on >= p.as_of "
    "OR (e.end_known_on IS NOT NULL AND e.end_known_on >= p.as_of))"
)


def after(day: date, period: Days) -> date:
    """The day a period later: months and years step through the calendar.

    A day that the month lacks becomes its last day: a month after 31 January is 28 February.
    """
    if period.unit == "day":
        return day + timedelta(days=period.count)
    months = period.count * (12 if period.unit == "year" else 1)
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def after_sql(day: str, period: Days) -> str:
    """SQL of :func:`after`."""
    return f"CAST({day} + INTERVAL {period.count} {period.unit} AS DATE)"


def age_sql(born: str, day: str) -> str:
    """SQL: whole completed years on a day; NULL before birth.

    Someone born on 29 February completes a year on 1 March where there is no 29 February.
    """
    not_yet = f"(month({day}) * 100 + day({day}) < month({born}) * 100 + day({born}))"
    years = f"year({day}) - year({born}) - CAST({not_yet} AS INTEGER)"
    return f"CASE WHEN {born} <= {day} THEN {years} END"


def band_sql(age: str, lowest: Sequence[int], labels: Sequence[str]) -> str:
    """SQL: the label of the band an age falls into; NULL below the lowest band."""
    cases = "".join(
        f" WHEN {age} >= {floor} THEN {literal(label)}"
        for floor, label in reversed(list(zip(lowest, labels, strict=True)))
    )
    return f"CASE{cases} END"


def covered_days(coverage: Iterable[Coverage], start: date, end: date) -> int:
    """How many days of ``[start, end)`` the extract is complete for; overlaps count once."""
    days, reached = 0, start
    for spell in sorted(coverage, key=lambda spell: (spell.start, spell.end)):
        opens, closes = max(spell.start, reached), min(spell.end, end)
        if closes > opens:
            days += (closes - opens).days
            reached = closes
    return days


def latest_known(
    pairs: str, rows: str, columns: Sequence[str], *, spells: bool, open_only: bool = True
) -> str:
    """SQL: the latest row visible at each pair, its ``columns`` as they were known.

    Of rows with the same dates the one with the largest values counts, NULL being the largest;
    the first column decides before the next. So the answer never depends on the order in which
    rows are stored, and all columns are of one row.

    Args:
        pairs: a view or subquery with ``unit_id`` and ``as_of``, each pair once.
        rows: a view with ``unit_id``, the canonical dates, and ``columns``.
        columns: which columns to carry; the same in the same order whoever asks, or who asks
            decides which row counts.
        spells: rows are spells rather than dated rows.
        open_only: of spells, only those open on the day count; else any that had started.

    Returns:
        SQL with ``unit_id``, ``as_of`` and ``columns``; pairs that see no row do not appear.
    """
    happened = "e.starts_on" if spells else "e.happened_on"
    condition = (OPEN if open_only else STARTED) if spells else VISIBLE
    carried = "".join(f", c{i} := e.{quoted(name)}" for i, name in enumerate(columns))
    unpacked = "".join(f", latest.c{i} AS {quoted(name)}" for i, name in enumerate(columns))
    return (
        f"SELECT unit_id, as_of{unpacked} FROM ("
        f"SELECT p.unit_id, p.as_of, "
        f"max(struct_pack(h := {happened}, k := e.known_on{carried})) AS latest "
        f"FROM {pairs} AS p JOIN {rows} AS e ON e.unit_id = p.unit_id AND {condition} "
        f"GROUP BY p.unit_id, p.as_of)"
    )


def related(pairs: str, relations: str, via: str, unit: str | None = None) -> str:
    """SQL: the household, area ... each unit belonged to, as known on the day.

    Args:
        pairs: a view or subquery with ``unit_id`` and ``as_of``.
        relations: the spine's spells: ``unit, unit_id, via, via_id, starts_on, ends_on,
            end_known_on, known_on``.
        via: the related unit (``household``).
        unit: what the pairs' units are (``person``), where relations hold several.

    Returns:
        SQL with ``unit_id``, ``as_of`` and ``via_id``; unrelated pairs do not appear.
    """
    of_unit = f" AND unit = {literal(unit)}" if unit else ""
    rows = f"(SELECT * FROM {relations} WHERE via = {literal(via)}{of_unit})"
    return latest_known(pairs, rows, ("via_id",), spells=True)


def known_attributes(
    pairs: str,
    wanted: Mapping[str, Attribute],
    sources: Mapping[str, Source],
    age_bands: Sequence[int],
    *,
    unit: str,
    seen: bool = False,
) -> str:
    """SQL: every pair with its attributes as known on the day, NULL where nothing was known.

    Args:
        pairs: a view or subquery with ``unit_id`` and ``as_of``, each pair once.
        wanted: output column -> attribute.
        sources: the contracts, by name; rows are in the views ``source_<name>``.
        age_bands: lowest age of each band; an ``age_band`` attribute's levels name them.
        unit: what the pairs' units are.
        seen: add ``seen_<i>``, whether any row was visible, for each of ``wanted`` in order.

    Returns:
        SQL with ``unit_id``, ``as_of`` and one column per name of ``wanted``.
    """
    joins: dict[str, str] = {}
    columns = ["p.unit_id", "p.as_of"]
    for i, (name, attribute) in enumerate(wanted.items()):
        rows = _attribute_rows(pairs, attribute, sources, unit)
        alias = joins.setdefault(rows, f"a{len(joins)}")
        value = _attribute_value(attribute, alias, sources, age_bands)
        columns.append(f"{value} AS {quoted(name)}")
        if seen:
            columns.append(f"({alias}.unit_id IS NOT NULL) AS seen_{i}")
    joined = "".join(
        f" LEFT JOIN ({rows}) AS {alias} ON {alias}.unit_id = p.unit_id AND {alias}.as_of = p.as_of"
        for rows, alias in joins.items()
    )
    return f"SELECT {', '.join(columns)} FROM {pairs} AS p{joined}"


def _attribute_rows(
    pairs: str, attribute: Attribute, sources: Mapping[str, Source], unit: str
) -> str:
    """SQL of the rows an attribute is read from; attributes of one source share the text."""
    if attribute.kind == "unit":
        return f"SELECT unit_id, as_of FROM {pairs}"
    if attribute.kind == "relation":
        return related(pairs, "relations", str(attribute.through), unit)
    source = sources[str(attribute.source)]
    # A birth date stays true after a spell has closed; what else a spell says does not.
    ageless = attribute.kind == "column"
    columns = said_by(source)
    spells = source.shape == "spells"
    rows = quoted(f"source_{source.source}")
    if attribute.through is None:
        return latest_known(pairs, rows, columns, spells=spells, open_only=ageless)
    homes = related(pairs, "relations", str(attribute.through), unit)
    places = f"(SELECT DISTINCT via_id AS unit_id, as_of FROM ({homes}))"
    values = latest_known(places, rows, columns, spells=spells, open_only=ageless)
    carried = ", ".join(f"v.{quoted(name)}" for name in columns)
    return (
        f"SELECT h.unit_id, h.as_of, {carried} FROM ({homes}) AS h "
        f"JOIN ({values}) AS v ON v.unit_id = h.via_id AND v.as_of = h.as_of"
    )


def said_by(source: Source) -> tuple[str, ...]:
    """The contract's columns, whichever a study asks for, in the order in which they break ties.

    They are in the order of their names; but the end of a spell, which becomes known later, comes
    last: it decides between rows that say the same of all else, and so for itself alone.
    """
    ends = (source.ends_on, source.end_known_on)
    return tuple(sorted(source.columns, key=lambda name: (name in ends, name)))


def _attribute_value(
    attribute: Attribute, alias: str, sources: Mapping[str, Source], age_bands: Sequence[int]
) -> str:
    match attribute.kind:
        case "unit":
            return f"{alias}.unit_id"
        case "relation":
            return f"{alias}.via_id"
        case "column":
            return f"{alias}.{quoted(str(attribute.column))}"
    born = f"{alias}.{quoted(_column(attribute, sources[str(attribute.source)]))}"
    age = age_sql(born, "p.as_of")
    return age if attribute.kind == "age" else band_sql(age, age_bands, attribute.levels)


def _column(attribute: Attribute, source: Source) -> str:
    return str(attribute.column if attribute.kind == "column" else source.born_on)
