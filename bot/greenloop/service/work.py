"""One permitted request with all that it needs, as one value; and the refs that it is about."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from greenloop.domain import Message, Request
from greenloop.forge.github import GitHub, PullRequest
from greenloop.ports import Model
from greenloop.records.places import Places
from greenloop.report import branches
from greenloop.service import forks
from greenloop.service.forks import Answer, Foreign, Place
from greenloop.service.told import Told
from greenloop.settings import Settings
from greenloop.workspace import GitWorkspace, Remote


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """`start` is the branch that the work begins from; with `pull`, it goes on that pull request's branch."""

    request: Request
    settings: Settings
    model: Model
    sandbox: str
    dry: bool
    temp: Path
    cache: Path
    places: Places
    told: Told
    github: GitHub
    remote: Remote
    run_id: str
    start: str
    pull: PullRequest | None = None
    thread: tuple[Message, ...] = ()
    answer: Answer = Answer.PUSH  # what comes of work on a fork
    signing_key: str = field(default="", repr=False)
    notes: tuple[str, ...] = ()  # what else is told of it
    foreign: Foreign | None = None  # known when the clone is made
    rules: str = ""  # the branch whose instruction files are rules: what a pull request proposes is no rule yet
    goes_on: str = ""  # the branch of ours that an earlier run has begun; it is moved once, at the end
    earlier: tuple[str, ...] = ()  # keys of runs on the same issue or pull request

    @property
    def branch(self) -> str:
        """The pull request's own, or `greenloop/issue-12-add-retry-…`, the same for the same request. Never what a
        fork calls its branch: here that may be another one."""
        if self.pull is not None and not self.pull.is_fork:
            return self.pull.head_ref
        if self.goes_on:
            return self.goes_on
        return branches.named(self.settings.branch, self.request)

    @property
    def place(self) -> Place:
        """Where what comes of work on a fork goes."""
        pull, unsigned = self.pull, self.settings.signing == "github"
        if pull is None or self.answer is not Answer.PUSH:
            return Place(answer=self.answer, branch=self.branch, unsigned=unsigned)
        return Place(answer=self.answer, branch=pull.head_ref, fork=pull.head_repository or "", unsigned=unsigned)

    @property
    def refs(self) -> tuple[str, ...]:
        """Those that the work is about. A fork's branch is not among this repository's, whatever it is called."""
        theirs = self.pull and self.pull.is_fork and forks.ref(self.pull.number)
        heads = [f"refs/heads/{name}" for name in dict.fromkeys((self.start, self.rules)) if name]
        return theirs or f"refs/heads/{self.branch}", *heads


def tip_of(workspace: GitWorkspace, job: Job) -> str:
    return workspace.resolve(f"refs/heads/{job.start}")
