"""Named disclosure policies: which counts of people may be shown, and how exactly.

A policy belongs to a data owner. Where sources under several policies meet in one table, the
strictest of each rule applies, so the joint policy satisfies every owner at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import lcm
from types import MappingProxyType

from riskstrat.errors import StudyError


@dataclass(frozen=True, slots=True)
class Dominance:
    """When an amount tells of those who make up most of it.

    Attributes:
        largest: how many of the largest contributors are looked at (the N of N-K).
        share: the share of an amount that these may make up together (the K).
        estimate: how near to the largest contribution the second largest contributor may come by
            subtracting his own, as a share of it (the p of the p% rule).
    """

    largest: int
    share: float
    estimate: float


@dataclass(frozen=True, slots=True)
class Policy:
    """How counts of people, and amounts of them, are shown.

    Attributes:
        name: as in a study file; a joint policy is written ``dfe+strict``.
        threshold: the smallest count that may be shown; 1 to ``threshold - 1`` are suppressed.
        base: shown counts are rounded to the nearest multiple of this; halves go up.
        hides_zero: an empty cell is suppressed as well (it may tell something of everybody).
        mark: what stands in a table in place of a suppressed count.
        source: where the rule comes from.
        total_base: totals are rounded to this.
        decimals: most decimals of a rate of counts.
        hides_more: further counts are hidden until no hidden one follows from those shown.
        adds_up_shown: totals are sums of what is shown, not of what is there.
        hides_all: a group of which everybody is in one cell is hidden like one of few.
        one_place: the tables and lists of one release tell of one kind of place only.
        dominance: when an amount is withheld; None where the owner has no such rule.
        beside: a quantile needs so many people on each side.
        degrees: residual degrees of freedom that the coefficients of a model need.
    """

    name: str
    threshold: int
    base: int
    hides_zero: bool
    mark: str
    source: str
    total_base: int = 5
    decimals: int = 4
    hides_more: bool = True
    adds_up_shown: bool = True
    hides_all: bool = False
    one_place: bool = True
    dominance: Dominance | None = None
    beside: int = 10
    degrees: int = 0

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
        more = ", or for a count that would give such a one away" if self.hides_more else ""
        hidden = f"“{self.mark}” stands for {self.small}, {zeros}{more}"
        rest = (
            "other counts are exact"
            if self.base == 1
            else f"other counts are rounded to {self.base}, rates are of rounded counts"
        )
        return f"Policy {self.name}: {hidden}; {rest}."

    @property
    def alone(self) -> Policy:
        """For counts that nobody holds against others: exact ones are rounded like totals.

        Beside exact counts a hidden one follows by subtraction, unless it was looked for.

        Examples:
            >>> [POLICIES[name].alone.base for name in ("none", "hes", "dfe")]
            [1, 5, 10]
        """
        if self.base > 1 or self.threshold <= 1:
            return self
        return replace(self, base=self.total_base)

    @property
    def least(self) -> int:
        """The smallest count that a mark can stand for."""
        return 0 if self.hides_zero else 1

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

    def behind(self, shown: int) -> tuple[int, int]:
        """The least and the greatest count that are shown as this one; a total apart.

        A number that the policy would never show stands for itself.

        Examples:
            >>> strict = POLICIES["strict"]
            >>> strict.behind(10), strict.behind(15), strict.behind(7)
            ((10, 12), (13, 17), (7, 7))
        """
        around = range(max(0, shown - 2 * self.base), shown + 2 * self.base + 1)
        fits = [count for count in around if self.rounded(count) == shown]
        return (fits[0], fits[-1]) if fits else (shown, shown)

    def total(self, count: int) -> int:
        """A total as it may be shown."""
        base = max(self.total_base, self.base)
        return (count + base // 2) // base * base


def _listed(*policies: Policy) -> Mapping[str, Policy]:
    return MappingProxyType({policy.name: policy for policy in policies})


POLICIES = _listed(
    Policy(
        "none",
        1,
        1,
        False,
        "",
        "for made-up or already published data",
        total_base=1,
        hides_more=False,
        one_place=False,
        beside=1,
    ),
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
        hides_all=True,
    ),
    # Exact counts: here the counts that are hidden besides do all the work.
    Policy(
        "dfe",
        6,
        1,
        False,
        "c",
        "Department for Education: 1 to 5 suppressed and what would give them away, totals to 10, "
        "percentages to one decimal",
        total_base=10,
        decimals=3,
        hides_all=True,
    ),
    Policy(
        "strict",
        10,
        5,
        True,
        "suppressed",
        "secure research environments: threshold 10, zeros disclosive, rounded to 5",
        hides_all=True,
        dominance=Dominance(largest=2, share=0.9, estimate=0.1),
        degrees=10,
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

    Of each rule the strictest. Where one policy already does all that it is returned as it is;
    otherwise the joint policy is named after its parts, because neither `dfe` (totals to 10) nor
    `strict` (hides under 10) contains the other. With no names at all: `strict`, so that
    forgetting is safe.

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
    return needed[0] if len(needed) == 1 else _joint(needed)


def _joint(needed: list[Policy]) -> Policy:
    """The strictest of each rule of several policies."""
    rules = [policy.dominance for policy in needed if policy.dominance]
    return Policy(
        "+".join(policy.name for policy in needed),
        max(policy.threshold for policy in needed),
        lcm(*(policy.base for policy in needed)),
        any(policy.hides_zero for policy in needed),
        "suppressed",
        "; ".join(policy.source for policy in needed),
        total_base=lcm(*(policy.total_base for policy in needed)),
        decimals=min(policy.decimals for policy in needed),
        hides_more=any(policy.hides_more for policy in needed),
        adds_up_shown=any(policy.adds_up_shown for policy in needed),
        hides_all=any(policy.hides_all for policy in needed),
        one_place=any(policy.one_place for policy in needed),
        dominance=Dominance(
            max(rule.largest for rule in rules),
            min(rule.share for rule in rules),
            max(rule.estimate for rule in rules),
        )
        if rules
        else None,
        beside=max(policy.beside for policy in needed),
        degrees=max(policy.degrees for policy in needed),
    )


def _within(policy: Policy, others: Iterable[Policy]) -> bool:
    """Whether another of the policies already does all that this one does."""
    return any(
        other is not policy
        and other.threshold >= policy.threshold
        and other.base % policy.base == 0
        and other.total_base % policy.total_base == 0
        and other.decimals <= policy.decimals
        and other.beside >= policy.beside
        and other.degrees >= policy.degrees
        and (policy.dominance is None or other.dominance == policy.dominance)
        and all(
            getattr(other, rule) >= getattr(policy, rule)
            for rule in ("hides_zero", "hides_more", "adds_up_shown", "hides_all", "one_place")
        )
        for other in others
    )
