"""The part of GitHub's REST interface that greenloop speaks: a table of routes, each a function over the state."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from fakes.github import actions, checks, issues, pulls, repositories
from fakes.github.call import INTEGRATION, Call, Reply
from fakes.github.state import Refusal, not_found


@dataclass(frozen=True, kw_only=True)
class Route:
    """`needs` are the permissions that an app's token can have, any of which is enough; `role` is a person's."""

    method: str
    path: re.Pattern[str]
    answer: Callable[[Call], object]
    needs: tuple[str, ...]
    role: str = "read"

    @property
    def level(self) -> str:
        return "read" if self.method == "GET" else "write"


def respond(method: str, path: str, call: Callable[[Mapping[str, str]], Call]) -> Reply:
    """What GitHub answers to `path` below the API's address. Raises `Refusal`."""
    for route in ROUTES:
        found = route.path.fullmatch(path)
        if route.method == method and found:
            asked = call({name: unquote(value) for name, value in found.groupdict().items()})
            if "owner" in asked.args:
                _admit(route, asked)
            answer = route.answer(asked)
            return answer if isinstance(answer, Reply) else Reply(data=answer)
    raise not_found()


def _admit(route: Route, call: Call) -> None:
    repository, token = call.repository, call.token
    if route.level == "write" and repository.archived:
        raise Refusal(403, "Repository was archived so is read-only.")
    if token is None or (token.kind == "user" and not repository.may(token.user.login, route.role)):
        if route.level == "write":
            raise Refusal(403, "Must have push access to the repository.") if token else Refusal(401, "Bad credentials")
        return
    if token.kind == "app" and (route.level == "write" or repository.private):
        here = token.permissions if token.repository == repository.full_name else {}
        enough = {"read", "write"} if route.level == "read" else {"write"}
        if route.needs and not any(here.get(area) in enough for area in route.needs):
            raise Refusal(403, INTEGRATION)


def _route(method: str, path: str, answer: Callable[[Call], object], *needs: str, role: str = "read") -> Route:
    pattern = re.sub(r"\{(ref|path)\}", r"(?P<\1>.+)", path)
    pattern = re.sub(r"\{(number|id)\}", r"(?P<\1>\\d+)", pattern)
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern)
    return Route(method=method, path=re.compile(pattern), answer=answer, needs=needs, role=role)


_R = "/repos/{owner}/{name}"
_BOTH = ("issues", "pull_requests")
ROUTES = (
    _route("GET", "/user", repositories.user),
    _route("GET", _R, repositories.repository),
    _route("GET", f"{_R}/collaborators/{{login}}/permission", repositories.permission),
    _route("GET", f"{_R}/contents/{{path}}", repositories.contents, "contents"),
    _route("GET", f"{_R}/git/ref/{{ref}}", repositories.ref, "contents"),
    _route("GET", f"{_R}/git/matching-refs/{{ref}}", repositories.matching_refs, "contents"),
    _route("DELETE", f"{_R}/git/refs/{{ref}}", repositories.delete_ref, "contents", role="write"),
    _route("POST", f"{_R}/actions/runs/{{number}}/cancel", actions.cancel, "actions", role="write"),
    _route("GET", f"{_R}/actions/runs/{{number}}/jobs", actions.jobs, "actions"),
    _route("GET", f"{_R}/actions/jobs/{{number}}/logs", actions.log, "actions"),
    _route("GET", f"{_R}/check-suites/{{number}}/check-runs", actions.suite, "checks"),
    _route("GET", f"{_R}/commits/{{commit}}/check-runs", checks.of_commit, "checks"),
    _route("POST", f"{_R}/check-runs", checks.create, "checks"),
    _route("PATCH", f"{_R}/check-runs/{{id}}", checks.update, "checks"),
    _route("POST", f"{_R}/code-scanning/sarifs", checks.upload, "security_events"),
    _route("GET", f"{_R}/issues/{{number}}", issues.issue, *_BOTH),
    _route("GET", f"{_R}/issues/{{number}}/comments", issues.comments, *_BOTH),
    _route("POST", f"{_R}/issues/{{number}}/comments", issues.create_comment, *_BOTH),
    _route("GET", f"{_R}/issues/comments/{{id}}", issues.comment, *_BOTH),
    _route("PATCH", f"{_R}/issues/comments/{{id}}", issues.edit_comment, *_BOTH),
    _route(
        "POST",
        f"{_R}/issues/{{number}}/reactions",
        issues.react("issue", lambda c: c.repository.issue(c.number).number),
        *_BOTH,
    ),
    _route(
        "POST",
        f"{_R}/issues/comments/{{id}}/reactions",
        issues.react("comment", lambda c: issues.comment_of(c).id),
        *_BOTH,
    ),
    _route(
        "POST",
        f"{_R}/pulls/comments/{{id}}/reactions",
        issues.react("review_comment", issues.review_comment_id),
        "pull_requests",
    ),
    _route("GET", f"{_R}/pulls", pulls.pulls, "pull_requests"),
    _route("POST", f"{_R}/pulls", pulls.create_pull, "pull_requests"),
    _route("GET", f"{_R}/pulls/{{number}}", pulls.pull, "pull_requests"),
    _route("PATCH", f"{_R}/pulls/{{number}}", pulls.edit_pull, "pull_requests"),
    _route("POST", f"{_R}/pulls/{{number}}/requested_reviewers", pulls.ask_reviewers, "pull_requests"),
    _route("POST", f"{_R}/issues/{{number}}/labels", issues.label, *_BOTH),
    _route("GET", f"{_R}/pulls/{{number}}/reviews", pulls.reviews, "pull_requests"),
    _route("POST", f"{_R}/pulls/{{number}}/reviews", pulls.create_review, "pull_requests"),
    _route("POST", f"{_R}/pulls/{{number}}/comments/{{id}}/replies", pulls.reply, "pull_requests"),
)
