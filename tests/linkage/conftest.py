"""A linkage file of one's own."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from linkage.made_up import made_up
from linkage.small import CONFIGS


@pytest.fixture
def linkage_file(tmp_path: Path) -> Path:
    """The file; its data lie beside it."""
    plain = yaml.safe_load((CONFIGS / "splink_fake_1000.yaml").read_text(encoding="utf-8"))
    plain |= {
        "linkage": "mine",
        "files": {"people": {"file": "people.parquet", "record": "id"}},
        "truth": {"column": "who"},
    }
    plain["training"]["max_pairs"] = 10_000
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(plain), encoding="utf-8")
    pq.write_table(made_up(), tmp_path / "people.parquet")
    return path
