"""One row per call: who, for what, how much, how it ended. Hashes of prompt and answer, never text, never a key."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from greenloop.domain import Usage
from greenloop.records.database import Database, to_stderr

FILE = "usage.sqlite"
VERSION = 1
SCHEMA = """
CREATE TABLE calls (
  at TEXT NOT NULL, requester TEXT NOT NULL, repository TEXT NOT NULL, run TEXT NOT NULL, model TEXT NOT NULL,
  input INTEGER NOT NULL, output INTEGER NOT NULL, cached INTEGER NOT NULL, cost REAL, estimated INTEGER NOT NULL,
  seconds REAL NOT NULL, outcome TEXT NOT NULL, prompt TEXT NOT NULL, answer TEXT NOT NULL
);
CREATE INDEX calls_at ON calls (at);
CREATE TABLE ledger (
  id TEXT PRIMARY KEY, at TEXT NOT NULL, requester TEXT NOT NULL, repository TEXT NOT NULL, run TEXT NOT NULL,
  tokens INTEGER NOT NULL, micros INTEGER NOT NULL, settled INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX ledger_at ON ledger (at);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A row of `calls`, in the order of its columns. `cost` is US dollars, None without a known price; `prompt` and
    `answer` are SHA-256."""

    at: str  # ISO 8601, UTC
    requester: str
    repository: str
    run: str
    model: str
    input: int = 0
    output: int = 0
    cached: int = 0
    cost: float | None = 0.0
    estimated: bool = False
    seconds: float
    outcome: str
    prompt: str
    answer: str = ""

    @property
    def usage(self) -> Usage:
        counted = 0 if self.outcome == "from the store" else 1
        return Usage(
            calls=counted, input=self.input, output=self.output, cached=self.cached, cost=self.cost,
            estimated=self.estimated,
        )  # fmt: skip


_COLUMNS = ", ".join(field.name for field in fields(Call))


def database(folder: Path, warn: Callable[[str], None] = to_stderr) -> Database:
    """The file that holds the calls and, on a machine of one's own, the ledger."""
    return Database(folder / FILE, SCHEMA, version=VERSION, warn=warn)


class Audit:
    def __init__(self, rows: Database) -> None:
        self._rows = rows

    def add(self, call: Call) -> None:
        marks = ", ".join("?" for _ in fields(Call))

        def insert(rows: sqlite3.Connection) -> None:
            rows.execute(f"INSERT INTO calls ({_COLUMNS}) VALUES ({marks})", astuple(call))  # noqa: S608 - our own names

        self._rows.attempt(insert, None)

    def calls(self, *, since: str = "") -> Iterator[Call]:
        """The calls from this time on, oldest first. Raises `StoreTrouble`."""

        def select(rows: sqlite3.Connection) -> list[tuple[object, ...]]:
            wanted = f"SELECT {_COLUMNS} FROM calls WHERE at >= ? ORDER BY at, rowid"  # noqa: S608 - our own names
            return rows.execute(wanted, (since,)).fetchall()

        names = [field.name for field in fields(Call)]
        for row in self._rows.must(select):
            known = dict(zip(names, row, strict=True))
            yield Call(**{**known, "estimated": bool(known["estimated"])})  # type: ignore[arg-type]
