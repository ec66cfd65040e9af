"""Who a list reaches and who it leaves out, and why people are on it: tables for its summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from riskstrat.release.disclosure import retold
from riskstrat.release.policies import Policy
from riskstrat.release.sentences import counted_of
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
    found = list(fairness.records())
    rows = [place for place, row in enumerate(found) if _at(row, share)]
    names = ["Everybody" if found[at]["group"] == EVERYONE else _named(found[at]) for at in rows]
    return retold(
        fairness,
        f"Reached when {share:.1%} are listed, on held-out data".replace(".0%", "%"),
        (
            ("group", names),
            ("people", "people"),
            ("reached", "value"),
            ("reached_from", "low"),
            ("reached_to", "high"),
        ),
        rows,
        "Of those who went on to have the outcome, the share who would have been listed, with its "
        f"95% interval. {fairness.note}",
    )


def _at(row: Mapping[str, Any], share: float) -> bool:
    measured = row["metric"] == "sensitivity" and isinstance(row["at"], float)
    return measured and abs(row["at"] - share) < 1e-9


def _named(row: Mapping[str, Any]) -> str:
    return f"{in_words(str(row['group']))}: {in_words(str(row['level']))}"


def without_groups(fairness: Protected, hidden: Collection[str]) -> Protected:
    """The same table without the groups that a recipient may not be told of."""
    place = fairness.columns.index("group")
    kept = [at for at, row in enumerate(fairness.rows) if row[place] not in hidden]
    same = [(name, name) for name in fairness.columns]
    return retold(fairness, fairness.title, same, kept, fairness.note)


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
    return tuple(
        f"{text[:1].upper() + text[1:]}: {counted_of(count, len(told), policy)}"
        for text, count in most
        if policy.rounded(count) and policy.rounded(len(told))
    )
