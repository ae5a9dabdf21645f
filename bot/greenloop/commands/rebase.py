"""A person has pushed to the pull request's branch meanwhile: once, the attempts are made again on top of that, and
judged there. Whatever does not fit stops, and says so."""

from __future__ import annotations

from dataclasses import replace

from greenloop.commands.course import Course
from greenloop.commands.run import Run
from greenloop.domain import Attempt, Ending, Request, Tree, Unusable
from greenloop.engine.candidate import Start, examine, from_tree
from greenloop.engine.workbench import Workbench, baseline
from greenloop.errors import NotPushed
from greenloop.verdict.judge import improves
from greenloop.workspace.again import again

ON_TOP = "{branch} was pushed to meanwhile, so the attempts were made again on top of {sha}, and judged there."
THREADS = "{moved} It changed {paths}, which the review is about, so the attempts were not made again on top of it."
SAME = "{moved} Both sides changed {paths}, so the attempts were not made again on top of it."
WORSE = "{moved} Made again on top of {sha}, the best attempt is no longer {what}, so nothing was pushed."


def rebased(request: Request, bench: Workbench, run: Run, course: Course, moved: NotPushed) -> Attempt:
    """The best attempt as it is there. Raises `NotPushed`."""
    best, workspace = course.best, run.workspace
    onto = run.newer()
    if onto is None or best is None:
        raise moved
    changed = {change.path for change in workspace.diff(workspace.tree(run.start), workspace.tree(onto))}
    theirs = sorted(changed & {thread.path for thread in request.threads})
    if theirs:  # a thread is about lines as they were
        raise NotPushed(THREADS.format(moved=moved, paths=", ".join(theirs[:5])))
    made = again(workspace, workspace.commits(run.start, run.tip), onto)
    if made.left:
        raise NotPushed(SAME.format(moved=moved, paths=", ".join(made.left[:5])))
    tree = workspace.tree(made.sha)
    if tree == workspace.tree(onto):  # it is there already: an earlier runner was lost then
        run.on_top(onto, onto, {best.commit: onto})
        return replace(best, tree=tree)
    attempt = _judged(request, bench, best, tree, onto)
    if attempt is None:
        what = "green" if best.verdict.green else "better than what it starts from"
        raise NotPushed(WORSE.format(moved=moved, sha=onto[:9], what=what))
    run.on_top(made.sha, onto, made.ids)
    told = ON_TOP.format(branch=run.branch, sha=onto[:9])
    ending = course.ending
    course.ending = ending and Ending(ending.reason, f"{ending.detail} {told}".strip())
    return attempt


def _judged(request: Request, bench: Workbench, best: Attempt, tree: Tree, onto: str) -> Attempt | None:
    """None when it is not what it was."""
    base = baseline(bench, bench.workspace.tree(onto))
    start = Start(request=replace(request, base=onto), base=base, commit=onto)
    candidate = from_tree(tree, start, bench)
    if isinstance(candidate, Unusable):
        return None
    seen = examine(candidate, start, bench)
    if not (seen.verdict.green if best.verdict.green else improves(seen.verdict)):
        return None
    return replace(best, tree=tree, report=seen.report, verdict=seen.verdict)
