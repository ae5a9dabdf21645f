"""The conversation in a terminal: progress on stderr, the proposal as Markdown in a file."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Self, TextIO

from greenloop.domain import Request, Usage
from greenloop.ports import Progress
from greenloop.render import money
from greenloop.secrets import scrub

if TYPE_CHECKING:
    from rich.status import Status

_EVERY = 10.0  # seconds between two plain lines while an answer streams
WORDS = {
    "environment": "preparing the environment of the tests",
    "baseline": "running the checks on the base",
    "index": "indexing the repository",
    "model": "asking the model",
    "reply": "the model answers",
    "lookup": "looking for the model",
    "same": "another candidate is the very same change",
    "unusable": "the answer could not be used",
    "checks": "running the checks",
    "judged": "judged",
    "done": "done",
}


def printable(text: str) -> str:
    """Hostile text for a terminal: no escape sequence, no control character, and no workflow command on a runner."""
    return "".join(c if c.isprintable() else " " for c in scrub(text)).replace("::", ":\u200b:").strip()


class Terminal:
    """Progress as a live line on a terminal, as plain lines anywhere else. Use as a context manager."""

    def __init__(self, attempts: int, stream: TextIO | None = None, clock: Callable[[], float] = monotonic) -> None:
        self._attempts = attempts
        self._stream = stream if stream is not None else sys.stderr
        self._clock = clock
        self._told = clock()
        self._streamed = 0
        self._status: Status | None = None

    def __enter__(self) -> Self:
        if self._stream.isatty():
            from rich.console import Console

            self._status = Console(file=self._stream, highlight=False, markup=False).status("starting")
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status is not None:
            self._status.stop()

    def __call__(self, event: Progress) -> None:
        if event.phase == "reply":
            self._answering(event)
            return
        self._streamed = 0
        line = self._line(event, printable(event.detail))
        if self._status is None:
            print(line, file=self._stream, flush=True)
            self._told = self._clock()
        elif event.phase in {"judged", "unusable"}:
            self._status.console.print(line)
        else:
            self._status.update(line)

    def _answering(self, event: Progress) -> None:
        self._streamed += len(event.detail)
        line = self._line(event, f"{self._streamed} characters so far")
        if self._status is not None:
            self._status.update(line)
        elif self._clock() - self._told >= _EVERY:
            self._told = self._clock()
            print(line, file=self._stream, flush=True)

    def _line(self, event: Progress, detail: str) -> str:
        where = f"attempt {event.attempt}/{self._attempts}: " if event.attempt else ""
        words = WORDS.get(event.phase, event.phase)
        return f"greenloop: {where}{words}{': ' if detail else ''}{detail}{_spent(event.usage)}"


def _spent(used: Usage) -> str:
    return f" [{used.input} tokens in, {used.output} out, {money(used)}]" if used.calls else ""


class Files:
    """The `Forge` of a terminal: a proposal is a Markdown file in the run's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def propose(self, request: Request, *, branch: str, title: str, body: str, draft: bool) -> str:
        del request, branch
        path = self._folder / "pull-request.md"
        path.write_text(f"# {'Draft: ' if draft else ''}{title}\n\n{body}", "utf-8")
        return str(path)


class Nowhere:
    """The `Forge` of a replay: nothing is offered to anybody."""

    def propose(self, request: Request, *, branch: str, title: str, body: str, draft: bool) -> str:
        del request, branch, title, body, draft
        return ""
