"""A GitHub on loopback that keeps state: REST, a little GraphQL, and git over HTTP on real bare repositories.

    with FakeGitHub(tmp_path) as fake:
        repository = fake.repository("owner/name", files={"a.py": "x = 1"})
        fake.user("ada", permission="write")
        issue = fake.issue("Add retry", "It fails on 503.", author="ada")
        comment = fake.comment(issue.number, "/generate", author="ada")
        payload = fake.event("issue_comment", comment)
        token = fake.actions_token(contents="write", issues="write", pull_requests="write")
        fake.on("POST", "/comments$", lost())
        …
        assert fake.snapshot() == {…}

It models what GitHub is said to do; where that is not known for certain it is the stricter of the two.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from fakes.github import events
from fakes.github.bare import Bare
from fakes.github.faults import Fault, Planned
from fakes.github.server import API, GRAPHQL, Door, Received, Server
from fakes.github.snapshot import seen
from fakes.github.state import Comment, Issue, Pull, Repository, Review, ReviewComment, Token, User, World

ACTIONS = "github-actions[bot]"
_ALL = {"contents": "write", "issues": "write", "pull_requests": "write"}


class FakeGitHub:
    """`repository=` may be left out everywhere while there is only one."""

    def __init__(self, folder: Path, *, api: str = API, graphql: str = GRAPHQL) -> None:
        self._folder = folder / "github"
        self.world = World()
        self._door = Door(self.world, api, graphql)

    def __enter__(self) -> Self:
        self._server = Server(self._door)
        self.world.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        if kind is None:
            assert not self._door.unused(), f"planned, but never came: {self._door.unused()}"

    # where it is

    @property
    def url(self) -> str:
        return self.world.url

    @property
    def api_url(self) -> str:
        return self.url + self._door.api

    def environment(self, repository: Repository | None = None) -> dict[str, str]:
        """What a runner's environment says of GitHub."""
        return {
            "GITHUB_API_URL": self.api_url,
            "GITHUB_SERVER_URL": self.url,
            "GITHUB_GRAPHQL_URL": self.url + self._door.graphql,
            "GITHUB_REPOSITORY": self._at(repository).full_name,
        }

    # what came, and what is to go wrong

    @property
    def requests(self) -> list[Received]:
        return list(self._door.log)

    @property
    def calls(self) -> list[str]:
        """The requests to the API, such as "GET /repos/o/r/issues/1"; git's are not among them."""
        return [str(r) for r in self.requests if r.path.startswith("/api/")]

    def on(self, method: str, path: str, fault: Fault, *, times: int = 1, skip: int = 0) -> None:
        """The next `times` requests of this kind, after `skip` good ones; `path` is a pattern. All have to come."""
        planned = Planned(method=method, path=re.compile(path), fault=fault, times=times, skip=skip)
        self._door.planned.append(planned)

    def from_now_on(self, method: str, path: str, fault: Fault) -> None:
        """Every request of this kind; none has to come."""
        self._door.standing.append(Planned(method=method, path=re.compile(path), fault=fault, times=-1, skip=0))

    def again(self) -> None:
        """What went wrong from then on does so no longer."""
        self._door.standing.clear()

    # what there is

    def repository(
        self,
        name: str,
        files: Mapping[str, str | bytes] | None = None,
        *,
        private: bool = False,
        branch: str = "main",
    ) -> Repository:
        """A repository; with `files`, one commit on `branch` that holds them."""
        owner, _, short = name.partition("/")
        git = Bare(self._folder / owner / f"{short}.git")
        git.create(branch)
        made = Repository(
            owner=self.world.user(owner),
            name=short,
            id=next(self.world.numbers),
            git=git,
            private=private,
            default_branch=branch,
        )
        self.world.repositories[name] = made
        if files is not None:
            git.commit(branch, files, "initial", owner)
        return made

    def user(self, login: str, *, permission: str | None = None, repository: Repository | None = None) -> User:
        """An account; with `permission`, a collaborator."""
        if permission is not None:
            self._at(repository).collaborators[login] = permission
        return self.world.user(login)

    def actions_token(
        self, *, app: str = ACTIONS, repository: Repository | None = None, value: str = "", **permissions: str
    ) -> str:
        """A job's own token, by default with what our workflow asks for; `app` is another GitHub App's."""
        value = value or f"ghs_{next(self.world.numbers)}abcdefghijklmnopqrstuvwxyz0123456"
        self.world.tokens[value] = Token(
            value=value,
            user=self.world.user(app),
            kind="app",
            repository=self._at(repository).full_name,
            permissions=permissions or dict(_ALL),
        )
        return value

    def personal_token(self, login: str, *scopes: str) -> str:
        value = f"ghp_{next(self.world.numbers)}abcdefghijklmnopqrstuvwxyz0123456"
        user = self.world.user(login)
        self.world.tokens[value] = Token(value=value, user=user, kind="user", scopes=scopes or ("repo",))
        return value

    def issue(
        self, title: str = "An issue", body: str = "", *, author: str = "ada", repository: Repository | None = None
    ) -> Issue:
        return self._numbered(self._at(repository), title, body, author, None)

    def pull_request(
        self,
        branch: str,
        title: str = "A change",
        body: str = "",
        *,
        author: str = "ada",
        source: Repository | None = None,
        draft: bool = False,
        repository: Repository | None = None,
    ) -> Issue:
        """The pull request of a branch that exists, to the default branch; `source` is the fork that has it."""
        home = self._at(repository)
        source = source or home
        tip = source.git.sha(f"refs/heads/{branch}")
        assert tip is not None, f"there is no branch {branch}"
        pull = Pull(
            source=source,
            head=branch,
            base=home.default_branch,
            sha=tip,
            draft=draft,
        )
        made = self._numbered(home, title, body, author, pull)
        home.follow()
        return made

    def comment(self, number: int, body: str, *, author: str = "ada", repository: Repository | None = None) -> Comment:
        home = self._at(repository)
        app = author.removesuffix("[bot]") if author.endswith("[bot]") else None
        identity = next(self.world.numbers)
        made = Comment(id=identity, number=number, author=self.world.user(author), body=body, app=app)
        home.comments[made.id] = made
        return made

    def review(
        self,
        number: int,
        body: str = "",
        *,
        author: str = "ada",
        state: str = "CHANGES_REQUESTED",
        comments: tuple[Mapping[str, Any], ...] = (),
        repository: Repository | None = None,
    ) -> Review:
        """A submitted review; each of `comments` is the fields of a `ReviewComment` that matter."""
        home = self._at(repository)
        pull = home.issues[number].pull
        assert pull is not None
        user = self.world.user(author)
        made = Review(id=next(self.world.numbers), number=number, author=user, body=body, state=state, commit=pull.sha)
        home.reviews[made.id] = made
        for given in comments:
            fields = {"line": 1, "diff_hunk": "@@ -0,0 +1 @@\n+x", "path": "a.py", **given}
            identity = next(self.world.numbers)
            home.review_comments[identity] = ReviewComment(
                id=identity, review=made.id, number=number, author=user, **fields
            )
        return made

    def reply(self, to: int, body: str, *, author: str, repository: Repository | None = None) -> ReviewComment:
        """An answer in the thread of the review comment `to`, by itself a review of its author."""
        home = self._at(repository)
        first = home.review_comments[to]
        fields = {"path": first.path, "line": first.line, "in_reply_to": first.id, "body": body}
        self.review(first.number, author=author, state="COMMENTED", comments=(fields,), repository=repository)
        return list(home.review_comments.values())[-1]

    def _numbered(self, home: Repository, title: str, body: str, author: str, pull: Pull | None) -> Issue:
        number = max(home.issues, default=0) + 1
        user, identity = self.world.user(author), next(self.world.numbers)
        home.issues[number] = Issue(number=number, id=identity, title=title, body=body, author=user, pull=pull)
        return home.issues[number]

    def _at(self, repository: Repository | None) -> Repository:
        if repository is not None:
            return repository
        assert self.world.repositories, "there is no repository yet"
        return next(iter(self.world.repositories.values()))

    # what a workflow is told

    def event(
        self,
        name: str,
        subject: Comment | Review | Issue | Mapping[str, str],
        *,
        action: str = "",
        sender: str | None = None,
        before: str = "before",
        label: str = "",
        repository: Repository | None = None,
    ) -> dict[str, Any]:
        """The payload of `issue_comment`, `issues`, `pull_request_review` or, of what is given, `workflow_dispatch`
        and `repository_dispatch`, sent by the subject's author unless somebody else is named."""
        home, world = self._at(repository), self.world
        match name, subject:
            case "issue_comment", Comment():
                payload = events.issue_comment(world, home, subject, action=action or "created", before=before)
            case "pull_request_review", Review():
                payload = events.pull_request_review(world, home, subject, action=action or "submitted")
            case "issues", Issue():
                payload = events.issues(world, home, subject, action=action or "opened", label=label)
            case "workflow_dispatch", Mapping():
                payload = events.workflow_dispatch(home, subject)
            case "repository_dispatch", Mapping():
                payload = events.repository_dispatch(home, action or "greenloop", subject)
            case _:
                raise AssertionError(f"{name} is not about {subject!r}")
        author = subject.author if isinstance(subject, Comment | Review | Issue) else home.owner
        return events.signed(world, home, payload, world.user(sender) if sender else author)

    def failed_run(self, branch: str, *logs: tuple[str, str, str], name: str = "CI", sha: str = "") -> dict[str, Any]:
        """The payload of `workflow_run` for a run that failed on the branch; `logs` are its jobs: name, conclusion, and
        what each has printed."""
        home, world, run = self._at(None), self.world, next(self.world.numbers)
        for job, conclusion, log in logs:
            known = next(world.numbers)
            home.logs[known] = {"id": known, "run_id": run, "name": job, "conclusion": conclusion, "log": log}
        sha = sha or home.git.sha(f"refs/heads/{branch}") or ""
        payload = events.failed_run(world, home, branch, sha, run=run, name=name)
        return events.signed(world, home, payload, world.user(ACTIONS))

    def failed_suite(self, branch: str, app: str, *outputs: Mapping[str, str]) -> dict[str, Any]:
        """The payload of `check_suite` for another app's checks; `outputs` are what its failed check runs say."""
        home, world, suite = self._at(None), self.world, next(self.world.numbers)
        for output in outputs:
            home.suites.append(
                {"suite": suite, "id": suite, "name": "build", "conclusion": "failure", "output": output}
            )
        payload = events.failed_suite(branch, home.git.sha(f"refs/heads/{branch}") or "", suite=suite, app=app)
        return events.signed(world, home, payload, world.user(f"{app}[bot]"))

    # what is there now

    def snapshot(self) -> dict[str, Any]:
        """All that a person can see, without ids and times."""
        return {name: seen(repository) for name, repository in self.world.repositories.items()}
