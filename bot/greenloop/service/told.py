"""What people see on GitHub while a run goes on and when it ends: one comment, edited in place."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Self

from greenloop.domain import Outcome, Request
from greenloop.errors import GreenloopError, NotPushed
from greenloop.forge.github import ACTIONS, Fault, GitHub, NotAllowed
from greenloop.forge.terminal import WORDS, so_far
from greenloop.orders import Words
from greenloop.ports import Progress
from greenloop.report.render import inert
from greenloop.report.seldom import Seldom
from greenloop.service import words
from greenloop.service.lock import AtWork
from greenloop.service.offering import Offering
from greenloop.service.words import Going, Row
from greenloop.settings import Settings

ONE = "\n\nOf several commands in a comment the first is done. Not done: {words}. Write each in a comment of its own."
UNTOLD = "The comment does not say so: {why}"
UNPROPOSED = "{why} The attempts are on the branch {branch}. Run the job again: it goes on from here."
_FAILED = words.FAILED
_EVERY = 10.0  # seconds between two edits of the comment
_FIRST = 30.0  # seconds until the first edit while an answer comes


class Told:
    """The `OnProgress` and `Forge` of an issue or pull request; without a number (a dispatch) it only proposes."""

    def __init__(
        self,
        github: GitHub,
        request: Request,
        names: Words,
        *,
        dry: bool = False,
        run_url: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._github = github
        self._names = names
        self._request = request
        self._base = ""
        self._settings: Settings | None = None
        self._pull = ""
        self._closes = request.number
        self._offers = True
        self._continues: int | None = None
        self._aside = ""
        self._run_url = run_url
        self._rows: dict[int, Row] = {}
        self._dry = dry
        self._last = float("-inf")
        self._clock = clock
        self._began = self._clock()
        self._answer = 0  # characters of the answer that comes
        self._seldom = Seldom(_FIRST, self._clock)
        self._advice = ""
        self.again = False  # whether a run goes on that another runner began
        self.asides: tuple[str, ...] = ()  # what went wrong around a pull request
        self._mute = False

    def on(
        self,
        *,
        base: str,
        settings: Settings,
        pull: str = "",
        closes: int | None = None,
        offers: bool = True,
        continues: int | None = None,
    ) -> Self:
        """The branch that a pull request is offered to, the limits of the run, the address of the pull request that the
        work is on already, and the issue that a new one closes. Without `offers` none is made;
        `continues` is the pull request that a new one goes on from."""
        self._base, self._settings, self._pull, self._closes = base, settings, pull, closes
        self._offers, self._continues = offers, continues
        return self

    def note(self, text: str) -> None:
        """What the text of a pull request has to say beside the report."""
        self._aside = text

    def __call__(self, event: Progress) -> None:
        self._note(event)
        if event.phase == "reply":
            self._answering(event)
        elif event.phase != "done" and self._clock() - self._last >= _EVERY:
            self._progress(self._going(event))

    def _progress(self, body: str) -> None:
        """While it can be told: no run ends for a comment that cannot be edited, or waits for it twice."""
        if self._mute:
            return
        try:
            self.say(body)
        except GreenloopError:
            self._mute = True

    def _answering(self, event: Progress) -> None:
        """A handful of edits, however long it takes. An answer that is paid for is not lost for one that fails."""
        if self._seldom.due():
            self._progress(self._going(event, f": {so_far(self._answer)}"))

    def _going(self, event: Progress, more: str = "") -> str:
        where = f"Attempt {event.attempt}: " if event.attempt else ""
        now = f"{where}{WORDS.get(event.phase, event.phase)}{more}"
        run = Going(
            now=now[:1].upper() + now[1:],
            rows=tuple(self._rows.values()),
            used=event.usage,
            minutes=(self._clock() - self._began) / 60,
            settings=self._settings,
            run_url=self._run_url,
        )
        return words.going(run)

    def _note(self, event: Progress) -> None:
        """What is known of an attempt, also when it is too early to tell of it."""
        if event.phase != "reply":
            self._answer = 0
            self._seldom.again()
        self._answer += len(event.detail) if event.phase == "reply" else 0
        if event.phase == "checks" and event.attempt:
            self._rows[event.attempt] = Row(event.attempt, event.detail, "")
        elif event.phase in {"judged", "unusable"}:
            change = self._rows[event.attempt].change if event.attempt in self._rows else "no usable answer"
            self._rows[event.attempt] = Row(event.attempt, change, event.detail)

    def say(self, body: str) -> None:
        over = self._request.passed_over
        more = ONE.format(words=", ".join(f"`/{word}`" for word in over)) if over else ""
        if self._request.number is not None and not self._dry:
            self._github.say(self._request.number, self._request.key, body + more)
        self._last = self._clock()

    def failed(self, error: GreenloopError) -> None:
        if isinstance(error, AtWork):  # the comment is the other one's
            return
        with suppress(GreenloopError):  # the first one counts; it is in the summary and in the log as well
            self.say(words.failed(str(error), self._run_url))

    @property
    def done(self) -> bool:
        """Whether the request was answered by an earlier step. One that went wrong is tried again."""
        if self._request.number is None:
            return False
        said = self._github.said(self._request.number, self._request.key)
        return said is not None and (said.startswith(f"{_FAILED}**") or not said.startswith(_FAILED))

    def propose(
        self, request: Request, *, branch: str, title: str, body: str, draft: bool, changed: tuple[str, ...] = ()
    ) -> str:
        """A pull request for work on an issue; work on a pull request is on its branch already."""
        if self._dry or self._pull or not self._offers:
            return self._pull
        offering = Offering(self._github, request, self._settings or Settings(), about=self._closes)
        title = offering.title(title)
        body = f"{inert(self._aside, 2000)}\n\n{body}" if self._aside else body
        text = words.proposal(
            body, self._names, closes=self._closes, continues=self._continues, own_token=self._own_token
        )
        try:
            made = self._github.propose(branch=branch, base=self._base, title=title, body=text, draft=draft)
        except Fault as fault:  # before the run's end is noted: the next runner makes good for it
            raise NotPushed(UNPROPOSED.format(why=fault, branch=branch)) from None
        if isinstance(made, NotAllowed):
            self._advice = made.advice
            return made.compare_url
        offering.made(made, self._base, changed, again=self.again)
        self.asides = tuple(offering.asides)
        return made.url

    def ended(self, outcome: Outcome) -> Outcome:
        """The outcome, with why it could not be told, if it could not; the work itself is done."""
        try:
            self.say(self.last_words(outcome))
        except GreenloopError as error:
            return replace(outcome, detail=f"{outcome.detail} {UNTOLD.format(why=error)}".strip())
        return outcome

    @property
    def _own_token(self) -> bool:
        """Whether it is the job's own, whose pushes start no workflow by themselves."""
        return self._github.whoami() == ACTIONS

    def last_words(self, outcome: Outcome) -> str:
        pushed = bool(self._pull and outcome.url and self._offers)
        advice = self._advice or (words.pushed(own_token=self._own_token) if pushed else "")
        return words.ended(outcome, self._names, advice=advice, run_url=self._run_url, on_pull=bool(self._pull))
