"""How a command is registered: its help ends with examples, and its errors are help."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import getdoc
from typing import Any

import typer

from riskstrat.cli.console import complain, result, say
from riskstrat.errors import RiskstratError

Registering = Callable[[Callable[..., Any]], Callable[..., Any]]


def command(app: typer.Typer, *examples: str, name: str = "") -> Registering:
    """Register a command with an app or a group of one."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        guarded = guard(function)
        epilog = "[bold]Examples[/]\n\n" + "\n\n".join(f"  {example}" for example in examples)
        app.command(name or function.__name__, help=paragraphs(function), epilog=epilog)(guarded)
        return guarded

    return register


def guard(function: Callable[..., Any]) -> Callable[..., Any]:
    """End with an error's own exit code and its own words; only a bug shows a traceback."""

    @wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except (typer.Exit, typer.Abort):
            raise
        except KeyboardInterrupt:
            say("\nstopped; what was finished is kept, the same command resumes")
            raise typer.Exit(130) from None
        except Exception as fault:
            known = fault if isinstance(fault, RiskstratError) else _as_bug(fault)
            complain(known, as_json=bool(kwargs.get("as_json")))
            raise typer.Exit(known.exit_code) from None

    return guarded


def paragraphs(function: Callable[..., Any]) -> str:
    """The docstring with each paragraph on one line, for the terminal to wrap."""
    return "\n\n".join(" ".join(part.split()) for part in (getdoc(function) or "").split("\n\n"))


def show(value: Any, *, as_json: bool, text: str) -> None:
    """Print a result to stdout: JSON for a program, or text for a person."""
    if as_json:
        import json

        result(json.dumps(value, ensure_ascii=False, default=str))
    elif text:
        result(text)


def _as_bug(fault: Exception) -> RiskstratError:
    from riskstrat.store.worker import translate

    return translate(fault)
