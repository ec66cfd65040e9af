"""Named disclosure policies: which counts of people may be shown, and how exactly.

A policy belongs to a data owner. Where sources under several policies meet in one table, the
strictest of each rule applies, so the joint policy satisfies every owner at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import lcm
from types import MappingProxyType

from riskstrat.errors import StudyError


@dataclass(frozen=True, slots=True)
class Policy:
    """How counts of people are shown.

    Attributes:
        name: as in a study file; a joint policy is written ``dfe+strict``.
        threshold: the smallest count that may be shown; 1 to ``threshold - 1`` are suppressed.
        base: shown counts are rounded to the nearest multiple of this; halves go up.
        hides_zero: an empty cell is suppressed as well (it may tell something of everybody).
        mark: what stands in place of a suppressed count.
        source: where the rule comes from.
    """

    name: str
    threshold: int
    base: int
    hides_zero: bool
    mark: str
    source: str

    @property
    def small(self) -> str:
        """What a suppressed count means, in words."""
        return f"fewer than {self.threshold}"

    @property
    def sentence(self) -> str:
        """The rule in one sentence, for the foot of a table."""
        if self.threshold <= 1:
            return "Counts are exact: policy `none` applies no disclosure control."
        zeros = "or none" if self.hides_zero else "but not none"
        hidden = f"“{self.mark}” stands for {self.small}, {zeros}"
        rest = (
            "other counts are exact"
            if self.base == 1
            else f"other counts are rounded to {self.base}, rates are of rounded counts"
        )
        return f"Policy {self.name}: {hidden}; {rest}."

    def shows(self, count: int) -> bool:
        """Whether a count may be shown (rounded) at all."""
        return not self.hides_zero if count == 0 else count >= self.threshold

    def rounded(self, count: int) -> int | None:
        """The count as it may be shown, or None where it must not be.

        Examples:
            >>> hes = POLICIES["hes"]
            >>> [hes.rounded(n) for n in (0, 1, 7, 8, 12, 13)]
            [0, None, None, 10, 10, 15]
        """
        if not self.shows(count):
            return None
        nearest = (count + self.base // 2) // self.base * self.base
        # A count at the threshold must not be rounded down into the range that is suppressed.
        return nearest if nearest >= self.threshold or count == 0 else nearest + self.base


def _listed(*policies: Policy) -> Mapping[str, Policy]:
    return MappingProxyType({policy.name: policy for policy in policies})


POLICIES = _listed(
    Policy("none", 1, 1, False, "", "for made-up or already published data"),
    Policy(
        "hes",
        8,
        5,
        False,
        "*",
        "NHS England, Hospital Episode Statistics: 1 to 7 suppressed, others to the nearest 5",
    ),
    Policy(
        "opensafely",
        8,
        5,
        True,
        "[redacted]",
        "OpenSAFELY: 7 and under suppressed, others to the nearest 5",
    ),
    # DfE hides 1 to 5 and then hides more cells so that the first cannot be worked out. Until
    # that second step is applied here, every count is rounded to 10, as DfE does for its totals.
    Policy("dfe", 6, 10, False, "c", "Department for Education: 1 to 5 suppressed, totals to 10"),
    Policy(
        "strict",
        10,
        5,
        True,
        "fewer than 10",
        "secure research environments: threshold 10, zeros disclosive, rounded to 5",
    ),
)
"""The named policies, least strict first."""


def policy_named(name: str) -> Policy:
    """The policy of a study file or of a `Protected` table; joint names are understood.

    Raises:
        StudyError: if the name, or one part of a joint name, is unknown.
    """
    return strictest([name])


def strictest(names: Iterable[str]) -> Policy:
    """One policy that keeps every rule of all those named.

    The highest threshold, the coarsest rounding, and zeros hidden if any policy hides them.
    Where one policy already does all that it is returned as it is; otherwise the joint policy
    is named after its parts, because neither `dfe` (rounds to 10) nor `strict` (hides under 10)
    contains the other. With no names at all: `strict`, so that forgetting is safe.

    Raises:
        StudyError: if a name is unknown.

    Examples:
        >>> strictest(["hes", "none"]).name, strictest(["dfe", "strict"]).name
        ('hes', 'dfe+strict')
    """
    wanted = {part for name in names for part in str(name).split("+")} or {"strict"}
    if unknown := sorted(wanted - POLICIES.keys()):
        raise StudyError(
            f"unknown disclosure policy: {', '.join(unknown)}",
            fix=f"choose one of {', '.join(POLICIES)}",
            code="RS1270",
        )
    named = [policy for policy in POLICIES.values() if policy.name in wanted]
    needed = [policy for policy in named if not _within(policy, named)]
    if len(needed) == 1:
        return needed[0]
    threshold = max(policy.threshold for policy in needed)
    return Policy(
        "+".join(policy.name for policy in needed),
        threshold,
        lcm(*(policy.base for policy in needed)),
        any(policy.hides_zero for policy in needed),
        f"fewer than {threshold}",
        "; ".join(policy.source for policy in needed),
    )


def _within(policy: Policy, others: Iterable[Policy]) -> bool:
    """Whether another of the policies already does all that this one does."""
    return any(
        other is not policy
        and other.threshold >= policy.threshold
        and other.base % policy.base == 0
        and other.hides_zero >= policy.hides_zero
        for other in others
    )
