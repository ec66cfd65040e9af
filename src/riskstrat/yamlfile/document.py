"""Config files in YAML: read safely, overridden from the command line, refused with a place.

Only the plain part of YAML is accepted: no tags, no anchors, no repeated keys, UTF-8. Values
follow YAML 1.2, so ``no`` and ``06`` stay the texts they look like, and the keys of a mapping are
always texts. Every fault names the file, the line, the key, what was found and what would do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from riskstrat.errors import StudyError
from riskstrat.spec import Spec
from riskstrat.yamlfile.faults import KeyPath, explain

MAX_BYTES = 1_000_000
MAX_NESTING = 30

S = TypeVar("S", bound=Spec)

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,18})")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Document:
    """A config file as plain values, and the place of each of them."""

    path: Path
    data: Any
    lines: Mapping[KeyPath, int]
    overridden: Mapping[KeyPath, str]
    """key path -> the ``--set`` that gave it"""

    def place(self, keys: KeyPath) -> str:
        """Where a key stands: ``emergency.yaml:31: features.blocks.0``."""
        dotted = ".".join(map(str, keys))
        if keys not in self.lines:
            for given, override in self.overridden.items():
                if given[: len(keys)] == keys:
                    return f"--set {override}: {dotted}"
        for length in range(len(keys), -1, -1):
            if keys[:length] in self.overridden:
                return f"--set {self.overridden[keys[:length]]}: {dotted}"
            if (line := self.lines.get(keys[:length])) is not None:
                return f"{self.path.name}:{line}{f': {dotted}' if dotted else ''}"
        return f"{self.path.name}{f': {dotted}' if dotted else ''}"

    def validate(self, model: type[S]) -> S:
        """Build the spec.

        Raises:
            StudyError: RS1203, with every fault of the file.
        """
        try:
            return model.model_validate(self.data)
        except ValidationError as error:
            faults = explain(error, model, self.data)
            raise faults_in(
                self.path, [f"{self.place(keys)}: {what}" for keys, what in faults]
            ) from None
        except RecursionError:
            raise _unreadable(self.path, "nested too deeply") from None


def read_spec(path: Path, model: type[S], overrides: Sequence[str] = ()) -> tuple[S, str]:
    """Read one config file.

    Args:
        path: a YAML file.
        model: the spec it must satisfy.
        overrides: ``path.to.key=value`` texts, applied in order.

    Returns:
        The spec, and its effective text: YAML with every default and override written out.

    Raises:
        StudyError: RS1201 not found, RS1202 not plain YAML, RS1203 faults, RS1204 override.
    """
    spec = read_document(path, overrides).validate(model)
    return spec, effective_text(spec)


def read_document(path: Path, overrides: Sequence[str] = ()) -> Document:
    """Read a YAML file into plain values and apply the overrides, without checking a model."""
    data, lines = _load(_text(path), path, path.name)
    if not isinstance(data, dict):
        raise _unreadable(path, "the file does not hold keys and values")
    overridden: dict[KeyPath, str] = {}
    for override in overrides:
        keys = _override(data, override, path)
        overridden[keys] = override
    return Document(path, data, MappingProxyType(lines), MappingProxyType(overridden))


def effective_text(spec: Spec) -> str:
    """YAML of a spec with every default written out; sets are sorted, other orders kept."""
    plain = _plain(spec.model_dump(mode="python", by_alias=True))
    text: str = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=100)
    return text


def faults_in(path: Path, faults: Sequence[str], code: str = "RS1203") -> StudyError:
    """One error for every fault of a file."""
    if len(faults) == 1:
        return StudyError(faults[0], code=code)
    listed = "\n  ".join(faults)
    return StudyError(f"{path.name} has {len(faults)} faults:\n  {listed}", code=code)


def nearest(name: str, known: Sequence[str], noun: str) -> str:
    """``; did you mean `x`?``, or the list of what there is."""
    if close := get_close_matches(name, known, n=1, cutoff=0.6):
        return f"; did you mean `{close[0]}`?"
    return f"; {noun}: {', '.join(sorted(known)[:20])}" if known else f"; there are no {noun}"


def _plain(value: Any) -> Any:
    match value:
        case Enum():
            return value.value
        case BaseModel():
            return _plain(value.model_dump(mode="python", by_alias=True))
        case dict():
            return {_plain(key): _plain(item) for key, item in value.items()}
        case set() | frozenset():
            return sorted(_plain(item) for item in value)
        case list() | tuple():
            return [_plain(item) for item in value]
        case _:
            return value


def _unreadable(path: Path, what: str, line: int | None = None, fix: str = "") -> StudyError:
    place = f"{path.name}:{line}" if line else path.name
    return StudyError(f"{place}: {what}", code="RS1202", fix=fix)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as handle:
            raw = handle.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise _missing(path) from None
    except OSError as error:
        what = f"{path}: cannot be read ({error.strerror or type(error).__name__})"
        raise StudyError(what, code="RS1201", fix="give the path of a readable YAML file") from None
    except ValueError:
        raise StudyError("the path of the config file holds a NUL", code="RS1201") from None
    if len(raw) > MAX_BYTES:
        raise _unreadable(path, f"larger than {MAX_BYTES:,} bytes; this is not a config file")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise _unreadable(path, "not UTF-8", line, "save the file with encoding UTF-8") from None


def _missing(path: Path) -> StudyError:
    folder = path.parent
    there = (
        sorted(p.name for p in folder.iterdir() if p.suffix in (".yaml", ".yml"))
        if (folder.is_dir())
        else []
    )
    if close := get_close_matches(path.name, there, n=3, cutoff=0.5):
        fix = f"did you mean {' or '.join(close)}?"
    elif there:
        fix = f"in that folder: {', '.join(there[:10])}"
    else:
        fix = "check the path" if folder.is_dir() else f"there is no folder {folder}"
    return StudyError(f"{path}: there is no such file", code="RS1201", fix=fix)


# -- YAML to plain values ------------------------------------------------------------------------


class _PlainLoader(yaml.SafeLoader):
    """Composes nodes, and refuses the parts of YAML that can hide something."""

    nesting = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise _RefusedError("anchors and aliases (`&`, `*`) are refused; quote the text", line)
        if getattr(event, "tag", None) is not None:
            raise _RefusedError("tags (`!`) are refused; quote the text", line)
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            raise _RefusedError(f"nested more than {MAX_NESTING} deep", line)
        node: yaml.Node | None = super().compose_node(parent, index)
        self.nesting -= 1
        return node


class _RefusedError(Exception):
    """A part of YAML that is not accepted, with its line."""

    def __init__(self, what: str, line: int) -> None:
        super().__init__(what)
        self.what, self.line = what, line


def _load(text: str, path: Path, shown: str) -> tuple[Any, dict[KeyPath, int]]:
    lines: dict[KeyPath, int] = {}
    place = Path(shown)
    try:
        loader = _PlainLoader(text)
        node = loader.get_single_node()
        return (_value(node, (), lines) if node else None), lines
    except _RefusedError as refused:
        raise _unreadable(place, refused.what, refused.line) from None
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise _unreadable(place, "holds a character that YAML does not allow", line) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = f"not valid YAML: {error.problem or error.context or 'unreadable'}"
        fix = "check the indentation, the colons and the quotes on this line and the one before"
        raise _unreadable(place, what, mark.line + 1 if mark else None, fix) from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise _unreadable(place, "not valid YAML") from None


def _value(node: yaml.Node, keys: KeyPath, lines: dict[KeyPath, int]) -> Any:
    lines.setdefault(keys, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, keys, lines)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*keys, i), lines) for i, item in enumerate(node.value)]
    return _scalar(node)


def _mapping(node: yaml.MappingNode, keys: KeyPath, lines: dict[KeyPath, int]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise _RefusedError("a key must be a plain text", line)
        key = key_node.value
        if key in values:
            first = lines[(*keys, key)]
            raise _RefusedError(f"`{key}` appears twice, first on line {first}", line)
        lines[(*keys, key)] = line
        values[key] = _value(value_node, (*keys, key), lines)
    return values


def _scalar(node: yaml.Node) -> Any:
    text = str(node.value)
    if getattr(node, "style", None):
        return text
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return text.lower() == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


# -- overrides -----------------------------------------------------------------------------------


def _override(data: dict[str, Any], override: str, path: Path) -> KeyPath:
    """Write one ``path.to.key=value`` into the data; give back its key path."""
    name, equals, text = override.partition("=")
    parts = name.strip().split(".")
    if not equals or not all(parts):
        raise _refused_override(override, "an override looks like `training.tune.trials=40`")
    value, _ = _load(text, path, f"--set {name.strip()}")
    keys: list[str | int] = []
    here: Any = data
    for part in parts[:-1]:
        key = _step(here, part, keys, override)
        if isinstance(here, dict) and here.get(part) is None:
            here[part] = {}
        keys.append(key)
        here = here[key]
    keys.append(last := _step(here, parts[-1], keys, override))
    here[last] = value
    return tuple(keys)


def _step(here: Any, part: str, keys: Sequence[str | int], override: str) -> str | int:
    parent = ".".join(map(str, keys))
    if isinstance(here, dict):
        return part
    if not isinstance(here, list):
        what = f"`{parent}` holds a single value, so there is no `{part}` in it"
        raise _refused_override(override, what)
    if not part.isascii() or not part.isdigit() or int(part[:6]) >= len(here):
        what = f"`{parent}` is a list of {len(here)}; give a place from 0 to {len(here) - 1}"
        raise _refused_override(override, what)
    return int(part)


def _refused_override(override: str, what: str) -> StudyError:
    return StudyError(f"--set {override}: {what}", code="RS1204")
