"""One messy county, linked by its keepers, with one finished run; made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from acceptance.messy import Messy, new_messy
from pipeline.world import once


@pytest.fixture(scope="session")
def messy(shared: Path) -> Messy:
    """Read only; a test that changes something copies it."""
    return Messy(once(shared / "acceptance" / "messy", new_messy).root)
