"""What the program of the hub says while it works: JSON lines, and how far a download is."""

from __future__ import annotations

import json
import sys
import time
from typing import Self

EVERY = 1.0  # seconds between two words about progress


class Exceeded(Exception):
    """More came of a file than it has."""


def say(**words: object) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


class Bar:
    """As the hub's library uses a bar of tqdm's; says how much of everything is here, once a second. Raises `Exceeded`
    before what is too much is written."""

    told = 0.0

    def __init__(self, before: int, total: int, *, length: int) -> None:
        """Of `total` bytes `before` are here; the file that comes now has `length`."""
        self._before, self._have, self._total, self._most = before, before, total, before + length

    def __call__(self, *_: object, initial: int = 0, **__: object) -> Self:
        """Each question for the file, also when it is asked again, begins where the file is then."""
        self._have = self._before
        self.update(initial)
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """There is nothing to end."""

    def update(self, count: float = 1) -> None:
        self._have += int(count)
        if self._have > self._most:
            raise Exceeded
        self.beat()

    def beat(self) -> None:
        if time.monotonic() - Bar.told >= EVERY:
            Bar.told = time.monotonic()
            say(have=self._have, total=self._total)
