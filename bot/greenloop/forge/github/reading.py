"""GitHub's answers → values. Pure; an answer that is not GitHub's is a `Fault`, never a `KeyError`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from greenloop.forge.github.errors import foreign
from greenloop.forge.github.values import Comment, Issue, PullRequest, Repository, Review

Json = dict[str, Any]
Value = TypeVar("Value")
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
    return Review(id=int(raw["id"]), body=raw["body"] or "", author=_author(raw), url=raw["html_url"])


def address(raw: Json) -> str:
    return str(raw["html_url"])


def identity(raw: Json) -> int:
    return int(raw["id"])


def login(raw: Json) -> str:
    return str(raw["login"])


def _author(raw: Json) -> str:
    """GitHub shows a deleted account as `ghost` and sends null."""
    user = raw["user"]
    return str(user["login"]) if user else "ghost"


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is not true or false")
    return value
