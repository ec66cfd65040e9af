"""Where each keeper's things are, and how a hand-over moves from one to the next.

    CUSTODY/
      provider/keys/                   the token key, where somebody hands over tokens
      provider/<agency>/for_linker/    people.parquet, addresses.parquet: record key + identifiers
      provider/<agency>/for_analyst/   <extract>.parquet: record key + content
      linker/keys/                     the keys of the project's pseudonyms
      linker/received/<agency>/        what came from a provider, until it is linked
      linker/for_analyst/<agency>/     people.parquet, addresses.parquet: record key + pseudonym
      linker/for_analyst/quality.json  how good the links are, in rates; never about a record
      linker/entities/<key id>/        who the pseudonyms are; never leaves
      linker/rekey/                    old pseudonym -> new, of rotations and of people who turned
                                       out to be others; never leaves
      linker/linkage/                  the trained model, counts, pairs for clerical review
      linker/certificates/             of keys destroyed
      analyst/received/<agency>/       content/ and links/, until they are joined
      gateway/keys/                    the key that stands in for pseudonyms in the log
      <keeper>/log/ledger.jsonl        who did what, when and why

On machines of their own each keeper has its own folder of these and no other; what is ``for`` one
is carried to that one's ``received``. On one machine it is moved there, and never copied.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from riskstrat.custody.keyspec import Keeper
from riskstrat.disk import disk_errors, sync

OWNER_ONLY = 0o700


@dataclass(frozen=True, slots=True)
class Places:
    """The folders under ``--custody``."""

    root: Path

    def of(self, keeper: Keeper, *parts: str) -> Path:
        """A folder of a keeper, made if it is missing; nobody else may open the keeper's folder."""
        own = self.root / keeper.value
        folder = own.joinpath(*parts)
        with disk_errors(folder):
            self.root.mkdir(parents=True, exist_ok=True)
            if not own.exists():
                own.mkdir(mode=OWNER_ONLY)
            folder.mkdir(parents=True, exist_ok=True, mode=OWNER_ONLY)
        return folder

    def log(self, keeper: Keeper) -> Path:
        """The file of a keeper's log."""
        return self.root / keeper.value / "log" / "ledger.jsonl"

    def keys(self, keeper: Keeper) -> Path:
        """The folder of a keeper's keys."""
        return self.root / keeper.value / "keys"

    def sent(self, agency: str) -> Path:
        """What a provider made and nobody has fetched yet: ``for_linker`` and ``for_analyst``."""
        return self.root / Keeper.PROVIDER.value / agency

    def received(self, keeper: Keeper, agency: str) -> Path:
        """What came to the linker or the analyst from an agency, or about it."""
        return self.root / keeper.value / "received" / agency

    def links(self, agency: str) -> Path:
        """What the linker made for the analyst about an agency's records."""
        return self.root / Keeper.LINKER.value / "for_analyst" / agency

    def entities(self, key_id: str) -> Path:
        """Who the pseudonyms under a key are."""
        return self.root / Keeper.LINKER.value / "entities" / key_id

    def rekey(self, key_id: str) -> Path:
        """Pseudonyms under a key that was rotated, and those that took their place."""
        return self.root / Keeper.LINKER.value / "rekey" / f"{key_id}.parquet"

    def moved(self, key_id: str) -> Path:
        """Pseudonyms under a key that new evidence took away, and those that took their place."""
        return self.root / Keeper.LINKER.value / "rekey" / f"{key_id}.moved.parquet"

    def linkage(self) -> Path:
        """What linking left for the linker itself."""
        return self.of(Keeper.LINKER, "linkage")

    def certificate(self, keeper: Keeper, key_id: str) -> Path:
        """The certificate that a key was destroyed."""
        return self.root / keeper.value / "certificates" / f"{key_id}.json"


def hand_over(source: Path, target: Path) -> bool:
    """Move a folder to the one it was made for, in place of what lay there; never a copy.

    Returns:
        Whether there was anything to move: on machines of their own it was carried over before.
    """
    if not source.is_dir():
        return False
    with disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True, mode=OWNER_ONLY)
        if target.exists():
            shutil.rmtree(target)
        try:
            source.rename(target)
        except OSError:  # on another disk
            shutil.move(source, target)
        sync(target.parent)
    drop_if_empty(source.parent)
    return True


def drop(path: Path) -> None:
    """Remove a file or folder that has done its work, and its folder if that is then empty."""
    with disk_errors(path):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    drop_if_empty(path.parent)


def drop_if_empty(folder: Path) -> None:
    """Remove a folder with nothing in it."""
    if folder.is_dir() and not any(folder.iterdir()):
        with disk_errors(folder):
            folder.rmdir()
