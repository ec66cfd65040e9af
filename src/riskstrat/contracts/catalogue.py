"""Everything declared under ``configs/``: sources, sharing agreements and codelists."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from riskstrat.contracts.agreements.spec import SharingAgreement
from riskstrat.contracts.packs import PackUse, packed_contracts
from riskstrat.contracts.spec import Source
from riskstrat.errors import AgreementError, StudyError
from riskstrat.spec import Spec
from riskstrat.vocabulary import Codelist
from riskstrat.yamlfile import nearest, read_document
from riskstrat.yamlfile.faults import KeyPath

MAX_BYTES = 20_000_000
HEADERS = (["code", "label"], ["code", "label", "group"])
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")

S = TypeVar("S", bound=Spec)
NO_PACKS: Mapping[str, PackUse] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The declared world of one config folder, by name."""

    root: Path
    sources: Mapping[str, Source]
    agreements: Mapping[str, SharingAgreement]
    codelists: Mapping[str, Codelist]

    def source(self, name: str, where: str) -> Source:
        """A source by name, for a study to ask something of.

        Raises:
            StudyError: RS1222, with the nearest spelling.
            AgreementError: RS1118, it says who has opted out, and may be used for nothing else.
        """
        if (found := self.sources.get(name)) and found.role is None:
            return found
        if found:
            raise AgreementError(
                f"{where}: `{name}` says who must be left out, and may be used for nothing else",
                fix=f"take `{name}` out of the study; it is read wherever opt-outs bind",
                code="RS1118",
            )
        known = nearest(name, list(self.sources), "sources")
        raise StudyError(f"{where}: there is no source `{name}`{known}", code="RS1222")


def load_catalogue(
    root: Path,
    packs: Mapping[str, PackUse] = NO_PACKS,
    place: Callable[[KeyPath], str] = lambda keys: ".".join(map(str, keys)),
) -> Catalogue:
    """Read ``sources/*.yaml``, ``agreements/*.yaml`` and ``codelists/*.csv`` of a folder.

    Args:
        root: the config folder.
        packs: source packs in use; a contract of the folder's own counts before a pack's.
        place: where a key stands in the study file, for messages about packs.

    Raises:
        StudyError: with the faults of every file, or RS1250 to RS1253 for names that do not fit.
    """
    faults: list[StudyError] = []
    packed = tuple(packed_contracts(root, packs, place))
    own = {path.stem for path in _files(root, "sources")}
    sources = _read_all(
        [
            *_readers(root, "sources", Source),
            *((item.path, item.read) for item in packed if item.path.stem not in own),
        ],
        lambda spec: spec.source,
        faults,
    )
    agreements = _read_all(
        _readers(root, "agreements", SharingAgreement), lambda spec: spec.agreement, faults
    )
    codelists: dict[str, Codelist] = {}
    for path in sorted((root / "codelists").glob("*.csv")):
        try:
            codelists[path.stem] = read_codelist(path)
        except StudyError as error:
            faults.append(error)
    if not faults:
        faults.extend(_unknown_agreements(sources, agreements))
    if faults:
        raise _together(faults)
    return Catalogue(
        root, MappingProxyType(sources), MappingProxyType(agreements), MappingProxyType(codelists)
    )


def _together(faults: list[StudyError]) -> StudyError:
    if len(faults) == 1:
        return faults[0]
    listed = "\n".join(error.message for error in faults)
    fix = "; ".join(dict.fromkeys(error.fix for error in faults if error.fix))
    return StudyError(f"{len(faults)} config files have faults:\n{listed}", fix=fix)


def _files(root: Path, folder: str) -> list[Path]:
    return sorted((root / folder).glob("*.yaml"))


def _readers(root: Path, folder: str, model: type[S]) -> list[tuple[Path, Callable[[], S]]]:
    return [
        (path, lambda path=path: read_document(path).validate(model))  # type: ignore[misc]
        for path in _files(root, folder)
    ]


def _read_all(
    readers: Iterable[tuple[Path, Callable[[], S]]],
    name_of: Callable[[S], str],
    faults: list[StudyError],
) -> dict[str, S]:
    found: dict[str, S] = {}
    for path, read in readers:
        try:
            spec = read()
        except StudyError as error:
            faults.append(error)
            continue
        if name_of(spec) != path.stem:
            what = f"{path.name}: the file is named {path.stem}, inside it says `{name_of(spec)}`"
            faults.append(StudyError(what, fix="give both the same name", code="RS1250"))
        found[name_of(spec)] = spec
    return found


def _unknown_agreements(
    sources: Mapping[str, Source], agreements: Mapping[str, SharingAgreement]
) -> list[StudyError]:
    return [
        StudyError(
            f"{name}.yaml: agreement: there is no agreement `{source.agreement}`"
            f"{nearest(source.agreement, list(agreements), 'agreements')}",
            code="RS1252",
        )
        for name, source in sources.items()
        if source.agreement not in agreements
    ]


def read_codelist(path: Path) -> Codelist:
    """Read a codelist: a CSV file with the header ``code,label`` or ``code,label,group``.

    Raises:
        StudyError: RS1251, with the line.
    """
    if not _NAME.fullmatch(path.stem):
        raise _faulty(path, 0, "a codelist's file name has small letters, digits and underscores")
    try:
        raw = path.read_bytes()
        if len(raw) > MAX_BYTES:
            raise _faulty(path, 0, f"larger than {MAX_BYTES:,} bytes")
        lines = raw.decode("utf-8-sig").splitlines(keepends=True)
    except UnicodeDecodeError:
        raise _faulty(path, 0, "not UTF-8") from None
    except OSError as error:
        raise _faulty(path, 0, f"cannot be read ({error.strerror})") from None
    labels: dict[str, str] = {}
    groups: dict[str, str] = {}
    reader = csv.reader(lines, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        if header not in HEADERS:
            raise _faulty(path, 1, "the first line must be `code,label` or `code,label,group`")
        for row in reader:
            if any(cell.strip() for cell in row):
                _add_row(path, reader.line_num, [c.strip() for c in row], header, labels, groups)
    except csv.Error as error:
        raise _faulty(path, reader.line_num, f"not valid CSV ({error})") from None
    if not labels:
        raise _faulty(path, 1, "holds no codes")
    return Codelist(path.stem, MappingProxyType(labels), MappingProxyType(groups))


def _add_row(
    path: Path,
    line: int,
    row: list[str],
    header: list[str],
    labels: dict[str, str],
    groups: dict[str, str],
) -> None:
    if len(row) != len(header):
        raise _faulty(path, line, f"{len(row)} columns, the first line has {len(header)}")
    code, label, *group = row
    if not code:
        raise _faulty(path, line, "the code is empty")
    if code in labels:
        raise _faulty(path, line, f"code `{code}` appears twice")
    if not code.isprintable():
        raise _faulty(path, line, "the code holds a control character")
    labels[code] = label or code
    groups[code] = group[0] if group else ""


def _faulty(path: Path, line: int, what: str) -> StudyError:
    place = f"{path.name}:{line}" if line else path.name
    return StudyError(f"{place}: {what}", fix="correct the codelist", code="RS1251")
