"""What people and we say on GitHub: threads, reactions, and our one comment of a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from greenloop.forge.github import reading
from greenloop.forge.github.asking import Api
from greenloop.forge.github.bodies import fitted, marked, marker
from greenloop.forge.github.errors import Ask, Missing
from greenloop.forge.github.values import Comment

Target = Literal["issue", "pull_request", "comment", "review_comment"]
Reaction = Literal["+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"]

_PAGES = 10  # of a thread: a thousand comments, the newest
_LOOK = 3  # pages that are looked through for a comment of ours
_WRITE = "issues: write` and `pull-requests: write"
_READ = "issues: read` and `pull-requests: read"


def comment(api: Api, number: int) -> Comment:
    ask = Ask(path=f"{api.repo}/issues/comments/{number}", doing=f"read comment {number}", needs=_READ)
    return reading.read(reading.comment, api.get(ask))


def thread(api: Api, number: int, *, pages: int = _PAGES) -> tuple[Comment, ...]:
    """The comments of an issue or pull request, oldest first; of a very long one, the newest."""
    ask = Ask(path=f"{api.repo}/issues/{number}/comments", doing=f"read the comments of #{number}", needs=_READ)
    return reading.read_all(reading.comment, api.newest(ask, pages=pages))


def react(api: Api, target: Target, number: int, *, reaction: Reaction) -> None:
    """Twice is once: GitHub keeps one reaction of each kind and person."""
    place = {
        "issue": f"issues/{number}",
        "pull_request": f"issues/{number}",
        "comment": f"issues/comments/{number}",
        "review_comment": f"pulls/comments/{number}",
    }[target]
    path, words = f"{api.repo}/{place}/reactions", target.replace("_", " ")
    api.write(Ask(verb="POST", path=path, doing=f"react to {words} {number}", needs=_WRITE, body={"content": reaction}))


def edit(api: Api, number: int, body: str, *, key: str) -> None:
    """It goes on beginning with the marker of that run."""
    path, body = f"{api.repo}/issues/comments/{number}", _text(api, body, key)
    api.write(Ask(verb="PATCH", path=path, doing=f"edit comment {number}", needs=_WRITE, body={"body": body}))


def _text(api: Api, body: str, key: str) -> str:
    return fitted(marked(key, api.clean(body)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sticky:
    """The one comment of a run on an issue or pull request: where it is to stand, and what it begins with."""

    number: int
    key: str

    def ours(self, found: Comment, me: Callable[[], str]) -> bool:
        """Our own account wrote it and it begins with the marker. Anybody can type a marker, and any bot that quotes
        people can be made to write one somewhere."""
        return found.body.startswith(marker(self.key)) and found.author == me()


def recorded(api: Api, sticky: Sticky, number: int, *, me: Callable[[], str]) -> int | None:
    """`number`, when it is still there and the comment of this run."""
    try:
        found = comment(api, number)
    except Missing:
        return None
    return number if sticky.ours(found, me) else None


def find(api: Api, sticky: Sticky, *, me: Callable[[], str]) -> int | None:
    return next((c.id for c in thread(api, sticky.number, pages=_LOOK) if sticky.ours(c, me)), None)


def post(api: Api, sticky: Sticky, body: str, *, me: Callable[[], str]) -> int:
    """A new comment, once: after a lost answer only when it is not there."""

    def look() -> object:
        found = find(api, sticky, me=me)
        return None if found is None else {"id": found}

    ask = Ask(
        verb="POST",
        path=f"{api.repo}/issues/{sticky.number}/comments",
        doing=f"comment on #{sticky.number}",
        needs=_WRITE,
        body={"body": _text(api, body, sticky.key)},
        repeatable=False,
    )
    return reading.read(reading.identity, api.write(ask, look=look))
