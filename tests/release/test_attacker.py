"""What a reader of a report's tables can work out of the counts that they withhold: too little.

The attacker here knows how rounding works and that levels add up to everybody, and tries every
combination of counts that fits what is shown.
"""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from riskstrat.release.evidence import capacity_table, fairness_table, performance_table
from riskstrat.release.policies import POLICIES, Policy, policy_named
from riskstrat.release.report_tables import findings_table, gates_table
from riskstrat.vocabulary import Finding, Severity

STRICT, DFE = policy_named("strict"), policy_named("dfe")
AT = 0.05


def estimate(events: int, n: int) -> dict[str, float | int | None]:
    value = events / n if n else None
    if value is None:
        return {"value": None, "low": None, "high": None, "n": n}
    return {"value": value, "low": max(0.0, value - 0.04), "high": min(1.0, value + 0.05), "n": n}


def level_rows(levels: dict[str, tuple[int, int, int, int]]):
    """Rows of an audit: level -> people, positives, listed, reached."""
    largest = max(levels, key=lambda name: levels[name][0])
    rows = []
    for level, (people, positives, listed, reached) in levels.items():
        wrong, negatives = listed - reached, people - positives
        told = {
            "prevalence": estimate(positives, people), "ppv": estimate(reached, listed),
            "sensitivity": estimate(reached, positives),
            "false_negative_rate": estimate(positives - reached, positives),
            "specificity": estimate(negatives - wrong, negatives),
            "false_positive_rate": estimate(wrong, negatives),
            "selection_rate": estimate(listed, people),
        }  # fmt: skip
        for metric, number in told.items():
            at = None if metric == "prevalence" else str(AT)
            more = {"people": people, "positives": positives, "reference": largest, "verdict": "ok"}
            named = {"group": "term", "level": level, "metric": metric, "at": at}
            rows.append(named | number | more)
    first = {(row["level"], row["metric"]): row["value"] for row in rows}
    for row in [row for row in rows if row["metric"] == "sensitivity"]:
        other = first[largest, "sensitivity"]
        ratio = row["value"] / other if row["value"] is not None and other else None
        rows.append(row | {"metric": "sensitivity_ratio", "value": ratio, "low": ratio,
                           "high": ratio})  # fmt: skip
    return rows


def sizes(levels):
    """Rows that tell how many people a level has, whatever is withheld of its outcomes."""
    return [
        {"group": "term", "level": level, "metric": "brier", "at": None, "reference": level,
         "verdict": "ok", "people": people, "positives": positives,
         **estimate(people // 10, people)}
        for level, (people, positives, _, _) in levels.items()
    ]  # fmt: skip


def overall(levels):
    """`metrics.json` of everybody together."""
    people, positives, listed, reached = (sum(each) for each in zip(*levels.values(), strict=True))
    at = {"share": AT, "selected": listed, "ppv": estimate(reached, listed),
          "sensitivity": estimate(reached, positives),
          "lift": {**estimate(0, people), "value": reached / listed / (positives / people)},
    }  # fmt: skip
    return {"test": {"m": {"n": people, "prevalence": positives / people, "at_capacity": [at]}}}


def records(table):
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def reached_possible(levels, policy: Policy) -> dict[str, set[int]]:
    """For each level whose reached are withheld, all numbers of them that fit what is shown.

    The attacker has what is published: who is withheld, the rounded totals, the rounded counts
    behind each rate. Levels shown may be any count that their rate stands for.
    """
    rates = {(row["metric"], row["level"]): row
             for row in records(fairness_table([*level_rows(levels), *sizes(levels)], policy))
             }  # fmt: skip
    shown = {level: row for (metric, level), row in rates.items() if metric == "sensitivity"}
    ppv, sensitivity, _ = records(capacity_table(overall(levels), policy))
    rules = policy.alone
    totals = behind(ppv, rules) & behind(sensitivity, rules)
    hidden = [name for name, row in shown.items() if row["status"] == "withheld"]
    counts = [behind(row, rules) for name, row in shown.items() if name not in hidden]
    least = min(totals) - sum(max(each) for each in counts)
    most = max(totals) - sum(min(each) for each in counts)
    small = {name for name in hidden if not rules.shows(levels[name][3])}
    # The attacker is told which of the marks are small, unless all are: then totals, which are
    # published, would say so much that nothing hidden besides could help.
    told = small if small != set(hidden) else set()
    marks = range(rules.least, rules.threshold)
    most_of = {name: most_reached(rates, name, sensitivity["n"], rules) for name in hidden}
    ranges = {name: marks if name in told else range(most_of[name] + 1) for name in hidden}
    found = {}
    for name in small:
        others = [each for other, each in ranges.items() if other != name]
        low, high = sum(min(each) for each in others), sum(max(each) for each in others)
        found[name] = {count for count in marks if least <= count + high and count + low <= most}
    return found


def most_reached(rates, level: str, outcomes: int, rules: Policy) -> int:
    """All its outcomes; where these are hidden all its people, or the outcomes of everybody."""
    if rates["prevalence", level]["status"] == "shown":
        return max(behind(rates["prevalence", level], rules))
    told = (outcomes, rates["brier", level]["n"])
    return min(rules.behind(n)[1] for n in told if n is not None)


def behind(row, rules: Policy) -> set[int]:
    """All counts that are shown as this rate of this rounded denominator."""
    if row["value"] is None:  # of nobody, which a policy may say
        return {row["n"]}
    near = range(0, row["n"] + 1, rules.base)
    rates = [over for over in near if abs(over / row["n"] - row["value"]) <= 0.0051]
    return {count for over in rates for count in range(rules.behind(over)[0],
                                                       rules.behind(over)[1] + 1)}  # fmt: skip


LEVELS = st.lists(
    st.tuples(st.integers(0, 25), st.integers(0, 25), st.integers(0, 300), st.integers(0, 900)),
    min_size=2, max_size=4,
)  # fmt: skip


@given(LEVELS)
@settings(max_examples=20, deadline=None)
@pytest.mark.parametrize("policy", [STRICT, DFE], ids=["strict", "dfe"])
def test_no_withheld_count_is_known_better_than_its_mark_says(policy, drawn):
    levels = {
        f"level {number}": (reached + wrong + missed + rest, reached + missed, reached + wrong,
                            reached)
        for number, (reached, wrong, missed, rest) in enumerate(drawn)
    }  # fmt: skip
    people, positives, listed, reached = (sum(each) for each in zip(*levels.values(), strict=True))
    assume(min(reached, listed - reached, positives - reached, people - positives) >= 10)
    for possible in reached_possible(levels, policy).values():
        assert possible == set(range(policy.least, policy.threshold))


def test_one_level_of_three_does_not_follow_from_the_other_two():
    """The school report that gave its spring away: 11 of 80, 25 of 185, and 44 of 345 together."""
    levels = {"autumn": (375, 80, 13, 11), "spring": (290, 80, 12, 8), "summer": (463, 185, 31, 25)}
    assert reached_possible(levels, STRICT)["spring"] == set(range(10))
    rows = records(fairness_table(level_rows(levels), STRICT))
    assert sum(r["status"] == "withheld" for r in rows if r["metric"] == "sensitivity") >= 2


def test_the_rates_of_a_list_are_withheld_together():
    levels = {"a": (5000, 500, 30, 28), "b": (6000, 700, 400, 220), "c": (7000, 800, 420, 230)}
    rows = records(fairness_table(level_rows(levels), STRICT))
    mine = {row["metric"]: row["status"] for row in rows if row["level"] == "a"}
    assert mine.pop("prevalence") == "shown"
    assert set(mine.values()) == {"withheld"}  # two listed wrongly: any two rates would tell


@pytest.mark.parametrize("name", ["strict", "dfe", "hes", "dfe+strict"])
def test_every_proportion_shown_is_a_rate_of_rounded_counts(name):
    policy = policy_named(name)
    base = policy.alone.base
    levels = {"a": (5013, 511, 233, 141), "b": (6001, 702, 407, 223), "c": (803, 177, 64, 31)}
    tables = [fairness_table(level_rows(levels), policy), capacity_table(overall(levels), policy)]
    seen = 0
    for row in (row for table in tables for row in records(table)):
        if row["status"] != "shown" or row["metric"] in ("sensitivity_ratio", "lift"):
            continue
        assert row["n"] % base == 0
        for number in (row["value"], row["low"], row["high"]):
            nearest = round(number * row["n"] / base) * base / row["n"]
            assert abs(number - min(1.0, nearest)) <= 0.00501, row
        seen += 1
    assert seen > 15
    prevalence = {"test": {"m": {"prevalence": estimate(873, 3272)}}}
    [row] = records(performance_table(prevalence, STRICT))
    assert (row["value"], row["n"]) == (round(875 / 3270, 3), 3270)


def test_a_comparison_is_of_the_rates_as_they_are_shown():
    levels = {"a": (5013, 511, 233, 141), "b": (6001, 702, 407, 223), "c": (5803, 677, 264, 131)}
    rows = {
        (r["level"], r["metric"]): r for r in records(fairness_table(level_rows(levels), STRICT))
    }
    own, other = (STRICT.rounded(n) or 0 for n in (141, 223))
    expected = (own / 510) / (other / 700)
    assert rows["a", "sensitivity_ratio"]["value"] == round(expected, 2)


def told(code, message, value, n, **more):
    return Finding(code, "name", Severity.INFO, "m", message, value, value, value, n, **more)


@pytest.mark.parametrize(
    ("finding", "words"),
    [
        (told("RS331", "top 5%, correct: 91.1% as seen", 51 / 56, 56), "too few"),
        (told("RS3403", "m: a share of 0.00171 can be named", 7 / 4086, 4086), "too few"),
        (told("RS330", "s: about 4 of 3,270 outcomes are missed; recall 99.9%", 4 / 3270, 3270),
         "too few"),
        (told("RS331", "top 5%, correct: 78.6% as seen", 44 / 56, 56), "top 5%, correct: 82% as"),
        (told("RS9", "m: 23.1% at level a and 37.7% at level b", None, None), "m: 23% at level a"),
    ],
)  # fmt: skip
def test_a_sentence_says_no_more_than_a_table_would(finding, words):
    [row] = records(findings_table([finding], STRICT))
    assert words in row["message"]
    assert not any(number in row["message"] for number in ("91.1", "0.00171", "78.6", "99.9"))
    if "too few" in words:
        assert row["value"] is None and row["n"] is None


def test_exact_counts_leave_sentences_as_they_are():
    said = "top 5%, correct: 91.1% as seen"
    [row] = records(findings_table([told("RS331", said, 51 / 56, 56)], POLICIES["none"]))
    assert row["message"] == said


def test_a_gate_on_a_rate_shows_the_rate_of_rounded_counts():
    gate = {"code": "RS320", "text": "ppv >= 0.5", "name": "ppv", "group": "", "at": AT,
            **estimate(44, 56), "threshold": ">= 0.5", "verdict": "pass",
            "explanation": "Ppv is 0.786 (as required >= 0.5)."}  # fmt: skip
    [row] = records(gates_table([gate], STRICT))
    assert row["value"] == 0.82 and "0.82 (as required" in row["explanation"]
    few = gate | estimate(51, 56) | {"explanation": "Ppv is 0.911 (as required >= 0.5)."}
    [row] = records(gates_table([few], STRICT))
    assert (row["status"], row["value"], row["explanation"]) == ("withheld", None, "")


def test_whatever_is_drawn_every_level_is_listed_once():
    shapes = product((0, 4, 40), (9, 200))
    levels = {f"{a} {b}": (a + b + 50, a + b, a + 5, a) for a, b in shapes}
    rows = records(fairness_table(level_rows(levels), STRICT))
    assert len(rows) == len(level_rows(levels))
