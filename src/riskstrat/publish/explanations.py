"""The sections on what the scores rest on, how steady that is, and how values act."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import exp

from riskstrat.publish import charts, effect_charts
from riskstrat.publish.parts import ABSENT, Drawing, Section
from riskstrat.publish.readings import most_telling
from riskstrat.publish.report_data import ReportData
from riskstrat.publish.tables import Record, Shown, Table, records, shown
from riskstrat.publish.wording import percent

MOST_DRAWN = 15
LEAD = (
    "Importance says what the model uses, not what causes the outcome. Contributions are exact: "
    "with the value everybody starts from they give each person's score (RS3601, RS3602)."
)
RANGES = (
    "A range is the lowest and the highest of models learnt again from people drawn anew. It can "
    "lie beside the value: a draw holds some people twice, which favours features of many values.",
)
EFFECTS_LEAD = (
    "How the model treats the values of its leading features, with all else as those people have "
    "it. It describes the model: it does not say what would happen if a value were changed."
)


def importance(data: ReportData) -> Section:
    """What the model looks at, and whether it would have looked elsewhere."""
    drawings = [*_by_feature(data), *_by_agency(data)]
    if not drawings:
        return Section("importance", "What the scores rest on", ABSENT)
    points = RANGES if _ranged(data.stability) else ()
    return Section("importance", "What the scores rest on", LEAD, tuple(drawings), points=points)


def _by_feature(data: ReportData) -> Iterator[Drawing]:
    """Each feature's share; with its range over refits, where there were any."""
    rows, title = records(data.importance), "Which features the scores rest on"
    ranged = _ranged(data.stability)
    if ranged:
        svg = effect_charts.range_chart(ranged[:MOST_DRAWN], name="steady-feature", what="feature")
        yield Drawing(svg, _steady(ranged, "feature"), _ranked(ranged, "feature"))
    elif svg := charts.importance_chart(
        rows, name="importance-meaning", label="meaning", title=title
    ):
        yield Drawing(svg, most_telling(rows, "meaning"), _shown(data.importance))


def _by_agency(data: ReportData) -> Iterator[Drawing]:
    rows, title = records(data.importance_by_agency), "Which agencies' data the scores rest on"
    ranged = _ranged(data.stability_by_agency)
    if ranged:
        svg = effect_charts.range_chart(ranged[:MOST_DRAWN], name="steady-agency", what="agency")
        yield Drawing(svg, _steady(ranged, "agency"), _ranked(ranged, "agency"))
    elif svg := charts.importance_chart(
        rows, name="importance-agency", label="agency", title=title
    ):
        yield Drawing(svg, most_telling(rows, "agency"), _shown(data.importance_by_agency))


def _shown(table: Table | None) -> Shown | None:
    return None if table is None else shown(table)


def _ranged(table: Table | None) -> list[Record]:
    """What counts at all, where the model was learnt again."""
    return [row for row in records(table) if row["refits"] and row["importance"] > 0]


def _steady(rows: Sequence[Record], what: str) -> str:
    """Which ranks could have been others."""
    refits, first = rows[0]["refits"], rows[0]
    moved = [row for row in rows[:10] if row["rank_high"] - row["rank_low"] >= 3]
    named = "features" if what == "feature" else "agencies"
    where = "first throughout" if first["rank_high"] == 1 else _rank(first)
    told = f"In {refits} models of other people, {first['meaning']} ranks {where}. "
    if not moved:
        return f"{told}None of the leading {named} moves by three places or more."
    return f"{told}{len(moved)} of the {min(10, len(rows))} leading {named} move by three or more."


def _rank(row: Record) -> str:
    low, high = row["rank_low"], row["rank_high"]
    return f"{low} throughout" if low == high else f"{low} to {high}"


def _ranked(rows: Sequence[Record], what: str) -> Shown:
    body = tuple(
        (
            str(row["meaning"]),
            percent(round(row["importance"], 3)),
            f"{percent(round(row['importance_low'], 3))} to "
            f"{percent(round(row['importance_high'], 3))}",
            str(row["rank"]),
            _rank(row),
        )
        for row in rows
    )
    headers = (
        (what.capitalize(), False),
        ("Importance", True),
        ("Over refits", True),
        ("Rank", True),
        ("Rank over refits", True),
    )
    return Shown(f"Importance by {what}, over {rows[0]['refits']} refits", headers, body)


# -- how values act --------------------------------------------------------------------------------


def effects(data: ReportData) -> Section:
    """How the leading features act, each with its numbers."""
    made = drawn_effects(data.effects, "effect")
    if not made:
        return Section("effects", "How the leading features act", ABSENT)
    return Section("effects", "How the leading features act", EFFECTS_LEAD, tuple(made))


def drawn_effects(table: Table | None, name: str, most: int = 6) -> list[Drawing]:
    """One drawing a feature, of those that have a bin to show."""
    made = []
    for number, feature in enumerate(_features(table)[:most], start=1):
        rows = records(table, feature=feature)
        svg = effect_charts.effect_chart(rows, name=f"{name}-{number}")
        if svg and table is not None:
            made.append(Drawing(svg, _acts(rows), _bins(rows, table)))
    return made


def _features(table: Table | None) -> list[str]:
    return list(dict.fromkeys(row["feature"] for row in records(table)))


def _acts(rows: Sequence[Record]) -> str:
    """Where it lowers and where it raises most, in one sentence."""
    told = [row for row in rows if row["effect"] is not None]
    low, high = (pick(told, key=lambda row: row["effect"]) for pick in (min, max))
    name = _upper(str(rows[0]["meaning"]))
    if low is high:
        return f"{name}: {low['level']}, odds times {times(low['effect'])}."
    return (
        f"{name}: odds times {times(high['effect'])} at “{high['level']}”, times "
        f"{times(low['effect'])} at “{low['level']}”, against the model's average."
    )


def times(effect: float) -> str:
    """Log-odds as what the odds are multiplied by.

    Examples:
        >>> times(0.0), times(0.7), times(-0.2)
        ('1.00', '2.0', '0.82')
    """
    odds = exp(effect)
    return f"{odds:.2f}" if odds < 1.995 else f"{odds:.1f}"


def _bins(rows: Sequence[Record], table: Table) -> Shown:
    body = tuple(
        (
            str(row["level"]),
            "withheld" if row["effect"] is None else times(row["effect"]),
            "" if row["low"] is None else f"{times(row['low'])} to {times(row['high'])}",
            "withheld" if row["n"] is None else f"{row['n']:,}",
        )
        for row in rows
    )
    headers = (("Value", False), ("Odds times", True), ("Middle 80%", True), ("People", True))
    return Shown(_upper(str(rows[0]["meaning"])), headers, body, table.note)


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
