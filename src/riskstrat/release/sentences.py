"""Sentences whose counts of people are suppressed and rounded like those of a table."""

from __future__ import annotations

import re

from riskstrat.release.arithmetic import events_of
from riskstrat.release.policies import Policy

_NUMERAL = re.compile(r"\d[\d,]*")
NOUNS = (
    r"(?:\w+ )?(?:people|persons?|rows?|records?|units?|households?|children|child|patients?|"
    r"outcomes?|events?|places|properties|pairs)\b"
)
_COUNTED = re.compile(
    rf"(?P<counts>(?<![\w.])\d[\d,]*(?: of (?:the )?\d[\d,]*)? {NOUNS})"
    r"(?P<share> \(\d[\d.]*%(?:, (?P<rest>[^()]*))?\))?"
)
_SHARE_OF = re.compile(rf"(?<![\w.])(?P<share>\d[\d.]*)% of (?P<of>\d[\d,]*)(?= {NOUNS})")


def protect_text(text: str, policy: Policy) -> str:
    """A sentence whose counts of people or records are suppressed and rounded like any other.

    A percentage beside a count would give the exact count back: it goes, unless counts are exact.

    Examples:
        >>> from riskstrat.release.policies import POLICIES
        >>> protect_text("3 of 4,512 people have no date; 365 days", POLICIES["strict"])
        'fewer than 10 of 4,510 people have no date; 365 days'
        >>> protect_text("3 of 4,512 rows (0.066%, 2% tolerated) repeat", POLICIES["hes"])
        'fewer than 8 of 4,510 rows (2% tolerated) repeat'
        >>> protect_text("0.1% of 4,512 rows are empty", POLICIES["hes"])
        'fewer than 8 of 4,510 rows are empty'
    """
    policy = policy.alone
    text = _COUNTED.sub(lambda found: _protect_counted(found, policy), text)
    return _SHARE_OF.sub(lambda found: _protect_share(found, policy), text)


def counted_of(count: int, whole: int, policy: Policy) -> str:
    """``45 of 50``, where all three counts may be shown: those counted, the others, and all.

    Examples:
        >>> from riskstrat.release.policies import POLICIES
        >>> hes = POLICIES["hes"]
        >>> [counted_of(count, 52, hes) for count in (43, 3, 49)]
        ['45 of 50', 'fewer than 8 of 50', 'almost all of 50']
    """
    policy = policy.alone
    shown = policy.rounded(whole)
    if shown is None:
        return f"of {policy.small}"
    if not policy.shows(count):
        return f"{policy.small} of {shown:,}"
    if count == whole or not policy.shows(whole - count):
        few = policy.hides_all or count < whole
        return f"{'almost all' if few else 'all'} of {shown:,}"
    return f"{policy.rounded(count):,} of {shown:,}"


def _protect_counted(found: re.Match[str], policy: Policy) -> str:
    phrase = _protect_numerals(found["counts"], policy)
    if not found["share"] or policy.threshold <= 1:
        return phrase + (found["share"] or "")
    return f"{phrase} ({found['rest']})" if found["rest"] else phrase


def _protect_share(found: re.Match[str], policy: Policy) -> str:
    """A percentage of a count, in words where what it is a percentage of is too few or too many."""
    people = int(found["of"].replace(",", ""))
    count = events_of(float(found["share"]) / 100, people)
    if not policy.shows(count):
        return f"{policy.small} of {found['of']}"
    if not policy.shows(people - count):
        return f"almost all of {found['of']}"
    share = (policy.rounded(count) or 0) / (policy.rounded(people) or 1)
    return f"{100 * share:.{len(found['share'].partition('.')[2])}f}% of {found['of']}"


def _protect_numerals(phrase: str, policy: Policy) -> str:
    def shown(found: re.Match[str]) -> str:
        count = policy.rounded(int(found[0].replace(",", "")))
        return policy.small if count is None else f"{count:,}"

    return _NUMERAL.sub(shown, phrase)
