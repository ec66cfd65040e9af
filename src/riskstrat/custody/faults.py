"""The two families of custody: what cannot be done as asked, and who may not be named."""

from __future__ import annotations

from riskstrat.errors import ReleaseRefused, RiskstratError


class CustodyError(RiskstratError):
    """A hand-over, a key or a file of another project keeps identifiers and content apart."""

    exit_code = 16
    default_code = "RS1600"


class ReidentificationRefused(ReleaseRefused):
    """Somebody asked who a pseudonym is, and may not know."""

    default_code = "RS1640"


def listed(names: object) -> str:
    """Names of columns, files or agencies in a message, in order, each in backticks."""
    return ", ".join(f"`{name}`" for name in names)  # type: ignore[attr-defined]
