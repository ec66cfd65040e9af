"""Extracts and agreements held against what was agreed; nothing is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from riskstrat.errors import AgreementError, RiskstratError
from riskstrat.pipeline.options import Listener, Options, Silent
from riskstrat.pipeline.work import Work, allowed, holding
from riskstrat.stages.lineage import trace
from riskstrat.store.artefacts import Store
from riskstrat.study import Study
from riskstrat.vocabulary import Finding, Severity


@dataclass(frozen=True, slots=True)
class Checked:
    """What `riskstrat check` found."""

    sources: tuple[Mapping[str, Any], ...]
    basis: tuple[Mapping[str, Any], ...]
    findings: tuple[Mapping[str, Any], ...]
    fault: RiskstratError | None = None

    def sources_table(self) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Columns and rows: each extract and how many of its rows were accepted."""
        return _as_table(self.sources, ("source", "agency", "rows_in", "accepted", "rejected"))

    def basis_table(self) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Columns and rows: why each source may be processed."""
        return _as_table(self.basis, ("source", "agreement", "purpose", "uk_gdpr", "ends"))

    def findings_table(self) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Columns and rows: what was found, the worst first."""
        order = [severity.value for severity in Severity]
        ranked = sorted(self.findings, key=lambda row: order.index(row["severity"]))
        return _as_table(ranked, ("code", "severity", "where", "message"))

    def as_dict(self) -> dict[str, Any]:
        """For a program to read."""
        fault = self.fault
        return {
            "sources": list(self.sources),
            "legal_basis": list(self.basis),
            "findings": list(self.findings),
            "error": {"code": fault.code, "message": fault.message} if fault else None,
        }


def check_study(study: Study, options: Options, listener: Listener | None = None) -> Checked:
    """Hold every extract and agreement against what was agreed, and keep nothing.

    Each source is checked even when another one is refused; the first refusal is the exit code.
    """
    granted: tuple[Finding, ...] = ()
    fault: RiskstratError | None = None
    try:
        granted = allowed(study, options)
    except AgreementError as refused:
        fault = refused
    with TemporaryDirectory(prefix="riskstrat-check-") as folder:
        aside = replace(options, store=Store(Path(folder)))
        with holding(aside.store):
            work = Work(study, aside, trace(study, aside.store, options.data), listener or Silent())
            found = work.child("check.check_all", granted).value
    return Checked(
        tuple(found["sources"]),
        tuple(found["basis"]),
        tuple(found["findings"]),
        fault or next(iter(found["faults"]), None),
    )


def _as_table(
    rows: Sequence[Mapping[str, Any]], columns: tuple[str, ...]
) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    return columns, [tuple(row.get(name, "") for name in columns) for row in rows]
