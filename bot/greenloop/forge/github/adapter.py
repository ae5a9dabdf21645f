"""All that we ask of GitHub, as one object; it remembers who we are and which comment is ours."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

from greenloop.forge.github import checks, commits, conversation, files, jobs, people, proposals, reviews, threads
from greenloop.forge.github.asking import HURRY, OWN_SERVER, Api, Pace
from greenloop.forge.github.connection import Connection
from greenloop.forge.github.conversation import Reaction, Sticky, Target
from greenloop.forge.github.errors import Missing
from greenloop.forge.github.proposals import Offer
from greenloop.forge.github.values import (
    CheckRun,
    Comment,
    Issue,
    NotAllowed,
    Proposed,
    PullRequest,
    Remarks,
    Repository,
    ReviewThread,
    Threads,
)


class GitHub:
    """One repository. Every method raises `Fault` for what GitHub does not do, with its cause and the cure."""

    def __init__(
        self,
        connection: Connection,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        pace: Pace | None = None,
    ) -> None:
        usual = Pace() if connection.limited else OWN_SERVER
        self._api = Api(connection, clock=clock, sleep=sleep, pace=pace or usual)
        self._me: str | None = None
        self._said: dict[Sticky, tuple[int, str]] = {}

    def __repr__(self) -> str:
        return f"GitHub({self._api.connection!r})"

    @property
    def calls(self) -> int:
        """Requests so far, failures included."""
        return self._api.wire.calls

    def hurry(self) -> None:
        """From now on no pauses and no long waits: somebody has asked us to stop, and the runner does not wait."""
        self._api.pace = HURRY

    # people and things

    def whoami(self) -> str:
        if self._me is None:
            self._me = people.whoami(self._api)
        return self._me

    def permission(self, login: str) -> str:
        return people.permission(self._api, login)

    def repository(self) -> Repository:
        return people.repository(self._api)

    def issue(self, number: int) -> Issue:
        return people.issue(self._api, number)

    # the conversation

    def comment(self, number: int) -> Comment:
        return conversation.comment(self._api, number)

    def thread(self, number: int) -> tuple[Comment, ...]:
        return conversation.thread(self._api, number)

    def review_threads(self, number: int) -> Threads:
        return threads.threads(self._api, number)

    def answer(self, number: int, thread: ReviewThread, key: str, body: str) -> int:
        """The one answer of the run `key` in this thread; its id."""
        return threads.answer(self._api, number, thread, key=key, body=body, me=self.whoami)

    def resolve(self, number: int, thread: str) -> None:
        """`thread` is its name in GraphQL."""
        threads.resolve(self._api, number, thread)

    def reviewed(self, number: int, key: str) -> str | None:
        """The address of the review of the run `key`, if it is there."""
        return reviews.find(self._api, number, key, me=self.whoami)

    def post_review(self, number: int, key: str, said: Remarks) -> str:
        """The one review of the run `key`; its address."""
        return reviews.post(self._api, number, key, said, me=self.whoami)

    def react(self, target: Target, number: int, reaction: Reaction) -> None:
        conversation.react(self._api, target, number, reaction=reaction)

    def say(self, number: int, key: str, body: str, *, recorded: int | None = None) -> int:
        """The one comment of the run `key` on #`number`, now with this body; its id. `recorded` is what an earlier
        process was told: it is believed when that is a comment of ours. A deleted comment is made anew."""
        sticky = Sticky(number=number, key=key)
        known, body_then = self._said.get(sticky) or (self._look(sticky, recorded), None)
        if known is not None and body_then != body:
            known = self._edited(sticky, known, body)
        made = conversation.post(self._api, sticky, body, me=self.whoami) if known is None else known
        self._said[sticky] = made, body
        return made

    def said(self, number: int, key: str) -> str | None:
        """What the comment of the run `key` says now, if it is there."""
        found = conversation.find(self._api, Sticky(number=number, key=key), me=self.whoami)
        return None if found is None else self.comment(found).body.partition("\n")[2]

    def _look(self, sticky: Sticky, recorded: int | None) -> int | None:
        found = conversation.recorded(self._api, sticky, recorded, me=self.whoami) if recorded is not None else None
        return found if found is not None else conversation.find(self._api, sticky, me=self.whoami)

    def _edited(self, sticky: Sticky, comment: int, body: str) -> int | None:
        try:
            conversation.edit(self._api, comment, body, key=sticky.key)
        except Missing:
            return None
        return comment

    # pull requests

    def pull_request(self, number: int) -> PullRequest:
        return proposals.pull_request(self._api, number)

    def pull_request_of(self, branch: str) -> PullRequest | None:
        return proposals.of_branch(self._api, branch)

    def propose(self, *, branch: str, base: str, title: str, body: str, draft: bool) -> Proposed | NotAllowed:
        """The one open pull request of `branch`, a branch of this repository, made or brought up to date."""
        offer = Offer(branch=branch, base=base, title=title, body=body, draft=draft)
        return proposals.propose(self._api, offer, me=self.whoami)

    def merged_titles(self) -> tuple[str, ...]:
        return proposals.merged_titles(self._api)

    def label(self, number: int, labels: tuple[str, ...]) -> None:
        proposals.label(self._api, number, labels)

    def ask_reviewers(self, number: int, people: tuple[str, ...], teams: tuple[str, ...] = ()) -> None:
        """`teams` by their short names."""
        proposals.ask_reviewers(self._api, number, people, teams)

    def cancel(self, run: str) -> bool:
        """End a workflow run; False when it has ended."""
        return jobs.cancel(self._api, run)

    def failed_logs(self, run: str, most: int) -> tuple[tuple[str, str], ...]:
        """Name and the end of the log of each job, `most` of them, that failed in a workflow run."""
        return jobs.failed_logs(self._api, run, most)

    def suite_output(self, suite: str) -> tuple[tuple[str, str], ...]:
        """Name and words of the check runs of a suite that failed."""
        return jobs.suite_output(self._api, suite)

    # beside commits

    def make_check_run(self, run: CheckRun, *, look_first: bool = False) -> None:
        """Once, also when an earlier process has made it: then with `look_first`."""
        checks.make(self._api, run, look_first=look_first)

    def upload_sarif(self, commit: str, ref: str, sarif: str) -> None:
        checks.upload(self._api, commit, ref, sarif)

    # files and commits

    def commit(
        self, branch: str, *, onto: str, message: str, written: Mapping[str, bytes], deleted: Iterable[str]
    ) -> str:
        """A signed commit on `branch`, whose head has to be `onto`; its id."""
        return commits.commit(self._api, branch, onto=onto, message=message, written=written, deleted=deleted)

    def file(self, path: str, ref: str) -> bytes | None:
        return files.file(self._api, path, ref)
