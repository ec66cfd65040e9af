"""What does linking by what agencies hold cost the models, against perfect links?

    python benchmarks/linkage_cost.py --people 50000

Makes one county twice from the same seed: with its records linked as they truly are, and as
agencies hold it, linked by its keepers. Runs both studies on both, and compares the models on the
same people and dates: AUROC, calibration slope, and what a list of each length finds. Intervals of
differences are paired; they resample the households of the truth.

The perfect county is run once more under other pseudonyms. That changes nothing but the order of
rows, and with it what learners draw: so large are differences that mean nothing.

Kept in `results/linkage_cost.md` and `.json`. Ends with 1 if a winner loses 0.01 of AUROC or more.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from main_job import STUDIES, machine
from paired_models import Scored, compare
from routes import Route, other_people, rename
from true_people import true_people

from riskstrat.api import Run

HERE = Path(__file__).parent
WORK = HERE / ".work"
KEY = ["unit_id", "as_of"]
ROUTES = PERFECT, LINKED = "perfect", "linked"
TOO_MUCH = 0.01
"""of AUROC"""


# -- the same people and dates -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Both:
    """A learner's held-out rows as both routes see them.

    Attributes:
        rows: unit_id and as_of of the truth, household, and outcome, risk and raw_score of each
            route (``outcome_perfect``, ``outcome_linked`` ...).
        only: route -> held-out rows that the other route does not have.
        unknown: rows of the linked route under pseudonyms of nobody in particular.
    """

    rows: pa.Table
    only: Mapping[str, int]
    unknown: int

    def scored(self, route: str, outcomes: str) -> Scored:
        """What a route's model says, and what happened as a route's outcomes tell."""
        told = (f"outcome_{outcomes}", f"risk_{route}", f"raw_score_{route}")
        y, risk, raw = (self.rows.column(name).to_numpy() for name in told)
        return Scored(y.astype(bool), risk, raw)

    def compared(self, shares: Sequence[float], *, truly: bool) -> dict[str, dict[str, Any]]:
        """Every measure by each route, and what linking loses.

        Args:
            shares: lengths of lists.
            truly: judge both by the outcomes of perfect links, not each by those it sees.
        """
        models = {route: self.scored(route, PERFECT if truly else route) for route in ROUTES}
        household = pc.coalesce(self.rows.column("household"), self.rows.column("unit_id"))
        return compare(models, household.to_numpy(), shares)


def held_out(run: Run, learner: str) -> pa.Table:
    """A learner's held-out rows: key, outcome, risk, raw_score."""
    tested = [("split", "=", "test"), ("learner", "=", learner)]
    columns = [*KEY, "outcome", "risk", "raw_score"]
    return pq.read_table(run.folder / "predictions.parquet", filters=tested).select(columns)


def side_by_side(first: pa.Table, second: pa.Table, who: pa.Table, homes: pa.Table) -> Both:
    """Join rows of perfect links with linked ones by who these truly are.

    Args:
        first: of :func:`held_out`, perfect.
        second: the same, linked.
        who: unit_id of the linked route -> person_id.
        homes: KEY of the perfect route -> household.
    """
    named = second.join(who, "unit_id")
    unknown = named.column("person_id").null_count
    named = named.filter(pc.is_valid(named.column("person_id"))).drop_columns("unit_id")
    named = named.rename_columns({"person_id": "unit_id"})
    # Two pseudonyms may be one person; which of them the truth means nobody can say.
    counted = named.group_by(KEY).aggregate([([], "count_all")])
    once = counted.filter(pc.equal(counted.column("count_all"), 1)).select(KEY)
    named = named.join(once, KEY, join_type="inner")
    rows = first.join(homes, KEY).join(
        named, KEY, join_type="inner", left_suffix=f"_{PERFECT}", right_suffix=f"_{LINKED}"
    )
    rows = rows.sort_by([(name, "ascending") for name in KEY])
    only = {PERFECT: first.num_rows - rows.num_rows, LINKED: second.num_rows - rows.num_rows}
    return Both(rows, only, unknown)


# -- what the links cost -------------------------------------------------------------------------


def study_cost(perfect: Route, linked: Route, renamed: Route, study: str) -> dict[str, Any]:
    """All that is told of one study."""
    assert linked.custody
    run = {PERFECT: perfect.newest(study), LINKED: linked.newest(study)}
    who = true_people(linked.data, linked.custody).table
    homes = pq.read_table(run[PERFECT].folder / "groups.parquet", columns=[*KEY, "household"])
    metrics = {route: _metrics(each) for route, each in run.items()}

    def joined(first: str, second: str) -> Both:
        tables = held_out(run[PERFECT], first), held_out(run[LINKED], second)
        return side_by_side(*tables, who, homes)

    winner = {route: each.winner for route, each in run.items()}
    both = joined(winner[PERFECT], winner[LINKED])
    outcomes = {route: both.rows.column(f"outcome_{route}").to_numpy() for route in ROUTES}
    shares = [each["share"] for each in metrics[PERFECT][winner[PERFECT]]["at_capacity"]]
    learners = [name for name in metrics[PERFECT] if name in metrics[LINKED] and _ranks(name)]
    return {
        "study": study,
        "rows": both.rows.num_rows,
        "positives": {route: int(each.sum()) for route, each in outcomes.items()},
        "outcomes_that_differ": int((outcomes[PERFECT] != outcomes[LINKED]).sum()),
        "only": dict(both.only),
        "of_nobody_in_particular": both.unknown,
        "winner": winner,
        "as_reported": {r: metrics[r][winner[r]]["auroc"] for r in ROUTES},
        "own_outcomes": both.compared(shares, truly=False),
        "true_outcomes": both.compared(shares, truly=True),
        "other_names": _by_name_alone(run[PERFECT], renamed.newest(study), homes),
        "learners": {
            name: joined(name, name).compared((), truly=False)["AUROC"] for name in learners
        },
    }


def _by_name_alone(run: Run, other: Run, homes: pa.Table) -> dict[str, Any]:
    """What AUROC the same learner gains or loses where only the pseudonyms are others."""
    first, second = held_out(run, run.winner), held_out(other, run.winner)
    both = side_by_side(first, second, other_people(first.column("unit_id")), homes)
    assert both.rows.num_rows == first.num_rows == second.num_rows
    return both.compared((), truly=False)["AUROC"]


def _ranks(learner: str) -> bool:
    return learner != "base_rate"


def _metrics(run: Run) -> dict[str, Any]:
    """learner -> its measures on held-out rows, as the run tells them."""
    told = json.loads((run.folder / "metrics.json").read_text(encoding="utf-8"))
    found: dict[str, Any] = told["test"]
    return found


def worst(cost: Mapping[str, Any]) -> float:
    """The larger loss of AUROC of the two ways of judging."""
    return max(cost[way]["AUROC"]["lost"]["value"] for way in ("own_outcomes", "true_outcomes"))


# -- the page ------------------------------------------------------------------------------------


def as_markdown(told: Mapping[str, Any]) -> str:
    """The tables, as they are printed and kept."""
    on = told["machine"]
    lines = [
        "# What linkage costs the models",
        "",
        f"Made by `benchmarks/linkage_cost.py`. A made-up county of {told['people']:,} people "
        f"(seed {told['seed']}), once with its records linked as they truly are, once as agencies "
        f"hold it and linked by its keepers ({told['linking_seconds']:.0f} s; {on['cores']} cores, "
        f"load average before the start {on['load_before']}). Both studies on both; the models on "
        "the same people and dates. 95% intervals resample households; those of differences are "
        "paired. A positive difference is a loss.",
    ]
    for cost in told["studies"]:
        lines += ["", f"## {cost['study']}", "", *_in_words(cost)]
        for way, title in WAYS.items():
            if way != "true_outcomes" or cost["outcomes_that_differ"]:
                lines += ["", title, "", *_table(cost[way])]
    return "\n".join(lines) + "\n"


WAYS = {
    "own_outcomes": "The winners, each judged by the outcomes it sees, as a service would:",
    "true_outcomes": "The winners, both judged by what truly happened:",
    "learners": "AUROC of every learner, each judged by the outcomes it sees:",
}


def _table(compared: Mapping[str, Any]) -> list[str]:
    lines = ["| | perfect links | linked | perfect - linked |", "|---|---:|---:|---:|"]
    return lines + [
        f"| {name} | {_shown(e[PERFECT])} | {_shown(e[LINKED])} | {_shown(e['lost'], 4)} |"
        for name, e in compared.items()
    ]


def _in_words(cost: Mapping[str, Any]) -> list[str]:
    told = {route: _shown(cost["as_reported"][route]) for route in (PERFECT, LINKED)}
    least = f"under {TOO_MUCH}" if worst(cost) < TOO_MUCH else f"**{TOO_MUCH} or more**"
    return [
        f"The runs themselves report AUROC {told[PERFECT]} with perfect links "
        f"({cost['winner'][PERFECT]}) and {told[LINKED]} linked ({cost['winner'][LINKED]}). On the "
        f"{cost['rows']:,} held-out rows of both, linking loses {worst(cost):.4f} of AUROC: "
        f"{least}. Other pseudonyms alone, with perfect links, change it by "
        f"{abs(cost['other_names']['lost']['value']):.4f}.",
        "",
        f"{cost['outcomes_that_differ']:,} of these rows have another outcome when linked "
        f"({cost['positives'][LINKED]:,} with the outcome, truly {cost['positives'][PERFECT]:,}). "
        f"{cost['only'][PERFECT]:,} more rows are there with perfect links alone, "
        f"{cost['only'][LINKED]:,} when linked alone, "
        f"{cost['of_nobody_in_particular']:,} of which stand for several people.",
    ]


def _shown(value: Mapping[str, Any], digits: int = 3) -> str:
    if value["value"] is None:
        return "not estimable"
    shown = f"{value['value']:.{digits}f}"
    if value["low"] is None:
        return shown
    return f"{shown} ({value['low']:.{digits}f} to {value['high']:.{digits}f})"


def main() -> int:
    """Make all, run all, compare, keep."""
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reader.add_argument("--people", type=int, default=50_000)
    reader.add_argument("--seed", type=int, default=20260401)
    reader.add_argument("--threads", type=int, default=0, help="0: one for each core")
    reader.add_argument("--work", type=Path, default=WORK / "linkage_cost")
    reader.add_argument("--results", type=Path, default=HERE / "results")
    reader.add_argument("--again", action="store_true", help="compare the runs that are there")
    given = reader.parse_args()
    place = (given.work / f"{given.people}-{given.seed}").resolve()
    perfect, linked, renamed = (
        Route(place / name, place / f"{name}-store", custody)
        for name, custody in (
            (PERFECT, None),
            (LINKED, place / "linked-custody"),
            ("renamed", None),
        )
    )
    facts = place / "facts.json"
    if not given.again:
        place.mkdir(parents=True, exist_ok=True)
        on = machine()
        perfect.make(given.people, given.seed)
        rename(perfect.data, renamed.data)
        seconds = linked.make(given.people, given.seed)
        for route in (perfect, linked, renamed):
            route.run(given.threads)
        told = {"machine": on, "linking_seconds": round(seconds, 1)}
        facts.write_text(json.dumps(told), encoding="utf-8")
    told = {"people": given.people, "seed": given.seed} | json.loads(facts.read_text("utf-8"))
    told["studies"] = [study_cost(perfect, linked, renamed, study) for study in STUDIES]
    text = as_markdown(told)
    given.results.mkdir(parents=True, exist_ok=True)
    for ending, content in ((".md", text), (".json", json.dumps(told, indent=2) + "\n")):
        (given.results / f"linkage_cost{ending}").write_text(content, encoding="utf-8")
    print(text)
    return 0 if all(worst(cost) < TOO_MUCH for cost in told["studies"]) else 1


if __name__ == "__main__":
    sys.exit(main())
