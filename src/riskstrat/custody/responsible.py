"""Which organisation looks after a person, as it was known on the morning of a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from riskstrat.asof import latest_known, literal, quoted
from riskstrat.custody.rows import need_columns
from riskstrat.custody.spec import Responsible


@dataclass(frozen=True, slots=True)
class Register:
    """Spells of people with organisations, such as registrations with practices.

    The rule is that of every feature: a spell counts from the day after it began and was known, its
    end likewise, and of two open spells the later one is right. So whoever has moved belongs to the
    new practice alone.
    """

    data: Path
    told: Responsible

    def of(self, pseudonym: str, day: date) -> str | None:
        """The organisation responsible for a person on a day; ``None`` if there is none.

        Raises:
            CustodyError: RS1601, the file is missing or lacks a column.
        """
        path, told = self.data / self.told.file, self.told
        columns = [told.person, told.organisation, told.starts_on]
        columns += [told.ends_on, told.end_known_on, told.known_on]
        need_columns(path, columns)
        spells = (
            f"(SELECT {quoted(told.person)} AS unit_id, {quoted(told.organisation)} AS "
            f"organisation, {quoted(told.starts_on)} AS starts_on, {quoted(told.ends_on)} AS "
            f"ends_on, {quoted(told.end_known_on)} AS end_known_on, {quoted(told.known_on)} AS "
            f"known_on FROM read_parquet({literal(path.as_posix())}, hive_partitioning=false) "
            f"WHERE {quoted(told.person)} = $person)"
        )
        pairs = "(SELECT $person AS unit_id, CAST($day AS DATE) AS as_of)"
        sql = latest_known(pairs, spells, ("organisation",), spells=True)
        with duckdb.connect() as con:
            found = con.execute(sql, {"person": pseudonym, "day": day}).fetchone()
        return str(found[2]) if found and found[2] is not None else None
