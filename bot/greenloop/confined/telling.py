"""What is told of something confined while it runs and when it has ended."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from greenloop.ports import Sandbox
    from greenloop.stopping import Stop


def stoppable(box: Sandbox) -> Stop:
    """Ctrl-C and SIGTERM end what runs, and nothing is left behind."""
    from greenloop.stopping import Stop  # noqa: PLC0415 - `--help` does not need it

    stop = Stop()
    stop.ends(box.stop)
    stop.install()
    return stop


def weakly(level: str) -> None:
    """Said beside every result of a run that only `--sandbox weak` allowed."""
    if level.startswith("weak:"):
        print(f"greenloop: weakly confined, as --sandbox weak permits ({level})", file=sys.stderr)


def remarks(killed_by: str | None, *, truncated: bool) -> Iterator[str]:
    if truncated:
        yield "some of the output was dropped (--output)"
    if killed_by in {"exit", "forged"}:
        yield {"exit": "the cell ended its Python", "forged": "the cell wrote where only answers belong"}[killed_by]
    elif killed_by is not None:
        yield "stopped" if killed_by == "stopped" else f"ended by the limit on {killed_by}"


def show(text: str, stream: TextIO) -> None:
    """Hostile text: as it is into a file or a pipe; harmless on a terminal and in the log of a runner."""
    from greenloop.forge.terminal import printable  # noqa: PLC0415 - likewise

    if stream.isatty() or os.environ.get("GITHUB_ACTIONS"):
        text = "".join(f"{printable(line.expandtabs())}\n" for line in text.splitlines())
    stream.flush()
    stream.buffer.write(text.encode("utf-8", "replace"))
    stream.flush()
