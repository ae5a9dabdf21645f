"""What the commands that confine something have in common: the limits, and which sandbox."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from greenloop.commands.sandbox import Confined

BACKENDS = ("auto", "namespaces", "uid", "container", "weak")


def add_choice(made: argparse.ArgumentParser) -> None:
    """`--sandbox`, of every command that runs something confined."""
    made.add_argument(
        "--sandbox",
        choices=BACKENDS,
        default="auto",
        help="demand a backend; `weak` permits, where nothing strong is there, a confinement that does not hold all: "
        "on your own machine, never in a job, for code that you would run by hand",
    )


def add_limits(made: argparse.ArgumentParser, *, seconds: str) -> None:
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
    add_choice(made)
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


def confined(options: argparse.Namespace) -> Confined:
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
