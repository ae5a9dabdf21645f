"""`generate`: a request becomes judged commits on a branch, and a proposal."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from time import monotonic

from greenloop.commands.course import Course
from greenloop.commands.run import Run
from greenloop.domain import Attempt, Ending, Message, Outcome, Reason, Request
from greenloop.engine.workbench import Baseline, Workbench, baseline
from greenloop.errors import GreenloopError, NotPushed
from greenloop.ports import Forge
from greenloop.report.render import pull_request, title
from greenloop.stopping import Stopped
from greenloop.verdict.judge import improves

_FIRST = 0.1  # seconds at most that the base's tests are let go first: two threads keep each other from the interpreter
Drive = Callable[[Request, Baseline, Workbench, Run, Course], None]


def generate(
    request: Request, bench: Workbench, run: Run, forge: Forge, *, thread: tuple[Message, ...] = ()
) -> Outcome:
    """Run the loop and land its best attempt. Raises only what makes a run impossible before the first attempt."""
    began = monotonic()
    course = Course(thread=thread)
    try:
        with ThreadPoolExecutor(1, "beside") as beside:
            ready = beside.submit(_prepared, request, bench)
            course.base = base = baseline(bench, bench.workspace.tree(request.base))
        bench.stop.check()
        ready.result()(request, base, bench, run, course)
    except Stopped:
        course.ending = Ending(Reason.STOPPED)
    except GreenloopError as error:
        if not course.attempts:
            raise
        course.ending = Ending(Reason.of(error.exit_code), str(error))
    return _landed(request, bench, run, forge, course, seconds=monotonic() - began)


def _prepared(request: Request, bench: Workbench) -> Drive:
    """What the first call needs, loaded and indexed while the base is measured."""
    bench.at_work.wait(_FIRST)
    bench.model.warm()
    from greenloop.commands.drive import drive, searching  # noqa: PLC0415 - imported beside the baseline

    return partial(drive, found=searching(request, bench))


def _landed(request: Request, bench: Workbench, run: Run, forge: Forge, course: Course, *, seconds: float) -> Outcome:
    tip, best = None, course.best
    try:
        tip = run.land(best, course.attempts)
    except NotPushed as moved:
        best = _on_top(request, bench, run, course, moved)
        tip = run.tip
    ending = course.ending or Ending(Reason.UNCHANGED)
    bench.say("done", detail=ending.reason.word)
    outcome = Outcome(
        request=request,
        reason=ending.reason,
        attempts=tuple(map(run.named, course.attempts)),
        best=best and run.named(best),
        baseline=course.base.report if course.base else None,
        detail=ending.detail,
        branch=run.branch if course.attempts else None,
        tip=tip,
        usage=bench.budget.used,
        model=bench.model.name,
        unusable=course.unusable,
        lookups=course.lookups,
        tested=course.tested,
        omitted=course.task.omitted if course.task else (),
        knowledge=tuple(s.place for s in course.task.knowledge) if course.task else (),
        sandbox=bench.sandbox.level if course.base else "",
        seconds=seconds,
    )
    return run.close(_proposed(outcome, forge))


def _on_top(request: Request, bench: Workbench, run: Run, course: Course, moved: NotPushed) -> Attempt | None:
    """The best attempt, on top of what a person has pushed meanwhile; or as it was, and why it is not pushed."""
    from greenloop.commands.rebase import rebased  # noqa: PLC0415 - seldom needed

    try:
        best = rebased(request, bench, run, course, moved)
    except Stopped:
        course.ending = Ending(Reason.NOT_PUSHED, str(moved))
        return course.best
    except GreenloopError as error:  # the record says what there was
        course.ending = Ending(Reason.NOT_PUSHED, str(error))
        return course.best
    course.attempts = [best if a.number == best.number else a for a in course.attempts]
    return best


def _proposed(outcome: Outcome, forge: Forge) -> Outcome:
    """Offer what is green or better than the base; everything else is only told."""
    if (
        outcome.reason is Reason.NOT_PUSHED
        or outcome.best is None
        or not (outcome.best.verdict.green or improves(outcome.best.verdict))
    ):
        return outcome
    draft = outcome.reason is not Reason.GREEN
    url = forge.propose(
        outcome.request,
        branch=outcome.branch or "",
        title=title(outcome),
        body=pull_request(outcome),
        draft=draft,
        changed=outcome.best.paths,
    )
    return replace(outcome, url=url)
