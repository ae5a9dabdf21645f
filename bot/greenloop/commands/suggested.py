"""The suggestions of a review as the first attempt: applied letter by letter before a model is asked, and judged."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic

from greenloop.domain import Attempt, Request, Task, Unusable, Usage
from greenloop.engine.candidate import Candidate, Start, from_tree
from greenloop.engine.judging import Place, judged
from greenloop.engine.loop import advance
from greenloop.engine.turn import Sink, State
from greenloop.engine.workbench import Workbench
from greenloop.ports import Reply
from greenloop.reviews.threads import SUGGESTED, Plan, body_of, planned

_NOTHING = Unusable(message="The files that the suggestions are about are protected here.", kind="no change")


def plan(request: Request, start: Start, bench: Workbench) -> Plan:
    return planned(request.threads, lambda path: bench.workspace.read(start.base.tree, path))


def first(suggested: Plan, start: Start, bench: Workbench, sink: Sink) -> Attempt | None:
    """What stands there is a person's: it is not tidied."""
    if not suggested.files:
        return None
    began, count = monotonic(), len(suggested.applied)
    tree = bench.workspace.write(start.base.tree, suggested.files)
    summary = f"Apply {count} suggestion{'s' if count > 1 else ''} of the review"
    made = from_tree(tree, start, bench, summary=summary)
    same = isinstance(made, Candidate) and made.tree == start.base.tree
    reply = Reply(text="", finish="stop", usage=Usage(), model=SUGGESTED, first_token=0.0)
    attempt = judged(_NOTHING if same else made, reply, start, bench, sink, Place(1, began))
    if isinstance(attempt, Attempt):
        return attempt
    sink.unusable(1, f"The suggestions could not be applied. {attempt.message}")
    return None


def enough(attempt: Attempt, suggested: Plan, request: Request) -> bool:
    """Whether nothing is left to ask a model for: every thread has its suggestion, and the review says no more."""
    every = {thread.id for thread in request.threads} == suggested.applied
    return attempt.verdict.green and every and not body_of(request.text)


def after(attempt: Attempt, state: State, start: Start, task: Task) -> State:
    """What the model begins from."""
    if attempt.verdict.green:
        return replace(state, onto=attempt.tree, failures="", attempts=(attempt,))
    return advance(state, attempt, start, shown=tuple(s.path for s in task.snippets if s.whole))


def told(task: Task, suggested: Plan, request: Request) -> Task:
    """The files that a model is shown have them already."""
    numbers = [f"T{n}" for n, thread in enumerate(request.threads, 1) if thread.id in suggested.applied]
    return replace(task, goal=f"{task.goal}\n\nApplied already, as the files below show: {', '.join(numbers)}.")
