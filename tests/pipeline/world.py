"""A small county, a small question about it, and the command line to ask it with."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

HERE = Path(__file__).parent
CONFIGS = HERE.parents[1] / "configs"
PEOPLE, SEED = 4_000, 7
OF_A_STUDY = {
    "run", "prepare", "score", "check", "monitor", "stress", "glassbox", "mitigate",
    "contributions",
}  # fmt: skip
MAIN = "from riskstrat.cli import main; main()"


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def folder(self) -> Path:
        """The run folder: all there is on stdout."""
        [line] = self.out.splitlines()
        return Path(line)


@dataclass(frozen=True, slots=True)
class World:
    """A data folder, a config folder with the study `small`, and a store."""

    root: Path

    @property
    def data(self) -> Path:
        return self.root / "county"

    @property
    def configs(self) -> Path:
        return self.root / "configs"

    @property
    def study(self) -> Path:
        return self.configs / "studies" / "small.yaml"

    @property
    def store(self) -> Path:
        return self.root / "store"

    def words(self, command: str, arguments: Sequence[object]) -> list[str]:
        """A command line; the options that say where everything is are added."""
        given = list(map(str, arguments))
        if command in OF_A_STUDY:
            given = [str(self.study), *given]
            given += [] if "--data" in given else ["--data", str(self.data)]
        if command not in {"schema", "explain", "synth"} and "--store" not in given:
            given += ["--store", str(self.store)]
        return [command, *given]

    def ask(self, command: str, *arguments: object) -> Said:
        """Run a command in this process: quick, for its children share one fork server."""
        from riskstrat.cli.app import app

        done = CliRunner().invoke(app, self.words(command, arguments))
        return Said(done.exit_code, done.stdout, done.stderr)

    def shell(
        self,
        command: str,
        *arguments: object,
        env: Mapping[str, str] | None = None,
        start: str = "",
    ) -> Said:
        """Run a command in a process of its own, as a person does.

        Args:
            start: Python to run before the command, such as a limit to set.
        """
        done = subprocess.run(
            [sys.executable, "-c", start + MAIN, *self.words(command, arguments)],
            capture_output=True,
            encoding="utf-8",
            env={**os.environ, **(env or {})},
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def start(self, command: str, *arguments: object) -> subprocess.Popen[str]:
        """Start a command as the leader of a process group."""
        return subprocess.Popen(
            [sys.executable, "-c", MAIN, *self.words(command, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
            # A shell ignores the interrupt in what it runs in the background, and so would we.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def change(self, file: str, old: str, new: str) -> None:
        """Replace text in a config file; the text must be there once."""
        path = self.configs / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} appears {text.count(old)} times in {file}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def left_behind(self) -> list[str]:
        """Half-written files and folders of the store."""
        return [str(p.relative_to(self.store)) for p in self.store.rglob("*.part*")]

    def outcomes(self) -> list[str]:
        """The run and release folders there are."""
        found = [*self.store.glob("runs/*/*"), *self.store.glob("releases/*/*")]
        return sorted(p.relative_to(self.store).as_posix() for p in found if p.is_dir())

    def copy(self, root: Path) -> World:
        """A world of one's own to spoil. Finished files are shared, never written again."""
        shutil.copytree(self.root, root, copy_function=_link, dirs_exist_ok=True)
        for name in (
            "mlflow.db",
            "log/ledger.jsonl",
            "log/released.jsonl",
            ".lock",
            "fingerprints.json",
        ):
            _unshare(root / "store" / name)
        for config in (*root.glob("configs/*/*"), *root.glob("county/*")):
            _unshare(config)
        return World(root)


def _link(source: str, target: str) -> str:
    os.link(source, target)
    return target


def _unshare(path: Path) -> None:
    if path.is_file():
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)


def new_world(root: Path, *, people: int = PEOPLE, plants: Sequence[str] = ()) -> World:
    """Make the county, its configs and the secret its lists are made with; no run yet."""
    from riskstrat.cli.app import app
    from riskstrat.stages.releasing.secret import release_secret

    world = World(root)
    release_secret(world.store)
    wanted = f"--people {people} --seed {SEED} --linked --quiet".split()
    wanted += [word for plant in plants for word in ("--plant", plant)]
    done = CliRunner().invoke(app, ["synth", str(world.data), *wanted])
    assert done.exit_code == 0, done.stderr
    for folder in ("agreements", "codelists", "sources"):
        shutil.copytree(CONFIGS / folder, world.configs / folder)
    world.study.parent.mkdir()
    shutil.copyfile(HERE / "small.yaml", world.study)
    return world


def unshare(world: World) -> None:
    """Make the finished run's files our own, where a test writes its report again."""
    for path in world.store.glob("runs/small/*/**/*"):
        if path.is_file() and path.stat().st_nlink > 1:
            _unshare(path)


def once(place: Path, make: Callable[[Path], World]) -> World:
    """Make a world once for all test processes; the others wait for it."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ready = place.with_suffix(".ready")
        if not ready.exists():
            shutil.rmtree(place, ignore_errors=True)
            make(place)
            ready.touch()
    return World(place)


def fingerprints(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """SHA-256 of files, by name."""
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}


def lists_of(store: Path) -> list[str]:
    """Every released list, relative to the store."""
    return sorted(p.relative_to(store).as_posix() for p in store.glob("releases/**/list.csv"))


def read(path: Path) -> Any:
    """A JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))
