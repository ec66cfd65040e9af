"""A gateway put together from a custody file and the folders of those it stands between."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

from riskstrat.custody.accounts import Directory, Role
from riskstrat.custody.entities import entities
from riskstrat.custody.gateway import Gateway, Log
from riskstrat.custody.keyspec import Domain
from riskstrat.custody.places import Places
from riskstrat.custody.register import keyring
from riskstrat.custody.responsible import Register
from riskstrat.custody.spec import CustodySpec


def open_gateway(
    spec: CustodySpec,
    places: Places,
    data: Path,
    directory: Directory,
    log: Log,
    *,
    opted_out: Callable[[str, date], bool],
    operator: str = "",
) -> Gateway:
    """A gateway that reads the linker's entity table and the analyst's registers.

    Args:
        spec: the custody file.
        places: the folders under ``--custody``: the linker's and the gateway's own.
        data: the analyst's folder of extracts, for who looks after whom.
        directory: knows users: a local file, or a sign-on service.
        log: of the gateway.
        opted_out: (pseudonym, day) -> whether the person objects; asked at every request.
        operator: who runs it, if it is not the user.

    Raises:
        CustodyError: what the keyring says of the log's key.
    """
    told = spec.reidentification
    known = entities(spec, places)
    key = keyring(spec, places, Domain.LOG).key(str(spec.key_ids()[Domain.LOG]))
    return Gateway(
        directory=directory,
        responsible={
            Role(role): Register(data, each).of for role, each in told.responsible.items()
        },
        identity=known.identity,
        current=known.current,
        opted_out=opted_out,
        log=log,
        log_key=key,
        per_hour=told.per_hour,
        per_day=told.per_day,
        operator=operator,
    )
