"""Commands that look at code and change none: the checks alone, and answers in words."""

from __future__ import annotations

from dataclasses import replace

from greenloop.commands.evaluate import evaluate
from greenloop.commands.explain import explain
from greenloop.domain import Outcome, Reason
from greenloop.model.replay import Replay
from greenloop.ports import Progress
from greenloop.report.render import cost
from greenloop.service.job import HANDLED, based, counted, made_bench, private
from greenloop.service.reviewing import DEEP, base_of
from greenloop.service.work import Job, tip_of


def judge(job: Job) -> Outcome:
    """The checks alone: a pull request beside its base, or the branch as it is."""
    job.told.say("⏳ Running the checks…")
    with private(job.temp) as clone:
        heads = (*job.refs, *([f"refs/heads/{job.pull.base_ref}"] if job.pull else []))
        with job.remote.clone(clone, heads, depth=DEEP) as workspace:
            head = job.pull.head_sha if job.pull else tip_of(workspace, job)
            base = base_of(workspace, job.pull) if job.pull else head
            request = replace(job.request, base=base, head=head)
            with made_bench(job, workspace, Replay((), name="none"), job.told) as made:
                measured = evaluate(request, workspace.tree(head), made, name=head)
    outcome = Outcome(
        request=request,
        reason=measured.reason,
        verdict=measured.verdict,
        answer=measured.shown(),
        sandbox=measured.sandbox,
    )
    job.told.ended(outcome)
    return outcome


def answered(job: Job, page: str) -> Outcome:
    """What was asked, in words, with links to lines below `page`, the repository's address. Nothing is said before
    that, so an answer that is there was given whole."""
    if job.told.done:
        return Outcome(request=job.request, reason=Reason.ANSWERED, detail=HANDLED)
    with private(job.temp) as clone, job.remote.clone(clone, job.refs) as workspace:
        request = replace(job.request, base=based(job, workspace))
        with (
            counted(job, request, workspace, clone) as (live, meter),
            made_bench(job, workspace, live, _silent, meter) as bench,
        ):
            at = job.pull.head_sha if job.pull else ""
            outcome = explain(request, bench, page=page, at=at, thread=job.thread)
    job.told.say(f"{outcome.answer}\n\n{cost(outcome)}")
    return outcome


def _silent(event: Progress) -> None:
    del event
