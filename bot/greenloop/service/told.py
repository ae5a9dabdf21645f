"""What people see on GitHub while a run goes on and when it ends: one comment, edited in place."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Self

from greenloop import render
from greenloop.domain import Attempt, Outcome, Reason, Request
from greenloop.errors import GreenloopError
from greenloop.forge.github import GitHub, NotAllowed
from greenloop.forge.terminal import WORDS
from greenloop.ports import Progress

ONE = "\n\nOf several commands in a comment the first is done. Not done: {words}. Write each in a comment of its own."
_FAILED = "🔴 "
_EVERY = 10.0  # seconds between two edits of the comment


class Told:
    """The `OnProgress` and `Forge` of an issue or pull request; without a number (a dispatch) it only proposes."""

    def __init__(self, github: GitHub, request: Request, *, dry: bool = False) -> None:
        self._github = github
        self._request = request
        self._base = ""
        self._attempts = 0
        self._pull = ""
        self._closes = request.number
        self._dry = dry
        self._last = float("-inf")
        self._clock: Callable[[], float] = time.monotonic
        self._advice = ""

    def on(self, *, base: str, attempts: int, pull: str = "", closes: int | None = None) -> Self:
        """The branch that a pull request is offered to, how many attempts there may be, the address of the pull request
        that the work is on already, and the issue that a new one closes."""
        self._base, self._attempts, self._pull, self._closes = base, attempts, pull, closes
        return self

    def __call__(self, event: Progress) -> None:
        if event.phase in {"reply", "done"} or self._clock() - self._last < _EVERY:
            return
        where = f"Attempt {event.attempt} of {self._attempts}: " if event.attempt else ""
        words = WORDS.get(event.phase, event.phase)
        self.say(f"⏳ {where}{words}{f': {render.inert(event.detail)}' if event.detail else ''}…")

    def say(self, body: str) -> None:
        over = self._request.passed_over
        more = ONE.format(words=", ".join(f"`/{word}`" for word in over)) if over else ""
        if self._request.number is not None and not self._dry:
            self._github.say(self._request.number, self._request.key, body + more)
        self._last = self._clock()

    def failed(self, error: GreenloopError) -> None:
        self.say(f"{_FAILED}{render.inert(str(error), 2000)}")

    @property
    def done(self) -> bool:
        """Whether the request was answered by an earlier step. One that went wrong is tried again."""
        if self._request.number is None:
            return False
        said = self._github.said(self._request.number, self._request.key)
        return said is not None and (said.startswith(f"{_FAILED}**") or not said.startswith(_FAILED))

    def propose(self, request: Request, *, branch: str, title: str, body: str, draft: bool) -> str:
        """A pull request for work on an issue; work on a pull request is on its branch already."""
        del request
        if self._dry or self._pull:
            return self._pull
        closes = f"\n\nCloses #{self._closes}\n" if self._closes is not None else ""
        made = self._github.propose(branch=branch, base=self._base, title=title, body=body + closes, draft=draft)
        if isinstance(made, NotAllowed):
            self._advice = made.advice
            return made.compare_url
        return made.url

    def ended(self, outcome: Outcome) -> None:
        self.say(self.last_words(outcome))

    def last_words(self, outcome: Outcome) -> str:
        return closing(outcome, self._advice)


def closing(outcome: Outcome, advice: str = "") -> str:
    """The last words of a run."""
    light = "🟢" if outcome.reason is Reason.GREEN else "🔴"
    best: Attempt | None = outcome.best
    parts = [
        f"{light} **{outcome.reason.sentence}**",
        render.inert(outcome.detail, 1500) if outcome.detail else "",
        outcome.url or "",
        advice,
        outcome.answer,  # ours, and inert already
        render.table(outcome.attempts, best) if outcome.attempts else "",
        render.cost(outcome) if outcome.usage.calls else "",
    ]
    return "\n\n".join(part for part in parts if part)
