"""Where data flow in a study: from agencies to recipients, for a data protection assessment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from riskstrat.contracts.agreements.asked import THE_ROWS, Asked
from riskstrat.contracts.agreements.matrix import ROWS_IN_WORDS
from riskstrat.contracts.agreements.spec import SharingAgreement
from riskstrat.contracts.optouts import bound

CHECKS = "Checked on arrival"
STORE, MODEL = "Pseudonymised store", "Features and model"


@dataclass(frozen=True, slots=True)
class Flow:
    """One arrow: what goes from where to where, and under what."""

    origin: str
    to: str
    what: str
    under: str


def data_flow(asked: Asked, agreements: Mapping[str, SharingAgreement]) -> tuple[Flow, ...]:
    """Every arrow of a study, from the agencies through checks, store and model to recipients.

    The arrow into the store names the opt-outs whose people are left out before it.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for source in sorted(asked.sources, key=lambda source: source.source):
        reference = agreements[source.agreement].reference
        found.setdefault((source.agency, reference), []).append(source.source)
    flows = [
        Flow(agency, CHECKS, ", ".join(names), reference)
        for (agency, reference), names in sorted(found.items())
    ]
    kinds = ", ".join(sorted(bound(asked.sources, agreements, asked.purpose)))
    left_out = f"opted out and left out: {kinds}" if kinds else "no opt-outs bind"
    flows.append(Flow(CHECKS, STORE, "accepted rows", left_out))
    flows.append(Flow(STORE, MODEL, f"{len(asked.derived)} features", ""))
    for recipient in asked.recipients:
        handed = [each for each in asked.handed if each.recipient == recipient]
        sources = {name for each in handed for name in each.made_from.all}
        under = sorted({agreements[asked.by_name[name].agreement].reference for name in sources})
        for rows in dict.fromkeys(each.rows for each in handed):
            columns = ", ".join(h.column for h in handed if h.rows == rows and h.column != THE_ROWS)
            what = f"{ROWS_IN_WORDS[rows]}: {columns}"
            flows.append(Flow(MODEL, recipient, what, ", ".join(under)))
    return tuple(flows)


def mermaid(flows: Sequence[Flow]) -> str:
    """The arrows as the text of a Mermaid flow chart."""
    nodes = list(dict.fromkeys(name for flow in flows for name in (flow.origin, flow.to)))
    ids = {name: f"n{number}" for number, name in enumerate(nodes)}
    lines = ["flowchart LR"]
    for name in nodes:
        left, right = ("[(", ")]") if name == STORE else ("[", "]")
        lines.append(f"  {ids[name]}{left}{_quoted(name)}{right}")
    for flow in flows:
        label = _quoted(f"{flow.what} ({flow.under})" if flow.under else flow.what)
        lines.append(f"  {ids[flow.origin]} -->|{label}| {ids[flow.to]}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """Text inside a chart, in Mermaid's own escapes: nothing in it may end the label."""
    for character, code in (("#", "#35;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;")):
        text = text.replace(character, code)
    return f'"{text}"'
