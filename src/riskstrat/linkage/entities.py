"""People get names: from the number they are known by, or from the content that describes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from riskstrat.asof import quoted
from riskstrat.linkage.clusters import FloatArray, IntArray
from riskstrat.linkage.spec import LinkageSpec
from riskstrat.linkage.workspace import Workspace

PREFIXES = {"nhs_number": "nhs", "upn": "upn", "uprn": "uprn"}
"""identifier field -> how entities named by it begin; others begin with the field's name"""


def prefix(field: str) -> str:
    """How the names of entities known by a field begin."""
    return PREFIXES.get(field, field)


def name_entities(work: Workspace, spec: LinkageSpec, roots: IntArray) -> None:
    """Make ``entities``: root, entity.

    A person is named by the first identifier that any of the records carries; of several values
    of one that need not be unique, by the smallest. Without one, the name is a SHA-256 over the
    content of the smallest profile: the same records give the same name, whatever their keys and
    order. People of equal content (too little to link them by) are numbered.

    Who was linked before keeps the name, unless a number of a kind that comes earlier has become
    known: it names an entity that had none.

    Args:
        work: holds ``profiles``.
        spec: identifiers in order.
        roots: int (profiles,), the cluster of each.
    """
    work.keep("rooted", pa.table({"unique_id": np.arange(len(roots)), "root": roots}))
    names: list[str] = []
    for rule in spec.identifiers:
        begins = f"'{prefix(rule.field)}|'"
        names.append(f"min(p.entity) FILTER (starts_with(p.entity, {begins}))")
        names.append(f"{begins} || min(p.{quoted(rule.field)})")
    work.table(
        "clustered",
        f"SELECT root, coalesce({', '.join([*names, 'min(p.entity)'])}) AS name, "
        f"first(p.content ORDER BY p.unique_id) AS content FROM {work.name('rooted')} "
        f"JOIN {work.name('profiles')} AS p USING (unique_id) GROUP BY root",
    )
    # Equal content is told apart by its place alone: profiles are numbered by content and agency.
    by_content = "row_number() OVER (PARTITION BY content ORDER BY name IS NULL, root)"
    work.table(
        "entities",
        f"SELECT root, coalesce(name, 'rec|' || sha256(content || '#' || {by_content})) AS entity, "
        f"name IS NULL AS fresh FROM {work.name('clustered')}",
    )
    work.drop("clustered")
    _no_name_twice(work)


def _no_name_twice(work: Workspace) -> None:
    """Rename new entities whose name somebody had before, from content that is no longer first."""
    taken = (
        f"fresh AND entity IN (SELECT entity FROM {work.name('profiles')} "
        f"WHERE entity IS NOT NULL UNION ALL SELECT entity FROM {work.name('entities')} "
        f"WHERE NOT fresh)"
    )
    entities = work.name("entities")
    while work.number(f"SELECT count(*) FROM {entities} WHERE {taken}"):
        work.run(f"UPDATE {entities} SET entity = 'rec|' || sha256(entity) WHERE {taken}")


def renamed(work: Workspace) -> pa.Table:
    """The re-key table: old, new, rule, of every known entity that has another name now.

    Rules: ``named`` (a number has become known), ``joined`` (two turned out to be one).
    """
    return work.arrow(
        f"SELECT p.entity AS old, e.entity AS new, CASE WHEN count(DISTINCT p.entity) OVER "
        f"(PARTITION BY e.entity) > 1 THEN 'joined' ELSE 'named' END AS rule FROM ("
        f"SELECT DISTINCT root, p.entity FROM {work.name('profiles')} AS p "
        f"JOIN {work.name('rooted')} USING (unique_id) WHERE p.entity IS NOT NULL) AS p "
        f"JOIN {work.name('entities')} AS e USING (root) QUALIFY old <> new ORDER BY old"
    )


@dataclass(frozen=True, slots=True)
class Bands:
    """What each profile's membership rests on: float (profiles,) each."""

    inside: FloatArray
    outside: FloatArray
    itself: FloatArray
    """probability that two records as alike as this profile's are one person"""


def describe_links(work: Workspace, spec: LinkageSpec, bands: Bands) -> pa.Table:
    """The links: record_key, entity, probability, band, how, agency; sorted by record key.

    A record is tied to its person by a number of its own, if its group carries the number that
    names the person; else by the surest link of its group. Equal records that nothing else ties
    are as sure as their likeness. A record whose person has no other record, and no number that
    names people, is alone.

    Args:
        work: holds ``records``, ``profiles``, ``grouped``, ``rooted`` and ``entities``.
        spec: identifiers and thresholds.
        bands: probabilities by group (at the group's number) and by profile.
    """
    _keep_bands(work, bands)
    fields = [rule.field for rule in spec.identifiers]
    anchored = " OR ".join(
        f"(bool_or(p.{quoted(field)} IS NOT NULL) AND starts_with(any_value(e.entity), "
        f"'{prefix(field)}|'))"
        for field in fields
    )
    work.table(
        "anchors",
        f"SELECT g.grp, {anchored or 'false'} AS anchored FROM {work.name('grouped')} AS g "
        f"JOIN {work.name('profiles')} AS p USING (unique_id) "
        f"JOIN {work.name('rooted')} USING (unique_id) "
        f"JOIN {work.name('entities')} AS e USING (root) GROUP BY g.grp",
    )
    own = " ".join(f"WHEN p.{quoted(field)} IS NOT NULL THEN '{field}'" for field in fields)
    nothing = "WHEN true THEN CAST(NULL AS VARCHAR)"
    named = f"p.{quoted(fields[0])} IS NOT NULL" if fields else "false"
    work.table(
        "placed",
        f"SELECT unique_id, g.grp, a.anchored, e.entity, {named} AS named, "
        f"CASE WHEN a.anchored THEN CASE {own or nothing} END END AS own, "
        f"sum(p.records) OVER (PARTITION BY root) AS size "
        f"FROM {work.name('profiles')} AS p JOIN {work.name('grouped')} AS g USING (unique_id) "
        f"JOIN {work.name('anchors')} AS a USING (grp) "
        f"JOIN {work.name('rooted')} USING (unique_id) "
        f"JOIN {work.name('entities')} AS e USING (root)",
    )
    work.table(
        "ties",
        f"SELECT l.unique_id, l.entity, CASE WHEN l.size = 1 AND NOT l.named THEN 'alone' "
        f"ELSE coalesce(l.own, 'probabilistic') END AS how, CASE how "
        f"WHEN 'alone' THEN 1 - g.outside "
        f"WHEN 'probabilistic' THEN CASE WHEN g.inside > 0 AND NOT l.anchored "
        f"THEN g.inside ELSE s.itself END ELSE 1.0 END AS probability "
        f"FROM {work.name('placed')} AS l "
        f"JOIN {work.name('sure')} AS g ON g.unique_id = l.grp "
        f"JOIN {work.name('sure')} AS s ON s.unique_id = l.unique_id",
    )
    work.drop("anchors", "placed", "sure")
    at = spec.thresholds
    work.table(
        "described",
        f"SELECT r.record_key, t.entity, t.probability, CASE WHEN how = 'alone' THEN 'alone' "
        f"WHEN how <> 'probabilistic' THEN 'exact' WHEN probability >= {at.high} THEN 'high' "
        f"WHEN probability >= {at.medium} THEN 'medium' ELSE 'low' END AS band, t.how, r.agency "
        f"FROM {work.name('records')} AS r JOIN {work.name('ties')} AS t USING (unique_id)",
    )
    return work.arrow(f"SELECT * FROM {work.name('described')} ORDER BY record_key")


def _keep_bands(work: Workspace, bands: Bands) -> None:
    work.keep(
        "sure",
        pa.table(
            {
                "unique_id": np.arange(len(bands.inside)),
                "inside": bands.inside,
                "outside": bands.outside,
                "itself": bands.itself,
            }
        ),
    )
