"""Built environments on disk: one folder for each key, made once, used by many runs at once.

A virtual environment cannot be moved, so it is built where it stays: under a lock, and believed only when its `ready`
file is there. A build that was interrupted has none and is made again.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

FORMAT = 1  # changed when what is built changes, so that old ones are not believed
UNUSED = 30 * 24 * 3600.0  # seconds after which an environment that nobody used is removed


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """`folder/venv` is the environment, `folder/wheels` what had to be built for it."""

    folder: Path

    @property
    def venv(self) -> Path:
        return self.folder / "venv"

    @property
    def python(self) -> Path:
        return self.venv / "bin" / "python"

    @property
    def wheels(self) -> Path:
        return self.folder / "wheels"

    @property
    def layer(self) -> Path:
        return self.folder / "layer"

    @property
    def _ready(self) -> Path:
        return self.folder / "ready"

    def is_ready(self) -> bool:
        """Marked, and its interpreter is still there: a removed Python leaves a dangling link."""
        whole = self._ready.is_file() and (self.python.exists() or self.layer.is_dir())
        if whole:
            os.utime(self._ready)
        return whole

    def finish(self, pins: tuple[str, ...]) -> None:
        unfinished = self.folder / "ready.new"
        unfinished.write_text(json.dumps(pins), encoding="utf-8")
        unfinished.replace(self._ready)

    def pins(self) -> tuple[str, ...]:
        """`name==version` of what is installed."""
        return tuple(json.loads(self._ready.read_text(encoding="utf-8")))


def key(*parts: str) -> str:
    """Of everything that decides what is built; the interpreter is always one of the parts."""
    interpreter = (sys.version, os.path.realpath(sys.executable), sys.base_prefix, os.uname().machine)
    return sha256(json.dumps([FORMAT, *interpreter, *parts]).encode()).hexdigest()[:24]


def place(cache: Path, name: str) -> Place:
    return Place(folder=cache / "environments" / name)


@contextmanager
def building(spot: Place, say: Callable[[str], None]) -> Iterator[bool]:
    """Hold the place's lock; yields whether there is something to build, and then in an empty folder."""
    shelf = spot.folder.parent
    shelf.mkdir(parents=True, exist_ok=True)
    with (shelf / f"{spot.folder.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another run that builds the same environment")
            fcntl.flock(lock, fcntl.LOCK_EX)
        if spot.is_ready():
            yield False
            return
        _sweep(shelf, keep=spot.folder)
        empty(spot.folder)
        yield True


def empty(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)


def _sweep(shelf: Path, keep: Path) -> None:
    """Remove what nobody used for a month. Locks stay: they are empty, and another process may hold one."""
    for ready in shelf.glob("*/ready"):
        if ready.parent != keep and time.time() - ready.stat().st_mtime > UNUSED:
            shutil.rmtree(ready.parent, ignore_errors=True)
