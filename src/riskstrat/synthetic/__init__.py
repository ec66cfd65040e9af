"""A small made-up county, for tests and first runs."""

from riskstrat.synthetic.county import CountySummary, make_county

__all__ = ["CountySummary", "make_county"]
