"""What findings and gates say: their numbers, and the sentences about them, as they may be shown.

A sentence repeats its own number, so what happens to the number happens to the sentence: a rate is
of rounded counts in both, and where few people stand behind it, both are withheld.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from riskstrat.release.arithmetic import digits, events_of
from riskstrat.release.estimates import of_rounded_counts
from riskstrat.release.policies import Policy
from riskstrat.release.proportions import PROPORTIONS
from riskstrat.release.sentences import protect_text
from riskstrat.vocabulary import Finding, Protected, base_of

Row = Mapping[str, Any]
Numbers = Sequence[float | None]
"""value, low and high"""
SHARES = ("RS305", "RS308", "RS330", "RS331", "RS332", "RS3403", "RS10", "RS13")
"""codes, and beginnings of codes, whose number is a share of the ``n`` people or rows"""
LINKS = ("RS332",)
"""codes about links that were missed: none at all is what one hopes for, and tells of nobody"""
OF_LEVEL = re.compile(r"(?P<share>\d[\d.]*)%(?P<at> at level )(?P<level>.+?)(?=;|,| and to |$)")
TOP = re.compile(r"top (\d[\d.]*)%")
EXACT = re.compile(r"(?<![\w.])(?<!top )(?P<share>\d+\.\d+)%(?! tolerated| of \d)")
FEW = "too few people behind it to say more"


def finding_shown(found: Finding, policy: Policy, fairness: Mapping[Any, Row]) -> Finding:
    """A finding of which neither number nor sentence gives a small count back.

    Args:
        fairness: (``group: level``, metric, at) -> the row of the table by group, see `by_level`.
    """
    if _level_withheld(found.group, fairness):
        return _silent(found, found.group)
    told = replace(
        found, message=protect_text(found.message, policy), fix=protect_text(found.fix, policy)
    )
    if policy.alone.base == 1:
        return told
    if found.code == "RS310":
        return _compared(told, found, fairness, policy)
    share = _is_share(found)
    own = {form for number in _numbers_of(found) for form in _forms(number)} if share else set()
    told = _of_levels(replace(told, message=_coarse(told.message, own)), fairness)
    return _share(told, found, policy) if share else told


def _level_withheld(group: str, fairness: Mapping[Any, Row]) -> bool:
    """Whether a level is withheld whatever list one looks at, or at each that is told of."""
    mine = [(key[2], row["status"]) for key, row in fairness.items() if group and key[0] == group]
    whole = [status for at, status in mine if at is None]
    return "withheld" in (whole or [status for _, status in mine])


def by_level(fairness: Protected | None) -> dict[Any, Row]:
    """The rows of the table by group: (``group: level``, metric, at) -> row.

    An attribute of a source stands under its last part, too: gates may name it so.
    """
    if fairness is None:
        return {}
    return {
        (f"{name}: {row['level']}", row["metric"], row["at"]): row
        for row in fairness.records()
        for name in (row["group"].rpartition(".")[2], row["group"])
    }


def _turned(row: Row) -> Row:
    """A ratio the other way round: the reference over the level."""
    turned = {"value": row["value"], "low": row["high"], "high": row["low"]}
    return {**row, **{name: 1 / each if each else None for name, each in turned.items()}}


def gate_shown(row: Row, policy: Policy, fairness: Mapping[Any, Row]) -> dict[str, Any]:
    """A gate with its number as the table by group shows it, or as a rate of rounded counts.

    Returns:
        The row; ``few`` tells that it is withheld, with what explains it.
    """
    metric, value = str(row.get("metric")), row.get("value")
    # Where the reference decided, its number is that of the level beside it turned over.
    against = str(row.get("against") or "")
    beside = fairness.get((against or str(row.get("group") or ""), metric, row.get("at")))
    if beside is not None and against and beside["value"] is not None:
        beside = _turned(beside)
    people = row.get("n") if value is not None else None
    told = {**row, "n": people, "few": False}
    said = protect_text(str(row.get("explanation") or ""), policy)
    base = base_of(metric)
    if beside is not None and beside["status"] == "withheld":
        return told | {"few": True, "explanation": ""}
    numbers = _numbers(row)
    if policy.alone.base == 1 or value is None or base not in PROPORTIONS:
        return told | {"explanation": said}
    if beside is None and metric in PROPORTIONS:
        if _few(value, people, policy):
            return told | {"few": True, "explanation": ""}
        beside = {**row, **of_rounded_counts(row, "n", ("value", "low", "high"), policy.alone)}
    if beside is None:
        return told | {"explanation": _coarse(said)}
    new = [_float(number) for number in _numbers(beside)]
    said = retell(said, numbers, new, digits(people, policy.alone))
    return told | dict(zip(("value", "low", "high"), new, strict=True)) | {"explanation": said}


def retell(text: str, old: Numbers, new: Numbers, decimals: int) -> str:
    """A sentence with other numbers in the place of its own, in the same words.

    Examples:
        >>> retell("78.6% as seen, 0.786 in short", [0.7857], [0.81818], 2)
        '82% as seen, 0.82 in short'
    """
    forms: dict[str, str] = {}
    for was, now in zip(old, new, strict=True):
        if was is None or now is None:
            continue
        now = round(now, decimals)
        share = f"{100 * now:.{max(0, decimals - 2)}f}%"
        for form in _forms(was):
            forms.setdefault(form, share if form.endswith("%") else f"{now:.3g}")
    if not forms:
        return text
    # All at once, so that what was put in is not taken for another number of the sentence.
    any_of = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
    return re.sub(rf"(?<![\d.])(?:{any_of})(?!\d)", lambda found: forms[found[0]], text)


def _forms(number: float) -> list[str]:
    """The ways in which a number may have been written, the most exact first."""
    shares = [f"{100 * number:.{places}f}%" for places in (2, 1, 0)]
    return [*dict.fromkeys((*shares, f"{number:.3f}", f"{number:.3g}", f"{number:.2f}"))]


def _is_share(found: Finding) -> bool:
    known = found.value is not None and found.n and 0 <= found.value <= 1
    return bool(known and (found.code.startswith(SHARES) or found.where in PROPORTIONS))


def _few(value: float, people: int | None, policy: Policy, *, none_told: bool = False) -> bool:
    if not people:
        return False
    events = events_of(value, people)
    sides = [count for count in (events, people - events) if count or not none_told]
    return any(not policy.shows(count) for count in (people, *sides))


def _share(told: Finding, found: Finding, policy: Policy) -> Finding:
    """The share as the rate of rounded counts, in the sentence too."""
    assert found.value is not None  # noqa: S101 - asked by `_is_share`
    old = [found.value, found.low, found.high]
    if _few(found.value, found.n, policy, none_told=found.code in LINKS):
        if told.code.startswith(("RS10", "RS13")):
            # These say it with counts, which are protected as counts are.
            return replace(told, value=None, low=None, high=None)
        return _silent(told, told.where)
    rates = dict(zip(("value", "low", "high"), old, strict=True)) | {"n": found.n}
    new = rates | of_rounded_counts(rates, "n", ("value", "low", "high"), policy.alone)
    numbers = _numbers(new)
    message = retell(told.message, old, numbers, digits(found.n, policy.alone))
    value, low, high = numbers
    return replace(told, message=message, value=value, low=low, high=high)


def _of_levels(told: Finding, fairness: Mapping[Any, Row]) -> Finding:
    """Shares of people at a level, as the table by group tells how many had the outcome."""
    if told.code != "RS3502":
        return told

    def shown(found: re.Match[str]) -> str:
        row = fairness.get((f"{told.where}: {found['level']}", "prevalence", None))
        if row is None or row["value"] is None:
            return f"a share that is not shown{found['at']}{found['level']}"
        return f"{100 * row['value']:g}%{found['at']}{found['level']}"

    return replace(told, message=OF_LEVEL.sub(shown, told.message))


def _compared(
    told: Finding, found: Finding, fairness: Mapping[Any, Row], policy: Policy
) -> Finding:
    """A comparison of rates, as the table by group shows it."""
    top = TOP.search(found.message)
    at = float(top[1]) / 100 if top else None
    row = next(
        (row for (group, metric, cut), row in fairness.items()
         if group == found.group and metric == "sensitivity_ratio"
         and isinstance(cut, float) and at is not None and abs(cut - at) < 1e-9),
        None,
    )  # fmt: skip
    if row is None or row["value"] is None:
        return _silent(told, found.group)
    old = [found.value, found.low, found.high]
    if abs(1 / row["value"] - (found.value or 0)) < abs(row["value"] - (found.value or 0)):
        row = _turned(row)  # of the reference: what it is reached, over the level
    new = _numbers(row)
    message = retell(told.message, old, new, digits(row["n"], policy.alone))
    return replace(told, message=message, value=new[0], low=new[1], high=new[2])


def _silent(told: Finding, of: str) -> Finding:
    return replace(told, message=f"{of}: {FEW}", value=None, low=None, high=None, n=None)


def _coarse(text: str, keep: Collection[str] = ()) -> str:
    """Shares whose people a sentence does not name, in whole percents.

    Args:
        keep: those that are seen to elsewhere.
    """
    return EXACT.sub(
        lambda found: found[0] if found[0] in keep else _whole(float(found["share"])), text
    )


def _whole(percent: float) -> str:
    if 0 < percent < 1:
        return "under 1%"
    return "over 99%" if 99 < percent < 100 else f"{percent:.0f}%"


def _numbers_of(found: Finding) -> list[float]:
    return [number for number in (found.value, found.low, found.high) if number is not None]


def _numbers(row: Row) -> list[float | None]:
    return [_float(row.get(name)) for name in ("value", "low", "high")]


def _float(value: Any) -> float | None:
    return None if value is None else float(value)


def findings_shown(
    findings: Iterable[Finding], policy: Policy, fairness: Protected | None
) -> list[Finding]:
    """Each finding as it may be shown."""
    levels = by_level(fairness)
    return [finding_shown(found, policy, levels) for found in findings]
