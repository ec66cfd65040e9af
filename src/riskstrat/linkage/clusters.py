"""Putting records together without ever putting apart what must stay apart.

Links are taken best first. A link is refused if it would give one person two different values of
an exclusive identifier, two records of one agency where each person has one, or a pair that is
known to be two people (twins). Refusing the weaker link is what makes the result independent of
everything but the links themselves.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

IntArray: TypeAlias = NDArray[np.int64]
FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]


@dataclass(slots=True)
class Clusters:
    """A disjoint-set forest with constraints.

    Attributes:
        parent: int (members,), the parent of each member; a root is its own.
        exclusive: per exclusive identifier int (members,), the value a root's cluster has; 0: none.
        agencies: int (members,), the agencies in a root's cluster as bits; None where any number
            of records of one agency may be one person.
        apart: root -> roots it must never join.
    """

    parent: IntArray
    exclusive: tuple[IntArray, ...] = ()
    agencies: IntArray | None = None
    apart: dict[int, set[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, members: int, exclusive: Iterable[IntArray] = ()) -> Clusters:
        """Every member alone."""
        return cls(np.arange(members), tuple(exclusive))

    def find(self, member: int) -> int:
        """The root of a member's cluster."""
        parent = self.parent
        while (above := parent[member]) != member:
            parent[member] = parent[above]
            member = above
        return int(member)

    def keep_apart(self, left: int, right: int) -> None:
        """Never let two members join."""
        left, right = self.find(left), self.find(right)
        if left != right:
            self.apart.setdefault(left, set()).add(right)
            self.apart.setdefault(right, set()).add(left)

    def may_join(self, left: int, right: int) -> bool:
        """Whether two roots break no constraint together."""
        for values in self.exclusive:
            mine, theirs = values[left], values[right]
            if mine and theirs and mine != theirs:
                return False
        if self.agencies is not None and self.agencies[left] & self.agencies[right]:
            return False
        return right not in self.apart.get(left, ())

    def join(self, left: int, right: int) -> bool:
        """Make two members one cluster; False if a constraint forbids it.

        The smaller root stays, so that a cluster's number does not depend on the order.
        """
        left, right = self.find(left), self.find(right)
        if left == right:
            return True
        if not self.may_join(left, right):
            return False
        root, other = min(left, right), max(left, right)
        self.parent[other] = root
        for values in self.exclusive:
            values[root] = values[root] or values[other]
        if self.agencies is not None:
            self.agencies[root] |= self.agencies[other]
        for enemy in self.apart.pop(other, set()):
            self.apart[enemy].discard(other)
            self.apart[enemy].add(root)
            self.apart.setdefault(root, set()).add(enemy)
        return True

    def join_all(self, first: IntArray, other: IntArray) -> int:
        """Join pairs in order; the number of those that a constraint refused."""
        pairs = zip(first.tolist(), other.tolist(), strict=True)
        return sum(not self.join(a, b) for a, b in pairs)

    def join_unbound(self, first: IntArray, other: IntArray) -> None:
        """Join members that are all still alone to their first ones, where nothing forbids it."""
        self.parent[other] = first

    def roots(self) -> IntArray:
        """int (members,): the root of each."""
        found = self.parent
        while not np.array_equal(above := found[found], found):
            found = above
        return found.copy()


def join_best_first(
    clusters: Clusters, left: IntArray, right: IntArray, probability: FloatArray
) -> BoolArray:
    """Take links from the surest down; equal ones in the order of their members.

    Args:
        clusters: changed in place.
        left, right: int (n_links,), members.
        probability: float (n_links,).

    Returns:
        bool (n_links,): whether the two are one cluster in the end.
    """
    order = np.lexsort((right, left, -probability))
    clusters.join_all(left[order], right[order])
    roots = clusters.roots()
    return np.equal(roots[left], roots[right])
