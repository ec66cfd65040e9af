"""What an attack found, in counts: never a row, an identifier or a key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from riskstrat.errors import ReleaseRefused

Progress = Callable[[float, str], None]
"""told how far an attack is, 0 to 1, and what it is at"""


def silent(_share: float, _words: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack on one kind of output.

    Attributes:
        code: whose page says what it means that something was confirmed.
        title: the attack in a few words.
        against: what was attacked.
        unit: what was tried, in the plural: guesses, rows, people, files.
        tried: how many of them.
        claimed: what the intruder believes to have found.
        confirmed: claims that are right, and claims that nobody could judge.
        how: how it was tried and how a claim is confirmed.
        seconds: wall time.
        skipped: why it could not be tried, where it could not.
        notes: more that a reader should know: rates, what was not covered, where it was found.
    """

    code: str
    title: str
    against: str
    unit: str
    tried: int
    claimed: int
    confirmed: int
    how: str
    seconds: float = 0.0
    skipped: str = ""
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """``found``, ``nothing`` or ``not tried``."""
        if self.skipped:
            return "not tried"
        return "found" if self.confirmed else "nothing"


def not_tried(code: str, title: str, why: str) -> Attack:
    """An attack for which there was nothing to attack, or nothing to attack with."""
    return Attack(code, title, "", "", 0, 0, 0, "", skipped=why)


@dataclass(frozen=True, slots=True)
class Report:
    """All attacks, and what they were made with.

    Attributes:
        attacks: in the order they were made.
        facts: where the outputs were, who could judge, the seed: nothing about people.
    """

    attacks: tuple[Attack, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def confirmed(self) -> int:
        """How many claims were confirmed, all attacks together; none, and it passes."""
        return sum(attack.confirmed for attack in self.attacks)

    @property
    def succeeded(self) -> tuple[Attack, ...]:
        """The attacks that found something."""
        return tuple(attack for attack in self.attacks if attack.confirmed)

    @property
    def untried(self) -> tuple[Attack, ...]:
        """The attacks that could not be made: of what they attack nothing is known."""
        return tuple(attack for attack in self.attacks if attack.skipped)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "passed": not self.confirmed,
            "confirmed": self.confirmed,
            "attacks": [asdict(each) | {"verdict": each.verdict} for each in self.attacks],
            **self.facts,
        }

    def refusal(self) -> ReleaseRefused:
        """The verdict as an error, for the exit code."""
        codes = {attack.code for attack in self.succeeded}
        named = ", ".join(sorted({attack.title for attack in self.succeeded}))
        return ReleaseRefused(
            f"the intruder succeeded {self.confirmed:,} times: {named}",
            fix="let nothing leave, and read what each code says: "
            + ", ".join(f"`riskstrat explain {code}`" for code in sorted(codes)),
            code=min(codes) if len(codes) == 1 else "RS3100",
        )
