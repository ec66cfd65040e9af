"""What a custody file may say of keys: their ids, and the stores that hold them. Never a key."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from riskstrat.spec import Spec

KEY_ID = re.compile(r"[a-z][a-z0-9-]{0,62}")


def _key_id(value: str) -> str:
    if not KEY_ID.fullmatch(value):
        raise ValueError(
            f"`{value[:40]}` is no key id; it has small letters, digits and hyphens, and begins "
            "with a letter"
        )
    return value


KeyId = Annotated[str, AfterValidator(_key_id)]
"""The name of a key, which may be seen by anybody."""


class Domain(StrEnum):
    """What a key is for. Pseudonyms of two domains never agree, not even under one key."""

    PERSON = "person"
    HOUSEHOLD = "household"
    TOKENS = "tokens"
    LOG = "log"


class Keeper(StrEnum):
    """Who has a folder of their own under ``--custody``."""

    PROVIDER = "provider"
    LINKER = "linker"
    ANALYST = "analyst"
    GATEWAY = "gateway"


KEEPER_OF = {
    Domain.PERSON: Keeper.LINKER,
    Domain.HOUSEHOLD: Keeper.LINKER,
    Domain.TOKENS: Keeper.PROVIDER,
    Domain.LOG: Keeper.GATEWAY,
}
"""who holds the key of a domain; the analyst holds none"""


class ProjectKeys(Spec):
    """The ids of a project's keys. The keys themselves are in the key stores."""

    person: KeyId
    """makes the pseudonyms of people; held by the linker"""
    household: KeyId
    """makes the pseudonyms of households; held by the linker"""
    tokens: KeyId | None = None
    """makes tokens of identifiers; held by the providers, never by the linker"""
    log: KeyId | None = None
    """stands in for pseudonyms in the log of re-identification; held by the gateway; by default
    ``<project>-log-1``"""


class FileKeys(Spec):
    """Keys are files of the keeper's own, which nobody else may read."""

    kind: Literal["file"] = "file"


class EnvironmentKeys(Spec):
    """Keys are in environment variables, put there by a secret manager."""

    kind: Literal["environment"]
    prefix: str = "RISKSTRAT_KEY_"
    """the variable is this and the key's id in capitals, with underscores for hyphens"""

    @field_validator("prefix")
    @classmethod
    def _is_a_variable(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Z][A-Z0-9_]*", value):
            raise ValueError("a prefix has capitals, digits and underscores")
        return value


class CommandKeys(Spec):
    """A command gives the key on its standard output, from a vault or a hardware module."""

    kind: Literal["command"]
    argv: Annotated[tuple[str, ...], Field(min_length=1)]
    """the program and its arguments, started without a shell; ``{key_id}`` stands for the key"""
    seconds: Annotated[int, Field(ge=1, le=600)] = 30
    """how long it may take"""

    @field_validator("argv")
    @classmethod
    def _asks_for_the_key(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not any("{key_id}" in part for part in value[1:]):
            raise ValueError("an argument must hold `{key_id}`, or every key would be the same")
        return value


AnyKeyStore = Annotated[FileKeys | EnvironmentKeys | CommandKeys, Field(discriminator="kind")]


class KeyStores(Spec):
    """Where each keeper's keys are; by default in files of their own."""

    linker: AnyKeyStore = FileKeys()
    provider: AnyKeyStore = FileKeys()
    gateway: AnyKeyStore = FileKeys()

    def of(self, keeper: Keeper) -> FileKeys | EnvironmentKeys | CommandKeys:
        """The store of a keeper who has one."""
        found: FileKeys | EnvironmentKeys | CommandKeys = getattr(self, keeper.value)
        return found
