"""`/continue`: the last run of an issue or pull request, taken up again from the tip of its branch."""

from __future__ import annotations

from dataclasses import dataclass, replace

from greenloop.domain import Request
from greenloop.errors import Refused
from greenloop.forge.github import PullRequest
from greenloop.service import runs
from greenloop.service.runs import Known
from greenloop.service.scene import Scene

NOWHERE = "The input `number` is empty. It is the number of the issue or pull request to go on with."
NOTHING = "No run has left a record of #{number}, so there is nothing to go on with. Ask with /generate and what to do."
AT_WORK = "A run is at work here until {until}. Wait for its end, or end it with /stop."
WORK = frozenset({"generate", "refactor", "continue"})


@dataclass(frozen=True, slots=True, kw_only=True)
class GoingOn:
    """What is taken up: `branch` is "" when nothing of it is left. `pull` is set when a person has opened the pull
    request; one of ours is brought up to date at the end, and `closes` is the issue that it is about."""

    request: Request
    key: str
    branch: str = ""
    base: str = ""
    pull: PullRequest | None = None
    closes: int | None = None
    tip: str = ""  # what the run has left


def taken_up(scene: Scene) -> GoingOn:
    """Raises `Refused` when there is nothing, or when somebody is at it."""
    request = scene.request
    if request.number is None:
        raise Refused(NOWHERE)
    where = runs.place(request.number, scene.github)
    quiet(scene, where)
    before = [k for k in runs.recorded(where, scene.remote, scene.temp) if k.key != request.key]
    work = [k for k in before if k.said.get("Command") in WORK]
    if not work:
        raise Refused(scene.words.spoken(NOTHING.format(number=request.number)))
    last = work[-1]
    head = runs.record(last.key, scene.remote, scene.temp).head
    text = request.text or (head.request.text if head else "")
    found = GoingOn(request=replace(request, text=text), key=last.key, tip=last.tip)
    branch = where.branch or last.branch
    if not branch or not runs.there(f"refs/heads/{branch}", scene.remote, scene.temp):
        return found
    return _on(scene, replace(found, branch=branch), work)


def quiet(scene: Scene, where: runs.Place) -> None:
    """Raises `Refused` while a runner is at work here, but for this very request's."""
    for known in runs.at_work(where, scene.remote, scene.temp):
        if known.key != scene.request.key and known.holder.until > scene.clock():
            raise Refused(scene.words.spoken(AT_WORK.format(until=runs.time(known.holder.until))))


def _on(scene: Scene, found: GoingOn, work: list[Known]) -> GoingOn:
    pull = scene.github.pull_request_of(found.branch)
    if pull is not None and pull.author != scene.github.whoami():
        return replace(found, pull=pull)
    first = next((k.said.get("Number", "") for k in work if k.branch == found.branch), "")
    base = pull.base_ref if pull is not None else scene.request.base or scene.repository.default_branch
    return replace(found, base=base, closes=int(first) if first.isdigit() else None)
