"""The doors `greenloop sandbox` and `greenloop doctor`: words in, something confined is run, exit code out.

`options` are the limits and the choice of a sandbox; `command`, `cells` and `doctor` are the three commands.
"""

from __future__ import annotations

import argparse

from greenloop.confined import cells, command

WORDS = "run a command, or cells of Python, confined as generated code is"


def add(made: argparse.ArgumentParser) -> None:
    """The two commands below `greenloop sandbox`."""
    ways = made.add_subparsers(title="commands", metavar="COMMAND", required=True)
    command.add(ways)
    cells.add(ways)
