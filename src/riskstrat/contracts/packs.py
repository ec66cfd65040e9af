"""Source packs: the contracts of a data standard, written once and used by many studies.

A pack is a folder with ``pack.yaml`` and one contract for each table of a standard (OMOP, MEDS,
HES). What a standard cannot know is left out of its contracts and said by the study that uses the
pack: under which agreement the data came, for which days they are complete, where the files are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator

from riskstrat.contracts.spec import Coverage, FileFormat, RowRule, Source
from riskstrat.errors import StudyError
from riskstrat.spec import Spec
from riskstrat.vocabulary import Name
from riskstrat.yamlfile import nearest, read_document
from riskstrat.yamlfile.faults import KeyPath

MANIFEST = "pack.yaml"


class PackManifest(Spec):
    """What a pack's folder holds."""

    pack: Name
    title: str
    builds_on: Name | None = None
    """a pack in the folder beside this one: its contracts count where this one has none"""


class PackUse(Spec):
    """How a study uses a pack: what the standard leaves open, said for all its contracts."""

    path: str | None = None
    """the pack's folder, from the config folder on; by default ``sources/<name of the pack>``"""
    sources: tuple[Name, ...] | None = Field(default=None, min_length=1)
    """which of the pack's sources there are; by default all"""
    agreement: Name
    coverage: tuple[Coverage, ...] = Field(min_length=1)
    files: str = "{file}"
    """where the files are, from the data folder on: ``{file}`` stands for the pack's own name of
    a file, ``{name}`` for that without its ending"""
    format: FileFormat | None = None
    lag_days: Annotated[int, Field(ge=0, le=3650)] | None = None
    """days assumed from happening to being known, instead of the pack's own"""
    tolerance: dict[RowRule, Annotated[float, Field(ge=0, le=1)]] = Field(default={})

    @field_validator("coverage", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return [value] if isinstance(value, dict) else value

    @field_validator("files")
    @classmethod
    def _placeholders_are_known(cls, value: str) -> str:
        if set("{}") & set(value.replace("{file}", "").replace("{name}", "")):
            raise ValueError("`files` may hold {file} or {name} and no other braces")
        return value


@dataclass(frozen=True, slots=True)
class PackedContract:
    """The file of a pack's contract, and what the study says of it."""

    path: Path
    use: PackUse

    def read(self) -> Source:
        """The contract, complete.

        Raises:
            StudyError: RS1203, with the faults of the file.
        """
        document = read_document(self.path)
        return replace(document, data=_completed(document.data, self.use)).validate(Source)


def packed_contracts(
    root: Path, packs: Mapping[str, PackUse], place: Callable[[KeyPath], str]
) -> Iterator[PackedContract]:
    """The contracts of every pack that a study uses.

    Args:
        root: the config folder.
        packs: name of the pack -> how it is used.
        place: where a key stands in the study file.

    Raises:
        StudyError: RS1253, when a pack or a source of it is not there, or two packs have one
            of the same name.
    """
    seen: dict[str, str] = {}
    for name, use in packs.items():
        where = place(("packs", name))
        found = _contracts(root / (use.path or f"sources/{name}"), name, where)
        for source in found if use.sources is None else use.sources:
            if source not in found:
                known = nearest(source, list(found), "sources")
                raise _unusable(f"{where}: the pack has no source `{source}`{known}")
            if source in seen:
                raise _unusable(f"{where}: `{source}` is in the pack {seen[source]} too")
            seen[source] = name
            yield PackedContract(found[source], use)


def _contracts(folder: Path, name: str, where: str, above: tuple[str, ...] = ()) -> dict[str, Path]:
    """Name of the source -> its file, those of the pack it builds on included."""
    if not (folder / MANIFEST).is_file():
        raise _unusable(f"{where}: there is no pack in `{folder}` (a folder with {MANIFEST})")
    manifest = read_document(folder / MANIFEST).validate(PackManifest)
    if manifest.pack != name:
        raise _unusable(f"{where}: the pack in `{folder}` is called `{manifest.pack}`")
    below: dict[str, Path] = {}
    if under := manifest.builds_on:
        if under in (name, *above):
            raise _unusable(f"{where}: the pack `{under}` builds on itself")
        below = _contracts(folder.parent / under, under, where, (name, *above))
    own = {path.stem: path for path in sorted(folder.glob("*.yaml")) if path.name != MANIFEST}
    return dict(sorted({**below, **own}.items()))


def _unusable(what: str) -> StudyError:
    return StudyError(
        what,
        fix="use the pack's own name as key and, where it is not in `sources/<name>`, give its "
        "folder as `path`; choose among its sources under `sources`",
        code="RS1253",
    )


def _completed(contract: Mapping[str, Any], use: PackUse) -> dict[str, Any]:
    """A pack's contract with what the study says of it."""
    data = {
        **contract,
        "agreement": use.agreement,
        "coverage": [span.model_dump(by_alias=True) for span in use.coverage],
        "tolerance": {**contract.get("tolerance", {}), **use.tolerance},
    }
    if isinstance(file := contract.get("file"), str):
        name = file.removesuffix("".join(Path(file).suffixes))
        data["file"] = use.files.replace("{file}", file).replace("{name}", name)
    if use.format is not None:
        data["format"] = use.format.model_dump()
    if use.lag_days is not None and isinstance(known_on := contract.get("known_on"), dict):
        data["known_on"] = {**known_on, "lag_days": use.lag_days}
    return data
