"""What is on GitHub, as values of ours. Nothing outside of this package sees an answer as it came."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    name: str  # "owner/name"
    default_branch: str
    private: bool
    archived: bool
    clone_url: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """A pull request is an issue as well: then `is_pull_request` is true."""

    number: int
    state: str  # "open" | "closed"
    locked: bool
    title: str
    body: str
    author: str
    is_pull_request: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    number: int
    state: str  # "open" | "closed"
    draft: bool
    head_ref: str
    head_sha: str
    head_repository: str | None  # None: the fork is deleted
    base_ref: str
    base_sha: str
    is_fork: bool  # the branch is not in the repository that it is offered to
    maintainer_can_modify: bool
    title: str
    body: str
    author: str
    url: str
    node: str  # its name in GraphQL


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    id: int
    author: str  # "ghost" when the account is deleted
    author_type: str  # "User" | "Bot" | "Organization" | "Mannequin"
    body: str
    created_at: str
    updated_at: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    id: int
    body: str
    author: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LineComment:
    """Of a review: at a line of the new side of the difference."""

    path: str
    line: int
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Remarks:
    """A review to be posted, of one commit. `alone` says all of it where comments cannot stand at lines."""

    commit: str
    body: str
    comments: tuple[LineComment, ...]
    alone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """At a line of a commit; `level` is "notice", "warning" or "failure"."""

    path: str
    line: int
    level: str
    title: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRun:
    """`conclusion` is "success", "failure" or "neutral"; there is one of a `key` and commit."""

    name: str
    commit: str
    key: str
    conclusion: str
    title: str
    summary: str
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """The pull request of a branch. `draft` may be false though a draft was asked for: not every plan has drafts."""

    number: int
    url: str
    draft: bool
    created: bool
    ours: bool = True  # false: a person has opened it, so its words and its draft flag stayed


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAllowed:
    """Actions may not create pull requests here. A person can, at `compare_url`; `advice` names the setting."""

    compare_url: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One comment of a review thread. `edited` is when it was last changed, `review` the review it came with."""

    id: int
    author: str
    body: str
    published_at: str
    edited_at: str | None
    review: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewThread:
    """A conversation at a place of a pull request's diff. `line` is the last one, in the head as it is now, `start` the
    first; None when it is about the file or outdated. `left` tells that it is about the old side of the diff."""

    node: str  # its name in GraphQL
    path: str
    start: int | None
    line: int | None
    left: bool
    outdated: bool
    resolved: bool
    comments: tuple[Said, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Threads:
    """The threads of a pull request, and the commit that their lines are of."""

    head: str
    all: tuple[ReviewThread, ...]
