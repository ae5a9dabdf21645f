"""`greenloop sandbox run`: one command on a copy of a folder."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from greenloop.confined.options import add_limits, confined
from greenloop.confined.telling import remarks, show, stoppable, weakly

if TYPE_CHECKING:
    from greenloop.sandbox.taking import Taken

_RUN = """\
Run COMMAND on a copy of a folder, confined as the checks are: no network, no secret, nothing of the machine but the
system's programs and this Python, a clean environment, standard input empty. The copy (without .git) is thrown away;
--out keeps the regular files that the command made or changed in it.

  greenloop sandbox run -- python -m pytest -q
  greenloop sandbox run --timeout 5 --memory 256 --json -- python script.py
  greenloop sandbox run --out results -- python make_report.py
"""
_CODES = """\
exit codes:
  the command's own (127 not found, 126 not executable, 128 + n for signal n), or when a limit ended it:
  119  more than --disk MB were written
  120  a flood of output: 64 times --output (what is beyond --output is dropped until then)
  121  more than --memory MB were used, summed over its processes
  122  more than --processes processes and threads
  123  more than --files files were made
  124  not ended after --timeout seconds
  130  stopped by a signal
    2  the options do not fit            9  nothing strong enough to confine it is available
With --json, `killed_by` tells a limit from a command that ends with the same code.
"""


def add(ways: Any) -> None:  # noqa: ANN401 - argparse's own type is private
    run = ways.add_parser(
        "run",
        help="one command on a copy of a folder",
        description=_RUN,
        epilog=_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_limits(run, seconds="seconds until it is ended; default: 600")
    run.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="a new or empty folder for the regular files that the command made or changed in its copy",
    )
    run.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="the command and its arguments")
    run.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    from greenloop.commands import sandbox as command  # noqa: PLC0415 - as above
    from greenloop.sandbox import open_local  # noqa: PLC0415 - as above

    argv = tuple(options.argv[1:] if options.argv[:1] == ["--"] else options.argv)
    box = open_local(options.sandbox, os.environ)
    stoppable(box)
    ran = command.run(argv, confined(options), box, out=options.out)
    completed = ran.completed
    code = command.exit_code(completed)
    weakly(box.level)
    if options.json:
        said: dict[str, Any] = {
            "exit_code": completed.exit_code,
            "killed_by": completed.killed_by,
            "stdout": completed.stdout,
            "stderr": completed.stderr,
            "truncated": completed.truncated,
            "seconds": round(completed.seconds, 3),
            "peak_memory": completed.peak_memory,
            "sandbox": box.level,
        }
        if options.out is not None:
            said["out"] = None if ran.taken is None else {"files": ran.taken.files, "left": ran.taken.left}
        print(json.dumps(said, indent=2))
        return code
    show(completed.stdout, sys.stdout)
    show(completed.stderr, sys.stderr)
    for word in remarks(completed.killed_by, truncated=completed.truncated):
        print(f"greenloop: {word}", file=sys.stderr)
    if options.out is not None:
        print(f"greenloop: {_came_out(ran.taken, options.out)}", file=sys.stderr)
    return code


def _came_out(taken: Taken | None, out: Path) -> str:
    from greenloop.forge.terminal import printable  # noqa: PLC0415 - as above

    if taken is None:
        return "no file came out: too much was written"
    told = f"{len(taken.files)} file{'' if len(taken.files) == 1 else 's'} in {out}"
    if not taken.left:
        return told
    names = ", ".join(printable(path) for path in taken.left[:3]) + (", …" if len(taken.left) > 3 else "")
    return f"{told}; left out, as no regular files or too big: {names}"
