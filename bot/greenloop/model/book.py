"""The ledger of a machine of one's own: rows beside the calls, one transaction for each step."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime

from greenloop.errors import OutOfBudget
from greenloop.records.database import Database, StoreTrouble
from greenloop.records.ledger import Account, Amount, Fit

_SPENT = "SELECT coalesce(sum(tokens), 0), coalesce(sum(micros), 0) FROM ledger WHERE at >= ?"


def _utc() -> datetime:
    return datetime.now(UTC)


class Book:
    """A requester's day counts over all repositories of this machine, a repository's month over all requesters."""

    def __init__(self, rows: Database, account: Account, *, now: Callable[[], datetime] = _utc) -> None:
        self._rows, self._account, self._now = rows, account, now

    def hold(self, fit: Fit) -> str:
        held, about = os.urandom(16).hex(), self._account

        def work(rows: sqlite3.Connection) -> None:
            now = self._now().astimezone(UTC)
            day, month = f"{now:%Y-%m-%d}", f"{now:%Y-%m-01}"
            today = rows.execute(f"{_SPENT} AND requester = ?", (day, about.requester)).fetchone()
            since = rows.execute(f"{_SPENT} AND repository = ?", (month, about.repository)).fetchone()
            amount = fit(about.rooms(now, Amount(*today), Amount(*since)))
            row = (held, f"{now:%Y-%m-%dT%H:%M:%S}", about.requester, about.repository, about.run)
            rows.execute("INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, 0)", (*row, amount.tokens, amount.micros))

        try:
            self._rows.must(work)
        except StoreTrouble as error:
            raise OutOfBudget(f"The limits by day and month cannot be held without their ledger. {error}") from None
        return held

    def settle(self, held: str, amount: Amount) -> None:
        def work(rows: sqlite3.Connection) -> None:
            update = "UPDATE ledger SET tokens = ?, micros = ?, settled = 1 WHERE id = ?"
            rows.execute(update, (amount.tokens, amount.micros, held))

        self._rows.attempt(work, None)

    def close(self) -> None:
        self._rows.close()
