"""Three small agencies with names, numbers and addresses, and a plain way to link them."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from riskstrat.custody.join import JoinCounts, join
from riskstrat.custody.keyspec import Domain, Keeper
from riskstrat.custody.lifecycle import new_keys
from riskstrat.custody.link import LinkCounts, link
from riskstrat.custody.places import Places
from riskstrat.custody.register import keyring
from riskstrat.custody.spec import CustodySpec
from riskstrat.custody.split import split
from riskstrat.custody.work import Acting, Configs, columns_read, read_configs
from riskstrat.store.ledger import Ledger

CONFIGS = Path(__file__).parents[2] / "configs"
NOON = datetime(2025, 6, 2, 12, tzinfo=UTC)
PEOPLE, HOMES = 60, 25

CUSTODY = """
project: trial
keys: {person: trial-person-1, household: trial-household-1}
linkage: trial
population: icb
providers:
  icb:
    title: Mid County Integrated Care Board
    people:
      file: raw/icb/people.parquet
      id: local_id
      identifiers: [nhs_number, forename, surname, date_of_birth, sex, postcode]
    addresses:
      file: raw/icb/addresses.parquet
      id: address_id
      identifiers: [uprn, address, postcode]
    extracts:
      gp_registration: {file: raw/icb/gp_registration.parquet, person: local_id}
      residence: {file: raw/icb/residence.parquet, person: local_id, household: address_id}
      opt_outs: {file: raw/icb/opt_outs.parquet, person: local_id}
  hospitals:
    title: Mid County Hospitals
    people:
      file: raw/hospitals/people.parquet
      id: local_id
      identifiers:
        {nhs_number: nhs, forename: given, surname: family, sex: sx, postcode: pc,
         date_of_birth: born}
    extracts:
      admissions: {file: raw/hospitals/admissions.parquet, person: local_id}
  police:
    title: Mid County Police
    addresses:
      file: raw/police/addresses.parquet
      id: address_id
      identifiers: [uprn, address, postcode]
    extracts:
      police_incidents: {file: raw/police/police_incidents.parquet, household: address_id}
  public:
    extracts:
      area_deprivation: {file: raw/public/area_deprivation.parquet}
"""


def nhs_number(n: int) -> str:
    """A valid number of the test range, 999."""
    while True:
        nine = f"999{n:06d}"
        check = 11 - sum(int(d) * w for d, w in zip(nine, range(10, 1, -1), strict=True)) % 11
        if check != 10:
            return nine + str(check % 11)
        n += 500_000


def person(n: int) -> dict[str, str | None]:
    """The n-th person, with names nobody else in the world has."""
    return {
        "nhs_number": nhs_number(n) if n % 10 else None,
        "forename": f"Ermintrude{n:03d}",
        "surname": f"Quackenbush{n:03d}",
        "date_of_birth": f"19{30 + n % 60}-{1 + n % 12:02d}-{1 + n % 28:02d}",
        "sex": "F" if n % 2 else "M",
        "postcode": f"QZ{n % 9 + 1} {n % 8 + 1}XJ",
    }


def local(n: int) -> str:
    """The ICB's own id of the n-th person."""
    return f"icbperson{n:03d}"


def diagnosis(n: int) -> str:
    """The n-th code, long enough not to be found in random bytes by chance."""
    return f"J45.9{n:02d}X"


def home(n: int) -> dict[str, str | None]:
    """The n-th address."""
    return {
        "uprn": f"1000777{n:05d}",
        "address": f"{n + 1} Thistlewick Parade",
        "postcode": f"QZ{n % 9 + 1} {n % 8 + 1}XJ",
    }


def write(path: Path, rows: list[dict[str, Any]], schema: pa.Schema | None = None) -> None:
    """A raw extract."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)


def write_raw(data: Path) -> None:
    """What each agency holds, under its own ids."""
    people = [person(n) for n in range(PEOPLE)]
    homes = [home(n) for n in range(HOMES)]
    day = date(2020, 1, 1)
    raw = data / "raw"
    write(raw / "icb/people.parquet", [{"local_id": local(n), **p} for n, p in enumerate(people)])
    write(
        raw / "icb/addresses.parquet",
        [{"address_id": f"icbhome{n:03d}", **h} for n, h in enumerate(homes)],
    )
    write(
        raw / "icb/gp_registration.parquet",
        [
            {
                "local_id": local(n),
                "practice_id": f"PR{n % 3:03d}",
                "starts_on": day,
                "ends_on": None,
                "end_recorded_on": None,
                "recorded_on": day,
                "phone": f"01632960{n:03d}",
            }
            for n in range(PEOPLE)
        ],
        pa.schema(
            [
                ("local_id", pa.string()),
                ("practice_id", pa.string()),
                *((name, pa.date32()) for name in ("starts_on", "ends_on", "end_recorded_on")),
                ("recorded_on", pa.date32()),
                ("phone", pa.string()),
            ]
        ),
    )
    write(
        raw / "icb/residence.parquet",
        [
            {
                "local_id": local(n),
                "address_id": None if n == 7 else f"icbhome{n % HOMES:03d}",
                "lsoa_code": f"E0100000{n % 4}",
                "starts_on": day,
                "ends_on": None,
                "end_recorded_on": None,
                "recorded_on": day,
            }
            for n in reversed(range(PEOPLE))
        ],
    )
    opt_out = {"kind": "national", "starts_on": day, "recorded_on": day}
    write(
        raw / "icb/opt_outs.parquet",
        [{"local_id": local(5), **opt_out, "ends_on": None}],
        pa.schema(
            [
                ("local_id", pa.string()),
                ("kind", pa.string()),
                *((name, pa.date32()) for name in ("starts_on", "ends_on", "recorded_on")),
            ]
        ),
    )
    known = [n for n in range(PEOPLE) if n % 3 == 0] + [1001, 1002]
    write(
        raw / "hospitals/people.parquet",
        [
            {
                "local_id": n,
                "nhs": person(n)["nhs_number"],
                "given": person(n)["forename"],
                "family": person(n)["surname"],
                "born": person(n)["date_of_birth"],
                "sx": person(n)["sex"],
                "pc": person(n)["postcode"],
            }
            for n in known
        ],
    )
    write(
        raw / "hospitals/admissions.parquet",
        [
            {
                "spell_id": f"S{i}",
                "local_id": known[i % len(known)],
                "admitted_on": date(2024, 1, 1 + i % 28),
                "discharged_on": date(2024, 2, 1),
                "recorded_on": date(2024, 3, 1),
                "admission_method": "21",
                "primary_diagnosis": diagnosis(i % 90),
                "bed_days": i,
                "cost": 100.5 * i,
                "surname": "Quackenbush000",
            }
            for i in range(200)
        ],
    )
    write(
        raw / "police/addresses.parquet",
        [{"address_id": f"polhome{n:03d}", **home(n)} for n in range(0, HOMES, 2)],
    )
    write(
        raw / "police/police_incidents.parquet",
        [
            {
                "address_id": f"polhome{2 * (i % 13):03d}",
                "incident_id": f"I{i}",
                "occurred_on": date(2024, 5, 1),
                "recorded_on": date(2024, 5, 2),
                "category": "burglary",
            }
            for i in range(50)
        ],
    )
    write(
        raw / "public/area_deprivation.parquet",
        [
            {
                "lsoa_code": f"E0100000{n}",
                "imd_decile": n + 1,
                "imd_quintile": "q2",
                "rural": False,
                "published_on": day,
            }
            for n in range(4)
        ],
    )


@dataclass(frozen=True, slots=True)
class Exact:
    """Links that need no model: the NHS number or UPRN, else the record's own text."""

    table: pa.Table


def exact_people(con: duckdb.DuckDBPyConnection, view: str, known: str | None) -> Exact:
    """Records with one NHS number are one person; others stay alone."""
    return _exact(con, view, "nhs_number", "nhs")


def exact_addresses(con: duckdb.DuckDBPyConnection, view: str, known: str | None) -> Exact:
    """Records with one UPRN are one household."""
    return _exact(con, view, "uprn", "uprn")


def _exact(con: duckdb.DuckDBPyConnection, view: str, number: str, how: str) -> Exact:
    told = con.execute(f"SELECT * FROM {view} ORDER BY record_key").to_arrow_table().to_pylist()
    rows = []
    for row in told:
        words = "|".join(str(row[k]) for k in sorted(row) if k != "record_key")
        alone = "rec|" + hashlib.sha256(words.encode()).hexdigest()
        rows.append(
            {
                "record_key": row["record_key"],
                "entity": f"{how}|{row[number]}" if row[number] else alone,
                "probability": 1.0,
                "band": "exact" if row[number] else "alone",
                "how": number if row[number] else "alone",
            }
        )
    return Exact(pa.Table.from_pylist(rows))


LINKERS = {Domain.PERSON: exact_people, Domain.HOUSEHOLD: exact_addresses}


@dataclass(frozen=True, slots=True)
class Site:
    """One machine on which all keepers have their folders."""

    root: Path
    text: str = CUSTODY
    linkers: Mapping[Domain, Callable[..., Exact]] = field(default_factory=lambda: LINKERS)

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def file(self) -> Path:
        return self.root / "configs" / "custody" / "trial.yaml"

    @property
    def places(self) -> Places:
        return Places(self.root / "custody")

    @property
    def configs(self) -> Configs:
        return read_configs(self.file)

    @property
    def spec(self) -> CustodySpec:
        return self.configs.spec

    @property
    def acting(self) -> Acting:
        logs = {keeper: Ledger(self.places.log(keeper)) for keeper in Keeper}
        return Acting("A. Lee", "minute 4", NOON, logs)

    def made(self) -> Site:
        """Write the raw extracts, the configs and the keys."""
        write_raw(self.data)
        for folder in ("sources", "agreements"):
            shutil.copytree(CONFIGS / folder, self.root / "configs" / folder)
        self.file.parent.mkdir(parents=True)
        self.file.write_text(self.text, encoding="utf-8")
        new_keys(self.spec, self.places, NOON, self.acting.note)
        return self

    def change(self, old: str, new: str) -> None:
        """Change the custody file."""
        text = self.file.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} appears {text.count(old)} times"
        self.file.write_text(text.replace(old, new), encoding="utf-8")

    def hand_over_tokens(self) -> None:
        """Have every agency hand over tokens from now on, under a key of theirs."""
        text = self.file.read_text(encoding="utf-8")
        text = text.replace("trial-household-1}", "trial-household-1, tokens: trial-tokens-1}")
        lines = []
        for line in text.splitlines():
            if line.startswith("      identifiers:"):
                lines.append("      hand_over: tokens")
            lines.append(line)
        self.file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        new_keys(self.spec, self.places, NOON, self.acting.note)

    def split(self, *agencies: str, **options: Any) -> dict[str, Any]:
        """The provider's step, agency by agency."""
        told = {}
        for agency in agencies or tuple(self.spec.providers):
            contracts = self.configs.contracts(agency)
            columns = {name: columns_read(source) for name, source in contracts.items()}
            told[agency] = split(
                self.spec, agency, self.data, self.places, **({"columns": columns} | options)
            )
        return told

    def link(self) -> LinkCounts:
        """The linker's step."""
        key = keyring(self.spec, self.places, Domain.PERSON).key
        with duckdb.connect() as con:
            return link(self.spec, self.places, con, key, linkers=self.linkers)

    def join(self) -> JoinCounts:
        """The analyst's step."""
        return join(self.spec, self.data, self.places)

    def all(self) -> Site:
        """All three in turn."""
        self.split()
        self.link()
        self.join()
        return self

    def key(self, domain: Domain) -> bytes:
        """A key in use."""
        ring = keyring(self.spec, self.places, domain)
        return ring.key(str(self.spec.key_ids()[domain]))

    def extract(self, name: str) -> pa.Table:
        """A joined extract."""
        return pq.read_table(self.data / f"{name}.parquet")

    def raw(self, agency: str, name: str) -> pa.Table:
        """A raw extract."""
        return pq.read_table(self.data / "raw" / agency / f"{name}.parquet")

    def pseudonym_of(self, n: int) -> str:
        """What the n-th person, who is known to the ICB as such, is called."""
        index = self.raw("icb", "gp_registration").column("local_id").to_pylist()
        return str(self.extract("gp_registration").column("person_id")[index.index(local(n))])
