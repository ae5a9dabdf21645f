"""What is on the fake GitHub, as plain values. Branches and commits are in the bare repository alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from fakes.github.bare import Bare

ROLES = ("none", "read", "triage", "write", "maintain", "admin")


class Refusal(Exception):
    """A request that GitHub turns down."""

    def __init__(self, status: int, message: str, *errors: object) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"message": message, "documentation_url": "https://docs.github.com/rest", "status": str(status)}
        if errors:
            self.body["errors"] = list(errors)  # type: ignore[assignment]


def not_found() -> Refusal:
    return Refusal(404, "Not Found")


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class User:
    login: str
    id: int
    type: str = "User"  # "Bot" for apps


@dataclass
class Token:
    """`permissions` are those of an app's token; a person's token may what the person may, plus its `scopes`."""

    value: str
    user: User
    kind: str  # "app" | "user"
    repository: str | None = None  # an app's token sees this one alone
    permissions: dict[str, str] = field(default_factory=dict)
    scopes: tuple[str, ...] = ("repo",)


@dataclass
class Comment:
    id: int
    number: int  # of the issue or pull request
    author: User
    body: str
    app: str | None = None  # the app that it was written through
    created_at: str = field(default_factory=now)
    updated_at: str = field(default_factory=now)


@dataclass
class Issue:
    number: int
    id: int
    title: str
    body: str
    author: User
    state: str = "open"
    locked: bool = False
    labels: list[str] = field(default_factory=list)
    pull: Pull | None = None
    created_at: str = field(default_factory=now)
    updated_at: str = field(default_factory=now)


@dataclass
class Pull:
    """The part of an issue that makes it a pull request. `sha` is where the branch was when it closed."""

    source: Repository | None  # None: the fork is deleted
    head: str
    base: str
    sha: str
    draft: bool = False
    merged_at: str | None = None
    reviewers: list[str] = field(default_factory=list)  # people, and teams as "/name"
    maintainer_can_modify: bool = False


@dataclass
class ReviewComment:
    id: int
    review: int
    number: int
    author: User
    body: str
    path: str
    line: int | None
    diff_hunk: str
    in_reply_to: int | None = None
    start_line: int | None = None
    side: str = "RIGHT"
    whole_file: bool = False
    outdated: bool = False
    resolved: bool = False  # of the first one: the thread
    edited_at: str | None = None
    created_at: str = field(default_factory=now)


@dataclass
class Review:
    id: int
    number: int
    author: User
    body: str
    state: str  # as in REST: "CHANGES_REQUESTED"
    commit: str
    submitted_at: str = field(default_factory=now)


@dataclass(frozen=True)
class Reaction:
    id: int
    subject: tuple[str, int]  # ("issue", number) · ("comment", id) · ("review_comment", id)
    login: str
    content: str


@dataclass
class Repository:
    owner: User
    name: str
    id: int
    git: Bare
    private: bool = False
    archived: bool = False
    default_branch: str = "main"
    collaborators: dict[str, str] = field(default_factory=dict)
    custom_roles: dict[str, str] = field(default_factory=dict)  # an organisation's own names
    actions_may_propose: bool = True
    drafts: bool = True
    issues: dict[int, Issue] = field(default_factory=dict)
    comments: dict[int, Comment] = field(default_factory=dict)
    reviews: dict[int, Review] = field(default_factory=dict)
    review_comments: dict[int, ReviewComment] = field(default_factory=dict)
    reactions: list[Reaction] = field(default_factory=list)
    check_runs: list[dict[str, Any]] = field(default_factory=list)
    scans: list[dict[str, Any]] = field(default_factory=list)  # what was uploaded to code scanning
    logs: dict[int, dict[str, Any]] = field(default_factory=dict)  # jobs of workflow runs, with what they have printed
    suites: list[dict[str, Any]] = field(default_factory=list)  # check runs of other apps
    jobs: dict[int, Callable[[], object]] = field(default_factory=dict)  # workflow runs, and what cancelling them does

    @property
    def full_name(self) -> str:
        return f"{self.owner.login}/{self.name}"

    def role(self, login: str) -> str:
        if login == self.owner.login:
            return "admin"
        return self.collaborators.get(login, "none" if self.private else "read")

    def may(self, login: str, role: str) -> bool:
        return ROLES.index(self.role(login)) >= ROLES.index(role)

    def issue(self, number: int) -> Issue:
        if number not in self.issues:
            raise not_found()
        return self.issues[number]

    def pulls(self) -> Iterator[tuple[Issue, Pull]]:
        return ((issue, issue.pull) for issue in self.issues.values() if issue.pull is not None)

    def follow(self) -> None:
        """What GitHub does after every change of a branch: pull requests follow their branch, or close with it."""
        for issue, pull in self.pulls():
            if issue.state != "open" or pull.source is None:
                continue
            tip = pull.source.git.sha(f"refs/heads/{pull.head}")
            if tip is None:
                issue.state = "closed"
            elif tip != pull.sha or self.git.sha(f"refs/pull/{issue.number}/head") is None:
                pull.sha = tip
                self.git.take(pull.source.git, tip, f"refs/pull/{issue.number}/head")


@dataclass
class World:
    url: str = ""
    users: dict[str, User] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    repositories: dict[str, Repository] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: count(1001))

    def user(self, login: str) -> User:
        if login not in self.users:
            kind = "Bot" if login.endswith("[bot]") else "User"
            self.users[login] = User(login=login, id=next(self.numbers), type=kind)
        return self.users[login]
