"""What the linker tells the analyst of how good its links are: rates, and counts that are rounded.

The analyst holds no identifier, so nobody but the linker can tell how links fare by sex and age;
and the linker holds no content, so links by ethnicity or deprivation are told by the analyst, or
by a truth that carries them. Nothing here is about a record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from riskstrat.asof import literal, quoted
from riskstrat.attributes import band_labels
from riskstrat.custody import records
from riskstrat.custody.rows import RECORD_KEY
from riskstrat.custody.truth import PERSON, groups_of, refuse_strangers
from riskstrat.linkage.evidence import LinkRate, link_rates
from riskstrat.release.policies import Policy, policy_named

AGES = (0, 5, 18, 40, 65, 75, 85)
"""lowest ages of the bands that links are told by"""
POLICY: Policy = policy_named("strict")
"""the linker knows no data owner's policy, so it keeps the strictest of ours"""
HANDED_OVER, REVIEWED = "handed_over", "reviewed"
"""where a truth came from: beside the index of agencies, or from the linker's reviewers"""
DECIMALS = ((10_000, 4), (1_000, 3))
"""records behind a rate, and its decimals; 2 below"""


@dataclass(frozen=True, slots=True)
class Judged:
    """What a domain's linkage is told by, besides its links.

    Attributes:
        doubts: record_key (the seat), lost, blind, sex, born; None where the engine tells none.
        truth: record_key, person and groups; None where nobody knows.
        truth_from: ``handed_over`` or ``reviewed``.
        fresh: agencies whose records were all weighed now.
        unlinkable: share of the records looked for that do not even match themselves, by
            probability.
    """

    doubts: pa.Table | None = None
    truth: pa.Table | None = None
    truth_from: str = HANDED_OVER
    fresh: Sequence[str] = ()
    unlinkable: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Judge:
    """Tells how good the links of a domain are.

    Attributes:
        register: the agency of the population.
        numbers: ``people`` or ``addresses`` -> the identifier that links by itself.
        day: on which ages are counted; None tells nothing by age.
        seed: of the resampling.
    """

    register: str
    numbers: Mapping[str, str]
    day: date | None = None
    seed: int = 1

    def domain(
        self, con: duckdb.DuckDBPyConnection, name: str, linked: str, by: Judged
    ) -> dict[str, Any]:
        """One domain, protected.

        Args:
            con: a connection.
            name: ``people`` or ``addresses``.
            linked: SQL of every record: agency, seat, record_key, entity, probability, band, how.
            by: what else is known.

        Returns:
            JSON: register, records and bands by agency, entities, ``rates`` (see ``LinkRate``),
            ``unlinkable``, ``truth`` ('' where there is none).
        """
        view = f"{name}_judged"
        groups, truth = self._view(con, view, name, linked, by)
        rates = link_rates(
            con,
            view,
            self.register,
            groups=groups,
            estimated=tuple(by.fresh) if by.doubts is not None or name == "addresses" else (),
            truth=truth,
            seed=self.seed,
        )
        counted: list[Any] = con.execute(
            f"SELECT agency, band, count(*) FROM {view} GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        found = con.execute(f"SELECT count(DISTINCT entity) FROM {view}").fetchone()
        con.execute(f"DROP VIEW {view}")
        for other in ("doubts_now", "truth_now"):
            con.unregister(other)
        return {
            "register": self.register,
            "records": _by_agency(counted),
            "bands": _bands(counted),
            "entities": POLICY.rounded(int(found[0]) if found else 0),
            "rates": [shown(rate) for rate in rates],
            "unlinkable": [_curve(point) for point in by.unlinkable],
            "truth": by.truth_from if truth is not None else "",
        }

    def _view(
        self, con: duckdb.DuckDBPyConnection, view: str, name: str, linked: str, by: Judged
    ) -> tuple[dict[str, str], dict[str, str] | None]:
        """Make the view of records; groups of the linker's own, and those of the truth."""
        numbered = f"coalesce(w.how = {literal(self.numbers.get(name, ''))}, false)"
        columns = [
            "w.agency, w.entity, w.band",
            f"CASE WHEN {numbered} THEN 1.0 ELSE w.probability END AS probability",
            f"NOT {numbered} AS open",
        ]
        joins = ""
        groups: dict[str, str] = {}
        if by.doubts is None:
            columns.append("CAST(NULL AS DOUBLE) AS lost, CAST(NULL AS BOOLEAN) AS blind")
        else:
            con.register("doubts_now", by.doubts)
            joins += " LEFT JOIN doubts_now AS d ON d.record_key = w.seat"
            columns += ["d.lost, d.blind", 'd.sex AS "own sex"']
            groups["sex"] = "own sex"
            if self.day:
                columns.append(f'{_age_band(self.day)} AS "own age"')
                groups["age_band"] = "own age"
        truth = None
        if by.truth is not None:
            con.register("truth_now", by.truth)
            joins += f" LEFT JOIN truth_now AS t ON t.{RECORD_KEY} = w.record_key"
            truth = {group: f"true {group}" for group in groups_of(by.truth)}
            columns.append("t.person")
            columns += [f"t.{quoted(g)} AS {quoted(column)}" for g, column in truth.items()]
        con.execute(
            f"CREATE OR REPLACE TEMP VIEW {view} AS SELECT {', '.join(columns)} "
            f"FROM {linked} AS w{joins}"
        )
        # Tokens tell neither sex nor age, and a sample may be about records of another domain.
        told = {group: column for group, column in groups.items() if _any(con, view, column)}
        return told, truth if truth is not None and _any(con, view, PERSON) else None


def _any(con: duckdb.DuckDBPyConnection, view: str, column: str) -> bool:
    row = con.execute(f"SELECT count({quoted(column)}) FROM {view}").fetchone()
    return bool(row and row[0])


def _age_band(day: date) -> str:
    years = f"date_sub('year', d.born, DATE '{day.isoformat()}')"
    arms = " ".join(
        f"WHEN {years} >= {low} THEN {literal(label)}"
        for low, label in reversed(list(zip(AGES, band_labels(AGES), strict=True)))
    )
    return f"CASE {arms} END"


def refuse_unknown(
    con: duckdb.DuckDBPyConnection, truth: pa.Table, linked: Sequence[str], where: Path | str
) -> None:
    """Refuse a truth about records that are in none of the domains.

    Raises:
        CustodyError: RS1617.
    """
    con.register("truth_asked", truth)
    known = 0
    for sql in linked:
        row = con.execute(
            f"SELECT count(*) FROM truth_asked SEMI JOIN {sql} AS w USING ({RECORD_KEY})"
        ).fetchone()
        known += int(row[0]) if row else 0
    con.unregister("truth_asked")
    refuse_strangers(truth, known, where)


# -- protected -----------------------------------------------------------------------------------


def shown(rate: LinkRate) -> dict[str, Any]:
    """A rate as it leaves the linker: nothing of few records, and no more decimals than it bears.

    How many links of a group are wrong is a fact about the linkage and about nobody in the group;
    what is protected is how many records the group has.
    """
    row = rate.as_dict()
    n = POLICY.rounded(rate.estimate.n)
    hidden = dict.fromkeys(("value", "low", "high"), None)
    return row | _rounded(row, rate.estimate.n) | {"n": n} | (hidden if n is None else {})


def _rounded(row: Mapping[str, Any], n: int) -> dict[str, Any]:
    digits = next((places for least, places in DECIMALS if n >= least), 2)
    limits = {name: row[name] for name in ("value", "low", "high")}
    return {name: None if v is None else round(v, digits) for name, v in limits.items()}


def _curve(point: Mapping[str, Any]) -> dict[str, Any]:
    n = POLICY.rounded(int(point["n"] or 0))
    share = None if n is None or point["share"] is None else round(float(point["share"]), 3)
    return {"probability": point["probability"], "share": share, "n": n}


def _by_agency(counted: Sequence[tuple[str, str, int]]) -> dict[str, int | None]:
    sums: dict[str, int] = {}
    for agency, _, count in counted:
        sums[agency] = sums.get(agency, 0) + count
    return {agency: POLICY.rounded(count) for agency, count in sums.items()}


def _bands(counted: Sequence[tuple[str, str, int]]) -> dict[str, dict[str, int | None]]:
    found: dict[str, dict[str, int | None]] = {}
    for agency, band, count in counted:
        found.setdefault(agency, {})[band] = POLICY.rounded(count)
    return {
        agency: {band: there[band] for band in records.BANDS if band in there}
        for agency, there in found.items()
    }
