"""The little of GitHub's GraphQL that greenloop speaks: who we are, drafts, threads. A query is known by its words."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from fakes.github import commits, threads
from fakes.github.accounts import Json, node
from fakes.github.state import Issue, Refusal, Repository, Token, World

_FORBIDDEN = "Resource not accessible by integration"


def respond(world: World, token: Token | None, body: Json) -> Json:
    if token is None:
        raise Refusal(401, "This endpoint requires you to be authenticated.")
    query, variables = str(body.get("query")), body.get("variables") or {}
    if re.search(r"\bviewer\s*\{\s*login\s*\}", query):
        return {"data": {"viewer": {"login": token.user.login}}}
    if re.search(r"\breviewThreads\(", query):
        return threads.listed(world, token, variables)
    if re.search(r"\bmutation\b.*\bresolveReviewThread\(", query, re.DOTALL):
        return threads.resolve(world, token, str(variables.get("id")))
    if re.search(r"\bmutation\b.*\bcreateCommitOnBranch\(", query, re.DOTALL):
        return commits.create(world, token, variables["input"])
    for name, change in _MUTATIONS.items():
        if re.search(rf"\bmutation\b.*\b{name}\(", query, re.DOTALL):
            return _changed(world, token, name, change, str(variables.get("id")))
    return _error(None, "Field is not in the schema of the fake")


def _changed(
    world: World, token: Token, name: str, change: Callable[[Repository, Issue], str | None], pull: str
) -> Json:
    found = _find(world, pull)
    if found is None:
        return _error("NOT_FOUND", f"Could not resolve to a node with the global id of '{pull}'", name)
    repository, issue = found
    needed = ("contents", "pull_requests")
    if token.kind == "app" and any(token.permissions.get(area) != "write" for area in needed):
        return _error("FORBIDDEN", _FORBIDDEN, name)
    problem = change(repository, issue)
    if problem:
        return _error("UNPROCESSABLE", problem, name)
    assert issue.pull is not None
    return {"data": {name: {"pullRequest": {"isDraft": issue.pull.draft}}}}


def _find(world: World, name: str) -> tuple[Repository, Issue] | None:
    for repository in world.repositories.values():
        for issue, _ in repository.pulls():
            if node("PullRequest", issue.number) == name:
                return repository, issue
    return None


def _ready(_: Repository, issue: Issue) -> str | None:
    assert issue.pull is not None
    if not issue.pull.draft:
        return "Pull request is not a draft"
    issue.pull.draft = False
    return None


def _draft(repository: Repository, issue: Issue) -> str | None:
    assert issue.pull is not None
    if issue.pull.draft or not repository.drafts:
        return "Pull request cannot be converted to a draft"
    issue.pull.draft = True
    return None


def _error(kind: str | None, message: str, path: str = "") -> Json:
    error: dict[str, Any] = {"message": message, "path": [path]} | ({"type": kind} if kind else {})
    return {"data": {path: None} if path else None, "errors": [error]}


_MUTATIONS = {"markPullRequestReadyForReview": _ready, "convertPullRequestToDraft": _draft}
