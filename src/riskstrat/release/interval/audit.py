"""The audit of a release: may all its tables leave together, after all that has left before?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from riskstrat.release.breaches import Breach
from riskstrat.release.interval.differences import Earlier, changed_cells, same_people
from riskstrat.release.interval.published import Fact, Told, of_table
from riskstrat.release.interval.recover import Answer, loosened, recoverable
from riskstrat.release.keeping import unlike_its_policy
from riskstrat.release.policies import Policy
from riskstrat.vocabulary import Protected

HIDDEN, ROUNDED, WITH_A_LIST, CHANGED = "RS3030", "RS3031", "RS3032", "RS3036"
PLACES, UNLIKE = "RS3034", "RS3035"
REST = "those in none of its columns"


def audit(
    tables: Sequence[Protected],
    policy: Policy,
    *,
    earlier: Sequence[Earlier] = (),
    lists: Sequence[Told] = (),
    places: Sequence[str] = (),
) -> tuple[Breach, ...]:
    """What the tables of a release would tell and may not; nothing, and they may leave.

    It trusts nothing but the tables: it does not know the exact counts, as their readers do not.

    Args:
        tables: all tables of the release, whoever receives them; each once.
        policy: that they should have been made under.
        earlier: what was released before.
        lists: lists of people in the release.
        places: the kinds of place that lists and earlier releases of this day tell of.

    Raises:
        ReleaseRefused: RS3033, it cannot be told in time, or the tables contradict each other.
    """
    if policy.threshold <= 1:
        return ()
    found = [*_unlike(tables, policy), *_places(tables, policy, places)]
    numbered = (of_table(table, policy, number) for number, table in enumerate(tables))
    told = tuple(each for each in numbered if each)
    if told:
        found += [*_changed(tables, told, earlier, policy), *_recovered(told, earlier, lists)]
    return tuple(found)


def _unlike(tables: Sequence[Protected], policy: Policy) -> Iterator[Breach]:
    for table in tables:
        for column, wrong in unlike_its_policy(table, policy).items():
            told = f"{wrong:,} counts are not as policy {policy.name} shows them"
            yield Breach(UNLIKE, f"{table.title}, {column}", told)


def _places(tables: Sequence[Protected], policy: Policy, others: Sequence[str]) -> Iterator[Breach]:
    named = {column for each in tables if each.counted for column in each.counted.places}
    if len(kinds := named | set(others)) > 1 and policy.one_place:
        listed = ", ".join(sorted(kinds))
        yield Breach(PLACES, "the release", f"{len(kinds)} kinds of place are told of: {listed}")


def _changed(
    tables: Sequence[Protected], told: Sequence[Told], earlier: Sequence[Earlier], policy: Policy
) -> Iterator[Breach]:
    cells = Counter((number, column) for number, _, column in changed_cells(told, earlier, policy))
    for (number, column), count in sorted(cells.items()):
        words = f"{count:,} counts differ from an earlier release by {policy.small} people"
        yield Breach(CHANGED, f"{tables[number].title}, {column}", words)


def _recovered(
    told: tuple[Told, ...], earlier: Sequence[Earlier], lists: Sequence[Told]
) -> Iterator[Breach]:
    together = (*told, *same_people(told, earlier, lists=False))
    answer = recoverable(together)
    yield from _breaches(together, answer, "the tables", (HIDDEN, ROUNDED))
    rows = (*lists, *same_people(told, earlier, lists=True))
    if rows and not answer.found:
        with_rows = (*loosened(together, rows), *rows)
        words = "the tables and the rows of a list"
        yield from _breaches(with_rows, recoverable(with_rows), words, (WITH_A_LIST, WITH_A_LIST))


def _breaches(
    told: Sequence[Told], answer: Answer, source: str, codes: tuple[str, str]
) -> Iterator[Breach]:
    named: dict[int, tuple[str, bool]] = {}
    facts = ((each.title, fact) for each in told for fact in each.facts)
    for (title, fact), variable in zip(facts, answer.system.facts, strict=True):
        if fact.needs or fact.blurred:
            named.setdefault(variable, (_where(title, fact), fact.needs is not None))
    cells = Counter((*named[each.variable], each.side) for each in answer.found)
    for (where, hidden, side), count in sorted(cells.items()):
        how = "exactly" if side == "exact" else "more nearly than the mark says"
        what = "hidden" if hidden else "rounded"
        words = f"{count:,} {what} counts follow from {source}, {how}"
        yield Breach(codes[0] if hidden else codes[1], where, words)


def _where(title: str, fact: Fact) -> str:
    if fact.at is None:
        return f"{title}, {REST}" if fact.needs else f"{title}, released before"
    return f"{title}, {fact.at.column}"
