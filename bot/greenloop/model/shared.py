"""Small facts about providers that all processes of a machine share: what is down, which key rests, what was used.

One row a fact, changed in one transaction. Where the file cannot be used each process knows its own, which is safe: it
asks a provider that another one knows to be down.
"""

from __future__ import annotations

import json
import math
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol, TypeVar

T = TypeVar("T")
Fact = Mapping[str, float]
Change = Callable[[Fact], tuple[Fact, T]]  # from what is known ({} for nothing) to what is known now, and a result

FILE = "health.sqlite"
_VERSION = 1
_SCHEMA = "CREATE TABLE facts (name TEXT PRIMARY KEY, fact TEXT NOT NULL, at REAL NOT NULL) WITHOUT ROWID;"
_KEPT = 86_400.0  # seconds; nothing that is known here holds for longer


class Shared(Protocol):
    def now(self) -> float:
        """Seconds by the clock on the wall, which all processes have in common."""
        ...

    def change(self, name: str, how: Change[T]) -> T:
        """Atomic: nobody sees or changes the fact meanwhile."""
        ...


class Memory:
    """Shared by the threads of this process alone."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self.now = now
        self._facts: dict[str, Fact] = {}
        self._lock = threading.Lock()

    def change(self, name: str, how: Change[T]) -> T:
        with self._lock:
            self._facts[name], result = how(self._facts.get(name, {}))
            return result


class Machine:
    """Shared by every process that has this folder."""

    def __init__(self, folder: Path, now: Callable[[], float] = time.time) -> None:
        from greenloop.records.database import Database  # noqa: PLC0415 - 10 ms, and only when a call is made

        self.now = now
        self._rows = Database(folder / FILE, _SCHEMA, version=_VERSION)
        self._memory = Memory(now)

    def change(self, name: str, how: Change[T]) -> T:
        def work(rows: sqlite3.Connection) -> tuple[T] | None:
            now = self.now()
            found = rows.execute("SELECT fact FROM facts WHERE name = ? AND at > ?", (name, now - _KEPT)).fetchone()
            fact, result = how(_read(found[0]) if found else {})
            rows.execute("INSERT OR REPLACE INTO facts VALUES (?, ?, ?)", (name, json.dumps(dict(fact)), now))
            return (result,)

        done = self._rows.attempt(work, None)
        return self._memory.change(name, how) if done is None else done[0]


def _read(text: str) -> Fact:
    """Whatever stands there: only finite numbers count."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    pairs = value.items() if isinstance(value, dict) else ()
    return {k: float(v) for k, v in pairs if type(v) in {int, float} and math.isfinite(v)}
