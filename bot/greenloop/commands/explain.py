"""`explain`: an answer in words. What it claims to be somewhere is looked up there: a link leads to a line that exists,
at one commit, and everything else of the model's is text that does nothing."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic

from greenloop import prompts
from greenloop.commands.drive import searching
from greenloop.domain import Message, Outcome, Reason, Report, Request
from greenloop.engine.context import Source, gather, numbered
from greenloop.engine.turn import call
from greenloop.engine.workbench import Workbench
from greenloop.errors import ModelUnreachable
from greenloop.report.answers import Place, rendered

EMPTY = "The model gave an empty answer."


def explain(
    request: Request, bench: Workbench, *, page: str, at: str = "", thread: tuple[Message, ...] = ()
) -> Outcome:
    """`page` is the repository's address for people, `at` the commit that people see, where `request.base` is one that
    they do not. Raises what a call of the model raises."""
    began = monotonic()
    at = at or request.base
    source = Source(bench.workspace, bench.workspace.tree(request.base), bench.settings)
    with searching(request, bench) as found:
        task = gather(request, source, found, baseline=Report(results=()), wanted=(), thread=thread, rules=bench.rules)
    chat = prompts.question(task, tuple(map(numbered, task.snippets)))
    bench.model.warm()
    bench.say("model")
    reply = call(chat, bench)
    if not reply.text.strip():
        raise ModelUnreachable(EMPTY, spent=True)

    seen = replace(source, tree=bench.workspace.tree(at))

    def lines(path: str) -> int:
        text = seen.text(path)
        return 0 if text is None else len(text.splitlines())

    return Outcome(
        request=request,
        reason=Reason.ANSWERED,
        answer=rendered(reply.text, lines, Place(page=page, commit=at)),
        usage=bench.budget.used,
        model=bench.model.name,
        omitted=(*task.omitted, *found.missing),
        knowledge=tuple(s.place for s in task.knowledge),
        seconds=monotonic() - began,
    )
