"""Commits that GitHub makes and signs itself: one request each, onto the head that is expected, or none."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping

from greenloop.forge.github.asking import Api
from greenloop.forge.github.errors import Ask, Missing, foreign

_NEEDS = "contents: write"
COMMIT = """
mutation($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { commit { oid } }
}
"""


def commit(
    api: Api, branch: str, *, onto: str, message: str, written: Mapping[str, bytes], deleted: Iterable[str]
) -> str:
    """The id of a signed commit on `branch`, whose head has to be `onto`. Plain files alone: GitHub takes no modes. A
    lost answer is looked up: the branch is ours alone, so if it moved, that is the commit."""
    headline, _, body = message.partition("\n")
    given = {
        "branch": {"repositoryNameWithOwner": api.connection.repository, "branchName": branch},
        "expectedHeadOid": onto,
        "message": {"headline": headline, "body": body.strip("\n")},
        "fileChanges": {
            "additions": [{"path": path, "contents": b64encode(data).decode()} for path, data in written.items()],
            "deletions": [{"path": path} for path in deleted],
        },
    }

    def look() -> object:
        now = head(api, branch)
        return None if now in {None, onto} else {"data": {"createCommitOnBranch": {"commit": {"oid": now}}}}

    ask = Ask(doing=f"make a signed commit on {branch}", needs=_NEEDS, repeatable=False)
    made = api.graphql(ask, COMMIT, {"input": given}, look=look)
    try:
        return str(made["createCommitOnBranch"]["commit"]["oid"])
    except (KeyError, TypeError) as error:
        raise foreign(f"{type(error).__name__} {error} in what should be a commit") from None


def head(api: Api, branch: str) -> str | None:
    """Where a branch is now."""
    try:
        found = api.get(
            Ask(path=f"{api.repo}/git/ref/heads/{branch}", doing=f"look at {branch}", needs="contents: read")
        )
    except Missing:
        return None
    try:
        return str(found["object"]["sha"])  # type: ignore[index]
    except (KeyError, TypeError):
        raise foreign(f"{branch} has no commit") from None
