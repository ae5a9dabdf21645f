"""GitHub's answers → values. Pure; an answer that is not GitHub's is a `Fault`, never a `KeyError`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from greenloop.forge.github.errors import foreign
from greenloop.forge.github.values import Comment, Issue, PullRequest, Repository, Review, ReviewComment

Json = dict[str, Any]
Value = TypeVar("Value")
_HUNK = re.compile(r"@@ -\d+(?:,\d+)? \+(\d+)")
_ROLES = frozenset({"admin", "maintain", "write", "triage", "read", "none"})


def read(build: Callable[[Json], Value], raw: object) -> Value:
    """`raw` as a value."""
    if not isinstance(raw, dict):
        raise foreign(f"{_name(build)} is {type(raw).__name__}")
    try:
        return build(raw)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise foreign(f"{type(error).__name__} {error} in {_name(build)}") from None


def read_all(build: Callable[[Json], Value], rows: Iterable[object]) -> tuple[Value, ...]:
    return tuple(read(build, row) for row in rows)


def _name(build: Callable[[Json], object]) -> str:
    return f"what should be the {getattr(build, '__name__', 'value').replace('_', ' ')}"


def permission(raw: Json) -> str:
    """The role. An organisation's own roles have names of their own: then what they are folded to."""
    role = raw.get("role_name")
    known = role if role in _ROLES else raw["permission"]
    if known not in _ROLES:
        raise ValueError(f"{known!r}")
    return str(known)


def repository(raw: Json) -> Repository:
    return Repository(
        name=raw["full_name"],
        default_branch=raw["default_branch"],
        private=_flag(raw["private"]),
        archived=_flag(raw["archived"]),
        clone_url=raw["clone_url"],
        url=raw["html_url"],
    )


def issue(raw: Json) -> Issue:
    return Issue(
        number=int(raw["number"]),
        state=raw["state"],
        locked=_flag(raw["locked"]),
        title=raw["title"],
        body=raw["body"] or "",
        author=_author(raw),
        is_pull_request=raw.get("pull_request") is not None,
    )


def pull_request(raw: Json) -> PullRequest:
    head, base = raw["head"], raw["base"]
    source = head["repo"]["full_name"] if head["repo"] else None
    return PullRequest(
        number=int(raw["number"]),
        state=raw["state"],
        draft=_flag(raw.get("draft", False)),
        head_ref=head["ref"],
        head_sha=head["sha"],
        head_repository=source,
        base_ref=base["ref"],
        base_sha=base["sha"],
        is_fork=source != base["repo"]["full_name"],
        maintainer_can_modify=_flag(raw.get("maintainer_can_modify", False)),  # not in lists
        title=raw["title"],
        body=raw["body"] or "",
        author=_author(raw),
        url=raw["html_url"],
        node=raw["node_id"],
    )


def comment(raw: Json) -> Comment:
    return Comment(
        id=int(raw["id"]),
        author=_author(raw),
        author_type=raw["user"]["type"] if raw["user"] else "User",
        body=raw["body"] or "",
        created_at=raw["created_at"],
        updated_at=raw["updated_at"],
        url=raw["html_url"],
    )


def review(raw: Json) -> Review:
    """Without its comments: they are another answer."""
    return Review(
        id=int(raw["id"]),
        state=raw["state"].upper(),
        body=raw["body"] or "",
        author=_author(raw),
        commit=raw.get("commit_id"),
        submitted_at=raw.get("submitted_at"),
        comments=(),
    )


def review_comment(raw: Json) -> ReviewComment:
    return ReviewComment(
        id=int(raw["id"]),
        path=raw["path"],
        line=None if raw.get("subject_type") == "file" else _line(raw),
        author=_author(raw),
        body=raw["body"] or "",
        in_reply_to=raw.get("in_reply_to_id"),
    )


def identity(raw: Json) -> int:
    return int(raw["id"])


def login(raw: Json) -> str:
    return str(raw["login"])


def _line(raw: Json) -> int | None:
    """The list of one review's comments has no lines, but each hunk ends where its comment stands."""
    for name in ("original_line", "line"):  # the first is true of what was reviewed, also when the code moved on
        if isinstance(raw.get(name), int) and raw.get("side", "RIGHT") != "LEFT":
            return int(raw[name])
    return _last_line(raw.get("diff_hunk") or "")


def _last_line(hunk: str) -> int | None:
    """The new side's number of the hunk's last line; of a removed line, the number of the one before it."""
    head, *lines = hunk.rstrip("\n").split("\n")
    found = _HUNK.match(head)
    if found is None or not lines:
        return None
    count = sum(not line.startswith(("-", "\\")) for line in lines)
    return max(1, int(found[1]) + count - 1)


def _author(raw: Json) -> str:
    """GitHub shows a deleted account as `ghost` and sends null."""
    user = raw["user"]
    return str(user["login"]) if user else "ghost"


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is not true or false")
    return value
