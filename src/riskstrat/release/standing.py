"""Whether what is written may be used: said by the type of what a writer is handed.

There are three standings: ``Cleared``, which cannot be made without a sign-off that holds;
``Preview``, which reviewers look at; and ``Research``. The last two mark every row, every page and
every manifest (``release.stamp``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

from riskstrat.errors import ReleaseRefused
from riskstrat.vocabulary import Approval


class Standing(ABC):
    """Whether a release may be used.

    Attributes:
        status: in the manifest.
        mark: what every row and page says; '' of what may be used.
        log: what the entry of the log about it begins with.
    """

    __slots__ = ()
    status: ClassVar[str]
    mark: ClassVar[str]
    log: ClassVar[str]

    @property
    @abstractmethod
    def sentences(self) -> tuple[str, ...]:
        """Who decided, or that nobody has: for people."""

    @property
    def until(self) -> date | None:
        """The last day on which it may be used at all, if it may."""
        return None

    @property
    def decisions(self) -> tuple[Mapping[str, Any], ...]:
        """by, role, on, decision, reason of each reviewer."""
        return ()

    def facts(self) -> dict[str, Any]:
        """For a manifest."""
        return {"status": self.status, "watermark": self.mark or "none"}

    def covers(self, model: Mapping[str, Any]) -> bool:
        """Whether a list may be of this model (name, version, digest): a marked one of any."""
        return True


@dataclass(frozen=True, slots=True)
class Cleared(Standing):
    """Two reviewers approved these bytes, and their approval holds."""

    status: ClassVar[str] = "approved"
    mark: ClassVar[str] = ""
    log: ClassVar[str] = "release"
    approval: Approval

    def __post_init__(self) -> None:
        if not isinstance(self.approval, Approval):
            raise no_standing("no approval was shown")

    @property
    def sentences(self) -> tuple[str, ...]:
        """Who approved it, and until when; and what did not pass."""
        names = " and ".join(_named(each) for each in self.approval.decisions)
        said = f"Approved by {names}, from {self.approval.on} until {self.approval.until}"
        despite = self.approval.despite_gates
        return (
            said,
            *([f"Gates did not pass; used all the same: {despite}"] if despite else []),
            *([one_login_in_words(self.approval.one_login)] if self.approval.one_login else []),
            *(f"Submitted before: {each}" for each in self.approval.earlier),
        )

    @property
    def until(self) -> date | None:
        """The last day of the approval: no list outlives it."""
        return self.approval.until

    @property
    def decisions(self) -> tuple[Mapping[str, Any], ...]:
        """Of both reviewers; what they answered stays in the log."""
        kept = ("by", "role", "on", "decision", "reason")
        return tuple({name: each[name] for name in kept} for each in self.approval.decisions)

    def facts(self) -> dict[str, Any]:
        """Status, and what was signed."""
        signed = {
            "submission": self.approval.submission,
            "on": self.approval.on.isoformat(),
            "until": self.approval.until.isoformat(),
            "digests": dict(self.approval.digests),
            "despite_gates": self.approval.despite_gates or "none failed",
            "one_login": list(self.approval.one_login),
            "earlier": list(self.approval.earlier),
        }
        return {"status": self.status, "watermark": "none", "signed_off": signed}

    def covers(self, model: Mapping[str, Any]) -> bool:
        """Whether it is the model that was approved, byte for byte."""
        signed = (self.approval.study, self.approval.version, self.approval.digests.get("model"))
        return signed == (model["name"], model["version"], model["digest"])


@dataclass(frozen=True, slots=True)
class Preview(Standing):
    """What would leave, for those who decide whether it may."""

    status: ClassVar[str] = "for_review"
    mark: ClassVar[str] = "for review, not for use"
    log: ClassVar[str] = "preview"

    @property
    def sentences(self) -> tuple[str, ...]:
        """That nobody has approved it."""
        return ("For review, not for use: this shows reviewers what would leave",)


@dataclass(frozen=True, slots=True)
class Research(Standing):
    """Scored without a sign-off, to be looked at and never handed over."""

    status: ClassVar[str] = "research"
    mark: ClassVar[str] = "research only, not for use"
    log: ClassVar[str] = "research"

    @property
    def sentences(self) -> tuple[str, ...]:
        """That nobody has approved it."""
        return ("Research only, not for use: scored without an approval, not to be handed over",)


def one_login_in_words(who: Sequence[str]) -> str:
    """That the operating system could not tell some people apart, for whoever relies on them."""
    return (
        f"Same login: {', '.join(who)} acted under one login of the machine, so that they are "
        "different people rests on their word"
    )


def cover(standing: Standing, model: Mapping[str, Any]) -> None:
    """Refuse to write a list under the approval of another model.

    Raises:
        ReleaseRefused: RS3340.
    """
    if not standing.covers(model):
        raise no_standing("the approval shown is of another model")


def _named(decision: Mapping[str, Any]) -> str:
    role = str(decision.get("role", "")).replace("_", " ")
    return f"{decision['by']} ({role})" if role else str(decision["by"])


def no_standing(what: str) -> ReleaseRefused:
    """The refusal to write what says nothing of whether it may be used."""
    return ReleaseRefused(
        f"{what}, so nothing is written",
        fix="this is a fault of riskstrat, not of the study; please report it",
        code="RS3340",
    )
