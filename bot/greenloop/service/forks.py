"""Work on a fork's pull request: its code is judged by this repository's rules, and what comes of it is a patch.

The run starts from a commit of ours: the fork's files, but whatever decides how they are checked and with what (check
configuration, CI, instructions to models, manifests' tools) as the default branch has it. That commit stands on the
default branch, so nothing of the fork's history is pushed, and it is all that a later runner needs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from greenloop.domain import Attempt, Outcome, Reason, Request, Tree
from greenloop.engine.context import RULES
from greenloop.errors import GreenloopError, NotPushed, Refused
from greenloop.forge.github import ACTIONS, GitHub, PullRequest
from greenloop.report.trailers import read
from greenloop.settings import Settings
from greenloop.verdict.judge import improves
from greenloop.verdict.protect import Read, decides
from greenloop.workspace import GitWorkspace, Remote
from greenloop.workspace.again import again

ASKED = "--pull-request"  # first word of a request
MOVED = "Pull request #{number} was moved while this was begun. Ask again in a new comment."
GONE = "Pull request #{number} was moved, and {sha} is not there any more. Ask again in a new comment."
TAKEN = "{ref} was moved meanwhile, and that is respected."
LATER = "The pull request was moved meanwhile; this is for {sha}."
OURS = "Checked with these files as the default branch has them: {paths}."
LEFT = "Not in it, because the fork has them otherwise than they were checked: {paths}."
CANNOT = {
    False: "The fork's branch is not pushed to: its contributor does not allow edits by maintainers.",
    True: "The fork's branch is not pushed to: the job's own token cannot. Give `github_token` one that may.",
}
UNSIGNED = (
    "The commits are not signed: on a fork's pull request `signing: github` is not done. `signing: ssh` signs them "
    "there as well."
)
_LISTED = 10


class Answer(StrEnum):
    """What comes of it."""

    PATCH = "patch"
    PULL_REQUEST = "pull_request"
    PUSH = "push"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the commits go in the end: to a new `branch` here, to the fork's own one, or nowhere. `unsigned`: GitHub
    was to sign them."""

    answer: Answer = Answer.PATCH
    branch: str = ""
    fork: str = ""  # "owner/name"
    unsigned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """A fork's pull request as a run sees it: `base` is the commit of ours, `head` the fork's, `trusted` the tree of
    the default branch, `kept` the paths that are as there."""

    number: int
    base: str
    head: str
    trusted: Tree
    kept: tuple[str, ...]
    place: Place


def ref(number: int) -> str:
    """Where GitHub keeps the commits of a pull request, also of a fork that is gone."""
    return f"refs/pull/{number}/head"


def wanted(
    request: Request, pull: PullRequest | None, settings: Settings, github: GitHub
) -> tuple[Request, Answer, str]:
    """The request without the word that asks for a pull request; what is to come of it; and why not more."""
    if pull is None or not pull.is_fork:
        return request, Answer.PUSH, ""
    request = replace(request, fork=True)
    if request.text.split()[:1] == [ASKED]:
        return replace(request, text=request.text.removeprefix(ASKED).strip()), Answer.PULL_REQUEST, ""
    answer = Answer(settings.forks)
    if answer is not Answer.PUSH:
        return request, answer, ""
    own = github.whoami() == ACTIONS
    if pull.maintainer_can_modify and pull.head_repository and not own:
        return request, answer, ""
    return request, Answer.PATCH, CANNOT[pull.maintainer_can_modify and own]


def stage(workspace: GitWorkspace, pull: PullRequest, trusted: str, settings: Settings) -> str:
    """The commit that a run on this fork starts from. `trusted` is the default branch's ref."""
    tip = workspace.ref(ref(pull.number))
    if tip != pull.head_sha:
        raise Refused(MOVED.format(number=pull.number))
    commit = workspace.resolve(trusted)
    tree, _ = mixed(workspace, workspace.tree(tip), workspace.tree(commit), settings)
    message = (
        f"Pull request #{pull.number} as it is judged here\n\nGreenloop-Pull: {pull.number}\nGreenloop-Head: {tip}\n"
    )
    return workspace.commit(tree, (commit,), message)


def mixed(workspace: GitWorkspace, theirs: Tree, trusted: Tree, settings: Settings) -> tuple[Tree, tuple[str, ...]]:
    """`theirs`, with what decides how it is checked as `trusted` has it; and the paths of that."""

    def reader(tree: Tree) -> Read:
        return lambda path: workspace.read(tree, path)

    known = (*RULES, *settings.knowledge)
    paths = tuple(
        change.path
        for change in workspace.diff(trusted, theirs)
        if decides(change, read_base=reader(trusted), read_new=reader(theirs), roots=("", settings.directory))
        or any(change.path == name or change.path.startswith(f"{name}/") for name in known)
    )
    return (workspace.overlay(theirs, trusted, paths) if paths else theirs), paths


def staged(workspace: GitWorkspace, base: str, place: Place) -> Foreign:
    """What `stage` has made, also by an earlier runner: only those who may push can write what a run starts from."""
    info = workspace.known(base)
    said = read(info.message) if info else {}
    number, head = said.get("Pull", ""), said.get("Head", "")
    if info is None or not info.parents or not number.isdigit() or workspace.known(head) is None:
        raise Refused(GONE.format(number=number or "?", sha=head[:9] or "its commit"))
    trusted = workspace.tree(info.parents[0])
    theirs = workspace.tree(head)
    kept = tuple(c.path for c in workspace.diff(theirs, info.tree))
    return Foreign(number=int(number), base=base, head=head, trusted=trusted, kept=kept, place=place)


def publish(workspace: GitWorkspace, foreign: Foreign, tip: str, remote: Remote, clone: Path) -> None:
    """The attempts once more, on the fork's own commits, pushed to where they go. Twice is once: the same attempts
    become the same commits."""
    place = foreign.place
    if place.answer is Answer.PATCH:
        return
    remote = remote.at(place.fork) if place.answer is Answer.PUSH else remote
    made = again(workspace, workspace.commits(foreign.base, tip), foreign.head).sha
    where = f"refs/heads/{place.branch}"
    now = remote.there(clone, where).get(where)
    if now == made:
        return
    if now not in {None, foreign.head}:
        raise NotPushed(TAKEN.format(ref=where))
    remote.push(clone, made, where, expected=now)


def named(outcome: Outcome, workspace: GitWorkspace, foreign: Foreign) -> Outcome:
    """With the commits that people see, when there are any."""
    if foreign.place.answer is Answer.PATCH or outcome.reason is Reason.NOT_PUSHED or outcome.tip is None:
        return outcome
    ids = again(workspace, workspace.commits(foreign.base, outcome.tip), foreign.head).ids

    def seen(attempt: Attempt) -> Attempt:
        return replace(attempt, commit=ids.get(attempt.commit, attempt.commit))

    best = outcome.best and seen(outcome.best)
    tip = ids.get(outcome.tip, outcome.tip)
    return replace(outcome, attempts=tuple(map(seen, outcome.attempts)), best=best, tip=tip)


def finished(outcome: Outcome, workspace: GitWorkspace, foreign: Foreign, notes: Iterable[str]) -> Outcome:
    """With the patch, where the commits are on no branch."""
    best = outcome.best
    useful = best is not None and (best.verdict.green or improves(best.verdict))
    pushed = foreign.place.answer is not Answer.PATCH and outcome.reason is not Reason.NOT_PUSHED
    told, patch = [ours(foreign)], ""
    if best is not None and useful:
        made = again(workspace, workspace.commits(foreign.base, outcome.tip or best.commit), foreign.head)
        told += [LEFT.format(paths=_listed(made.left))] if made.left else []
        if not pushed:
            patch = workspace.patch_text(workspace.tree(foreign.head), workspace.tree(made.sha))
    branch = foreign.place.branch if pushed and useful else None
    told += [UNSIGNED] if branch and foreign.place.unsigned else []
    detail = " ".join(part for part in (outcome.detail, *told, *notes) if part)
    shown = named(outcome, workspace, foreign) if useful else outcome
    return replace(shown, detail=detail, branch=branch, patch=patch, url=outcome.url or None)


def ours(foreign: Foreign) -> str:
    return OURS.format(paths=_listed(foreign.kept)) if foreign.kept else ""


def aside(foreign: Foreign) -> str:
    """What the text of a pull request has to say of it."""
    return " ".join(part for part in (ours(foreign), UNSIGNED if foreign.place.unsigned else "") if part)


def later(foreign: Foreign, github: GitHub) -> str:
    """A sentence when the fork is not where it was any more."""
    try:
        now = github.pull_request(foreign.number).head_sha
    except GreenloopError:  # what is made is made
        return ""
    return "" if now == foreign.head else LATER.format(sha=foreign.head[:9])


def _listed(paths: tuple[str, ...]) -> str:
    more = f" and {len(paths) - _LISTED} more" if len(paths) > _LISTED else ""
    return ", ".join(paths[:_LISTED]) + more
