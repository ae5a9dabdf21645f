"""The conversation in a terminal: progress on stderr, the proposal as Markdown in a file."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Self, TextIO

from greenloop.domain import Request, Usage
from greenloop.hygiene.secrets import scrub
from greenloop.ports import Progress
from greenloop.report.render import money
from greenloop.report.seldom import Seldom

if TYPE_CHECKING:
    from rich.status import Status

_FIRST = 10.0  # seconds until the first plain line about what goes on, an answer that streams or an index
WORDS = {
    "environment": "preparing the environment of the tests",
    "baseline": "running the checks on the base",
    "index": "indexing the repository",
    "loading": "model loading",
    "model": "asking the model",
    "reply": "the model answers",
    "lookup": "looking for the model",
    "tested": "the test",
    "same": "another candidate is the very same change",
    "unusable": "the answer could not be used",
    "checks": "running the checks",
    "judged": "judged",
    "done": "done",
}


def printable(text: str) -> str:
    """Hostile text for a terminal: no escape sequence, no control character, and no workflow command on a runner."""
    return "".join(c if c.isprintable() else " " for c in scrub(text)).replace("::", ":\u200b:").strip()


def document(text: str) -> None:
    """Markdown on standard output: laid out on a terminal, as it stands anywhere else (a file, a pipe)."""
    if not sys.stdout.isatty():
        print(text.rstrip("\n"))
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(text, hyperlinks=False))


def so_far(characters: int) -> str:
    """How much of an answer has come."""
    return f"{characters} characters so far"


class Terminal:
    """Progress as a live line on a terminal, as plain lines anywhere else. Use as a context manager."""

    def __init__(self, attempts: int, stream: TextIO | None = None, clock: Callable[[], float] = monotonic) -> None:
        self._attempts = attempts
        self._stream = stream if stream is not None else sys.stderr
        self._seldom = Seldom(_FIRST, clock)
        self._phase = ""
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
        goes_on = event.phase == "reply" or event.phase == self._phase == "index"
        if event.phase != self._phase:
            self._seldom.again()
        self._phase = event.phase
        self._streamed = self._streamed + len(event.detail) if event.phase == "reply" else 0
        line = self._line(event, so_far(self._streamed) if event.phase == "reply" else printable(event.detail))
        if self._status is None:
            if not goes_on or self._seldom.due():
                print(line, file=self._stream, flush=True)
        elif event.phase in {"judged", "unusable"}:
            self._status.console.print(line)
        else:
            self._status.update(line)

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

    def propose(
        self, request: Request, *, branch: str, title: str, body: str, draft: bool, changed: tuple[str, ...] = ()
    ) -> str:
        del request, branch, changed
        path = self._folder / "pull-request.md"
        path.write_text(f"# {'Draft: ' if draft else ''}{title}\n\n{body}", "utf-8")
        return str(path)


class Nowhere:
    """The `Forge` of a replay: nothing is offered to anybody."""

    def propose(
        self, request: Request, *, branch: str, title: str, body: str, draft: bool, changed: tuple[str, ...] = ()
    ) -> str:
        del request, branch, title, body, draft, changed
        return ""
