"""`/undo`: the last attempts of ours are taken back by a commit on top of them. Nothing is rewritten.

What is ours is told by the records under refs/greenloop/runs, which only those who may push can write; a trailer could
have been typed by anybody.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import takewhile

from greenloop.commands.journal import REFS
from greenloop.commands.run import RESULT
from greenloop.domain import Outcome, Reason, Tree
from greenloop.errors import Refused
from greenloop.report import result
from greenloop.report.render import code
from greenloop.report.trailers import about
from greenloop.service import runs
from greenloop.service.goingon import quiet
from greenloop.service.runs import Known
from greenloop.service.scene import Scene
from greenloop.workspace import CommitInfo, GitWorkspace

NOWHERE = "The input `number` is empty. It is the number of the issue or pull request whose attempts are taken back."
NO_NUMBER = "It takes a number, of attempts, or nothing: then it is one."
NO_BRANCH = "There is no branch with attempts of ours for #{number}."
BUILT_ON = (
    "The last commit of {branch}, {sha}, is no attempt of ours: somebody has built on them. Take back what is to go by "
    "git revert."
)
TOO_MANY = "At the end of {branch} there are {there} attempts of ours that still count, not {asked}."
MOVED = "{branch} was moved meanwhile, and that is respected. Ask again in a new comment."
DONE = "↩️ **Taken back on {branch}: {what}.** {sha}, on top of them, has the files as they were before them."
_MOST = 200  # commits that are looked at


def undo(scene: Scene) -> Outcome:
    """Twice is once: the record of it is made first, and tells a second step what is left to do."""
    request = scene.request
    if request.number is None:
        raise Refused(NOWHERE)
    count = _count(request.text)
    where = runs.place(request.number, scene.github)
    quiet(scene, where)
    known = runs.recorded(where, scene.remote, scene.temp)
    branch = where.branch or next((k.branch for k in reversed(known) if k.branch), "")
    own = [k for k in known if branch and k.branch == branch]
    ref = f"refs/heads/{branch}"
    with runs.folder(scene.temp) as clone, scene.remote.clone(clone, (ref, REFS + request.key)) as workspace:
        tip = workspace.ref(ref) if branch else None
        if tip is None:
            raise Refused(NO_BRANCH.format(number=request.number))
        mine = next((k for k in own if k.key == request.key), None)
        made = workspace.known(mine.tip) if mine else None
        chain = workspace.history(made.parents[0] if made else tip, _MOST)
        chain, kept = _standing(scene, branch, chain, [k for k in own if k.key != request.key])
        taken = _taken(chain, kept, count, branch)
        sha = made.sha if made else workspace.commit(taken[1], (tip,), _message(scene, taken[0]))
        what = ", ".join(code(info.sha[:9]) for info in taken[0])
        answer = DONE.format(branch=code(branch), what=what, sha=code(sha[:9]))
        outcome = Outcome(request=request, reason=Reason.UNDONE, branch=branch, tip=sha, answer=answer)
        if not scene.inputs.dry_run:
            if mine is None:
                _note(scene, workspace, outcome, branch)
                scene.remote.push(clone, workspace.ref(REFS + request.key) or "", REFS + request.key, expected=None)
            if sha not in {info.sha for info in workspace.history(tip, _MOST)}:
                if tip != workspace.history(sha, 2)[-1].sha:
                    raise Refused(MOVED.format(branch=code(branch)))
                scene.remote.push(clone, sha, ref, expected=tip)
    scene.told.say(answer)
    return outcome


def _count(text: str) -> int:
    words = text.split()
    if not words:
        return 1
    if len(words) > 1 or not (words[0].isascii() and words[0].isdigit()) or not 0 < int(words[0]) <= _MOST:
        raise Refused(NO_NUMBER)
    return int(words[0])


def _standing(
    scene: Scene, branch: str, chain: Iterable[CommitInfo], own: Iterable[Known]
) -> tuple[tuple[CommitInfo, ...], frozenset[str]]:
    """The commits of ours at the end of the branch, oldest first, with the one before them; and which are attempts."""
    history = tuple(chain)
    attempts: set[str] = set()
    ours: set[str] = set()
    for known in own:
        found = runs.record(known.key, scene.remote, scene.temp)
        attempts |= {judged.commit for judged in found.judged} | found.commits  # as made, and as signed
        ours.add(known.tip)
    end = tuple(takewhile(lambda info: info.sha in attempts | ours, history))
    if not end:
        raise Refused(BUILT_ON.format(branch=code(branch), sha=code(history[0].sha[:9])))
    if len(end) == len(history):  # the first commit of all, or of what is looked at, is nothing to go back from
        end = end[:-1]
    before = history[len(end) : len(end) + 1]
    return (*before, *reversed(end)), frozenset(attempts)


def _taken(
    chain: tuple[CommitInfo, ...], attempts: frozenset[str], count: int, branch: str
) -> tuple[tuple[CommitInfo, ...], Tree]:
    """The attempts that go, newest first, and the tree that is left. A commit of ours that is no attempt has gone back
    to an earlier tree: to the best attempt, or by an earlier `/undo`."""
    states: list[CommitInfo] = [chain[0]]
    for info in chain[1:]:
        if info.sha in attempts:
            states.append(info)
            continue
        back = next((n for n in range(len(states) - 1, -1, -1) if states[n].tree == info.tree), len(states) - 1)
        del states[back + 1 :]
    if count >= len(states):
        raise Refused(TOO_MANY.format(branch=code(branch), there=len(states) - 1, asked=count))
    return tuple(reversed(states[-count:])), states[-count - 1].tree


def _message(scene: Scene, taken: tuple[CommitInfo, ...]) -> str:
    request, many = scene.request, len(taken)
    title = "Take back the last attempt" if many == 1 else f"Take back the last {many} attempts"
    what = "\n".join(f"This reverts commit {info.sha}." for info in taken)
    return f"{title}\n\n{what}\n\nGreenloop-Run: {request.key}\nGreenloop-Requester: {request.actor}\n"


def _note(scene: Scene, workspace: GitWorkspace, outcome: Outcome, branch: str) -> None:
    said = json.dumps(result.as_dict(outcome), indent=2).encode()
    text = f"Record of run {outcome.request.key}\n\n{about(outcome.request, branch)}"
    record = workspace.commit(workspace.store({RESULT: said}), (outcome.tip or "",), text)
    workspace.publish(record, REFS + scene.request.key, expected=None)
