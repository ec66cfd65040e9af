"""What a release would tell and may not, and the refusal that follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from riskstrat.errors import ReleaseRefused

SEVERAL = "RS3029"
TOLD_AT_ONCE = 8


@dataclass(frozen=True, slots=True, order=True)
class Breach:
    """Something that a release would tell and may not: in counts, never a row or a group.

    Attributes:
        code: of `release.codes`.
        where: the table and its column, or the file and the place in it.
        message: what would be told.
    """

    code: str
    where: str
    message: str


def refuse(breaches: Sequence[Breach]) -> None:
    """Refuse a release that would tell something it may not; nothing to tell, nothing happens.

    Raises:
        ReleaseRefused: with the first few breaches; its code is theirs if they have but one.
    """
    if not breaches:
        return
    said = [f"{each.where}: {each.message}" for each in breaches[:TOLD_AT_ONCE]]
    rest = len(breaches) - len(said)
    codes = {each.code for each in breaches}
    raise ReleaseRefused(
        "the release would tell what it may not, so nothing has left\n  "
        + "\n  ".join([*said, *([f"and {rest:,} more"] if rest else [])]),
        fix="read what each code says: "
        + ", ".join(f"`riskstrat explain {code}`" for code in sorted(codes)),
        code=codes.pop() if len(codes) == 1 else SEVERAL,
    )
