"""GraphQL: the threads of reviews. A thread is its first comment and what replies to it."""

from __future__ import annotations

from typing import Any

from fakes.github.accounts import Json, node
from fakes.github.state import Repository, ReviewComment, Token, World

_FORBIDDEN = "Resource not accessible by integration"


def listed(world: World, token: Token, variables: Json) -> Json:
    """A page of those of one pull request, fifty at most."""
    repository = world.repositories.get(f"{variables['owner']}/{variables['name']}")
    issue = repository.issues.get(int(variables["number"])) if repository else None
    if repository is None or (repository.private and token.repository != repository.full_name):
        return _error("NOT_FOUND", "Could not resolve to a Repository", "repository")
    if issue is None or issue.pull is None:
        return _error("NOT_FOUND", "Could not resolve to a PullRequest", "repository")
    rows = [c for c in repository.review_comments.values() if c.number == issue.number and c.in_reply_to is None]
    at = int(variables.get("after") or 0)
    page = {"hasNextPage": len(rows) > at + 50, "endCursor": str(at + 50) if rows else None}
    nodes = [_thread(repository, row) for row in rows[at : at + 50]]
    threads = {"pageInfo": page, "nodes": nodes}
    return {"data": {"repository": {"pullRequest": {"headRefOid": issue.pull.sha, "reviewThreads": threads}}}}


def said_in(repository: Repository, first: ReviewComment) -> list[ReviewComment]:
    return [c for c in repository.review_comments.values() if c is first or c.in_reply_to == first.id]


def _thread(repository: Repository, first: ReviewComment) -> Json:
    return {
        "id": node("PullRequestReviewThread", first.id),
        "isResolved": first.resolved,
        "isOutdated": first.outdated,
        "path": first.path,
        "line": None if first.whole_file else first.line,
        "startLine": first.start_line,
        "diffSide": first.side,
        "startDiffSide": first.side if first.start_line else None,
        "subjectType": "FILE" if first.whole_file else "LINE",
        "comments": {"nodes": [_comment(c) for c in said_in(repository, first)]},
    }


def _comment(comment: ReviewComment) -> Json:
    """An app's login is without its `[bot]` here, and a database id is text."""
    author = {"__typename": comment.author.type, "login": comment.author.login.removesuffix("[bot]")}
    return {
        "fullDatabaseId": str(comment.id),
        "body": comment.body,
        "publishedAt": comment.created_at,
        "lastEditedAt": comment.edited_at,
        "author": author,
        "pullRequestReview": {"fullDatabaseId": str(comment.review)},
    }


def resolve(world: World, token: Token, name: str) -> Json:
    for repository in world.repositories.values():
        for comment in repository.review_comments.values():
            if node("PullRequestReviewThread", comment.id) == name:
                needed = ("contents", "pull_requests")
                if token.kind == "app" and any(token.permissions.get(area) != "write" for area in needed):
                    return _error("FORBIDDEN", _FORBIDDEN, "resolveReviewThread")
                comment.resolved = True
                return {"data": {"resolveReviewThread": {"thread": {"isResolved": True}}}}
    return _error("NOT_FOUND", f"Could not resolve to a node with the global id of '{name}'", "resolveReviewThread")


def _error(kind: str, message: str, path: str) -> Json:
    error: dict[str, Any] = {"message": message, "path": [path], "type": kind}
    return {"data": {path: None}, "errors": [error]}
