"""The templates of all pages."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from riskstrat.publish.wording import day, learner


@cache
def environment() -> Environment:
    """Templates of the package; everything is escaped unless a chart says it is SVG."""
    env = Environment(
        loader=PackageLoader("riskstrat.publish"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters["day"] = day
    env.filters["learner"] = learner
    return env
