"""A small made-up county, for tests and first runs."""

from riskstrat.synthetic.county import RAW, CountySummary, make_county

__all__ = ["RAW", "CountySummary", "make_county"]
