"""Votes nobody may see yet: a salted digest in the log, the vote itself in a file of its owner's.

The log's digest binds the reviewer: a vote cannot be changed once it is in. The 256 random bits in
it keep the vote from being guessed by trying both answers. Files are as long for a yes as for a no.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from riskstrat.derivation import digest
from riskstrat.disk import disk_errors, file_aside, json_bytes, sync
from riskstrat.signoff.faults import seal_broken
from riskstrat.signoff.people import person
from riskstrat.signoff.rounds import Vote

FILE_BYTES = 1 << 16
"""more than the longest reason and answers take; every file is filled up to it"""
OWNER_ONLY = 0o600


@dataclass(frozen=True, slots=True)
class Sealed:
    """A folder of sealed votes, and of answers that are not yet part of one: files of 0600."""

    folder: Path

    def keep(self, vote: Vote) -> str:
        """Write a vote down where only its owner may read it; returns its seal."""
        self._write(self._vote(vote.seal), vote.as_dict())
        return vote.seal

    def open(self, seal: str) -> Vote | None:
        """A sealed vote, or None where it belongs to somebody else on this machine.

        Raises:
            StorageError: RS3330, it is gone, or not the one that was sealed.
        """
        path = self._vote(seal)
        try:
            vote = Vote.from_dict(json.loads(path.read_bytes()))
        except PermissionError:
            return None
        except FileNotFoundError:
            raise seal_broken("is gone") from None
        except (OSError, ValueError, KeyError, TypeError) as fault:
            raise seal_broken("cannot be read") from fault
        if vote.seal != seal:
            raise seal_broken("is not the one that was given")
        return vote

    def forget(self, submission: str, seals: Iterable[str], readers: Iterable[str]) -> None:
        """Remove the votes and the answers of a submission that are needed no more.

        Where each may remove their own files alone, those of others stay, unread and uncounted.
        """
        kept = [*map(self._vote, seals), *(self._answers(submission, name) for name in readers)]
        for path in kept:
            with suppress(PermissionError):
                path.unlink(missing_ok=True)

    def note(self, submission: str, name: str, answers: Mapping[str, str]) -> None:
        """Keep answers until they become part of a vote."""
        self._write(self._answers(submission, name), dict(answers))

    def noted(self, submission: str, name: str) -> dict[str, str]:
        """The answers kept so far."""
        path = self._answers(submission, name)
        try:
            found: dict[str, str] = json.loads(path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError):
            return {}  # somebody else's, or half a file: they are asked again
        return found

    def _vote(self, seal: str) -> Path:
        return self.folder / f"{seal}.vote"

    def _answers(self, submission: str, name: str) -> Path:
        return self.folder / f"{digest(submission, person(name))}.answers"

    def _write(self, path: Path, value: Mapping[str, Any]) -> None:
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with file_aside(path) as aside:
                handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
                with os.fdopen(handle, "wb") as file:
                    file.write(json_bytes(dict(value)).ljust(FILE_BYTES))
            sync(path.parent)
