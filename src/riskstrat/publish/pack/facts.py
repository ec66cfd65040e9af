"""What a pack is made from: the report's protected tables, the study, and the last approved run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from re import sub
from types import MappingProxyType
from typing import Any

from riskstrat.publish import summary
from riskstrat.publish.phrases import scope_in_words
from riskstrat.publish.report_data import ReportData
from riskstrat.publish.tables import EVERYONE, records
from riskstrat.publish.verdict import gate_lines, headline
from riskstrat.publish.wording import day, estimate, learner, metric, percent
from riskstrat.vocabulary import in_words


@dataclass(frozen=True, slots=True)
class Approved:
    """A version of the study that two reviewers approved before this pack was made.

    Attributes:
        version: its number.
        on: the day of the second vote, ISO 8601.
        became: what has become of the approval, such as `withdrawn on 2026-05-12`; '' if it holds.
        own: it is the version that this pack is about, submitted a second time.
        report: of its run, if that is another one and still in the store.
    """

    version: int
    on: str
    became: str = ""
    own: bool = False
    report: ReportData | None = None

    def __str__(self) -> str:
        which = f"This very version, {self.version}," if self.own else f"Version {self.version}"
        since = f"; its approval is {self.became}" if self.became else ", and its approval holds"
        return _with_days(f"{which} was approved on {self.on}{since}.")


def _with_days(text: str) -> str:
    return sub(r"\d{4}-\d\d-\d\d", lambda found: day(found[0]), text)


@dataclass(frozen=True, slots=True)
class Facts:
    """One run, for the documents of the pack.

    Attributes:
        data: the report's tables and words; counts of people are protected.
        told: the study with all its defaults, as plain mappings; it counts nobody.
        approved: what was approved before: of another run, and of this one.
        software: library -> version.
    """

    data: ReportData
    told: Mapping[str, Any]
    approved: tuple[Approved, ...] = ()
    software: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def before(self) -> ReportData | None:
        """The report of the version that was approved last, of another run than this one."""
        return next((each.report for each in self.approved if not each.own), None)

    def asked(self, question: str) -> str:
        """The answer of the report's first page to the question that begins like this."""
        found = (a for q, a in summary.questions(self.data) if q.startswith(question))
        return next(found, "")

    @property
    def verdict(self) -> str:
        """The verdict in one line."""
        return headline(self.data)[0]

    @property
    def scope(self) -> str:
        """Who is in scope, in words where the study's expression is a usual one."""
        return scope_in_words(self.data.scope) or "everybody"

    @property
    def agencies(self) -> tuple[str, ...]:
        """Whose data it learns from."""
        return tuple(dict.fromkeys(str(row["agency"]) for row in records(self.data.sources)))

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups that were compared, in plain words."""
        named = (str(row["group"]) for row in records(self.data.fairness))
        plain = (name.rpartition(".")[2] for name in named if name != EVERYONE)
        return tuple(dict.fromkeys(map(in_words, plain)))

    @property
    def sources(self) -> str:
        """The sources by title, in one sentence."""
        titles = [str(row.get("title") or row["source"]) for row in records(self.data.sources)]
        return f"{len(titles)} sources of {len(self.agencies)} agencies: {'; '.join(titles)}."

    @property
    def dates(self) -> str:
        """What it learnt from and was tested on, in one sentence."""
        rows = records(self.data.folds)
        said = []
        for role in ("train", "tune", "calibrate", "validation", "test"):
            spans = [row for row in rows if row["role"] == role]
            days = sorted({str(row.get(end) or row["as_of"])
                           for row in spans for end in ("as_of_from", "as_of")})  # fmt: skip
            if days:
                span = day(days[0]) if len(days) == 1 else f"{day(days[0])} to {day(days[-1])}"
                said.append(f"{role}: {span}")
        return f"As-of dates, by their use: {'; '.join(said)}." if said else ""

    @property
    def split(self) -> str:
        """How learning was kept apart from testing, by the study's scheme."""
        folds = self.told.get("training", {}).get("folds", {})
        scheme = str(folds.get("scheme", ""))
        if scheme == "rolling_origin":
            return (
                "Tested on later dates than it learnt from, apart by the outcome's window. The "
                "same people may be there at earlier dates, as they are in use."
            )
        if scheme == "grouped_kfold":
            return "Tested on people, with all that belong to them, of whom it learnt nothing."
        return f"Split by the scheme `{scheme}`." if scheme else ""

    @property
    def measured(self) -> str:
        """The winner's main metrics on held-out data, each with its interval."""
        rows = records(self.data.performance, split=self.data.split, learner=self.data.champion)
        named = ("auroc", "average_precision", "brier", "calibration_slope",
                 "calibration_in_the_large")  # fmt: skip
        own = {row["metric"]: row for row in rows}
        told = [f"{metric(name)} {estimate(own[name])}" for name in named if name in own]
        return f"On held-out data: {'; '.join(told)}." if told else ""

    @property
    def listed(self) -> str:
        """What a list of the usual length finds."""
        ppv = summary.at_capacity(self.data, "ppv")
        found = summary.at_capacity(self.data, "sensitivity")
        if ppv.get("value") is None or found.get("value") is None:
            return ""
        return (
            f"At a capacity of {percent(self.data.capacity)}: {metric('ppv')} {estimate(ppv)}, "
            f"{metric('sensitivity')} {estimate(found)}."
        )

    @property
    def learners(self) -> str:
        """What was tried, and what won."""
        tried = {str(row["learner"]) for row in records(self.data.performance)}
        others = sorted(map(learner, tried - {self.data.champion}))
        beside = f", beside {', '.join(others)}" if others else ""
        return f"{learner(self.data.champion)} won on validation{beside}."

    @property
    def gates(self) -> str:
        """Every gate and how it ended."""
        lines = gate_lines(self.data)
        told = "; ".join(f"{each.words}: {each.verdict} ({each.found})" for each in lines)
        caveats = [f"{each.words}: {said}" for each in lines for said in each.caveats]
        return " ".join((f"{told}.", *caveats)) if told else "The study sets no gates."
