"""Tests of other rooms, by name."""

from __future__ import annotations

import importlib

LEFT_OUT = frozenset({"slow", "skip", "skipif", "xfail"})


def always_made(name: str) -> bool:
    """Whether ``room.module::test`` is there and in every run of the tests.

    Raises:
        ImportError: there is no such module.
        AttributeError: there is no such test in it.
    """
    place, _, function = name.partition("::")
    module = importlib.import_module(place)
    found = getattr(module, function)
    of_module = getattr(module, "pytestmark", ())
    marks = [*(of_module if isinstance(of_module, list | tuple) else (of_module,))]
    marks += getattr(found, "pytestmark", ())
    return callable(found) and not {mark.name for mark in marks} & LEFT_OUT
