"""Each peer in an environment of its own, from its own hash-pinned lock file; made once."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def python_of(peer: str, work: Path) -> Path:
    """The Python of a peer's environment, which is made (again) if its lock is new.

    Raises:
        subprocess.CalledProcessError: the packages could not be installed.
    """
    lock = HERE / "peers" / peer / "requirements.lock"
    home = work / "env" / peer
    stamp, digest = home / "lock.sha256", hashlib.sha256(lock.read_bytes()).hexdigest()
    if not (stamp.exists() and stamp.read_text() == digest):
        shutil.rmtree(home, ignore_errors=True)
        print(f"making the environment of {peer} (once)", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        words = ["install", "-qq", "--disable-pip-version-check", "--no-input"]
        subprocess.run(
            [home / "bin" / "python", "-m", "pip", *words, "--require-hashes", "-r", lock],
            check=True,
        )
        stamp.write_text(digest)
    return home / "bin" / "python"
