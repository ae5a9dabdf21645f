"""The doors `greenloop sandbox` and `greenloop doctor`: words in, something confined is run, exit code out."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from greenloop.commands.sandbox import Confined
    from greenloop.ports import Cell, Sandbox
    from greenloop.stopping import Stop

WORDS = "run a command, or cells of Python, confined as generated code is"
BACKENDS = ("auto", "namespaces", "uid", "container")
_RUN = """\
Run COMMAND on a copy of a folder, confined as the checks are: no network, no secret, nothing of the machine but the
system's programs and this Python, a clean environment, standard input empty. The copy (without .git) is thrown away.

  greenloop sandbox run -- python -m pytest -q
  greenloop sandbox run --timeout 5 --memory 256 --json -- python script.py
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


def add(made: argparse.ArgumentParser) -> None:
    """The two commands below `greenloop sandbox`."""
    ways = made.add_subparsers(title="commands", metavar="COMMAND", required=True)
    form = argparse.RawDescriptionHelpFormatter
    run = ways.add_parser(
        "run", help="one command on a copy of a folder", description=_RUN, epilog=_CODES, formatter_class=form
    )
    _add_limits(run, seconds="seconds until it is ended; default: 600")
    run.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="the command and its arguments")
    run.set_defaults(command=_run)
    repl = ways.add_parser(
        "repl",
        help="cells of Python that keep their state",
        description=_REPL,
        epilog=_REPL_CODES,
        formatter_class=form,
    )
    _add_limits(repl, seconds="seconds until a cell is ended; default: 600")
    repl.set_defaults(command=_repl)


DOCTOR_WORDS = "try out how strongly generated code is confined here, and say what makes it stronger"


def add_doctor(made: argparse.ArgumentParser) -> None:
    """`greenloop doctor`."""
    made.epilog = (
        "exit codes:\n    0  confined, and all of it held\n    9  nothing is strong enough, or something did not hold"
    )
    made.add_argument("--json", action="store_true", help="print what was found as JSON on standard output")
    made.set_defaults(command=_doctor)


def _doctor(options: argparse.Namespace) -> int:
    from greenloop.commands import doctor  # noqa: PLC0415 - `--help` does not need it
    from greenloop.errors import NoSandbox  # noqa: PLC0415 - likewise
    from greenloop.sandbox.remembered import cache_folder  # noqa: PLC0415 - likewise

    found = doctor.diagnose(cache_folder(os.environ), lambda words: print(f"greenloop: {words}", file=sys.stderr))
    text = json.dumps(found.as_dict(), indent=2) if options.json else "\n".join(doctor.shown(found))
    print(text)
    return 0 if found.healthy else NoSandbox.exit_code


def _add_limits(made: argparse.ArgumentParser, *, seconds: str) -> None:
    made.add_argument(
        "--workspace", type=Path, default=Path(), metavar="DIR", help="the folder that is copied; default: here"
    )
    made.add_argument("--timeout", type=_seconds, metavar="S", help=seconds)
    for flag, name, unit, words in (
        ("--memory", "memory", "MB", "memory, summed over all processes; default: 4096"),
        ("--disk", "disk", "MB", "what may be written beside the copy; default: 2048"),
        ("--processes", "processes", "N", "processes and threads; default: 256"),
        ("--output", "output", "KB", "how much of stdout and of stderr is kept; default: 1024"),
        ("--files", "files", "N", "files that may be made beside the copy; default: 100000"),
    ):
        made.add_argument(flag, dest=f"limit_{name}", type=_count, metavar=unit, help=words)
    made.add_argument(
        "--network",
        choices=("none", "loopback"),
        default="none",
        help="loopback needs a network namespace; default: none",
    )
    made.add_argument(
        "--readable", action="append", default=[], type=Path, metavar="PATH", help="may be read as well; repeatable"
    )
    made.add_argument(
        "--device", action="append", default=[], type=Path, metavar="NODE", help="such as /dev/nvidia0; repeatable"
    )
    made.add_argument("--sandbox", choices=BACKENDS, default="auto", help="demand a backend")
    made.add_argument("--json", action="store_true", help="print what came of it as JSON on standard output")


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 86_400:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0, a day at most")
    return value


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:9]) <= 1 << 24:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0, {1 << 24} at most")
    return int(text)


def _confined(options: argparse.Namespace) -> Confined:
    from greenloop.commands.sandbox import Confined  # noqa: PLC0415 - `--help` does not need it
    from greenloop.ports import Policy  # noqa: PLC0415 - likewise

    given: dict[str, Any] = {
        name.removeprefix("limit_"): value
        for name, value in vars(options).items()
        if name.startswith("limit_") and value is not None
    }
    if options.timeout is not None:
        given["seconds"] = options.timeout
    given["readable"] = tuple(path.absolute() for path in options.readable)
    given["devices"] = tuple(path.absolute() for path in options.device)
    return Confined(workspace=options.workspace, policy=Policy(network=options.network, **given))


def _run(options: argparse.Namespace) -> int:
    from greenloop.commands import sandbox as command  # noqa: PLC0415 - as above
    from greenloop.sandbox import open_sandbox  # noqa: PLC0415 - as above
    from greenloop.sandbox.remembered import cache_folder  # noqa: PLC0415 - as above

    argv = tuple(options.argv[1:] if options.argv[:1] == ["--"] else options.argv)
    box = open_sandbox(options.sandbox, cache=cache_folder(os.environ))
    _stoppable(box)
    completed = command.run(argv, _confined(options), box)
    code = command.exit_code(completed)
    if options.json:
        said = {
            "exit_code": completed.exit_code,
            "killed_by": completed.killed_by,
            "stdout": completed.stdout,
            "stderr": completed.stderr,
            "truncated": completed.truncated,
            "seconds": round(completed.seconds, 3),
            "peak_memory": completed.peak_memory,
            "sandbox": box.level,
        }
        print(json.dumps(said, indent=2))
        return code
    _show(completed.stdout, sys.stdout)
    _show(completed.stderr, sys.stderr)
    for word in _remarks(completed.killed_by, truncated=completed.truncated):
        print(f"greenloop: {word}", file=sys.stderr)
    return code


def _stoppable(box: Sandbox) -> Stop:
    """Ctrl-C and SIGTERM end what runs, and nothing is left behind."""
    from greenloop.stopping import Stop  # noqa: PLC0415 - as above

    stop = Stop()
    stop.ends(box.stop)
    stop.install()
    return stop


def _remarks(killed_by: str | None, *, truncated: bool) -> Iterator[str]:
    if truncated:
        yield "some of the output was dropped (--output)"
    if killed_by in {"exit", "forged"}:
        yield {"exit": "the cell ended its Python", "forged": "the cell wrote where only answers belong"}[killed_by]
    elif killed_by is not None:
        yield "stopped" if killed_by == "stopped" else f"ended by the limit on {killed_by}"


def _show(text: str, stream: TextIO) -> None:
    """Hostile text: as it is into a file or a pipe; harmless on a terminal and in the log of a runner."""
    from greenloop.forge.terminal import printable  # noqa: PLC0415 - as above

    if stream.isatty() or os.environ.get("GITHUB_ACTIONS"):
        text = "".join(f"{printable(line.expandtabs())}\n" for line in text.splitlines())
    stream.flush()
    stream.buffer.write(text.encode("utf-8", "replace"))
    stream.flush()


def _repl(options: argparse.Namespace) -> int:
    from greenloop.commands import sandbox as command  # noqa: PLC0415 - as above
    from greenloop.sandbox import open_sandbox  # noqa: PLC0415 - as above
    from greenloop.sandbox.remembered import cache_folder  # noqa: PLC0415 - as above
    from greenloop.stopping import Stopped  # noqa: PLC0415 - as above

    code, box = 0, open_sandbox(options.sandbox, cache=cache_folder(os.environ))
    stop = _stoppable(box)
    with contextlib.suppress(Stopped), command.repl(_confined(options), box) as python:
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
    _show(cell.output + (f"{cell.result}\n" if cell.result is not None else ""), sys.stdout)
    _show(cell.error or "", sys.stderr)
    for word in _remarks(cell.killed_by, truncated=cell.truncated):
        lost = "; its state is lost, the next cell starts anew" if cell.killed_by else ""
        print(f"greenloop: {word}{lost}", file=sys.stderr, flush=True)
