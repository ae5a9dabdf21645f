"""A review on GitHub: read as one request, and answered thread by thread, once.

What is to be answered is in the run's record before the first answer is sent, so that another runner can send the rest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from greenloop.domain import Message, Outcome, Request, Thread, Trust
from greenloop.errors import GreenloopError
from greenloop.forge.github import GitHub, ReviewThread, Said, Threads
from greenloop.hygiene.hidden import visible
from greenloop.ports import Workspace
from greenloop.records import recording
from greenloop.reviews import suggestions
from greenloop.reviews.threads import SUGGESTED, Answer, Remark, Seen, answers, composed, planned, remarks, text_of
from greenloop.service.guard import MAY

ANSWERS = "answers.json"  # in the run's record
_ASKED = 10  # accounts whose permission is looked up; the words of more are quoted
_LONGEST = 4000  # characters of a quoted reply


@dataclass(slots=True)
class _Readers:
    """Who of those that spoke in a thread may ask: the reviewer, and whoever has write access."""

    github: GitHub
    reviewer: str
    known: dict[str, bool] = field(default_factory=dict)

    def may(self, login: str) -> bool:
        if login == self.reviewer:
            return True
        if login.endswith("[bot]") or login == self.github.whoami() or login == "ghost":
            return False
        if login not in self.known:
            known = len(self.known) < _ASKED
            self.known[login] = known and self.github.permission(login) in MAY
        return self.known[login]


def ordered(request: Request, found: Threads, github: GitHub) -> tuple[Request, tuple[Message, ...]]:
    """The review as one request, and what others said in its threads: material. Resolved threads are no part of it."""
    readers = _Readers(github, request.actor)
    mine = [t for t in found.all if not t.resolved and any(c.review == request.comment for c in t.comments)]
    threads: list[Thread] = []
    quoted: list[Message] = []
    for number, thread in enumerate(mine, 1):
        heard = [c for c in thread.comments if _in_time(c, request)]
        threads.append(_thread(thread, [c for c in heard if readers.may(c.author)], request))
        quoted += [_message(c, number) for c in heard if not readers.may(c.author)]
    text = composed(visible(request.text), threads)
    files = tuple(dict.fromkeys(t.path for t in threads))
    return replace(request, text=text, files=files, threads=tuple(threads)), tuple(quoted)


def _in_time(said: Said, request: Request) -> bool:
    """Whether it stood there, as it stands now, when the review was submitted."""
    now = not request.at or said.review == request.comment or said.published_at <= request.at
    return now and (said.edited_at is None or not request.at or said.edited_at <= request.at)


def _thread(found: ReviewThread, heard: list[Said], request: Request) -> Thread:
    words = [(c.author, visible(c.body)) for c in heard]
    text = "\n\n".join(body if author == request.actor else f"{author}: {body}" for author, body in words)
    placed = not found.left
    suggestion, note = _suggestion(found, heard)
    return Thread(
        id=found.node,
        path=found.path,
        start=found.start if placed else None,
        line=found.line if placed else None,
        text=text,
        suggestion=suggestion,
        note=note,
    )


def _suggestion(found: ReviewThread, heard: list[Said]) -> tuple[str | None, str]:
    """The one that is to be applied, or why none is."""
    read = [suggestions.shown(c.body) for c in heard]
    if any(blocks is None for blocks in read):
        return None, suggestions.HIDDEN
    every = [text for blocks in read for text in blocks or ()]
    if not every:
        return None, ""
    if len(every) > 1:
        return None, suggestions.SEVERAL
    if found.outdated:
        return None, suggestions.OUTDATED
    if found.left:
        return None, suggestions.LEFT
    return (None, suggestions.WHOLE) if found.line is None else (every[0], "")


def _message(said: Said, number: int) -> Message:
    body = visible(said.body)[:_LONGEST]
    return Message(id=str(said.id), author=f"{said.author} in T{number}", trust=Trust.QUOTED, body=body)


def record(outcome: Outcome, journal: str, workspace: Workspace) -> Mapping[str, bytes]:
    """What the threads are to be answered, for the run's record."""
    request = outcome.request
    if not request.threads:
        return {}
    made = answers(request.threads, _seen(outcome, journal, workspace))
    rows = [{"thread": a.thread, "body": a.body, "resolve": a.resolve} for a in made]
    return {ANSWERS: json.dumps(rows, indent=2).encode()}


def _seen(outcome: Outcome, journal: str, workspace: Workspace) -> Seen:
    base, best = workspace.tree(outcome.request.base), outcome.best
    plan = planned(outcome.request.threads, lambda path: workspace.read(base, path))
    if plan.applied and all(a.model != SUGGESTED for a in outcome.attempts):
        why = dict.fromkeys(plan.applied, suggestions.PROTECTED)
        plan = replace(plan, applied=frozenset(), refused={**plan.refused, **why})
    return Seen(
        outcome=outcome,
        plan=plan,
        remarks=_remarks(outcome, journal),
        before=lambda path: text_of(workspace.read(base, path)),
        after=lambda path: text_of(workspace.read(best.tree, path)) if best else None,
    )


def _remarks(outcome: Outcome, journal: str) -> Mapping[int, Remark]:
    """Of the answer that the best attempt was made from. Of one that nothing was made of, what it declines or asks."""
    replies = [e for e in recording.loads(journal) if isinstance(e, recording.Replied)]
    best = [r.text for r in replies if outcome.best is not None and r.attempt == outcome.best.number]
    if best:
        return remarks(best[-1])
    last = remarks(replies[-1].text) if replies else {}
    return {number: remark for number, remark in last.items() if remark.kind}


def answer(request: Request, kept: bytes | None, github: GitHub, *, resolve: bool) -> str:
    """Say what is in the record and not yet said, and resolve what may be; a sentence on what could not be."""
    rows = list(_rows(kept))
    if not rows or request.number is None:
        return ""
    try:
        there = {thread.node: thread for thread in github.review_threads(request.number).all}
        for row in rows:
            thread = there.get(row.thread)
            if thread is None:  # deleted meanwhile
                continue
            github.answer(request.number, thread, request.key, row.body)
            if row.resolve and resolve and not thread.resolved:
                github.resolve(request.number, thread.node)
    except GreenloopError as error:
        return f"Not every thread could be answered: {error} Run the job again: it says what is missing."
    return ""


def _rows(kept: bytes | None) -> Iterator[Answer]:
    for row in json.loads(kept or b"[]"):
        yield Answer(thread=str(row["thread"]), body=str(row["body"]), resolve=bool(row["resolve"]))
