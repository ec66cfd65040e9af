"""A study's accepted rows, pairs and outcomes, stage by stage, without a store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import duckdb

import riskstrat
from riskstrat.asof import quoted
from riskstrat.cohort.eligible import build_pairs
from riskstrat.cohort.outcomes import build_outcomes
from riskstrat.contracts.check import SourceCheck, birth_view_sql, check_source, death_view_sql
from riskstrat.contracts.spec import Source
from riskstrat.linkage.spine import spine_sql
from riskstrat.stages.lineage import in_checking_order
from riskstrat.study import Study

ROOT = Path(__file__).parents[2]


class Tables:
    """One study over one data folder; ``source_<name>`` are its accepted rows."""

    def __init__(
        self, study: str, data: Path, scratch: Path, *changes: str, root: Path = ROOT / "examples"
    ) -> None:
        self.study: Study = riskstrat.load_study(root / study / "study.yaml", changes)
        self.data, self.scratch = data, scratch
        self.con = duckdb.connect(config={"threads": 2, "memory_limit": "1GB"})
        self.con.execute("SET TimeZone='UTC'")
        self.births: str | None = None
        self.deaths: str | None = None

    def checked(self) -> dict[str, SourceCheck]:
        """Check every source the study reads, births and deaths first."""
        return {source.source: self.check(source) for source in in_checking_order(self.study)}

    def check(self, source: Source) -> SourceCheck:
        """Check one source and keep its accepted rows."""
        found = check_source(
            self.con,
            source,
            self.data,
            births=self.births,
            deaths=self.deaths,
            scratch=self.scratch,
            codelists=self.study.catalogue.codelists,
        )
        name = quoted(f"source_{source.source}")
        self.con.execute(f"CREATE TABLE {name} AS {found.accepted_sql}")
        if source.born_on:
            self.con.execute(f"CREATE VIEW births AS {birth_view_sql(source)}")
            self.births = "births"
        if source.status == "death":
            self.con.execute(f"CREATE VIEW deaths AS {death_view_sql(source)}")
            self.deaths = "deaths"
        return found

    def counts(self, source: str, column: str) -> Counter[str]:
        """How many accepted rows of a source hold each value of a column."""
        sql = f"SELECT {quoted(column)}, count(*) FROM {quoted(f'source_{source}')} GROUP BY ALL"
        return Counter(dict(self.con.execute(sql).fetchall()))

    def pairs(self) -> list[tuple[str, int]]:
        """Who is in scope: each step over all dates, and how many were left."""
        study, spec = self.study, self.study.spec
        self.con.execute(f"CREATE OR REPLACE VIEW relations AS {spine_sql([])}")
        flow = build_pairs(
            self.con,
            spec.cohort,
            spec.unit,
            study.sources_by_name,
            study.who,
            study.attributes,
            each=study.each_where,
        )
        return [(step.step, step.left) for step in flow.total]

    def outcomes(self) -> Counter[bool | None]:
        """Of those in scope: how many yes, no, and not yet known."""
        study, spec = self.study, self.study.spec
        sources = study.sources_by_name
        build_outcomes(self.con, spec.outcome, spec.cohort, spec.unit, sources, study.outcome_where)
        rows = self.con.execute("SELECT outcome, count(*) FROM cohort GROUP BY ALL").fetchall()
        return Counter(dict(rows))

    def rows(self, sql: str) -> Sequence[tuple[object, ...]]:
        """The answer to a query."""
        return self.con.execute(sql).fetchall()
