"""Who a list reaches and who it leaves out, and why people are on it: tables for its summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from riskstrat.release.policies import Policy
from riskstrat.vocabulary import Protected, in_words

EVERYONE = "everyone"
MOST_REASONS = 6


def reach_table(fairness: Protected, share: float) -> Protected:
    """Of those who had the outcome, the share a list of this length reached, by group.

    Args:
        fairness: of `evidence.fairness_table`, on dates that the model had not learnt from.
        share: the list's length, as a share of everybody in scope.

    Returns:
        group, people (tested), reached, low, high; a level that is withheld stays listed. No
        rows where the audit did not measure at this share.
    """
    rows = []
    suppressed = 0
    for cells in fairness.rows:
        row = dict(zip(fairness.columns, cells, strict=True))
        at = row["at"]
        if row["metric"] != "sensitivity" or not isinstance(at, float) or abs(at - share) > 1e-9:
            continue
        suppressed += row["value"] is None
        named = "Everybody" if row["group"] == EVERYONE else _named(row)
        rows.append((named, row["people"], row["value"], row["low"], row["high"]))
    return Protected(
        f"Reached when {share:.1%} are listed, on held-out data".replace(".0%", "%"),
        ("group", "people", "reached", "reached_from", "reached_to"),
        tuple(rows),
        fairness.policy,
        suppressed,
        "Of those who went on to have the outcome, the share who would have been listed, with its "
        f"95% interval. {fairness.note}",
    )


def _named(row: Mapping[str, Any]) -> str:
    return f"{in_words(str(row['group']))}: {in_words(str(row['level']))}"


def without_groups(fairness: Protected, hidden: Collection[str]) -> Protected:
    """The same table without the groups that a recipient may not be told of."""
    place = fairness.columns.index("group")
    kept = tuple(row for row in fairness.rows if row[place] not in hidden)
    return replace(fairness, rows=kept)


def common_reasons(
    banded: pa.Table, reasons: pa.Table, bands: Sequence[str], policy: Policy
) -> tuple[str, ...]:
    """The reasons that most people on a list share, in words, with counts as they may be shown.

    Args:
        banded: as `bands.band_scores` gives it.
        reasons: unit_id, as_of, ``coarse`` (list of texts); without ``coarse`` nothing is said.
        bands: the bands that are listed.
    """
    if "coarse" not in reasons.column_names:
        return ()
    listed = banded.filter(pc.is_in(banded["band"], pa.array(bands, pa.string())))
    ids = pc.cast(listed["unit_id"], reasons.schema.field("unit_id").type).combine_chunks()
    told = reasons.filter(pc.is_in(reasons["unit_id"], ids))["coarse"].to_pylist()
    counts = Counter(text for row in told for text in set(row or ()))
    most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_REASONS]
    whole = policy.rounded(len(told))
    shown = [(text, policy.rounded(count)) for text, count in most]
    return tuple(
        f"{text[:1].upper() + text[1:]}: {count:,} of {whole:,}"
        for text, count in shown
        if count and whole
    )
