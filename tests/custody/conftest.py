"""A site of one's own for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from custody.sites import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Raw extracts, configs and keys; nothing handed over yet."""
    return Site(tmp_path / "site").made()


@pytest.fixture
def joined(site: Site) -> Site:
    """A site whose extracts were split, linked and joined."""
    return site.all()
