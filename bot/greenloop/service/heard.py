"""What is said around a request: material, whoever wrote it, and only as it was when the request was made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from greenloop.domain import Message, Request, Source, Trust
from greenloop.forge.github import Comment
from greenloop.forge.github.bodies import key_of
from greenloop.hygiene.hidden import visible
from greenloop.service import failed
from greenloop.service.scene import Scene

LOG = "the log of a workflow that failed"
MEND = "A workflow of the repository failed on what is there now; the end of its log is quoted. Mend what it shows."
_NEWEST, _LONGEST = 30, 4000  # messages, characters of each


def quoted(scene: Scene, comments: Iterable[Comment]) -> tuple[Message, ...]:
    """How it began, then the newest, newest last. What was adopted is no part of it, and neither is what was written or
    changed after the request."""
    request, me = scene.request, scene.github.whoami()
    if request.number is None or request.source is Source.REVIEW:
        return ()
    author, opening = _opening(scene, request.number)
    adopted = visible(request.text) == opening
    first = [] if adopted else [Message(id="0", author=author, trust=Trust.QUOTED, body=opening)]
    said = [
        Message(id=str(c.id), author=c.author, trust=Trust.QUOTED, body=c.body)
        for c in comments
        if c.id != request.comment and c.author != me and _before(c, request.at)
    ]
    return tuple(replace(m, body=visible(m.body)[:_LONGEST]) for m in (*first, *said[-_NEWEST:]))


def failed_too(
    request: Request, scene: Scene, comments: Iterable[Comment], tip: str
) -> tuple[Request, tuple[Message, ...]]:
    """Of whoever goes on from `tip`: when we have told that a workflow failed there, that is to be mended too, and the
    end of its log is quoted. Somebody's program has printed that."""
    me, key = scene.github.whoami(), failed.key(tip)
    found = [c for c in comments if tip and c.author == me and key_of(c.body) == key]
    if not found:
        return request, ()
    log = visible(failing_part(found[-1].body))[:_LONGEST]
    message = Message(id=str(found[-1].id), author=LOG, trust=Trust.QUOTED, body=log)
    return replace(request, text=f"{request.text}\n\n{MEND}"), (message,)


def failing_part(body: str) -> str:
    """The quoted log alone, whatever stands in it."""
    return body.partition("</summary>")[2].rpartition("</details>")[0].strip()


def _opening(scene: Scene, number: int) -> tuple[str, str]:
    """Who opened it, and what it said when the event happened; of an event without it, what it says now."""
    then = scene.payload.get("issue")
    if isinstance(then, dict):
        author = (then.get("user") or {}).get("login") or "ghost"
        return author, visible(f"{then['title']}\n\n{then['body'] or ''}")
    now = scene.github.issue(number)
    return now.author, visible(f"{now.title}\n\n{now.body}")


def _before(comment: Comment, at: str) -> bool:
    """Times are of whole seconds: what was changed in the very second of the request may have been changed after it."""
    if not at:
        return True
    untouched = comment.updated_at == comment.created_at
    return comment.created_at <= at and (untouched or comment.updated_at < at)
