"""One runner per request: a ref that only moves forward says who is at work, and until when. A killed runner's lease
runs out; the same workflow run started again takes over at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from greenloop.errors import GreenloopError, NotPushed, Refused
from greenloop.report.trailers import read
from greenloop.workspace import GitWorkspace, Remote

LOCKS = "refs/greenloop/locks/"
LEASE = 30 * 60.0  # seconds; longer than any time without a sign of life
_RENEW = 60.0


class AtWork(Refused):
    """Somebody else is at it, and tells of it in the one comment of the run: nothing more is to be said there."""


BUSY = "This request is being worked on in workflow run {run}. Its lease ends in {minutes} minutes."


@dataclass(frozen=True, slots=True)
class Holder:
    """`about` are trailers that say what is worked on, and for whom."""

    run: str
    until: float
    since: float = 0.0
    about: str = ""

    @property
    def message(self) -> str:
        times = f"Greenloop-Until: {self.until:.0f}\nGreenloop-Since: {self.since:.0f}\n"
        return f"At work on this request\n\nGreenloop-Holder: {self.run}\n{times}{self.about}"

    @classmethod
    def of(cls, message: str) -> Holder:
        """What nobody of ours has written has run out."""
        said = read(message)
        until, since = (float(text) if (text := said.get(name, "")).isdigit() else 0.0 for name in ("Until", "Since"))
        return cls(said.get("Holder", ""), until, since)


class Lock:
    """Taken by `take`, kept by `renew`, given back by `release`."""

    def __init__(
        self,
        workspace: GitWorkspace,
        remote: Remote,
        *,
        clone: Path,
        key: str,
        run: str,
        about: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._workspace, self._remote, self._clone = workspace, remote, clone
        self._ref, self._run, self._about, self._clock = LOCKS + key, run, about, clock
        self._since = clock()
        self._at = workspace.ref(self._ref)
        self._renewed = self._until = 0.0

    def take(self) -> None:
        """Raises `AtWork` while somebody else is, and `NotPushed` when nobody is and it cannot be taken."""
        if self._at is not None:
            holder = Holder.of(self._workspace.history(self._at, 1)[0].message)
            left = holder.until - self._clock()
            if left > 0 and holder.run != self._run:
                raise AtWork(BUSY.format(run=holder.run, minutes=round(left / 60)))
        try:
            self._move()
        except NotPushed:
            if self._there() == self._at:  # a token that may not, a rule of the repository
                raise
            raise AtWork(BUSY.format(run="another", minutes=round(LEASE / 60))) from None

    def renew(self) -> None:
        """Now and then; raises `NotPushed` when somebody has taken over, who must not be disturbed. A server that is in
        trouble takes nothing over: it is asked again in a minute, as long as the lease lasts."""
        if self._clock() - self._renewed < _RENEW:
            return
        try:
            self._move()
        except NotPushed:
            if self._clock() >= self._until or self._taken():
                raise
            self._renewed = self._clock()

    def _taken(self) -> bool:
        """Whether it is seen that somebody else has it."""
        try:
            return self._there() != self._at
        except GreenloopError:
            return False

    def _there(self) -> str | None:
        return self._remote.there(self._clone, self._ref).get(self._ref)

    def _move(self) -> None:
        """A commit on top of the last one: of two who try, the second is not taken."""
        holder = Holder(self._run, self._clock() + LEASE, self._since, self._about)
        parents = () if self._at is None else (self._at,)
        sha = self._workspace.commit(self._workspace.store({}), parents, holder.message)
        self._remote.push(self._clone, sha, self._ref, expected=self._at)
        self._at, self._renewed, self._until = sha, self._clock(), holder.until

    def release(self) -> None:
        """If it is still ours; one that cannot be removed runs out."""
        if self._at is not None:
            self._remote.remove(self._clone, {self._ref: self._at})
