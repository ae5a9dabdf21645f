"""`greenloop sandbox repl`: cells of Python that keep their state."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from greenloop.confined.options import add_limits, confined
from greenloop.confined.telling import remarks, show, stoppable, weakly

if TYPE_CHECKING:
    from greenloop.ports import Cell
    from greenloop.stopping import Stop

_REPL = """\
Read cells of Python from standard input and run them one after another in one confined Python that keeps its state.

A line `# %%` begins the next cell. Without any such line each statement at the margin is a cell, as at Python's prompt.
Printed are a cell's output, then the value of its last expression; a traceback goes to standard error. An exception
ends its cell, a limit ends the Python: the next cell then starts in a new one, without the state.

  printf 'x = 6\\nx * 7\\n' | greenloop sandbox repl
"""
_REPL_CODES = """\
exit codes:
    0  no cell failed                    1  a cell raised, or ended its Python
  119 to 124, 130  the limit that ended the last cell that a limit ended, as in `greenloop sandbox run`
    2  the options do not fit            9  nothing strong enough to confine it is available
"""


def add(ways: Any) -> None:  # noqa: ANN401 - argparse's own type is private
    repl = ways.add_parser(
        "repl",
        help="cells of Python that keep their state",
        description=_REPL,
        epilog=_REPL_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_limits(repl, seconds="seconds until a cell is ended; default: 600")
    repl.set_defaults(command=_repl)


def _repl(options: argparse.Namespace) -> int:
    from greenloop.commands import sandbox as command  # noqa: PLC0415 - as above
    from greenloop.sandbox import open_local  # noqa: PLC0415 - as above
    from greenloop.stopping import Stopped  # noqa: PLC0415 - as above

    code, box = 0, open_local(options.sandbox, os.environ)
    stop = stoppable(box)
    with contextlib.suppress(Stopped), command.repl(confined(options), box) as python:
        if options.sandbox == "weak":
            weakly(box.level)
        cells = command.cells(sys.stdin)
        while (source := _next(cells, stop)) is not None:
            if not python.alive:
                python.restart()
            cell = python.run(source)
            _tell(cell, as_json=options.json)
            if cell.killed_by in command.ENDED:
                code = command.ENDED[cell.killed_by]
            elif cell.error or cell.killed_by:
                code = code or 1
        return code
    return command.ENDED["stopped"]


def _next(cells: Iterator[str], stop: Stop) -> str | None:
    with stop.waiting():
        return next(cells, None)


def _tell(cell: Cell, *, as_json: bool) -> None:
    if as_json:
        said = {name: getattr(cell, name) for name in ("output", "truncated", "result", "error", "peak_memory")}
        print(json.dumps(said | {"seconds": round(cell.seconds, 4), "killed_by": cell.killed_by}), flush=True)
        return
    show(cell.output + (f"{cell.result}\n" if cell.result is not None else ""), sys.stdout)
    show(cell.error or "", sys.stderr)
    for word in remarks(cell.killed_by, truncated=cell.truncated):
        lost = "; its state is lost, the next cell starts anew" if cell.killed_by else ""
        print(f"greenloop: {word}{lost}", file=sys.stderr, flush=True)
