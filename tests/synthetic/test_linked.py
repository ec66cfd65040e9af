"""With all links known, the county is what it always was."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from riskstrat.synthetic import CountySummary, make_county

# Of the values as text, in the order of the rows: the bytes of a file also tell which version of
# the library wrote it. Made by the county of before agencies had identifiers.
DIGESTS = {
    "demographics": "eaf51a9b90c8aad4e68f5b98d44ca1ae78cc208b43561904e14a813255545088",
    "residence": "ecba51e3352ae47d27c30f9ea811e5e959b3ee61a537d37b7a83d89e7aafa945",
    "ed_attendances": "7ed66106c2fbcc6969bf44a7a03268fec84fe157817cb2854175c25d87b8e24f",
    "police_incidents": "7459ac65ffd87c7548334a1eba91ad97c06b69de93cf010f3f0ce582209de365",
    "eyfs_profile": "faa62096372f484f5915d40628285fe877546fa2c3da9056fa89a0f62ecf755c",
}
TRUTHS = {
    "people": "ec1947af2762cf2b1b457a513ecc42b2b227500529d5c8832690f5460dd27f6c",
    "school_not_ready": "e7b04624f8cf6d5ae5ebcf073688519b76572fadfe0de177a5575fca4ac07631",
}


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory) -> CountySummary:
    directory = tmp_path_factory.mktemp("linked") / "demo"
    return make_county(directory, people=2000, seed=5, linked=True)


def digest(path: Path) -> str:
    table = pq.read_table(path)
    text = "".join(f"{name}{table.column(name).to_pylist()!r}" for name in table.column_names)
    return hashlib.sha256(text.encode()).hexdigest()


def test_linked_extracts_never_change(linked: CountySummary):
    assert {name: digest(linked.directory / f"{name}.parquet") for name in DIGESTS} == DIGESTS
    found = {name: digest(linked.truth_directory / f"{name}.parquet") for name in TRUTHS}
    assert found == TRUTHS


def test_linked_extracts_hold_no_identifiers_and_their_truth_no_names(linked: CountySummary):
    for path in linked.directory.iterdir():
        columns = set(pq.read_schema(path).names)
        assert not columns & {"local_id", "nhs_number", "upn", "forename", "surname", "postcode"}
    assert {path.name for path in linked.truth_directory.iterdir()} == {
        "README.md",
        "emergency_admission_12m.parquet",
        "people.parquet",
        "planted.json",
        "school_not_ready.parquet",
    }
