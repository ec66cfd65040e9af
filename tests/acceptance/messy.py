"""A small messy county of one's own: raw extracts, keepers who link them, and a study."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from typer.testing import CliRunner

from pipeline.world import CONFIGS, Said, World

PEOPLE, SEED = 1_500, 7
STUDY = Path(__file__).with_name("messy.yaml")
CUSTODY_FILE = "custody/mid_county.yaml"


@dataclass(frozen=True, slots=True)
class Messy(World):
    """A world whose extracts come from raw ones, by way of the keepers' folders."""

    @property
    def custody(self) -> Path:
        return self.root / "custody"

    @property
    def truth(self) -> Path:
        return self.root / "county-truth"

    @property
    def heard(self) -> Path:
        """All that every command has said."""
        return self.root / "heard.txt"

    def say(self, command: str, *arguments: object) -> Said:
        """Run a command that must succeed, and keep what it says."""
        said = self.ask(command, *arguments)
        self._keep(said)
        assert said.code == 0, said.err
        return said

    def plain(self, *words: object) -> Said:
        """Run a command as it stands, and keep what it says."""
        from riskstrat.cli.app import app

        done = CliRunner().invoke(app, [str(word) for word in words])
        said = Said(done.exit_code, done.stdout, done.stderr)
        self._keep(said)
        return said

    def pseudonymise(self) -> Said:
        """All keepers in turn."""
        where = ("--data", self.data, "--custody", self.custody)
        said = self.plain("pseudonymise", "all", self.configs / CUSTODY_FILE, *where)
        assert said.code == 0, said.err
        return said

    def reidentify(self, person: str, practice: str) -> Said:
        """A practice asks who somebody is."""
        accounts = self.root / "accounts.yaml"
        told = "{user: dr.a, role: gp, organisation: %s, starts: 2020-01-01, ends: 2099-12-31}"
        accounts.write_text(f"accounts:\n  - {told % practice}\n", encoding="utf-8")
        who = ("--user", "dr.a", "--role", "gp", "--organisation", practice)
        where = ("--data", self.data, "--custody", self.custody, "--accounts", accounts)
        why = ("--reason", "medication review")
        # What a practice is told belongs to it, and is kept nowhere.
        from riskstrat.cli.app import app

        words = ("reidentify", self.configs / CUSTODY_FILE, person, *who, *where, *why)
        done = CliRunner().invoke(app, [str(word) for word in words])
        return Said(done.exit_code, done.stdout, done.stderr)

    def copy(self, root: Path) -> Messy:
        """A world of one's own; keys and logs keep their rights and are shared with nobody."""
        World.copy(self, root)
        for name in ("custody", "store-keys"):
            if (self.root / name).is_dir():
                shutil.rmtree(root / name)
                shutil.copytree(self.root / name, root / name)
        return Messy(root)

    def _keep(self, said: Said) -> None:
        with self.heard.open("a", encoding="utf-8") as heard:
            heard.write(said.out + said.err)


def new_messy(root: Path) -> Messy:
    """Make the raw county, have it linked, and run the study once."""
    world = Messy(root)
    for folder in ("agreements", "codelists", "custody", "linkage", "sources"):
        shutil.copytree(CONFIGS / folder, world.configs / folder)
    world.study.parent.mkdir()
    shutil.copyfile(STUDY, world.study)
    made = world.plain("synth", world.data, "--people", PEOPLE, "--seed", SEED)
    assert made.code == 0, made.err
    world.pseudonymise()
    world.say("run", "--threads", 1)
    return world


def add_opt_outs(path: Path, rows: Sequence[dict[str, object]]) -> None:
    """Add objections to an agency's raw list of them."""
    before = pq.read_table(path)
    path.unlink()  # the file may be shared with other worlds
    pq.write_table(
        pa.concat_tables([before, pa.Table.from_pylist(list(rows), before.schema)]), path
    )
