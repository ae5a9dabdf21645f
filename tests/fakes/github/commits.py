"""GraphQL: commits that GitHub makes itself, and signs."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

from fakes.github.accounts import Json
from fakes.github.state import Token, World

NAME = "createCommitOnBranch"


def create(world: World, token: Token, given: Json) -> Json:
    """Plain files alone: whatever was executable is not any more. The branch has to be there, and where it is expected;
    nobody else is its author than who asks."""
    place, changes, message = given["branch"], given["fileChanges"], given["message"]
    repository, branch = world.repositories.get(place["repositoryNameWithOwner"]), place["branchName"]
    if repository is None:
        return _error("NOT_FOUND", "Could not resolve to a Repository")
    app = token.kind == "app"
    files: dict[str, bytes | None] = {row["path"]: b64decode(row["contents"]) for row in changes["additions"]}
    files |= {row["path"]: None for row in changes["deletions"]}
    may = token.permissions.get("contents") == "write" if app else repository.may(token.user.login, "write")
    workflows = app and any(path.startswith(".github/workflows/") for path in files)
    if not may or repository.archived or (workflows and token.permissions.get("workflows") != "write"):
        return _error("FORBIDDEN", "Resource not accessible by integration")
    now = repository.git.sha(f"refs/heads/{branch}")
    if now is None:
        return _error("NOT_FOUND", f"No branch {branch}")
    if now != given["expectedHeadOid"]:
        told = f'Expected branch to point to "{given["expectedHeadOid"]}" but it did not.  Pull and try again.'
        return _error("STALE_DATA", told)
    text = f"{message['headline']}\n\n{message['body']}".strip() + "\n"
    made = repository.git.commit(branch, files, text, token.user.login, committer="GitHub")
    repository.follow()
    return {"data": {NAME: {"commit": {"oid": made}}}}


def _error(kind: str, message: str) -> Json:
    error: dict[str, Any] = {"message": message, "path": [NAME], "type": kind}
    return {"data": {NAME: None}, "errors": [error]}
