"""What a recipient's folder may hold: the little that the scanner takes on trust."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from riskstrat.release.policies import Policy
from riskstrat.release.summary import heading
from riskstrat.vocabulary import Protected, in_words


class Role(StrEnum):
    """What the numbers of a column are."""

    COUNT = "count of people"
    SHARE = "share of a count"
    OTHER = "no count of people"


def plain(text: str) -> str:
    """A name or heading without case, points and strokes.

    Examples:
        >>> plain("Very high"), plain("very_high"), plain("gp_registration.practice_id")
        ('very high', 'very high', 'gp registration practice id')
    """
    return " ".join(re.findall(r"[a-z0-9%]+", text.lower()))


SHARE = "share_"
COUNTS = re.compile(
    r"^(people|persons?|patients?|residents?|adults|children|pupils|babies|households|families|"
    r"units|cases|deaths|births|admissions|attendances|members|individuals|population|clients|"
    r"n|no|count|counts|number|numbers|total|totals|frequency|size|events|records|rows|"
    r"positives|listed|selected|reached|admitted|died|expected|expected outcomes|yes|not yet known|"
    r"known|with the outcome|left out|rejected|accepted|very high|high|moderate|low|"
    r"not listed|low not listed)$|\b(number|count|no|n) of\b|\b(people|patients|persons|children|"
    r"households|pupils|residents)$|^(n|num|count|total) "
)
"""headings of columns that count, whoever declares otherwise"""
PERSONAL = re.compile(
    r"\b(unit id|release id|person id|patient id|pseudonym|nhs number|nhs no|upn|uprn|forename|"
    r"surname|first name|last name|full name|date of birth|dob|birth date|postcode|address|"
    r"local id|record key)\b|^(rank|name|reasons|risk in words|change since last)$"
)
"""headings of columns that tell of one person a row"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a recipient's folder may hold.

    Attributes:
        policy: for its counts.
        rows: what it may have: rows of its own people, rows of people, or counts only.
        tables: headings of each table of counts, without case.
        roles: heading -> what its numbers are, of columns that have been declared.
        rates: heading of a share -> headings of what it is a share of what.
        columns: headings of the list, if it has one.
        listed: how many people are on it.
        own: ids that may be in its files.
        names: what names runs, models and approvals, and may look like a pseudonym.
        everybody: the pseudonyms of everybody who was scored, and the ids of all lists.
        exact: counts that its list tells anyhow, as anybody sees who counts its rows.
        any_table: tables that nobody declared may be there, as long as they are not of people.
    """

    policy: Policy
    rows: Literal["own_patients", "pseudonymised", "aggregate"]
    tables: frozenset[tuple[str, ...]] = frozenset()
    roles: Mapping[str, Role] = field(default_factory=dict)
    rates: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    listed: int = 0
    own: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    everybody: frozenset[str] = frozenset()
    exact: frozenset[int] = frozenset()
    any_table: bool = False

    def role(self, name: str) -> Role | None:
        """What the numbers under a heading are; None if nobody can tell.

        What counts by its heading is a count, whatever was declared.
        """
        if (declared := self.roles.get(name)) is not Role.SHARE and COUNTS.search(name):
            return Role.COUNT
        return declared


def spellings(name: str) -> tuple[str, str, str]:
    """How a column's heading reads in data, in a spreadsheet and on a page."""
    return plain(name), plain(in_words(name)), plain(heading(name))


def expected_of(
    tables: Iterable[Protected], *, columns: Iterable[str] = (), marked: str = "", **rest: Any
) -> Expected:
    """What may be there, from the protected tables and the columns of the list themselves.

    Args:
        tables: all that the folder's files may show.
        columns: of the list, if there is one.
        marked: a column that a table of what may not be used begins with.
    """
    listed = tuple(columns)
    roles = {each: Role.OTHER for column in (*listed, marked) for each in spellings(column)}
    rates: dict[str, tuple[str, str]] = {}
    headings: set[tuple[str, ...]] = set()
    for table in tables:
        ways = list(zip(*map(spellings, table.columns), strict=True))
        marks = spellings(marked)
        headings |= {*ways, *((mark, *way) for mark, way in zip(marks, ways, strict=False))}
        for column in table.columns:
            share = column.startswith(SHARE)
            role = Role.SHARE if share else Role.COUNT if column in table.counts else Role.OTHER
            roles |= dict.fromkeys(spellings(column), role)
            over = spellings(column.removeprefix(SHARE))
            if share:
                pairs = zip(over, spellings("people"), strict=True)
                rates |= dict(zip(spellings(column), pairs, strict=True))
    return Expected(tables=frozenset(headings), roles=roles, rates=rates, columns=listed, **rest)
