"""From a path to an index that can be used, whatever lies there. A cache that fails costs time, never a run."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from greenloop.retrieval.schema import Foreign
from greenloop.retrieval.store import Store

TRUSTED, UNTRUSTED = "own", "foreign"


def place(cache: Path, repository: str, *, trusted: bool) -> Path:
    """Where the index of a repository lies. What runs for a stranger's pull request writes to a place of its own, which
    no other run reads."""
    name = sha256(repository.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return cache / "index" / (TRUSTED if trusted else UNTRUSTED) / f"{name}.sqlite"


def open_store(path: Path | None, say: Callable[[str], None] = lambda _words: None) -> Store:
    """The index at `path`; made anew when it is none of ours, of another format or damaged. None, or a place that
    cannot be written: an index in memory."""
    if path is None:
        return Store(None)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        say(f"No index is kept: {path.parent}: {error.strerror or error}.")
        return Store(None)
    for last in (False, True):
        try:
            return Store(path, mark=path.parent.name)
        except Foreign as error:
            say(f"The index is made anew: {error}.")
            gone = not last and _remove(path)
        except (sqlite3.Error, OSError) as error:
            say(f"No index is kept: {path}: {error}.")
            gone = False
        if not gone:
            break
    return Store(None)


def discard(store: Store, why: object, say: Callable[[str], None]) -> Store:
    """An empty index instead of one that turned out to be damaged, or that cannot grow any more."""
    store.close()
    if store.path is None or isinstance(why, sqlite3.OperationalError):  # full, locked or read-only: not its fault
        say(f"No index is kept: {why}.")
        return Store(None)
    say(f"The index is damaged and made anew: {why}.")
    return open_store(store.path if _remove(store.path) else None, say)


def _remove(path: Path) -> bool:
    """Also the journal beside it: SQLite would play it back into the next file of this name."""
    try:
        for name in (path, Path(f"{path}-journal"), Path(f"{path}-wal"), Path(f"{path}-shm")):
            if os.path.lexists(name):
                name.unlink()
    except OSError:
        return False
    return True
