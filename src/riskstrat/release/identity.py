"""Ids that are valid for one release to one recipient, and tell nothing anywhere else."""

from __future__ import annotations

import hashlib
import hmac
from datetime import date

from riskstrat.derivation import digest

ID_HEX_DIGITS = 32
"""128 bits: among a million people the chance that two ids agree is about 1e-27"""


def release_key(secret: bytes, study_digest: str, as_of: date, recipient: str, seed: int) -> bytes:
    """The 256-bit key of one release to one recipient.

    Args:
        secret: random bytes that no recipient has. Everything else is told in the study and the
            manifest: with an empty secret, whoever has a list of pseudonyms can compute the ids.
    """
    told = digest("release_id", study_digest, as_of, recipient, seed)
    return hmac.new(secret, told.encode(), hashlib.sha256).digest()


def release_id(key: bytes, unit_id: str, as_of: object) -> str:
    """HMAC-SHA256 of the pseudonym and date, as 32 hex digits; no way back without the key."""
    sealed = hmac.new(key, f"{unit_id}\x1f{as_of}".encode(), hashlib.sha256)
    return sealed.hexdigest()[:ID_HEX_DIGITS]
