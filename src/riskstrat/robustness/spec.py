"""What a study may say about putting its model under stress."""

from __future__ import annotations

from riskstrat.spec import Spec


class StressSpec(Spec):
    """Where the model is to be tried on people it has not seen."""

    area: str | None = None
    """attribute that names the place held out, such as `gp_registration.practice_id`; by default
    the one of the study's attributes that names the fewest, and so the largest, places"""
