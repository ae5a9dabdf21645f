"""The pull request of a run: written as people write here, labelled, and shown to those who should look at it."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from greenloop import owners
from greenloop.domain import Request
from greenloop.errors import GreenloopError
from greenloop.forge.github import ACTIONS, GitHub, Proposed
from greenloop.report import titles
from greenloop.settings import Settings

_T = TypeVar("_T")
REQUESTER, OWNERS = "requester", "codeowners"
_MARKS = re.compile(r"(?P<before>\[not green\] )?(?P<title>.*?)(?P<behind> \(unproven\))?", re.DOTALL)
_MOST = 15  # reviewers that GitHub takes


class Offering:
    """What goes wrong here ends nothing: `asides` tells it, in the job's summary."""

    def __init__(self, github: GitHub, request: Request, settings: Settings, *, about: int | None) -> None:
        self._github, self._request, self._settings = github, request, settings
        self._about = about  # the issue that it closes
        self.asides: list[str] = []

    def title(self, title: str) -> str:
        """What says that it is not green, or not proven, stays where it is."""
        found = _MARKS.fullmatch(title)
        if self._settings.title_style == "plain" or found is None:
            return title
        none: tuple[str, ...] = ()
        learned = titles.learned(self._tried("The title is the summary as it stands", self._github.merged_titles, none))
        texts = [self._request.text, *([self._opening()] if learned.key else [])]
        made = titles.styled(found["title"], learned, command=self._request.command, about=texts)
        return f"{found['before'] or ''}{made}{found['behind'] or ''}"

    def _opening(self) -> str:
        """Of the issue: it may name its key."""
        if self._about is None:
            return ""
        issue = self._tried("The issue's key is unknown", lambda: self._github.issue(self._about or 0), None)
        return f"{issue.title}\n{issue.body}" if issue else ""

    def made(self, proposed: Proposed, base: str, changed: tuple[str, ...], *, again: bool = False) -> None:
        """Labels and, when it is no draft, reviewers. Of a new one alone: what people have changed since stays. What a
        runner that was lost had made is as good as new."""
        if not (proposed.created or (again and proposed.ours)):
            return
        number, labels = proposed.number, self._settings.labels
        if labels:
            self._tried("It has no labels", lambda: self._github.label(number, labels), None)
        people, teams = ((), ()) if proposed.draft else self._reviewers(base, changed)
        if people or teams:
            self._tried(
                "Nobody was asked for a review", lambda: self._github.ask_reviewers(number, people, teams), None
            )

    def _reviewers(self, base: str, changed: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Never ourselves: nobody reviews what is their own."""
        found: dict[str, None] = {}
        for word in self._settings.reviewers:
            if word == OWNERS:
                found |= dict.fromkeys(self._owners(base, changed))
            else:
                found[self._request.actor if word == REQUESTER else word.lstrip("@")] = None
        names = [name for name in found if name not in {self._github.whoami(), ACTIONS}][:_MOST]
        people = tuple(name for name in names if "/" not in name)
        return people, tuple(name.partition("/")[2] for name in names if "/" in name)

    def _owners(self, base: str, changed: tuple[str, ...]) -> tuple[str, ...]:
        """By the base's file: what a change says of its own owners does not count."""
        for place in owners.PLACES:
            data = self._tried("The code owners are unknown", partial(self._github.file, place, base), None)
            if data is not None:
                return owners.owners(data.decode("utf-8", "replace"), changed)
        return ()

    def _tried(self, what: str, ask: Callable[[], _T], otherwise: _T) -> _T:
        try:
            return ask()
        except GreenloopError as fault:
            self.asides.append(f"{what}: {fault}")
            return otherwise
