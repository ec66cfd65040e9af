"""The command line: it reads arguments, calls, and draws."""

from riskstrat.cli.app import main

__all__ = ["main"]
