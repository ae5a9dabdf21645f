"""Complete answers by what was asked, so that an identical request costs nothing: after a crash, on a restored runner.

The one file that holds what a model wrote. An answer from it is trusted as little as one from the model.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from greenloop.domain import Usage
from greenloop.ports import CallLimits, Chat, Reply
from greenloop.records.database import Database, to_stderr
from greenloop.records.plain import Misfit, build, flatten

FILE = "answers.sqlite"
_SCHEMA = """
CREATE TABLE answers (
  request TEXT NOT NULL, nth INTEGER NOT NULL, at REAL NOT NULL, size INTEGER NOT NULL, reply TEXT NOT NULL,
  PRIMARY KEY (request, nth)
) WITHOUT ROWID;
"""
_DAY = 86_400.0
_LARGEST = 4  # one answer may take a fourth of the room


def request_sha256(chat: Chat, limits: CallLimits, *, model: str, endpoint: str) -> str:
    """The same for the same request. The limits of length and time are no part of it: an answer that was complete
    within them is the same without."""
    draw = [limits.draw] if limits.draw else []
    asked = [endpoint, model, limits.temperature, *draw, [[message.role, message.text] for message in chat]]
    return sha256(json.dumps(asked, ensure_ascii=True).encode()).hexdigest()


class Answers:
    """Kept for `days`, in at most `megabytes`; the oldest go first."""

    def __init__(
        self,
        folder: Path,
        *,
        days: float,
        megabytes: float,
        clock: Callable[[], float] = time.time,
        warn: Callable[[str], None] = to_stderr,
    ) -> None:
        self._database = Database(folder / FILE, _SCHEMA, version=1, warn=warn)
        self._days, self._room, self._clock = days, int(megabytes * 1e6), clock

    def find(self, request: str, nth: int) -> Reply | None:
        """The answer that was given to this request when it was made for the `nth` time in a run."""

        def look(rows: sqlite3.Connection) -> str | None:
            oldest, now = self._clock() - self._days * _DAY, self._clock()
            select = "SELECT reply FROM answers WHERE request = ? AND nth = ? AND at BETWEEN ? AND ?"
            found = rows.execute(select, (request, nth, oldest, now)).fetchone()
            return found[0] if found else None

        kept = self._database.attempt(look, None)
        return None if kept is None else _reply(kept)

    def keep(self, request: str, nth: int, reply: Reply) -> None:
        text = json.dumps(flatten(reply))
        if len(text) > self._room // _LARGEST:
            return

        def store(rows: sqlite3.Connection) -> None:
            now = self._clock()
            rows.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?)", (request, nth, now, len(text), text))
            rows.execute("DELETE FROM answers WHERE at < ? OR at > ?", (now - self._days * _DAY, now))
            rows.execute(
                "DELETE FROM answers WHERE (request, nth) IN (SELECT request, nth FROM"
                " (SELECT request, nth, sum(size) OVER (ORDER BY at DESC, request, nth) AS total FROM answers)"
                " WHERE total > ?)",
                (self._room,),
            )

        self._database.attempt(store, None)

    def close(self) -> None:
        self._database.close()


def _reply(text: str) -> Reply | None:
    try:
        return build(Reply, json.loads(text))
    except (Misfit, ValueError, RecursionError):
        return None


def free(reply: Reply) -> Reply:
    """The same answer, for nothing and at once."""
    return Reply(text=reply.text, finish=reply.finish, usage=Usage(), model=reply.model, first_token=0.0)
