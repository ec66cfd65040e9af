"""Pseudonyms: what an entity is called within one project and one domain, and nowhere else."""

from __future__ import annotations

import hmac
from types import MappingProxyType

import pyarrow as pa

from riskstrat.custody.keyspec import Domain

HEX_DIGITS = 32
"""128 bits: among ten million people the chance that two pseudonyms agree is about 1e-25"""
PREFIX = MappingProxyType({Domain.PERSON: "P", Domain.HOUSEHOLD: "H"})


def pseudonym(key: bytes, domain: Domain, entity: str) -> str:
    """HMAC-SHA256 of an entity under a project's key, cut to 128 bits.

    An NHS number is one of about a billion, so a hash without a key is undone by trying them all;
    with a key of 256 random bits there is nothing to try. The domain is part of what is hashed: a
    person and a household never have the same pseudonym.

    Args:
        key: at least 32 random bytes, of this project and domain.
        domain: person or household.
        entity: what linkage calls it, such as ``nhs|9434765919``.

    Returns:
        ``P`` or ``H`` and 32 hex digits.

    Examples:
        >>> pseudonym(bytes(32), Domain.PERSON, "nhs|9434765919")
        'P894f938dcf2cfd09ea399976129de65d'
    """
    sealed = hmac.digest(key, f"{domain.value}|{entity}".encode(), "sha256")
    return PREFIX[domain] + sealed.hex()[:HEX_DIGITS]


def pseudonyms(key: bytes, domain: Domain, entities: pa.Array) -> pa.Array:
    """Pseudonyms of many entities, in their order: strings (n,)."""
    return pa.array([pseudonym(key, domain, each) for each in entities.to_pylist()], pa.string())
