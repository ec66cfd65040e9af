"""The whole question on one page: every stage's spec, composed and checked against the sources."""

from riskstrat.study.load import load_study, resolve_attribute
from riskstrat.study.schema import schema
from riskstrat.study.spec import StudySpec
from riskstrat.study.study import Study

__all__ = ["Study", "StudySpec", "load_study", "resolve_attribute", "schema"]
