"""What a study may say about its sign-off."""

from __future__ import annotations

from datetime import date

from pydantic import field_validator

from riskstrat.asof import after
from riskstrat.spec import Spec
from riskstrat.vocabulary import Days, Period

MOST = Days(12, "month")
_ANY = date(2001, 1, 1)


class SignoffSpec(Spec):
    """How long a decision to use the model holds."""

    valid_for: Period = MOST
    """from the day of the second vote on; at most 12 months"""

    @field_validator("valid_for")
    @classmethod
    def _is_reviewed_every_year(cls, value: Days) -> Days:
        if not _ANY < after(_ANY, value) <= after(_ANY, MOST):
            raise ValueError(f"a sign-off holds for at least a day and at most {MOST}, not {value}")
        return value
