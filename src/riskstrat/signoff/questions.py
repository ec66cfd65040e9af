"""What no program can answer, and a reviewer must before the answer can be yes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

QUESTIONS: Mapping[str, str] = MappingProxyType(
    {
        "purpose": "Is using these people's data for this purpose necessary and proportionate, and "
        "would less do?",
        "fairness": "For whom does the model work less well, and why is that acceptable for what "
        "the list is used for?",
        "judgement": "Who looks at each case before anything is decided, and how can they, or the "
        "person, disagree?",
        "help": "What is offered to those on the list, and what happens to those in need who are "
        "not on it?",
        "stop": "Who can stop it, and what would make them?",
    }
)
"""name -> question"""
DESPITE = "gates"
_DESPITE = "Gates did not pass. Why may the model be used all the same, and within which limits?"


def questions_for(*, despite_gates: bool) -> Mapping[str, str]:
    """The questions about one submission."""
    return MappingProxyType({**QUESTIONS, DESPITE: _DESPITE} if despite_gates else QUESTIONS)
