"""What a check says: which rules rejected rows, and what else looks odd. Counts only."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

import duckdb

from riskstrat.asof import quoted
from riskstrat.contracts.codes import CONTRACT_CODES, RULE_CODES
from riskstrat.contracts.rules import Test, first_date, must_have
from riskstrat.contracts.spec import Lag, RowRule, Shape, Source
from riskstrat.errors import ContractError
from riskstrat.vocabulary import Finding, Severity

MISSING_SHARE = 0.05
NEIGHBOURS = 3
SPREADS = 4.0
BROKEN: Mapping[str, str] = MappingProxyType(
    {
        "wrong_type": "cannot be read as the declared type",
        "missing_required": "lack a value that is required",
        "not_in_codes": "hold a code the contract does not list",
        "out_of_range": "are outside `min` and `max`",
        "date_in_future": "are dated after the coverage ends",
        "ends_before_start": "end before they start",
        "before_birth": "are dated before the person's birth",
        "after_death": "are dated after the person's death",
        "duplicate_key": "repeat a key",
    }
)


@dataclass(frozen=True, slots=True)
class Rejections:
    """How many rows each test rejected.

    Attributes:
        rows_in: rows of the extract.
        counts: test -> rows; a test with no column stands for rows that do not fit the header.
        first_ragged: the lines of the first of those.
    """

    rows_in: int
    counts: Mapping[Test, int]
    first_ragged: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """Rows rejected; each row has one reason."""
        return sum(self.counts.values())

    @property
    def by_rule(self) -> Mapping[str, int]:
        """Rule -> rows, in the order of testing."""
        found = {rule: self.of(rule) for rule in RULE_CODES}
        return MappingProxyType({rule: rows for rule, rows in found.items() if rows})

    def of(self, rule: str) -> int:
        """Rows that one rule rejected."""
        return sum(rows for test, rows in self.counts.items() if test.rule == rule)

    def with_repeated_keys(self, source: Source, rows: int) -> Rejections:
        """The same, with rows that were set aside because their key had been seen."""
        if not rows:
            return self
        test = Test("duplicate_key", ", ".join(source.key), "")
        counts = MappingProxyType({**self.counts, test: rows})
        return Rejections(self.rows_in, counts, self.first_ragged)

    def places(self, rule: str) -> str:
        """Which columns, with counts where there are several."""
        found = {test.column: rows for test, rows in self.counts.items() if test.rule == rule}
        names = {column: f"`{column}`" if column else self._ragged() for column in found}
        if len(found) == 1:
            return next(iter(names.values()))
        return ", ".join(f"{names[column]} ({rows:,})" for column, rows in found.items())

    def _ragged(self) -> str:
        lines = ", ".join(self.first_ragged)
        return f"rows with another number of columns than the header (first: line {lines})"


def refuse_beyond_tolerance(source: Source, rejections: Rejections) -> None:
    """Refuse the whole extract if a rule rejects a larger share than the contract tolerates.

    Raises:
        ContractError: one message for all such rules.
    """
    beyond = [
        rule for rule, rows in rejections.by_rule.items() if _excess(source, rejections, rule)
    ]
    if not beyond:
        return
    described = [_describe(source, rejections, rule) for rule in beyond]
    first, *rest = described
    raise ContractError(
        "\n".join((f"{source.source}: `{source.file}`: {first}", *(f"  also: {x}" for x in rest))),
        fix=_fix(source, rejections, beyond),
        code=RULE_CODES[beyond[0]],
    )


def _tolerated(source: Source, rule: str) -> float:
    tolerance: Mapping[str, float] = {str(name): share for name, share in source.tolerance.items()}
    return tolerance.get(rule, 0.0)


def _excess(source: Source, rejections: Rejections, rule: str) -> bool:
    return rejections.of(rule) > _tolerated(source, rule) * rejections.rows_in * (1 + 1e-12)


def _describe(source: Source, rejections: Rejections, rule: str) -> str:
    rows, total = rejections.of(rule), rejections.rows_in
    tolerated = _tolerated(source, rule)
    allowed = f"{_percent(tolerated)} tolerated" if tolerated else "none tolerated"
    return (
        f"{rows:,} of {total:,} rows ({_percent(rows / total)}, {allowed}) {BROKEN[rule]} "
        f"[{rule}]: {rejections.places(rule)}"
    )


def _fix(source: Source, rejections: Rejections, rules: list[str]) -> str:
    ask = f"ask {source.agency} to correct the rows and send the extract again"
    shares = {rule: rejections.of(rule) / rejections.rows_in for rule in rules}
    if max(shares.values()) > 0.2:
        return f"{ask}; the contract of `{source.source}` may be wrong about the columns named"
    wanted = ", ".join(f"{rule}: {_rounded_up(share)}" for rule, share in shares.items())
    return f"{ask}, or declare `tolerance: {{{wanted}}}` in the contract of `{source.source}`"


def _rounded_up(share: float) -> float:
    step = 10.0 ** (math.floor(math.log10(share)) - 1)
    return float(f"{math.ceil(share / step - 1e-9) * step:.12g}")


def _percent(share: float) -> str:
    text = f"{100 * share:.3g}"
    return f"{text}%"


def rejection_findings(source: Source, rejections: Rejections) -> Iterator[Finding]:
    """A warning for each rule that left rows out within its tolerance."""
    for rule, rows in rejections.by_rule.items():
        yield _finding(
            source,
            RULE_CODES[rule],
            Severity.WARNING,
            f"{_describe(source, rejections, rule)}; they are left out",
            value=rows / rejections.rows_in,
            n=rejections.rows_in,
        )


def late_findings(con: duckdb.DuckDBPyConnection, source: Source, rows: str) -> Iterator[Finding]:
    """Warnings about records that came late, or that are said to be known too early."""
    if isinstance(source.known_on, Lag):
        return
    first = quoted("starts_on" if source.shape is Shape.SPELLS else "happened_on")
    found = con.execute(
        f"SELECT count(*), count_if(known_on - {first} > {source.late_after_days}), "
        f"count_if(known_on < {first}) FROM {rows}"
    ).fetchone()
    total, late, early = (int(n) for n in found) if found else (0, 0, 0)
    if late > _tolerated(source, "late_record") * total:
        message = (
            f"{late:,} of {total:,} rows ({_percent(late / total)}) became known more than "
            f"{source.late_after_days} days after `{first_date(source)}`"
        )
        yield _finding(source, "RS1019", Severity.WARNING, message, value=late / total, n=total)
    # A place at school or a tenancy is often recorded ahead: for spells this is no oddity.
    if early and source.shape is not Shape.SPELLS:
        message = (
            f"{early:,} of {total:,} rows ({_percent(early / total)}) are said to be known "
            f"before `{first_date(source)}`"
        )
        yield _finding(source, "RS1020", Severity.WARNING, message, value=early / total, n=total)


def volume_findings(con: duckdb.DuckDBPyConnection, source: Source, rows: str) -> Iterator[Finding]:
    """A warning naming the months with far more or far fewer events than those around them."""
    if source.shape is not Shape.EVENTS:
        return
    counted = con.execute(
        f"SELECT CAST(date_trunc('month', happened_on) AS DATE), count(*) FROM {rows} GROUP BY ALL"
    ).fetchall()
    by_month = {month: int(count) for month, count in counted}
    odd: list[str] = []
    months = 0
    for span in source.coverage:
        inside = _whole_months(span.start, span.end)
        months += len(inside)
        counts = [by_month.get(month, 0) for month in inside]
        for i, month in enumerate(inside):
            if change := _oddity(counts, i, source.volume_tolerance):
                odd.append(f"{month:%Y-%m} ({change})")
    if odd:
        more = f" and {len(odd) - 6} more" if len(odd) > 6 else ""
        message = (
            f"{len(odd)} of {months} months differ from the months around them: "
            f"{', '.join(odd[:6])}{more}"
        )
        yield _finding(
            source, "RS1021", Severity.WARNING, message, value=len(odd) / months, n=months
        )


def _whole_months(start: date, end: date) -> list[date]:
    first = start if start.day == 1 else _next_month(start)
    months: list[date] = []
    while (following := _next_month(first)) <= end:
        months.append(first)
        first = following
    return months


def _next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _oddity(counts: list[int], i: int, tolerance: float) -> str:
    """How a month differs, or nothing: beyond the tolerance and beyond what chance explains."""
    around = sorted(counts[max(i - NEIGHBOURS, 0) : i] + counts[i + 1 : i + 1 + NEIGHBOURS])
    if not around:
        return ""
    usual = (around[(len(around) - 1) // 2] + around[len(around) // 2]) / 2
    change = counts[i] - usual
    if not usual or abs(change) <= max(tolerance * usual, SPREADS * math.sqrt(usual)):
        return ""
    return f"{change / usual:+.0%}"


def missing_findings(
    con: duckdb.DuckDBPyConnection, source: Source, rows: str
) -> Iterator[Finding]:
    """Information on columns with more than one value in twenty missing."""
    always = {*must_have(source), source.ends_on, source.end_known_on}
    names = [name for name in source.columns if name not in always]
    if not names:
        return
    counts = ", ".join(f"count({quoted(name)})" for name in names)
    found = con.execute(f"SELECT count(*), {counts} FROM {rows}").fetchone()
    total, *held = (int(n) for n in found) if found else (0,)
    for name, count in zip(names, held, strict=True):
        share = (total - count) / total
        if share > MISSING_SHARE:
            message = f"{_percent(share)} of {total:,} rows have no value in `{name}`"
            yield _finding(
                source, "RS1022", Severity.INFO, message, value=share, n=total, column=name
            )


def _finding(
    source: Source,
    code: str,
    severity: Severity,
    message: str,
    *,
    value: float,
    n: int,
    column: str = "",
) -> Finding:
    names: Mapping[str, RowRule | str] = {code: rule for rule, code in RULE_CODES.items()}
    others = {"RS1020": "known_early", "RS1021": "unusual_month", "RS1022": "missing_share"}
    return Finding(
        code=code,
        name=names.get(code) or others[code],
        severity=severity,
        where=f"{source.source}.{column}" if column else source.source,
        message=f"{source.source}: {message}",
        value=value,
        n=n,
        fix=CONTRACT_CODES[code].fix,
    )
