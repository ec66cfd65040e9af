"""The one place where a table becomes `Protected`: what is small is suppressed, the rest rounded.

Every count of people that leaves passes here, in a report, a chart, a summary or a list. Tables
that leave together are made together (`protect_all`): besides what is small, whatever would give a
small count away is hidden, until nothing hidden follows from all of them and from earlier ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from riskstrat.errors import ReleaseRefused
from riskstrat.release.draft import Cell, Cells, Draft, shown_cells
from riskstrat.release.estimates import estimate_rows
from riskstrat.release.guards import declared, rectangular
from riskstrat.release.interval.differences import Earlier, changed_cells, same_people
from riskstrat.release.interval.hiding import to_hide
from riskstrat.release.interval.published import Told, of_table
from riskstrat.release.interval.recover import loosened, recoverable
from riskstrat.release.keeping import kept, unlike_its_policy
from riskstrat.release.policies import POLICIES, Policy, policy_named, strictest
from riskstrat.release.sentences import protect_text
from riskstrat.vocabulary import Counted, Protected

__all__ = [
    "POLICIES",
    "Draft",
    "Policy",
    "kept",
    "policy_named",
    "protect",
    "protect_all",
    "protect_estimates",
    "protect_text",
    "restored",
    "retold",
    "strictest",
]


def protect_all(
    drafts: Sequence[Draft],
    *,
    earlier: Sequence[Earlier] = (),
    lists: Sequence[Told] = (),
    hidden: Sequence[frozenset[Cell]] = (),
) -> tuple[Protected, ...]:
    """Protect tables that leave together, so that no hidden count follows from any of them.

    What cannot be kept from following, because it left earlier, is left to the audit to refuse.

    Args:
        drafts: under one policy.
        earlier: what was released before.
        lists: lists of people that leave with them; whoever has one can count its rows.
        hidden: for each draft, cells that are hidden in any case.
    """
    also = list(hidden) or [frozenset[Cell]()] * len(drafts)
    while True:
        tables = tuple(
            _made(draft, shown_cells(draft, cells))
            for draft, cells in zip(drafts, also, strict=True)
        )
        more = _to_hide(drafts, tables, earlier, lists)
        if not more:
            return tables
        for number, cells in enumerate(also):
            new = frozenset((row, column) for table, row, column in more if table == number)
            also[number] = cells | new


def _to_hide(
    drafts: Sequence[Draft],
    tables: Sequence[Protected],
    earlier: Sequence[Earlier],
    lists: Sequence[Told],
) -> frozenset[tuple[int, int, str]]:
    """Cells to hide besides, one step at a time; none, when all is well or nothing helps."""
    counted = [draft for draft in drafts if draft.counted]
    if not counted or not all(draft.policy.hides_more for draft in counted):
        return frozenset()
    policy = counted[0].policy
    known = (of_table(table, policy, number) for number, table in enumerate(tables))
    told = tuple(each for each in known if each)
    if changed := changed_cells(told, earlier, policy):
        return changed
    before = same_people(told, earlier, lists=False)
    together = (*told, *before)
    if (answer := recoverable(together)).found:
        return to_hide(together, answer)
    rows = (*lists, *same_people(told, earlier, lists=True))
    if rows and (answer := recoverable(with_rows := (*loosened(together, rows), *rows))).found:
        return to_hide(with_rows, answer)
    return frozenset()


def protect(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    counts: Sequence[str],
    policy: Policy,
    rates: Mapping[str, tuple[str, str]] = MappingProxyType({}),
    means: Mapping[str, str] = MappingProxyType({}),
    not_people: Sequence[str] = (),
    total: str | None = None,
    note: str = "",
    counted: Counted | None = None,
) -> Protected:
    """Suppress and round a table of counts that leaves by itself; the arguments are `Draft`'s.

    Raises:
        ReleaseRefused: as `Draft`.
    """
    draft = Draft(
        title=title,
        columns=columns,
        rows=rows,
        counts=counts,
        policy=policy,
        rates=rates,
        means={name: (people,) for name, people in means.items()},
        not_people=not_people,
        total=total,
        note=note,
        counted=counted,
    )
    return protect_all([draft])[0]


def protect_estimates(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    policy: Policy,
    estimates: Sequence[str] = ("value", "low", "high"),
    n: str = "n",
    positives: str | None = None,
    counts: Sequence[str] = (),
    not_people: Sequence[str] = (),
    withhold: Sequence[bool] = (),
    proportions: Sequence[int] = (),
    note: str = "",
) -> Protected:
    """Suppress and round a table of estimates with their denominators.

    An estimate is withheld where its people, its positives, or its negatives are too few to be
    shown: an exact rate with its denominator would give the count back. Shown estimates are
    rounded to 3 decimals, or 2 where fewer than 1,000 people stand behind them.

    Args:
        n: the denominator. None means that no people stand behind the row (a fixed value).
        positives: the column that counts those with the outcome, if there is one.
        counts: further columns that count people.
        withhold: per row, whether something else behind it is too small to be shown.
        proportions: per row, 1 where its value is a count of the ``n``, -1 where it is what such a
            count leaves of them, else 0. A proportion is shown as the rate of the rounded counts.

    Returns:
        The columns plus ``status``: `shown`, `withheld` or `not estimable`.

    Raises:
        ReleaseRefused: as `Draft`.
    """
    counted = tuple(dict.fromkeys((n, *([positives] if positives else []), *counts)))
    declared(title, columns, {*counted, *estimates, *not_people})
    rectangular(title, columns, rows)
    protected = estimate_rows(
        columns, rows, policy.alone, estimates=estimates, n=n, positives=positives,
        withhold=withhold or (False,) * len(rows),
        proportions=proportions or (0,) * len(rows),
    )  # fmt: skip
    return protect(
        title, (*columns, "status"), protected,
        counts=counted, policy=policy, not_people=(*not_people, *estimates), note=note,
    )  # fmt: skip


# -- of tables that are protected already --------------------------------------------------------


def retold(
    table: Protected,
    title: str,
    columns: Sequence[tuple[str, str | Sequence[str]]],
    rows: Sequence[int],
    note: str = "",
) -> Protected:
    """Some rows and columns of a protected table under other names; nothing is added.

    Args:
        columns: name -> the column whose cells are copied, or a text for each row.
        rows: which rows, in order.
    """
    parts = []
    for _, source in columns:
        if isinstance(source, str):
            place = table.columns.index(source)
            parts.append([table.rows[row][place] for row in rows])
        else:
            parts.append([str(text) for text in source])
    cells = tuple(zip(*parts, strict=True))
    named = {source: name for name, source in columns if isinstance(source, str)}
    return _sealed(
        title=title,
        columns=tuple(name for name, _ in columns),
        rows=cells,
        policy=table.policy,
        suppressed=sum(None in row for row in cells),
        note=note or table.note,
        counts=tuple(named[count] for count in table.counts if count in named),
    )


def restored(told: Mapping[str, Any], *, trusted: bool = False) -> Protected:
    """A protected table from what `kept` made of it: a release's own, read again.

    Args:
        trusted: it comes from the ledger of releases, which proves that nobody changed it; its
            policy may have been another one by the same name.

    Raises:
        ReleaseRefused: RS3035, it shows a count that its policy would not.
    """
    policy = policy_named(told["policy"])
    counted = told.get("counted")
    table = _sealed(
        title=told["title"],
        columns=tuple(told["columns"]),
        rows=tuple(tuple(row) for row in told["rows"]),
        policy=told["policy"],
        suppressed=told["suppressed"],
        note=told["note"],
        counts=tuple(told.get("counts", ())),
        has_total=told.get("has_total", False),
        counted=Counted(**{name: _tuples(value) for name, value in counted.items()})
        if counted
        else None,
        hidden=frozenset((row, column) for row, column in told.get("hidden", ())),
        unsure=frozenset((row, column) for row, column in told.get("unsure", ())),
        few_left=frozenset(told.get("few_left", ())),
    )
    if not trusted and (wrong := unlike_its_policy(table, policy)):
        raise ReleaseRefused(
            f"{table.title}: {sum(wrong.values()):,} counts are not as policy {policy.name} shows "
            "them",
            fix="make the table again; it was changed after it was protected",
            code="RS3035",
        )
    return table


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value


def _made(draft: Draft, cells: Cells) -> Protected:
    return _sealed(
        title=draft.title,
        columns=tuple(draft.columns),
        rows=cells.rows,
        policy=draft.policy.name,
        suppressed=cells.suppressed,
        note=" ".join(part for part in (draft.note, draft.rules.sentence) if part),
        counts=tuple(draft.counts),
        has_total=draft.total is not None,
        counted=draft.counted,
        hidden=cells.hidden,
        unsure=cells.unsure,
        few_left=cells.few_left,
    )


_NOT_TOLD: Mapping[str, Any] = MappingProxyType(
    {
        "has_total": False,
        "counted": None,
        "hidden": frozenset(),
        "unsure": frozenset(),
        "few_left": frozenset(),
    }
)


def _sealed(**attributes: Any) -> Protected:
    """The table itself: nobody else may make one."""
    table = object.__new__(Protected)
    for name, value in {**_NOT_TOLD, **attributes}.items():
        object.__setattr__(table, name, value)
    return table
