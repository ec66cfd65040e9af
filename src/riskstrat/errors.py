"""Error families: what went wrong, where, what was found, and how to put it right.

An error is help for the person who meets it. It names files, columns and counts, never
row values, and carries the code under which ``riskstrat explain CODE`` says more. The
process ends with the family's exit code.
"""

from __future__ import annotations

from typing import ClassVar


class RiskstratError(Exception):
    """Anything a user can put right. The message is complete as it stands.

    Args:
        message: what, where and what was found; the first line stands alone.
        fix: what to do next, in the imperative.
        code: the address of the explanation, such as ``RS1102``.
    """

    exit_code: ClassVar[int] = 70
    default_code: ClassVar[str] = "RS0070"

    def __init__(self, message: str, *, fix: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        self.code = code or self.default_code

    def __str__(self) -> str:
        fix = f"\n  to fix:  {self.fix}" if self.fix else ""
        return f"{self.message}{fix}"

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.message, self.fix, self.code))


def _rebuild(family: type[RiskstratError], message: str, fix: str, code: str) -> RiskstratError:
    return family(message, fix=fix, code=code)


class UsageError(RiskstratError):
    """The command was called in a way that cannot work."""

    exit_code = 2
    default_code = "RS0002"


class ContractError(RiskstratError):
    """A source does not keep its contract."""

    exit_code = 10
    default_code = "RS1000"


class AgreementError(RiskstratError):
    """A sharing agreement, purpose or legal basis does not allow what the study asks."""

    exit_code = 11
    default_code = "RS1100"


class StudyError(RiskstratError):
    """A config file (study, source, agreement or codelist) cannot be understood."""

    exit_code = 12
    default_code = "RS1200"


class LinkageError(RiskstratError):
    """Records cannot be tied to people and households."""

    exit_code = 13
    default_code = "RS1300"


class TooThinError(RiskstratError):
    """The data are too thin to answer: no cohort, one class only, too few groups."""

    exit_code = 14
    default_code = "RS1400"


class GatesFailed(RiskstratError):  # noqa: N818 - a verdict, not a fault
    """The run is complete and kept, but the model is not promoted."""

    exit_code = 20
    default_code = "RS2000"


class ReleaseRefused(RiskstratError):  # noqa: N818 - a verdict, not a fault
    """Something that may not leave was asked to leave."""

    exit_code = 30
    default_code = "RS3000"


class StorageError(RiskstratError):
    """The disk is full, unreadable, or a stored artefact no longer matches its digest."""

    exit_code = 74
    default_code = "RS7400"


class BusyError(RiskstratError):
    """Another run holds the store."""

    exit_code = 75
    default_code = "RS7500"


class OutOfMemoryError(RiskstratError):
    """The work needs more memory than it was given."""

    exit_code = 137
    default_code = "RS1370"
