"""Extracts and agreements held against what was agreed; nothing is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from riskstrat.contracts.agreements.flow import data_flow, mermaid
from riskstrat.contracts.agreements.matrix import BasisRow
from riskstrat.errors import AgreementError, RiskstratError
from riskstrat.pipeline.options import Listener, Options, Silent
from riskstrat.pipeline.work import Work, allowed, holding
from riskstrat.stages.lineage import trace
from riskstrat.store.artefacts import Store
from riskstrat.study import Study
from riskstrat.study.origins import StudyOrigins
from riskstrat.vocabulary import Finding, Severity, in_words


@dataclass(frozen=True, slots=True)
class Checked:
    """What `riskstrat check` found."""

    sources: tuple[Mapping[str, Any], ...]
    basis: tuple[Mapping[str, Any], ...]
    """the legal-basis matrix: one row per source and purpose, ``recipients`` by name"""
    flow: str
    """the data flow, as the text of a Mermaid chart"""
    findings: tuple[Mapping[str, Any], ...]
    fault: RiskstratError | None = None

    def sources_table(self) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Columns and rows: each extract and how many of its rows were accepted."""
        return _as_table(self.sources, ("source", "agency", "rows_in", "accepted", "rejected"))

    def basis_table(self) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Columns and rows: why each source may be processed for the study's purpose."""
        return _as_table(self._studied, ("source", "agreement", "purpose", "uk_gdpr", "ends"))

    def opt_outs_table(self) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Columns and rows: each kind of opt-out that binds, and the sources it binds."""
        found: dict[str, list[str]] = {}
        for row in self._studied:
            for kind in row["opt_outs"]:
                found.setdefault(kind, []).append(row["source"])
        return ("kind", "binds"), [(kind, ", ".join(found[kind])) for kind in sorted(found)]

    def matrix_tables(self) -> list[tuple[str, tuple[str, ...], list[tuple[Any, ...]]]]:
        """Title, columns and rows for each purpose: what each recipient may have of each source.

        The study's purpose comes first; a source that is not granted for a purpose is not in its
        table. Sources of which a recipient may have the same share a row.
        """
        purposes = dict.fromkeys(row["purpose"] for row in self._studied)
        purposes |= dict.fromkeys(row["purpose"] for row in self.basis)
        return [self._matrix(purpose) for purpose in purposes]

    def _matrix(self, purpose: str) -> tuple[str, tuple[str, ...], list[tuple[Any, ...]]]:
        rows = [row for row in self.basis if row["purpose"] == purpose and row["granted"]]
        found: dict[tuple[str, str], list[str]] = {}
        for row in rows:
            for who, what in row["recipients"].items():
                found.setdefault((who, what), []).append(row["source"])
        told = [(who, what, ", ".join(names)) for (who, what), names in sorted(found.items())]
        title = f"Who may have what, for {in_words(purpose).lower()}"
        return title, ("recipient", "may_have", "of"), list(told)

    @property
    def _studied(self) -> list[Mapping[str, Any]]:
        return [row for row in self.basis if row["studied"]]

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
            "data_flow": self.flow,
            "findings": list(self.findings),
            "error": {"code": fault.code, "message": fault.message} if fault else None,
        }


def check_study(study: Study, options: Options, listener: Listener | None = None) -> Checked:
    """Hold every extract and agreement against what was agreed, and keep nothing.

    Each source is checked even when another one is refused; the first refusal is the exit code.
    Where the agreements do not allow the study, no row is read.
    """
    basis = tuple(_plain(row) for row in study.legal_basis())
    flow = mermaid(data_flow(StudyOrigins.of(study).asked(), study.catalogue.agreements))
    try:
        granted = allowed(study, options)
    except AgreementError as refused:
        unread = tuple({"source": s.source, "agency": s.agency} for s in study.sources)
        return Checked(unread, basis, flow, (_as_row(refused),), refused)
    with TemporaryDirectory(prefix="riskstrat-check-") as folder:
        aside = replace(options, store=Store(Path(folder)))
        with holding(aside.store):
            work = Work(study, aside, trace(study, aside.store, options.data), listener or Silent())
            found = work.child("check.check_all", granted).value
    fault = next(iter(found["faults"]), None)
    return Checked(tuple(found["sources"]), basis, flow, tuple(found["findings"]), fault)


def _plain(row: BasisRow) -> dict[str, Any]:
    """One line of the matrix as plain values."""
    return {
        **asdict(row),
        "columns": list(row.columns),
        "uk_gdpr": "; ".join(row.uk_gdpr),
        "opt_outs": list(row.opt_outs),
        "starts": row.starts.isoformat(),
        "ends": row.ends.isoformat(),
        "kept_until": row.kept_until.isoformat() if row.kept_until else None,
        "recipients": dict(row.recipients),
    }


def _as_row(fault: RiskstratError) -> dict[str, Any]:
    found = Finding(fault.code, "refused", Severity.ERROR, "agreements", fault.message)
    return {**asdict(found), "severity": found.severity.value, "fix": fault.fix}


def _as_table(
    rows: Sequence[Mapping[str, Any]], columns: tuple[str, ...]
) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    return columns, [tuple(row.get(name, "") for name in columns) for row in rows]
