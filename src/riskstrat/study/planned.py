"""A study's features as plain data: compiled from its spec, before any data are read."""

from __future__ import annotations

from riskstrat.features.plan import FeaturePlan, plan_features
from riskstrat.study.study import Study


def feature_plan(study: Study) -> FeaturePlan:
    """The study's measurements as plain data."""
    return plan_features(
        study.spec.features,
        unit=study.spec.unit,
        sources=study.sources_by_name,
        codelists=study.catalogue.codelists,
        filters=study.block_filters,
        attributes=study.block_attributes,
        age_bands=study.spec.cohort.age_bands,
    )
