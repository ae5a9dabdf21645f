"""A git process that answers one question after the other, so that an answer costs no process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from greenloop.workspace.plumbing import Completed, Plumbing

if TYPE_CHECKING:
    from git import Git


class Dialogue:
    """One thread asks at a time. After trouble in mid-answer (Ctrl-C too) the process is replaced: the rest of that
    answer would be taken for the next one's."""

    def __init__(self, plumbing: Plumbing, *args: str) -> None:
        self._plumbing = plumbing
        self._args = args
        self._lock = threading.Lock()
        self._process: Git.AutoInterrupt | None = None

    @contextmanager
    def turn(self) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
        """The pipes to ask by and to read from; the whole answer has to be read before the turn ends."""
        with self._lock:
            process = self._process = self._process or self._plumbing.start(*self._args)
            answered = False
            try:
                yield process.stdin, process.stdout
                answered = True
            except (BrokenPipeError, EOFError):
                error = process.communicate()[1].decode(errors="replace")
                raise self._plumbing.failure(self._args[0], Completed(process.returncode, b"", error)) from None
            finally:
                if not answered:
                    self._end()

    def close(self) -> None:
        with self._lock:
            self._end()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process:
            process.kill()
            process.communicate()


def line(stream: IO[bytes]) -> bytes:
    """One line of an answer, without its end. A process that has died gives none."""
    text = stream.readline()
    if not text.endswith(b"\n"):
        raise EOFError
    return text[:-1]
