"""The ledger of a repository on GitHub: `refs/greenloop/ledger`, which outlives every runner.

Each step is one commit on top of the last, pushed without force: of two runners who try, the second is not taken, reads
again and tries once more. What a call really was is written with the next step, or at the end.
"""

from __future__ import annotations

import random
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from greenloop.errors import GreenloopError, NotPushed, OutOfBudget
from greenloop.records.ledger import Account, Amount, Fit
from greenloop.records.ledger_lines import BrokenLedger, Line, dumps, loads, settled, spent
from greenloop.workspace import GitWorkspace, Remote

LEDGER = "refs/greenloop/ledger"
_TRIES = 40
_WAIT = 0.2  # seconds, times what is drawn, times the number of tries
UNHELD = "The limits by day and month cannot be held without their ledger, {ref}: {why}"
BROKEN = "{why}. Whoever may push can look at it (git log -p) or begin a new one: git push origin :{ref}"


def _utc() -> datetime:
    return datetime.now(UTC)


class RefLedger:
    """The account of one run."""

    def __init__(
        self,
        workspace: GitWorkspace,
        remote: Remote,
        clone: Path,
        account: Account,
        *,
        now: Callable[[], datetime] = _utc,
        sleep: Callable[[float], None] = time.sleep,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._workspace, self._remote, self._clone, self._account = workspace, remote, clone, account
        self._now, self._sleep, self._draw = now, sleep, draw
        self._lock = threading.Lock()
        self._held: dict[str, str] = {}  # what is in flight, and its month
        self._over: dict[str, Amount] = {}  # what is over and not yet written

    def hold(self, fit: Fit) -> str:
        held = uuid4().hex

        def step(files: dict[str, tuple[Line, ...]]) -> None:
            now = self._now().astimezone(UTC)
            day, month = f"{now:%Y-%m-%d}", f"{now:%Y-%m}"
            lines = files.get(month, ())
            if any(line.held == held for line in lines):  # it was taken, and only the answer was lost
                return
            today = spent(lines, day=day, requester=self._account.requester)
            amount = fit(self._account.rooms(now, today, spent(lines)))
            who = self._account.requester
            files[month] = (*lines, Line(day=day, requester=who, amount=amount, held=held, run=self._account.run))
            self._held[held] = month

        with self._lock:
            try:
                self._append(step)
            except OutOfBudget:
                raise
            except GreenloopError as error:
                raise OutOfBudget(UNHELD.format(ref=LEDGER, why=str(error))) from None
        return held

    def settle(self, held: str, amount: Amount) -> None:
        with self._lock:
            self._over[held] = amount

    def close(self) -> None:
        with self._lock:
            if not self._over:
                return
            try:
                self._append(lambda _: None)
            except GreenloopError as error:
                sys.stderr.write(f"greenloop: {LEDGER} could not be written, and what was held stands: {error}\n")

    def _append(self, step: Callable[[dict[str, tuple[Line, ...]]], None]) -> None:
        tip, tried = self._tip(), 0
        while True:
            files = self._files(tip)
            over = dict(self._over)
            for held, amount in over.items():
                month = self._held[held]
                files[month] = settled(files.get(month, ()), held, amount)
            step(files)
            tried += 1
            try:
                self._push(tip, files)
            except NotPushed:
                before, tip = tip, self._tip()
                if tip == before or tried == _TRIES:
                    raise
                self._sleep(_WAIT * tried * self._draw())
                continue
            for held in over:
                self._over.pop(held)
                self._held.pop(held)
            return

    def _tip(self) -> str | None:
        return self._remote.fetch(self._clone, LEDGER)

    def _files(self, tip: str | None) -> dict[str, tuple[Line, ...]]:
        """The month and the one before; what is older is in the history."""
        if tip is None:
            return {}
        tree, found = self._workspace.tree(tip), {}
        for path in sorted(self._workspace.entries(tree))[-2:]:
            try:
                found[path.removesuffix(".jsonl")] = loads(self._workspace.read(tree, path) or b"")
            except BrokenLedger as error:
                raise BrokenLedger(BROKEN.format(why=f"{path}: {error}", ref=LEDGER)) from None
        return found

    def _push(self, tip: str | None, files: dict[str, tuple[Line, ...]]) -> None:
        months = {f"{month}.jsonl": dumps(files[month]) for month in sorted(files)[-2:]}
        message = f"Spent by {self._account.requester}\n\nGreenloop-Run: {self._account.run}\n"
        sha = self._workspace.commit(self._workspace.store(months), () if tip is None else (tip,), message)
        self._remote.push(self._clone, sha, LEDGER, expected=tip)
