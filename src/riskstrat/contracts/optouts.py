"""Who has opted out of what on a day: which kinds bind, and rows left out by them.

Three objections count. A *type-1* opt-out keeps the general practice's record in the practice. The
*national* data opt-out binds confidential patient information that flows without consent, under
section 251 support, unless an activity is exempted. A *risk stratification* dissent takes the
person out of being scored at all. Which of them binds which source is written in the source's
agreement (`opt_outs`); none binds a person's own care.

A person bound by any kind on any source a study reads is left out of the study: a person whose
records of one agency alone were withheld would look like somebody without need of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb

from riskstrat.asof import literal, quoted
from riskstrat.contracts.agreements.clauses import refused
from riskstrat.contracts.agreements.spec import SharingAgreement
from riskstrat.contracts.spec import OptOut, Source
from riskstrat.vocabulary import Finding, Severity, Unit

Kinds = frozenset[OptOut]

FRESH = timedelta(days=21)
"""how much older than the data, or than the day that is scored for, a list of opt-outs may be:
the national data opt-out is to be looked up again within 21 days"""
ANY = "any"
FEW = 10
"""counts of people below it are told as that: as the strictest of the policies for release"""


# -- which kinds bind ----------------------------------------------------------------------------


def binding(agreement: SharingAgreement, source: Source, purpose: str) -> Kinds:
    """The kinds of opt-out that bind a source about people, for a purpose."""
    if source.unit is not Unit.PERSON or source.role:
        return frozenset()
    rules = agreement.opt_outs.items()
    return frozenset(kind for kind, rule in rules if rule.binds(source.source, purpose))


def bound(
    sources: Iterable[Source], agreements: Mapping[str, SharingAgreement], purpose: str
) -> Kinds:
    """The kinds that bind any of the sources: whoever opted out by one of them is left out."""
    return frozenset[OptOut]().union(
        *(binding(agreements[source.agreement], source, purpose) for source in sources)
    )


def before_linkage(agreement: SharingAgreement, source: Source) -> Kinds:
    """The kinds that bind a source for every purpose it may be used for.

    Nobody may use these records for anything here, so they need not be sent to the linker. What
    binds for some purposes only is left out by the studies with these purposes.
    """
    grant = agreement.sources.get(source.source)
    purposes = agreement.purposes & grant.only_for if grant and grant.only_for else None
    every = [binding(agreement, source, p) for p in purposes or agreement.purposes]
    return frozenset.intersection(*every) if every else frozenset()


def kinds_told(source: Source) -> Kinds:
    """The kinds of opt-out that a list tells of."""
    kind = source.columns.get("kind")
    return frozenset(OptOut(code) for code in (kind.codes or () if kind else ()))


def as_of(source: Source) -> date:
    """The day whose opt-outs a list tells in full."""
    return max(span.end for span in source.coverage)


def list_clauses(
    sources: Sequence[Source],
    agreements: Mapping[str, SharingAgreement],
    purpose: str,
    days: Sequence[date],
) -> Iterator[Finding]:
    """What is missing for opt-outs that bind: a list that tells them, and tells them in time."""
    lists = [source for source in sources if source.role == "opt_outs"]
    for kind in sorted(bound(sources, agreements, purpose)):
        telling = [source for source in lists if kind in kinds_told(source)]
        if not telling:
            where = _first_bound(sources, agreements, purpose, kind)
            what = f"agreement {where.agreement}: {kind} opt-outs bind source {where.source} for "
            what += f"{purpose}, and no source lists them"
            fix = "add a contract with `role: opt_outs` whose `kind` has the code "
            fix += f"`{kind}`, or leave {where.source} out of the study"
            yield refused("RS1116", "no_list_of_opt_outs", where.source, what, fix)
            continue
        told_to = max(map(as_of, telling))
        needed = max((*map(as_of, _of_units(sources)), *days))
        if told_to + FRESH < needed:
            names = ", ".join(source.source for source in telling)
            what = f"{names}: {kind} opt-outs are told up to {told_to}, and the study needs them "
            what += f"up to {needed} ({FRESH.days} days' grace)"
            fix = f"ask {telling[0].agency} for a newer list (and correct its `coverage`), or "
            fix += "score an earlier day"
            yield refused("RS1117", "opt_outs_too_old", telling[0].source, what, fix)


def _of_units(sources: Sequence[Source]) -> list[Source]:
    """Sources of people's records: not the lists themselves, nor tables of areas."""
    return [source for source in sources if source.unit is Unit.PERSON and not source.role]


def _first_bound(
    sources: Sequence[Source],
    agreements: Mapping[str, SharingAgreement],
    purpose: str,
    kind: OptOut,
) -> Source:
    return next(s for s in sources if kind in binding(agreements[s.agreement], s, purpose))


# -- rows left out -------------------------------------------------------------------------------


def _counts(kinds: Collection[OptOut], day: date | str) -> str:
    """SQL: whether a spell ``o`` is of one of the kinds, and holds on a day before its end."""
    among = ", ".join(literal(kind.value) for kind in sorted(kinds)) or "NULL"
    on = f"DATE {literal(day.isoformat())}" if isinstance(day, date) else day
    holds = f"o.starts_on <= {on} AND (o.ends_on IS NULL OR o.ends_on > {on})"
    return f"o.kind IN ({among}) AND {holds}"


def opted_out_sql(
    spells: str, kinds: Collection[OptOut], day: date, *, key: str = "unit_id"
) -> str:
    """SQL: each person who has opted out on a day, once.

    Args:
        spells: a view or subquery with ``key``, ``kind``, ``starts_on`` and ``ends_on``.
        kinds: the kinds that count; none means nobody.
        day: the day.
        key: the person's id.

    Returns:
        SQL with one column, ``unit_id``.
    """
    return (
        f"SELECT DISTINCT CAST(o.{quoted(key)} AS VARCHAR) AS unit_id FROM {spells} AS o "
        f"WHERE {_counts(kinds, day)}"
    )


def opted_out_pairs_sql(pairs: str, spells: str, kinds: Collection[OptOut]) -> str:
    """SQL: the pairs (unit_id, as_of) of those who had opted out on the day itself.

    An opt-out counts from the day it was meant to, also where it was recorded late.
    """
    return (
        f"SELECT DISTINCT p.unit_id, p.as_of FROM {pairs} AS p JOIN {spells} AS o "
        f"ON o.unit_id = p.unit_id AND {_counts(kinds, 'p.as_of')}"
    )


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What was left out: counts only.

    Attributes:
        rows: rows that were left out.
        people: whom they were about.
        by_kind: kind -> people with that opt-out; one person may have several.
    """

    rows: int
    people: int
    by_kind: Mapping[OptOut, int]

    @property
    def sentence(self) -> str:
        """The counts in words, small ones hidden."""
        kinds = ", ".join(f"{kind}: {few(n)}" for kind, n in sorted(self.by_kind.items()))
        return f"{few(self.rows)} rows of {few(self.people)} people left out ({kinds})"


def leave_out(
    con: duckdb.DuckDBPyConnection,
    rows: str,
    spells: str,
    kinds: Collection[OptOut],
    day: date,
    *,
    key: str = "unit_id",
    spells_key: str = "unit_id",
) -> tuple[str, LeftOut]:
    """Leave out the rows of everyone who has opted out on a day, wherever rows are at hand.

    Ids are those both tables share: pseudonyms in the analyst's store, an agency's own ids at
    the provider, before anything is sent to be linked.

    Args:
        con: a connection with both.
        rows: a view or subquery with ``key``.
        spells: a view or subquery with ``spells_key``, ``kind``, ``starts_on`` and ``ends_on``.
        kinds: the kinds that bind these rows.
        day: the day on which an opt-out must be in force.
        key: the person's id in ``rows``.
        spells_key: the person's id in ``spells``.

    Returns:
        SQL of the rows that are left, in no order of its own, and counts of the others.
    """
    among = sorted(set(kinds))
    name = f"CAST(r.{quoted(key)} AS VARCHAR)"

    def taken_by(some: Collection[OptOut]) -> tuple[int, int]:
        gone = opted_out_sql(spells, some, day, key=spells_key)
        found = con.execute(
            f"SELECT count(*), count(DISTINCT {name}) FROM {rows} AS r "
            f"WHERE {name} IN (SELECT unit_id FROM ({gone}))"
        ).fetchone()
        return (int(found[0]), int(found[1])) if found else (0, 0)

    by_kind = {kind: taken_by([kind])[1] for kind in among}
    gone = opted_out_sql(spells, among, day, key=spells_key)
    left = f"SELECT r.* FROM {rows} AS r ANTI JOIN ({gone}) AS o ON o.unit_id = {name}"
    return left, LeftOut(*taken_by(among), by_kind)


def opt_outs_of(
    con: duckdb.DuckDBPyConnection,
    spells: str,
    person: str,
    kinds: Collection[OptOut],
    day: date,
    *,
    key: str = "unit_id",
) -> Kinds:
    """What one person has opted out of on a day; asked before a pseudonym is turned back.

    Args:
        con: a connection.
        spells: as for :func:`leave_out`.
        person: the person's id, as ``spells`` spells it.
        kinds: the kinds that would stand in the way.
        day: the day.
        key: the person's id in ``spells``.
    """
    found = con.execute(
        f"SELECT DISTINCT o.kind FROM {spells} AS o WHERE {_counts(kinds, day)} "
        f"AND CAST(o.{quoted(key)} AS VARCHAR) = ?",
        [person],
    ).fetchall()
    return frozenset(OptOut(kind) for (kind,) in found)


# -- what is said of it --------------------------------------------------------------------------


def few(count: int) -> str:
    """A count of people in words that single nobody out.

    Examples:
        >>> few(0), few(9), few(1234)
        ('0', 'fewer than 10', '1,234')
    """
    return f"fewer than {FEW}" if 0 < count < FEW else f"{count:,}"


def count_people(
    con: duckdb.DuckDBPyConnection, source: Source, spells: str, kinds: Collection[OptOut]
) -> dict[str, int]:
    """How many people a list leaves out: kind -> people, and ``any`` of the kinds.

    Args:
        con: a connection.
        source: the list's contract.
        spells: its accepted rows.
        kinds: the kinds that bind the study.
    """
    among = sorted(set(kinds) & kinds_told(source))
    counts = {}
    for name, some in {**{kind.value: [kind] for kind in among}, ANY: among}.items():
        gone = opted_out_sql(spells, some, as_of(source))
        found = con.execute(f"SELECT count(*) FROM ({gone})").fetchone()
        counts[name] = int(found[0]) if found else 0
    return counts


def told(source: Source, people: Mapping[str, int]) -> Finding:
    """The same as information, small counts hidden."""
    # Each count names its people: so a report finds it, and rounds it like any other.
    by_kind = ", ".join(f"{kind}: {few(n)} people" for kind, n in people.items() if kind != ANY)
    return Finding(
        code="RS1119",
        name="opted_out",
        severity=Severity.INFO,
        where=source.source,
        message=f"{source.source}: {few(people[ANY])} people had opted out on {as_of(source)} and "
        f"are left out before anything of them is read ({by_kind})",
    )
