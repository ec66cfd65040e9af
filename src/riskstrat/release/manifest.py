"""What was released, to whom, under which rule, and who decided: the paper beside every list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from riskstrat.release.bands import TIE_RULE, Edge
from riskstrat.release.cohort_list import CohortList
from riskstrat.release.policies import Policy
from riskstrat.release.spec import Recipient
from riskstrat.release.standing import Standing
from riskstrat.release.write import sha256
from riskstrat.vocabulary import Protected

NO_APPROVAL = "none: not for use"
ID_RULES: Mapping[str, str] = {
    "own_patients": "unit_id: the study's pseudonym; only the linker can tell whose it is",
    "pseudonymised": (
        "release_id: HMAC-SHA256 (128 bits) under a key of this release and recipient; it joins "
        "to nothing else"
    ),
    "aggregate": "none: counts only",
}


def manifest(
    *,
    study: str,
    as_of: date,
    recipient: Recipient,
    files: Mapping[str, bytes],
    released: CohortList | Protected,
    policy: Policy,
    edges: Sequence[Edge],
    model: Mapping[str, Any],
    data_as_at: date,
    expires_on: date,
    standing: Standing,
    tables: Sequence[Protected] = (),
    identities: Mapping[str, str] | None = None,
    lineage: Mapping[str, Mapping[str, Any]] | None = None,
    opt_outs: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The manifest of one release to one recipient, as plain JSON values.

    Args:
        files: name -> content of every file beside the manifest.
        released: the list, or the table for a recipient of counts.
        model: name, version, alias.
        standing: whether it may be used, and who decided.
        tables: protected tables of the summary, for their suppressed counts.
        identities: run id, digests and whatever else identifies what this was made from.
        lineage: column -> the sources and agreements it derives from.
        opt_outs: which kinds were applied, of which day; none where none binds.

    Returns:
        A dict that `json.dumps` takes as it is, in a fixed order.
    """
    shown = (*tables, *([released] if isinstance(released, Protected) else []))
    return {
        "study": study,
        "as_of": as_of.isoformat(),
        "recipient": recipient.to,
        "rows": recipient.rows,
        "files": {
            name: {"sha256": sha256(content), "bytes": len(content)}
            for name, content in sorted(files.items())
        },
        "list": _list_facts(released, policy),
        "columns": _columns(released),
        "derives_from": {name: dict(told) for name, told in (lineage or {}).items()},
        "opt_outs": dict(opt_outs or {}) or "none bind",
        "policy": {
            "name": policy.name,
            "threshold": policy.threshold,
            "base": policy.base,
            "says": policy.sentence,
            "from": policy.source,
        },
        "suppressed_counts": sum(table.suppressed for table in shown),
        "suppressed_by_table": {table.title: table.suppressed for table in shown},
        "ids": ID_RULES[recipient.rows],
        "ties": {"rule": TIE_RULE, "edges": [_edge(edge, policy) for edge in edges]},
        "model": dict(model),
        "data_as_at": data_as_at.isoformat(),
        "expires_on": expires_on.isoformat(),
        **standing.facts(),
        "approvals": [dict(each) for each in standing.decisions] or NO_APPROVAL,
        "identities": dict(identities or {}),
        "statement": "Decision support only; not a decision and not a medical device.",
    }


def _list_facts(released: CohortList | Protected, policy: Policy) -> dict[str, Any]:
    if isinstance(released, Protected):
        return {"table_rows": len(released.rows)}
    facts = {
        "listed": released.table.num_rows,
        "left_out_without_owner": policy.alone.rounded(released.without_owner),
        "attributes_withheld_in_rows": policy.alone.rounded(released.coarsened),
        "reasons_withheld": policy.alone.rounded(released.reasons_withheld),
    }
    return {name: policy.small if n is None else n for name, n in facts.items()}


def _columns(released: CohortList | Protected) -> list[str]:
    if isinstance(released, Protected):
        return list(released.columns)
    return list(released.table.column_names)


def _edge(edge: Edge, policy: Policy) -> dict[str, Any]:
    """An edge as the manifest tells it: no raw score (it would be one person's), and no exact count
    of those above it: the table of bands tells how many they are.
    """
    told = asdict(edge)
    del told["score"], told["places"]
    for name in ("tied_in", "tied_out"):
        shown = policy.alone.rounded(told[name])
        told[name] = policy.small if shown is None else shown
    return told
