"""``python -m riskstrat``: the command line."""

from riskstrat.cli import main

main()
