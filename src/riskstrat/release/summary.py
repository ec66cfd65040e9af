"""One page beside every list: who, how sure, why, what capacity covers, who is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from riskstrat.release.guards import only_protected
from riskstrat.release.policies import policy_named
from riskstrat.release.standing import Standing
from riskstrat.vocabulary import Protected, in_words

BANDS = {"very_high": "Very high", "high": "High", "moderate": "Moderate", "low": "Not listed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a summary says; every table of people is `Protected`.

    Attributes:
        standing: whether the list may be used; without an approval every page says that it may not.
        listed: how many are on this list, in words.
        certainty: sentences on how sure the model is, with intervals.
        bands: of `aggregate.band_summary`.
        reach: who is reached and left out by group (any protected table), if known.
        table: the recipient's own counts, where it may have counts only.
        files: what lies beside the page: name -> what it is.
    """

    title: str
    recipient: str
    purpose: str
    outcome: str
    model: str
    as_of: date
    data_as_at: date
    expires_on: date
    policy: str
    standing: Standing
    bands: Protected
    listed: str = ""
    certainty: Sequence[str] = ()
    why: Sequence[str] = ()
    reach: Sequence[Protected] = ()
    table: Protected | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    made_up: bool = False


def summary_html(summary: Summary) -> str:
    """The summary as one self-contained page, without script."""
    return _environment().get_template("summary.html.j2").render(s=summary)


@cache
def _environment() -> Environment:
    env = Environment(
        loader=PackageLoader("riskstrat.release"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters["day"] = _day
    env.filters["in_words"] = in_words
    env.globals["text"] = _text
    env.globals["heading"] = heading
    env.filters["protected"] = only_protected
    env.globals["is_number"] = lambda value: isinstance(value, int | float)
    return env


def _day(value: date) -> str:
    return f"{value.day} {value:%B} {value.year}"


def heading(name: str) -> str:
    """A column's name as it stands over a table on a page."""
    if name.startswith("share_"):
        return f"Share {BANDS.get(name[6:], name[6:]).lower()}"
    known = {
        "expected": "Expected outcomes",
        "expected_share": "Expected rate",
        "reached_from": "95% from",
        "reached_to": "95% to",
    }
    return known.get(name) or BANDS.get(name) or in_words(name)


def _text(value: Any, column: str, policy: str) -> str:
    shares = column.startswith(("share", "reached")) or column.endswith("share") or column == "at"
    if value is None:
        return "withheld" if shares else policy_named(policy).mark or "n/a"
    if isinstance(value, float):
        return f"{value:.1%}" if shares else f"{value:.3g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return BANDS.get(str(value)) or in_words(str(value))
