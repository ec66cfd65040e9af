"""An agency's desk: write an extract, write its contract, have it checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from riskstrat.contracts.check import SourceCheck, check_source
from riskstrat.contracts.spec import Source
from riskstrat.errors import RiskstratError

SECRET = "SECRET-4711"

CONTRACT: dict[str, Any] = {
    "source": "visits",
    "title": "Visits",
    "agency": "the hospital",
    "agreement": "hospital",
    "file": "visits.csv",
    "row": "visit",
    "shape": "events",
    "unit": "person",
    "unit_key": "person",
    "key": ["visit"],
    "happened_on": "seen_on",
    "known_on": "sent_on",
    "coverage": {"from": "2023-01-01", "to": "2024-01-01"},
    "columns": {
        "visit": {"type": "string"},
        "person": {"type": "string"},
        "seen_on": {"type": "date"},
        "sent_on": {"type": "date"},
        "kind": {"type": "string", "codes": {"A": "accident", "E": "emergency"}},
        "cost": {"type": "number", "min": 0, "max": 1000},
    },
}
HEADER = "visit,person,seen_on,sent_on,kind,cost"
GOOD = (
    "v1,ann,2023-03-01,2023-03-05,A,10",
    "v2,ann,2023-04-01,2023-04-01,E,20.5",
    "v3,bob,2023-05-01,2023-05-03,,",
)


def csv_text(*rows: str, header: str = HEADER) -> str:
    """A CSV file of rows."""
    return "\n".join((header, *rows)) + "\n"


class Desk:
    """A data folder, a scratch folder, and a connection."""

    def __init__(self, folder: Path, con: duckdb.DuckDBPyConnection) -> None:
        self.data, self.scratch, self.con = folder / "data", folder / "scratch", con
        self.data.mkdir()
        self.scratch.mkdir()

    def write(self, content: str | bytes, name: str = "visits.csv") -> Path:
        """Put a file into the data folder."""
        path = self.data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def contract(self, **changes: Any) -> Source:
        """The contract with some keys changed; ``columns`` and ``format`` are merged."""
        merged = {**CONTRACT, **changes}
        if "columns" in changes:
            merged["columns"] = {**CONTRACT["columns"], **changes["columns"]}
            merged["columns"] = {k: v for k, v in merged["columns"].items() if v is not None}
        return Source.model_validate(merged)

    def check(
        self, *, births: str | None = None, deaths: str | None = None, **changes: Any
    ) -> SourceCheck:
        """Check the extract against the contract."""
        source = self.contract(**changes)
        return check_source(
            self.con, source, self.data, births=births, deaths=deaths, scratch=self.scratch
        )

    def accepted(self, found: SourceCheck) -> list[tuple[Any, ...]]:
        """The accepted rows."""
        return self.con.execute(found.accepted_sql).fetchall()

    def refusal(self, family: type[RiskstratError], code: str, **changes: Any) -> str:
        """The message with which the extract is refused; it holds no secret and ends plainly."""
        with pytest.raises(family) as refused:
            self.check(**changes)
        assert refused.value.code == code, str(refused.value)
        assert SECRET not in str(refused.value)
        assert refused.value.fix
        chained = refused.value.__cause__ or (
            None if refused.value.__suppress_context__ else refused.value.__context__
        )
        assert SECRET not in str(chained)
        return refused.value.message
