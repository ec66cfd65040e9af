"""What a validation error means, in the words of someone who edits config files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from enum import Enum
from types import MappingProxyType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from riskstrat.spec import Spec

KeyPath = tuple[str | int, ...]
SHOWN_CHARACTERS = 60


def explain(error: ValidationError, model: type[Spec], data: Any) -> list[tuple[KeyPath, str]]:
    """Every fault as (key path in the file, what is wrong and what would do).

    The members of a union that were clearly not meant are left out: for a mapping, those that
    share fewer keys with it than another member.
    """
    found: dict[KeyPath, list[str]] = {}
    located: list[tuple[ErrorDetails, KeyPath, tuple[type[Spec], ...]]] = []
    for detail in error.errors(include_url=False):
        if place := _locate(tuple(detail["loc"]), model, data, detail["type"]):
            located.append((detail, *place))
    for detail, keys, owner in located:
        below = any(other[: len(keys)] == keys != other for _, other, _ in located)
        if below and _is_echo(detail):
            continue
        what = _sentence(detail, keys, owner)
        if what not in (told := found.setdefault(keys, [])):
            told.append(what)
    faults = [(keys, "; or ".join(told)) for keys, told in found.items()]
    return faults or [((), "the values do not fit together")]


def _is_echo(detail: ErrorDetails) -> bool:
    """Whether a fault only repeats the faults of its parts.

    A list that lost its faulty items is not too short as well; where keys and values were meant,
    it does not matter that another form would have been a text.
    """
    if detail["type"] == "too_short":
        return bool(detail["input"])
    return detail["type"].endswith("_type") and isinstance(detail["input"], dict | list)


# -- where ---------------------------------------------------------------------------------------


def _locate(
    loc: tuple[str | int, ...], model: type[Spec], data: Any, kind: str
) -> tuple[KeyPath, tuple[type[Spec], ...]] | None:
    """The key path a fault is about and the specs whose keys count there.

    pydantic mixes names of union members and validators into its locations; an element that
    is neither a key of the data nor the key that is missing is such a name. ``None`` when the
    fault belongs to a member of a union that was not meant.
    """
    keys: list[str | int] = []
    here, kinds = data, (model,)  # type: tuple[Any, tuple[Any, ...]]
    for i, part in enumerate(loc):
        last = i == len(loc) - 1
        meant = _meant(kinds, here)
        names = {kind.__name__: kind for kind in kinds if _is_spec(kind)}
        if (
            isinstance(part, str)
            and part in names
            and not (isinstance(here, dict) and part in here)
        ):
            if names[part] not in meant:
                return None
            kinds = (names[part],)
        elif _holds(here, part):
            kinds = tuple(inner for kind in meant for inner in _inside(kind, part))
            here = here[part]
            keys.append(part)
        elif last and kind == "missing":
            keys.append(part)
            return tuple(keys), tuple(kind for kind in meant if _is_spec(kind))
    if kind == "extra_forbidden":
        parent = _kinds_at(model, data, keys[:-1])
        return tuple(keys), tuple(kind for kind in parent if _is_spec(kind))
    return tuple(keys), tuple(kind for kind in kinds if _is_spec(kind))


def _kinds_at(model: type[Spec], data: Any, keys: list[str | int]) -> tuple[Any, ...]:
    here, kinds = data, (model,)  # type: tuple[Any, tuple[Any, ...]]
    for key in keys:
        kinds = tuple(inner for kind in _meant(kinds, here) for inner in _inside(kind, key))
        here = here[key]
    return _meant(kinds, here)


def _holds(here: Any, part: str | int) -> bool:
    if isinstance(here, dict):
        return part in here
    return isinstance(here, list) and isinstance(part, int) and part < len(here)


def _is_spec(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Spec)


def _meant(kinds: tuple[Any, ...], here: Any) -> tuple[Any, ...]:
    """Of several specs, those that share most keys with the data."""
    specs = [kind for kind in kinds if _is_spec(kind)]
    if len(specs) < 2 or not isinstance(here, dict):
        return kinds
    shared = {spec: len(_keys(spec).keys() & here.keys()) for spec in specs}
    tagged = [spec for spec in specs if _tag_fits(spec, here)]
    best = max(shared[spec] for spec in tagged or specs)
    return tuple(spec for spec in tagged or specs if shared[spec] == best)


def _tag_fits(spec: type[Spec], here: Mapping[Any, Any]) -> bool:
    """Whether a one-word literal field (a discriminator) says that this spec is meant."""
    for name, field in spec.model_fields.items():
        if get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1:
            return bool(here.get(name) == get_args(field.annotation)[0])
    return False


def _keys(spec: type[Spec]) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in spec.model_fields.items()}


def _inside(kind: Any, part: str | int) -> Iterator[Any]:
    """The types that the value at ``part`` of a ``kind`` may have."""
    if _is_spec(kind):
        fields = {**{n: f.annotation for n, f in kind.model_fields.items()}, **_keys(kind)}
        yield from _members(fields.get(str(part)))
        return
    arguments = get_args(kind)
    if get_origin(kind) is dict and len(arguments) == 2:
        yield from _members(arguments[1])
    elif get_origin(kind) in (tuple, list, frozenset, set) and arguments:
        yield from _members(arguments[0])


def _members(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Annotated:
        yield from _members(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, UnionType):
        for member in get_args(annotation):
            yield from _members(member)
    elif annotation is not None:
        yield annotation


# -- what ----------------------------------------------------------------------------------------


def shown(value: Any) -> str:
    """A value of a config file, cut to one readable line."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "`true`" if value else "`false`"
        case dict():
            return "keys and values"
        case list() | tuple():
            return f"a list of {len(value)}"
        case Enum():
            value = value.value
    text = " ".join(str(value).split())
    text = "".join(c if c.isprintable() else "?" for c in text)
    return f"`{text[:SHOWN_CHARACTERS]}{'...' if len(text) > SHOWN_CHARACTERS else ''}`"


def _missing(detail: ErrorDetails, keys: KeyPath, owner: tuple[type[Spec], ...]) -> str:
    for spec in owner:
        for name, field in spec.model_fields.items():
            if keys[-1] in (name, field.alias) and field.description:
                return f"is missing ({' '.join(field.description.split())}); add it"
    return "is missing; add it"


def _unknown_key(detail: ErrorDetails, keys: KeyPath, owner: tuple[type[Spec], ...]) -> str:
    known = sorted({key for spec in owner for key in _keys(spec)})
    if close := get_close_matches(str(keys[-1]), known, n=1, cutoff=0.6):
        return f"unknown key; did you mean `{close[0]}`?"
    return f"unknown key; keys here: {', '.join(known)}"


def _choice(detail: ErrorDetails, keys: KeyPath, owner: tuple[type[Spec], ...]) -> str:
    expected = str(detail.get("ctx", {}).get("expected", detail.get("ctx", {})))
    options = [part.strip("'") for part in expected.replace(" or ", ", ").split(", ")]
    value = detail["input"]
    what = f"{shown(value)} is not one of {', '.join(options)}"
    close = get_close_matches(str(value), options, n=1, cutoff=0.6)
    return f"{what}; did you mean `{close[0]}`?" if close else what


def _tag(detail: ErrorDetails, keys: KeyPath, owner: tuple[type[Spec], ...]) -> str:
    context = detail.get("ctx", {})
    key = str(context.get("discriminator", "")).strip("'")
    expected = str(context.get("expected_tags", "")).replace("'", "")
    if "tag" not in context:
        options = sorted(
            str(get_args(spec.model_fields[key].annotation)[0])
            for spec in owner
            if key in spec.model_fields
        )
        return f"`{key}` is missing; one of {', '.join(options)}"
    close = get_close_matches(str(context["tag"]), expected.split(", "), n=1, cutoff=0.6)
    hint = f"; did you mean `{close[0]}`?" if close else ""
    return f"`{key}: {context['tag']}` is not one of {expected}{hint}"


def _own_words(detail: ErrorDetails, keys: KeyPath, owner: tuple[type[Spec], ...]) -> str:
    return str(detail.get("ctx", {}).get("error") or detail["msg"].removeprefix("Value error, "))


def _says(wanted: str) -> Callable[[ErrorDetails, KeyPath, tuple[type[Spec], ...]], str]:
    return lambda detail, keys, owner: f"found {shown(detail['input'])}; {wanted}"


_NAME = "a name has small letters, digits and underscores and begins with a letter"
_DATE = "a date looks like 2024-04-01"
_LIST = "a list is needed, such as [a, b]"
_KEYS = "keys and values are needed here"
_TEXT = "a text is needed; put it in quotes"
_NUMBER = "a number is needed"
_WHOLE = "a whole number is needed"

_SENTENCES: Mapping[str, Callable[[ErrorDetails, KeyPath, tuple[type[Spec], ...]], str]] = (
    MappingProxyType(
        {
            "missing": _missing,
            "extra_forbidden": _unknown_key,
            "literal_error": _choice,
            "enum": _choice,
            "union_tag_not_found": _tag,
            "union_tag_invalid": _tag,
            "value_error": _own_words,
            "assertion_error": _own_words,
            "string_pattern_mismatch": _says(_NAME),
            "string_type": _says(_TEXT),
            "int_type": _says(_WHOLE),
            "int_parsing": _says(_WHOLE),
            "int_from_float": _says(_WHOLE),
            "float_type": _says(_NUMBER),
            "float_parsing": _says(_NUMBER),
            "bool_type": _says("true or false is needed"),
            "bool_parsing": _says("true or false is needed"),
            "dict_type": _says(_KEYS),
            "model_type": _says(_KEYS),
            "model_attributes_type": _says(_KEYS),
            "dataclass_type": _says("a length of time looks like `365 days` or `1 year`"),
            "tuple_type": _says(_LIST),
            "list_type": _says(_LIST),
            "frozen_set_type": _says(_LIST),
            "set_type": _says(_LIST),
            **{
                f"date_{end}": _says(_DATE)
                for end in ("type", "parsing", "from_datetime_parsing", "from_datetime_inexact")
            },
        }
    )
)


def _sentence(detail: ErrorDetails, keys: KeyPath, owner: tuple[type[Spec], ...]) -> str:
    if told := _SENTENCES.get(detail["type"]):
        return told(detail, keys, owner)
    limit = detail["msg"].replace("Input should be", "it should be")
    return f"found {shown(detail['input'])}; {limit[0].lower()}{limit[1:]}"
