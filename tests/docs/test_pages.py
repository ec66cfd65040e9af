"""The pages fit the code, and lead where they say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/**/*.md"),
    ROOT / "models" / "README.md",
]
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
CODE = re.compile(r"^```\w*[^\n]*\n(.*?)^```$|`([^`\n]+)`", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^riskstrat +([a-z]+)", re.MULTILINE)


def test_what_is_made_from_the_code_is_up_to_date():
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "build.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere_in_the_repository(page):
    links = LINK.findall(page.read_text(encoding="utf-8"))
    outside = [link for link in links if "://" in link]
    assert not outside, "a page is read offline"
    assert not [link for link in links if not (page.parent / link).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_a_page_names_exists(page):
    import typer

    from riskstrat.cli.app import app

    known = set(typer.main.get_command(app).commands)
    code = "\n".join("\n".join(parts) for parts in CODE.findall(page.read_text(encoding="utf-8")))
    assert set(COMMAND.findall(code)) <= known


def test_the_lock_files_name_no_address():
    for name in ("requirements.lock", "requirements-build.lock"):
        assert "://" not in (ROOT / name).read_text(encoding="utf-8")


def test_the_source_is_whole_in_version_control():
    """Patterns of `.gitignore` must not hide a package that happens to be called `store`."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    done = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-oi", "--exclude-standard", "src", "tests"],
        capture_output=True,
        text=True,
        check=True,
    )
    hidden = [line for line in done.stdout.splitlines() if "__pycache__" not in line]
    assert not hidden
