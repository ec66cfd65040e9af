"""The workload's features as the SQL people write by hand, for DuckDB and PostgreSQL."""

from __future__ import annotations

from workload import Feature, Table, Workload

FILLED = ("count", "any", "distinct")


def in_list(table: Table, bit: int) -> str:
    """The condition of a group as a list of codes."""
    low, high = table.spans[bit]
    return f"code IN ({', '.join(map(str, range(low, high)))})"


def conditions(feature: Feature, table: Table, recent: str, *, masked: bool) -> str:
    """What a row must meet; ``recent`` is how the dialect asks for the window ``{}``."""
    terms = []
    if feature.bit is not None:
        mask = f"(mask & {1 << feature.bit}) <> 0"
        terms.append(mask if masked else in_list(table, feature.bit))
    terms.append(recent.format(feature.window))
    return " AND ".join(terms)


def filtered(feature: Feature, where: str, age: str) -> str:
    """One aggregate with a FILTER clause."""
    only = f"FILTER (WHERE {where})"
    match feature.op:
        case "count":
            return f"count(*) {only}"
        case "any":
            return f"CASE WHEN count(*) {only} > 0 THEN 1 ELSE 0 END"
        case "distinct":
            return f"count(DISTINCT code) {only}"
        case "days_since_last":
            return f"min({age}) {only}"
        case "sum":
            # Without rows nothing was spent; rows without a value say nothing.
            return f"CASE WHEN count(*) {only} = 0 THEN 0 ELSE sum(value) {only} END"
        case "mean":
            return f"avg(value) {only}"
    return f"{feature.op}(value) {only}"


def cased(feature: Feature, where: str) -> str:
    """The same aggregate told apart by CASE, which DuckDB computes faster."""
    value = f"CASE WHEN {where} THEN value END"
    match feature.op:
        case "count":
            return f"count_if({where})"
        case "any":
            return f"CASE WHEN count_if({where}) > 0 THEN 1 ELSE 0 END"
        case "days_since_last":
            return f"min(CASE WHEN {where} THEN age END)"
        case "sum":
            return f"CASE WHEN count_if({where}) = 0 THEN 0 ELSE sum({value}) END"
        case "mean":
            return f"avg({value})"
    return f"{feature.op}({value})"


def cell(feature: Feature, part: str, real: str) -> str:
    """The column of the wide table: 0 or empty for people without rows."""
    zero = feature.op in (*FILLED, "sum")
    value = f'{part}."{feature.name}"'
    if zero and feature.op != "sum":
        value = f"coalesce({value}, 0)"
    elif zero:
        value = f"CASE WHEN {part}.person_id IS NULL THEN 0 ELSE {value} END"
    return f'CAST({value} AS {real}) AS "{feature.name}"'


def wide_columns(workload: Workload, real: str) -> str:
    """Every column, from parts named after the tables."""
    return ", ".join(cell(feature, feature.table, real) for feature in workload.features())
