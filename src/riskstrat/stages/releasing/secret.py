"""The secret behind the ids of pseudonymised lists: drawn once, kept beside the store."""

from __future__ import annotations

from pathlib import Path

from riskstrat.custody.faults import CustodyError
from riskstrat.custody.keystores import EnvironmentStore, FileStore

KEY_ID, PREFIX = "release", "RISKSTRAT_KEY_"


def release_keys(store: Path) -> Path:
    """The folder of a store's own keys: beside it, so that who is handed the store has none."""
    root = store.resolve()
    return root.with_name(f"{root.name}-keys")


def key_file(store: Path) -> Path:
    """Where the secret of a store's releases is kept, if no variable gives it."""
    return FileStore(release_keys(store)).path(KEY_ID)


def release_secret(store: Path) -> bytes:
    """The secret of a store's releases; it is drawn when the first list needs it.

    A secret manager gives it in the variable ``RISKSTRAT_KEY_RELEASE``, as 64 hex digits. Else it
    is ``STORE-keys/release.key``, which nobody but its owner may open. Lists that were made with
    one secret join to none that were made with another.

    Raises:
        CustodyError: RS1620 others may open it, RS1625 it is no key.
    """
    given = EnvironmentStore(PREFIX).read(KEY_ID)
    if given is not None:
        return given
    files = FileStore(release_keys(store))
    kept = files.read(KEY_ID)
    if kept is not None:
        return kept
    try:
        return files.make(KEY_ID)
    except CustodyError:
        # Another run drew it in this moment.
        kept = files.read(KEY_ID)
        if kept is None:
            raise
        return kept
