"""Which pairs are worth comparing: those that agree on a blocking rule, in bounded blocks.

Two profiles are compared if at least one of them lacks the number that would settle it, and no
number says that they are two people. A block (all profiles with one value of a rule) larger than
``max_block`` is left out, for its pairs would be many and mostly chance; most of its records meet
in another rule, and those that meet in none are counted.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from riskstrat.asof import quoted
from riskstrat.linkage.keys import Key, agrees_sql, key_sql
from riskstrat.linkage.spec import LinkageSpec
from riskstrat.linkage.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Candidates:
    """What blocking gave.

    Attributes:
        pairs: pairs to compare.
        blocks_left_out: blocks above ``max_block``.
        profiles_left_out: profiles that only such blocks would have reached.
        profiles_without_block: profiles that lack a part of every rule.
        open: groups that are looked for.
        closed: groups that carry the number they are known by.
    """

    pairs: int
    blocks_left_out: int
    profiles_left_out: int
    profiles_without_block: int
    open: int
    closed: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def make_candidates(work: Workspace, spec: LinkageSpec) -> Candidates:
    """Make the table ``pairs``: match_key, join_key_l, join_key_r, each pair once.

    Args:
        work: holds ``profiles`` and ``grouped`` (unique_id, grp).
        spec: blocking rules and ``max_block``.
    """
    _mark_open(work, spec)
    work.table(
        "pairs",
        "SELECT 0 AS match_key, 0::BIGINT AS join_key_l, 0::BIGINT AS join_key_r WHERE false",
    )
    work.table("met", "SELECT 0::BIGINT AS unique_id, false AS left_out WHERE false")
    blocks = sum(_block(work, spec, place, rule) for place, rule in enumerate(spec.blocking))
    # The same pair may come from several rules; the first of them names it.
    work.table(
        "pairs",
        f"SELECT min(match_key)::VARCHAR AS match_key, join_key_l, join_key_r "
        f"FROM {work.name('pairs')} GROUP BY join_key_l, join_key_r "
        f"ORDER BY join_key_l, join_key_r",
    )
    found = Candidates(
        pairs=work.number(f"SELECT count(*) FROM {work.name('pairs')}"),
        blocks_left_out=blocks,
        profiles_left_out=work.number(
            f"SELECT count(*) FROM (SELECT unique_id FROM {work.name('met')} "
            f"GROUP BY unique_id HAVING bool_and(left_out))"
        ),
        profiles_without_block=work.number(
            f"SELECT count(*) FROM {work.name('sides')} WHERE open AND NOT known "
            f"AND unique_id NOT IN (SELECT unique_id FROM {work.name('met')})"
        ),
        open=work.number(f"SELECT count(DISTINCT grp) FROM {work.name('sides')} WHERE open"),
        closed=work.number(f"SELECT count(DISTINCT grp) FROM {work.name('sides')} WHERE NOT open"),
    )
    work.drop("met")
    return found


def _mark_open(work: Workspace, spec: LinkageSpec) -> None:
    """``sides``: each profile with its group, whether it is looked for, and the group's numbers."""
    numbers = [
        f"min(p.{quoted(field)}) OVER (PARTITION BY g.grp) AS x{place}"
        for place, field in enumerate(spec.exclusive)
    ]
    # Without a number that names people, everybody is looked for.
    is_open = "true"
    for rule in spec.identifiers[:1]:
        is_open = f"min(p.{quoted(rule.field)}) OVER (PARTITION BY g.grp) IS NULL"
    more = "".join(f", {number}" for number in numbers)
    work.table(
        "sides",
        f"SELECT p.unique_id, p.agency, g.grp, {is_open} AS open, p.entity IS NOT NULL AS known, "
        f"bool_or(p.trusted) OVER (PARTITION BY g.grp) AS trusted{more} "
        f"FROM {work.name('profiles')} AS p JOIN {work.name('grouped')} AS g USING (unique_id)",
    )


def _block(work: Workspace, spec: LinkageSpec, place: int, rule: Key) -> int:
    """Add the pairs of one rule; the number of blocks that were too large."""
    key = key_sql(rule, "p")
    joined = f"{work.name('sides')} AS s JOIN {work.name('profiles')} AS p USING (unique_id)"
    sought = work.table("sought", f"SELECT DISTINCT {key} AS key FROM {joined} WHERE s.open")
    work.table(
        "keyed",
        f"SELECT s.*, {key} AS key FROM {joined} SEMI JOIN {sought} AS o ON o.key = ({key})",
    )
    work.table(
        "large",
        f"SELECT key FROM {work.name('keyed')} GROUP BY key HAVING count(*) > {spec.max_block}",
    )
    work.run(
        f"INSERT INTO {work.name('met')} SELECT unique_id, "
        f"key IN (SELECT key FROM {work.name('large')}) FROM {work.name('keyed')} "
        f"WHERE open AND NOT known"
    )
    work.run(
        f"INSERT INTO {work.name('pairs')} "
        f"SELECT {place}, least(l.unique_id, r.unique_id), greatest(l.unique_id, r.unique_id) "
        f"FROM {work.name('keyed')} AS l JOIN {work.name('keyed')} AS r "
        f"ON l.key = r.key AND l.grp <> r.grp AND (NOT r.open OR l.unique_id < r.unique_id) "
        f"WHERE l.open AND NOT (l.known AND r.known){_apart(spec)} "
        f"AND l.key NOT IN (SELECT key FROM {work.name('large')})"
    )
    blocks = work.number(f"SELECT count(*) FROM {work.name('large')}")
    work.drop("sought", "keyed", "large")
    return blocks


def _apart(spec: LinkageSpec) -> str:
    """SQL that rules out pairs which a number, or the agency, says are two people."""
    numbers = "".join(
        f" AND coalesce(l.x{place} = r.x{place}, true)" for place in range(len(spec.exclusive))
    )
    return numbers + ("" if spec.within else " AND l.agency <> r.agency")


def count_agreeing(work: Workspace, spec: LinkageSpec) -> int:
    """How many pairs of groups agree on a rule of the prior, of those that are looked for."""
    keyed = (
        "(SELECT s.*, {key} AS key FROM {sides} AS s JOIN {profiles} AS p USING (unique_id) "
        "WHERE key IS NOT NULL)"
    )
    sides, profiles = work.name("sides"), work.name("profiles")
    found = " UNION ".join(
        f"SELECT least(l.grp, r.grp) AS a, greatest(l.grp, r.grp) AS b FROM {one} AS l "
        f"JOIN {one} AS r ON l.key = r.key AND l.grp <> r.grp WHERE l.open{_apart(spec)}"
        for rule in spec.prior.rules
        for one in [keyed.format(key=key_sql(rule, "p"), sides=sides, profiles=profiles)]
    )
    return work.number(f"SELECT count(*) FROM ({found})")


def scope(work: Workspace, spec: LinkageSpec) -> int:
    """Pairs of groups of which at least one is looked for."""
    sides = work.name("sides")
    if not spec.within:
        return work.number(
            f"SELECT (sum(n) * sum(n) - sum(n * n)) // 2 FROM (SELECT count(DISTINCT grp) AS n "
            f"FROM {sides} GROUP BY agency)"
        )
    return work.number(
        f"SELECT o * c + o * (o - 1) // 2 FROM (SELECT count(DISTINCT grp) FILTER (open)::HUGEINT "
        f"AS o, count(DISTINCT grp) FILTER (NOT open)::HUGEINT AS c FROM {sides})"
    )


def mark_twins(work: Workspace, spec: LinkageSpec) -> None:
    """Make ``twins``: candidate pairs that agree on all but the forename, and so are two people.

    Tokens of forenames differ or do not; written forenames may also be alike, or one an initial
    or a part of the other.
    """
    pairs = work.name("pairs")
    if not spec.twins:
        work.table("twins", f"SELECT join_key_l, join_key_r FROM {pairs} LIMIT 0")
        return
    differ = [f"l.{quoted(c)} <> r.{quoted(c)}" for c in spec.twins.differs]
    named = spec.fields.get(spec.twins.differs[0])
    if named and named.kind == "forename":
        first = quoted(spec.twins.differs[0])
        names = quoted(spec.twins.differs[0] + "_names")
        # A slip of the pen, an initial or one forename of two is not another name.
        differ += [
            f"jaro_winkler_similarity(l.{first}, r.{first}) < {spec.twins.similar}",
            f"jaro_winkler_similarity(l.{names}[1], r.{names}[1]) < {spec.twins.similar}",
            f"NOT list_has_any(l.{names}, r.{names})",
            f"NOT starts_with(l.{first}, r.{first})",
            f"NOT starts_with(r.{first}, l.{first})",
        ]
    profiles = work.name("profiles")
    work.table(
        "twins",
        f"SELECT p.join_key_l, p.join_key_r FROM {pairs} AS p "
        f"JOIN {profiles} AS l ON l.unique_id = p.join_key_l "
        f"JOIN {profiles} AS r ON r.unique_id = p.join_key_r "
        f"WHERE {agrees_sql(spec.twins.same, 'l', 'r')} AND {' AND '.join(differ)}",
    )
