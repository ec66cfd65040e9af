"""What each finding and refusal of linkage means, how it is computed, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from riskstrat.vocabulary import Code

_CODES = (
    Code(
        "RS1300",
        "Records cannot be tied together",
        "Records of one source cannot be tied to people, households or areas.",
        "Unit ids are compared as text after the sources were accepted.",
        "Read the message: it names the source and the counts.",
    ),
    Code(
        "RS1301",
        "Units unknown to the population",
        "Rows of a source belong to units that the population source never names; no study sees "
        "them. Above half of the rows, the ids are taken to be made with another key.",
        "Share of accepted rows whose unit id is not among the population's.",
        "Ask whether both extracts were pseudonymised with the same key and in the same batch.",
    ),
    Code(
        "RS1302",
        "In two places at once",
        "Spells of one unit overlap, and the contract says `overlaps: refuse`.",
        "Spells of one unit by start; a spell overlaps if it starts before the one before it ends.",
        "Ask the agency to correct them, or set `overlaps: latest_start` in the contract.",
    ),
)

LINKAGE_CODES: Mapping[str, Code] = MappingProxyType({code.code: code for code in _CODES})
