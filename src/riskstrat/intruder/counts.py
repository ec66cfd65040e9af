"""A table of counts as its reader has it: what each true count can have been."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from riskstrat.intruder.releases import Release
from riskstrat.release.policies import Policy

TOTAL = "All that is shown"
SHARE = "share_"
PEOPLE = "people"


@dataclass(frozen=True, slots=True)
class Between:
    """The true counts that a shown one can stand for, both ends included."""

    low: int
    high: int

    @property
    def certain(self) -> bool:
        """Whether there is but one."""
        return self.low == self.high


def true_count(shown: str, policy: Policy) -> Between | None:
    """What a cell can stand for: an interval for a shown count, else that of hidden ones.

    Returns:
        None for a cell that is no count at all.

    Examples:
        >>> from riskstrat.release.policies import POLICIES
        >>> true_count("15", POLICIES["strict"]), true_count("suppressed", POLICIES["strict"])
        (Between(low=13, high=17), Between(low=0, high=9))
    """
    if is_count(shown):
        return _behind(int(shown), policy)
    if shown == policy.mark:
        return Between(0 if policy.hides_zero else 1, policy.threshold - 1)
    return None


def is_count(shown: str) -> bool:
    """Whether a cell shows a whole number."""
    return shown.isascii() and shown.isdecimal()


@lru_cache(maxsize=4096)
def _behind(shown: int, policy: Policy) -> Between:
    around = range(max(0, shown - 2 * policy.base), shown + 2 * policy.base + 1)
    fits = [count for count in around if policy.rounded(count) == shown]
    # A cell that its own policy would not show is taken for what it says.
    return Between(min(fits, default=shown), max(fits, default=shown))


@dataclass(frozen=True, slots=True)
class CountTable:
    """The groups of an aggregate release, without its total.

    Attributes:
        groups: names of the columns that say which group a row is.
        counts: names of the columns of counts, the people of the group first.
        cells: group -> column -> the cell as shown.
        total: column -> cell of the row that adds up, if there is one.
    """

    groups: tuple[str, ...]
    counts: tuple[str, ...]
    cells: Mapping[tuple[str, ...], Mapping[str, str]]
    total: Mapping[str, str]

    def each(self) -> Iterator[tuple[tuple[str, ...], str, str]]:
        """(group, column, cell) of every count."""
        for group, row in self.cells.items():
            for column in self.counts:
                yield group, column, row[column]


def count_table(release: Release) -> CountTable:
    """Tell counts from groups: counts begin with ``people``; groups may be numbers, too."""
    plain = [each for each in release.columns if not each.startswith(SHARE)]
    body = [row for row in release.rows if TOTAL not in row.values()]
    last = [row for row in release.rows if TOTAL in row.values()]
    first = plain.index(PEOPLE) if PEOPLE in plain else len(plain)
    groups, counts = tuple(plain[:first]), tuple(plain[first:])
    cells = {tuple(row[name] for name in groups): row for row in body}
    return CountTable(groups, counts, cells, last[0] if last else {})
