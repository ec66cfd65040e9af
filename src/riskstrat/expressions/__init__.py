"""Small SQL expressions of config files, read by a closed grammar (docs/decisions/0011)."""

from riskstrat.expressions.expression import Expression, parse

__all__ = ["Expression", "parse"]
