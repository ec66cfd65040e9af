"""From weighed pairs to people: which links are made, how surely, and which need a second look."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from riskstrat.linkage.clusters import (
    BoolArray,
    Clusters,
    FloatArray,
    IntArray,
    join_best_first,
)
from riskstrat.linkage.rivals import Weighed, among_rivals, one_to_one
from riskstrat.linkage.spec import LinkageSpec
from riskstrat.linkage.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Links:
    """Links between groups, each pair of groups once.

    Attributes:
        left, right: int (n_links,), groups before linking.
        weight: float (n_links,), log2 odds of the best pair of profiles.
        probability: float (n_links,), with competing candidates taken into account.
        twins: bool (n_links,), held apart because the best pair agrees on all but the forename.
        together: bool (n_links,), one person in the end.
    """

    left: IntArray
    right: IntArray
    weight: FloatArray
    probability: FloatArray
    twins: BoolArray
    together: BoolArray

    def expected(self, link: float) -> dict[str, float | int | None]:
        """What the probabilities themselves say of precision and recall, where there is no truth.

        Recall counts only pairs that were compared: what blocking never brought together is not
        in it.
        """
        accepted = self.probability[self.together & (self.probability >= link)]
        right, there_are = float(accepted.sum()), float(self.probability[~self.twins].sum())
        return {
            "links": len(accepted),
            "precision": right / len(accepted) if len(accepted) else None,
            "recall": right / there_are if there_are else None,
        }


def decide(work: Workspace, spec: LinkageSpec, clusters: Clusters) -> Links:
    """Join groups by the table ``scored``, best first and within the constraints.

    Args:
        work: holds ``scored`` (unique_id_l, unique_id_r, match_weight), ``sides`` and ``twins``.
        spec: thresholds and who excludes whom.
        clusters: of profiles; changed in place.
    """
    found = work.arrays(
        f"SELECT CASE WHEN a.open THEN a.grp ELSE b.grp END AS l, "
        f"CASE WHEN a.open THEN b.grp ELSE a.grp END AS r, "
        f"bool_and(a.open AND b.open) AS free, max(s.match_weight) AS weight, "
        f"arg_max(t.join_key_l IS NOT NULL, (s.match_weight, -s.unique_id_l, -s.unique_id_r)) "
        f"AS twins, "
        f"bool_and(CASE WHEN a.open THEN b.trusted ELSE a.trusted END) AS trusted "
        f"FROM {work.name('scored')} AS s "
        f"JOIN {work.name('sides')} AS a ON a.unique_id = s.unique_id_l "
        f"JOIN {work.name('sides')} AS b ON b.unique_id = s.unique_id_r "
        f"LEFT JOIN {work.name('twins')} AS t "
        f"ON t.join_key_l = s.unique_id_l AND t.join_key_r = s.unique_id_r "
        f"GROUP BY l, r ORDER BY l, r"
    )
    left, right = found["l"].astype(np.int64), found["r"].astype(np.int64)
    weight, twins = found["weight"].astype(np.float64), found["twins"].astype(bool)
    candidates = Weighed(
        left, right, weight, found["free"].astype(bool), found["trusted"].astype(bool), twins
    )
    probability = (
        one_to_one(candidates)
        if spec.one_to_one
        else among_rivals(candidates, spec.thresholds.link)
    )
    for a, b in zip(left[twins].tolist(), right[twins].tolist(), strict=True):
        clusters.keep_apart(a, b)
    taken = (probability >= spec.thresholds.link) & ~twins
    join_best_first(clusters, left[taken], right[taken], probability[taken])
    roots = clusters.roots()
    return Links(left, right, weight, probability, twins, roots[left] == roots[right])


def best_of_each(links: Links, members: int) -> tuple[FloatArray, FloatArray]:
    """The surest link of each group within its cluster, and the surest that was not made.

    Returns:
        float (members,) each; 0 where a group has none.
    """
    inside, outside = np.zeros(members), np.zeros(members)
    for side in (links.left, links.right):
        np.maximum.at(inside, side[links.together], links.probability[links.together])
        apart = ~links.together
        np.maximum.at(outside, side[apart], links.probability[apart])
    return inside, outside


REVIEW = pa.schema(
    [
        ("record_key_l", pa.string()),
        ("record_key_r", pa.string()),
        ("probability", pa.float64()),
        ("weight", pa.float64()),
        ("linked", pa.bool_()),
        ("reason", pa.string()),
    ]
)
"""The columns that every review has; one more for the weight of each comparison follows."""


def pairs_to_review(work: Workspace, spec: LinkageSpec, links: Links) -> str:
    """Make ``review_pairs``: the best pair of profiles of each link that deserves a second look.

    Reasons: ``near the threshold``, ``twins`` (kept apart), ``another is as likely`` (the pair is
    good by itself, but so is a rival), ``refused`` (good enough, but a number forbids it).
    """
    low, high = spec.thresholds.review
    alone = 1.0 / (1.0 + np.exp2(-np.clip(links.weight, -500.0, 500.0)))
    rival = ~links.together & ~links.twins & (alone >= high) & (links.probability < low)
    refused = ~links.together & ~links.twins & (links.probability >= spec.thresholds.link)
    twins = links.twins & (alone >= low)
    near = ~links.twins & ~refused & (links.probability >= low) & (links.probability < high)
    chosen = near | rival | refused | twins
    reasons = np.select(
        [twins, refused, rival], ["twins", "refused", "another is as likely"], "near the threshold"
    )[chosen]
    work.keep(
        "asked",
        pa.table(
            {
                "l": links.left[chosen],
                "r": links.right[chosen],
                "probability": links.probability[chosen],
                "linked": links.together[chosen],
                "reason": pa.array(reasons.tolist(), pa.string()),
            }
        ),
    )
    return work.table(
        "review_pairs",
        f"SELECT '0' AS match_key, s.unique_id_l AS join_key_l, s.unique_id_r AS join_key_r, "
        f"q.probability, q.linked, q.reason FROM {work.name('scored')} AS s "
        f"JOIN {work.name('sides')} AS a ON a.unique_id = s.unique_id_l "
        f"JOIN {work.name('sides')} AS b ON b.unique_id = s.unique_id_r "
        f"JOIN {work.name('asked')} AS q ON least(q.l, q.r) = least(a.grp, b.grp) "
        f"AND greatest(q.l, q.r) = greatest(a.grp, b.grp) "
        f"QUALIFY row_number() OVER (PARTITION BY q.l, q.r ORDER BY s.match_weight DESC, "
        f"s.unique_id_l, s.unique_id_r) = 1",
    )
