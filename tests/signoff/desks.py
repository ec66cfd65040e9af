"""A desk with a real log in a folder of its own, and something to sign."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from riskstrat.signoff.binding import Binding, found_in
from riskstrat.signoff.case import Case
from riskstrat.signoff.desk import Desk
from riskstrat.signoff.people import Identity
from riskstrat.signoff.questions import QUESTIONS
from riskstrat.signoff.records import Records
from riskstrat.signoff.view import View
from riskstrat.store.ledger import Ledger
from riskstrat.vocabulary import Days

AT = datetime(2026, 4, 1, 10, tzinfo=UTC)
AUTHOR, RUNNER, ANN, BEN, CAT = map(Identity, ("C. Patel", "root", "Ann Lee", "Ben Okafor", "Cat"))
ANSWERS = {name: f"so much for {name}" for name in QUESTIONS}

FILES: Mapping[str, str] = {
    "run/study.yaml": "study: small\n",
    "run/rules.json": json.dumps({"agreement health": "c3", "source admissions": "d4"}),
    "run/report.html": "<p>report</p>",
    "run/report.json": "{}",
    "run/review.json": "{}",
    "run/run.json": json.dumps({"fingerprints": {"people": "a1", "visits": "b2"}}),
    "run/pack/index.html": "<p>pack</p>",
    "run/audit/gates.json": "[]",
    "run/audit/fairness.parquet": "PAR1",
    "run/metrics.json": "{}",
    "run/tuning.json": "[]",
    "run/folds.json": "[]",
    "run/training.json": "{}",
    "run/features.json": "[]",
    "model/MLmodel": "flavors",
    "model/artifacts/risk_model/booster.txt": "tree",
    "checkout/src/riskstrat/store/ledger.py": "GENESIS",
    "checkout/src/riskstrat/errors.py": "class",
    "checkout/requirements.lock": "numpy==2.0",
}
"""what a sign-off is bound to, in little"""
BOUND = {
    "run/study": "study", "run/rules": "rules",
    "run/run.json": "report data", "run/re": "report", "run/pack": "report",
    "run/": "audit", "model/": "model", "checkout/src": "code", "checkout/req": "lock",
}  # fmt: skip
"""how a file's name begins -> what is void when it changes"""


@dataclass(frozen=True, slots=True)
class Place:
    """A folder with all there is to sign, and a log."""

    root: Path

    @classmethod
    def made(cls, root: Path) -> Place:
        for name, text in FILES.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        return cls(root)

    def found(self) -> Binding:
        package = self.root / "checkout/src/riskstrat"
        return found_in(self.root / "run", self.root / "model", package)

    @property
    def log(self) -> Ledger:
        return Ledger(self.root / "log" / "ledger.jsonl")

    @property
    def desk(self) -> Desk:
        return self.under(self.log.login)

    def under(self, login: str) -> Desk:
        """The desk as a process of this login has it."""
        salts = count(1)
        return Desk(
            Records(Ledger(self.log.path, login), lambda _: self.found()),
            self.root / "signoff",
            operator="root",
            salt=lambda: f"{next(salts):064x}",
        )

    def case(self, version: int = 1, **more: Any) -> Case:
        told = {"run_id": "f" * 12, "model_id": "m-1", "made_by": ("root",)}
        told |= {"bound": self.found(), "valid_for": Days(12, "month")}
        return Case("small", version, **{**told, **more})

    def submitted(self, version: int = 1, **more: Any) -> Desk:
        """A desk with a version before its reviewers."""
        desk = self.desk
        desk.submit(self.case(version, **more), AUTHOR, AT)
        return desk

    def approved(self, version: int = 1, at: datetime = AT, **more: Any) -> Desk:
        desk = self.desk
        desk.submit(self.case(version, **more), AUTHOR, at)
        for who in (ANN, BEN):
            votes(desk, who, "approve", version, at + timedelta(minutes=1))
        return desk

    def told(self) -> str:
        """Everything that stands in the log."""
        return self.log.path.read_text(encoding="utf-8")


def votes(
    desk: Desk, who: Identity, decision: str, version: int = 1, at: datetime = AT, why: str = ""
) -> View:
    """Open the review and vote, with an answer to every question."""
    desk.review("small", version, who, {}, at)
    reason = why or f"{who.user} thinks: {decision}"
    return desk.vote("small", version, who, decision, reason, at, ANSWERS)
