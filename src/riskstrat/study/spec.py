"""What a study file may say: every stage's spec on one page."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from riskstrat.audit.spec import AuditSpec
from riskstrat.cohort.spec import CohortSpec, OutcomeSpec
from riskstrat.contracts.packs import PackUse
from riskstrat.features.spec import FeaturesSpec
from riskstrat.monitoring.spec import MonitorSpec
from riskstrat.release.spec import ReleaseSpec
from riskstrat.robustness.spec import StressSpec
from riskstrat.signoff.spec import SignoffSpec
from riskstrat.spec import Spec
from riskstrat.training.spec import TrainingSpec
from riskstrat.vocabulary import Name, Unit


class StudySpec(Spec):
    """A study file."""

    study: Name
    title: str
    kind: Literal["risk_model"]
    purpose: Name
    unit: Unit
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    packs: dict[Name, PackUse] = Field(default={})
    """source packs: contracts of a standard (OMOP, MEDS, HES), by the name of the pack"""
    cohort: CohortSpec
    outcome: OutcomeSpec
    features: FeaturesSpec
    training: TrainingSpec
    audit: AuditSpec = AuditSpec()
    release: ReleaseSpec = ReleaseSpec()
    monitor: MonitorSpec = MonitorSpec()
    stress: StressSpec = StressSpec()
    signoff: SignoffSpec = SignoffSpec()
