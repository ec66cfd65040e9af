"""Codes of the board's pack: what each error means and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from riskstrat.vocabulary import Code

_TEXTS = (
    Code(
        "RS1297",
        "Answers about another study",
        "The answers file is about another study than the run, so its answers do not belong into "
        "this pack.",
        "The file's `study` is compared with the run's.",
        "Give the answers file of this study, or name the right run.",
    ),
    Code(
        "RS1298",
        "An answer to a question that no document asks",
        "The answers file has names that stand in no document of the pack: most likely a slip, "
        "which would leave the real question open unseen.",
        "Every name under `given` is looked up among the questions for people.",
        "Take the names from `answers-to-give.yaml` in the pack, or from the documents, where each "
        "stands beside its question.",
    ),
)

PACK_CODES: Mapping[str, Code] = MappingProxyType({code.code: code for code in _TEXTS})
