"""A PostgreSQL cluster of our own on loopback, in a folder that is thrown away."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

SETTINGS = {
    "listen_addresses": "''",
    "shared_buffers": "1GB",
    "work_mem": "256MB",
    "maintenance_work_mem": "512MB",
    "max_wal_size": "4GB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_parallel_workers_per_gather": "1",
    "jit": "off",
}
"""kinder than a server that must not lose data: nothing waits for the disk"""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    folder: Path
    """holds its socket"""
    pid: int
    version: str


def binaries() -> Path | None:
    """Where the newest PostgreSQL server of this machine is."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def _as_somebody(folder: Path) -> list[str]:
    """The server refuses to run as root: words that make a command run as somebody else."""
    if os.geteuid() != 0:
        return []
    user = next(name for name in ("postgres", "nobody") if _exists(name))
    shutil.chown(folder, user)
    folder.chmod(0o700)
    return ["runuser", "-u", user, "--"]


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


@contextmanager
def server() -> Iterator[Server]:
    """Start a server; stop it and remove its folder at the end.

    Raises:
        FileNotFoundError: there is no PostgreSQL server on this machine.
    """
    if (bins := binaries()) is None:
        raise FileNotFoundError("no PostgreSQL server here (no initdb)")
    with tempfile.TemporaryDirectory(prefix="riskstrat-bench-pg-") as name:
        folder = Path(name)
        words = _as_somebody(folder)
        data = folder / "data"
        quiet = {"check": True, "stdout": subprocess.DEVNULL, "cwd": folder}
        make = [bins / "initdb", "-D", data, "-U", "bench", "-A", "trust", "-E", "UTF8"]
        subprocess.run([*words, *make, "--no-sync", "--locale=C"], **quiet)
        settings = " ".join(f"-c {key}={value}" for key, value in SETTINGS.items())
        control = [*words, bins / "pg_ctl", "-D", data, "-w"]
        start = ["-o", f"{settings} -k {folder}", "-l", folder / "log", "start"]
        subprocess.run([*control, *start], **quiet)
        try:
            folder.chmod(0o711)
            pid = int((data / "postmaster.pid").read_text().split()[0])
            version = subprocess.run(
                [bins / "postgres", "--version"], check=True, capture_output=True, text=True
            ).stdout.split()[2]
            yield Server(folder, pid, version)
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], **quiet)
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)
