"""What a study file says in its own short language, in plain English for a page."""

from __future__ import annotations

import re

from riskstrat.publish.wording import metric, percent
from riskstrat.vocabulary import in_words

_GATE = re.compile(
    r"^\s*(?P<metric>[a-z_]+)\s*(?:\((?P<inside>[^)]*)\))?(?:\.(?P<bound>low|high))?\s*"
    r"(?P<op>>=|<=|>|<|in)\s*(?P<limit>.+?)\s*(?:(?:\+-|\u00b1)\s*(?P<tolerance>[\d.]+)\s*)?$"
)
_BETWEEN = re.compile(r"^\[\s*([^,\]]+?)\s*,\s*([^,\]]+?)\s*\]$")
_AT = re.compile(r"^at\s*=\s*([\d.]+)$")
_OPS = {">=": "at least", "<=": "at most", ">": "more than", "<": "less than"}
_BOUNDS = {
    "low": "even at the lower end of its interval",
    "high": "at the upper end of its interval",
}
_AGE = re.compile(r"\bage(?:_at_as_of)?\s*(>=|<=|>|<)\s*(\d+)")
_AGE_BETWEEN = re.compile(r"\bage(?:_at_as_of)?\s+between\s+(\d+)\s+and\s+(\d+)")


def within(name: str) -> str:
    """`in_words`, for the middle of a sentence: its first letter is small unless it abbreviates."""
    told = in_words(name)
    return told if told[:2].isupper() or told[1:2].isdigit() else told[:1].lower() + told[1:]


def gate_in_words(text: str) -> str:
    """A gate as a reader without the study language would say it; unknown forms stay as written.

    Examples:
        >>> gate_in_words("auroc.low >= 0.70")
        'AUROC at least 0.70, even at the lower end of its interval'
        >>> gate_in_words("calibration_slope in [0.9, 1.1]")
        'Calibration slope between 0.9 and 1.1'
        >>> gate_in_words("ppv(at=0.05) > 0.3")
        'Correct among those listed, when 5% are seen: more than 0.3'
        >>> gate_in_words("auroc >= 0.70 +- 0.02")
        'AUROC at least 0.70, known to within 0.02 where its interval spans that'
    """
    found = _GATE.match(text)
    if not found:
        return text
    groups, seen = [], ""
    for part in filter(None, (p.strip() for p in (found["inside"] or "").split(","))):
        if at := _AT.match(part):
            seen = f"when {percent(float(at[1]))} are seen"
        else:
            groups.append(f"by {within(part)}")
    told = ", ".join((metric(found["metric"]), *groups, *([seen] if seen else [])))
    between = _BETWEEN.match(found["limit"])
    if found["op"] == "in" and between:
        limit = f"between {between[1]} and {between[2]}"
    elif found["op"] in _OPS:
        limit = f"{_OPS[found['op']]} {found['limit']}"
    else:
        return text
    bound = f", {_BOUNDS[found['bound']]}" if found["bound"] else ""
    if found["tolerance"]:
        bound += f", known to within {found['tolerance']} where its interval spans that"
    return f"{told}{':' if groups or seen else ''} {limit}{bound}"


def scope_in_words(expression: str) -> str:
    """Who is in scope, where the expression is one of the common ones; otherwise as written.

    Examples:
        >>> scope_in_words("registered and age_at_as_of >= 18")
        'registered and aged 18 or over'
        >>> scope_in_words("age_at_as_of between 5 and 15")
        'aged 5 to 15'
    """

    def aged(found: re.Match[str]) -> str:
        years = int(found[2])
        ending = {">=": "or over", "<=": "or under", ">": "or over", "<": "or under"}[found[1]]
        return f"aged {years + (found[1] == '>') - (found[1] == '<')} {ending}"

    return _AGE.sub(aged, _AGE_BETWEEN.sub(r"aged \1 to \2", expression))


def is_plain(text: str) -> bool:
    """Whether a text can stand in a sentence: no code is left in it."""
    return not re.search(r"[_=<>()']", text)
