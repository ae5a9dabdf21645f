"""Who may, and from where: asked in this order, before anything costs money or touches the disk. A doubt is a no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from greenloop.domain import Request, Source
from greenloop.forge.github import GitHub, Missing
from greenloop.orders import DEFAULT_LEVEL, LEVELS

MAY = frozenset({"admin", "maintain", "write"})  # who is told why not; everybody else gets a reaction

OWN = "This is a comment of our own."
BOT = "{actor} is a bot, and bots are not obeyed."
FORK = (
    "A review on a fork's pull request runs without the repository's secrets. Somebody with write access can ask in a "
    "comment on the pull request."
)
STRANGER = "{actor} has no {needs} access to this repository ({role})."
GONE = "The comment was deleted meanwhile, so nothing is done."
EDITED = "The comment was changed after it was written. Write a new one."


@dataclass(frozen=True, slots=True)
class Refusal:
    """`stranger` is told by a reaction and in the job summary alone, so that nobody can make the bot talk."""

    why: str
    stranger: bool = True


def refusal(request: Request, payload: Mapping[str, Any], github: GitHub, needs: str = DEFAULT_LEVEL) -> Refusal | None:
    """`needs` is the access that the command takes."""
    if request.actor == github.whoami():
        return Refusal(OWN)
    sender = payload.get("sender")
    if request.actor.endswith("[bot]") or (isinstance(sender, Mapping) and sender.get("type") == "Bot"):
        return Refusal(BOT.format(actor=request.actor))
    if request.fork:
        return Refusal(FORK)
    role = github.permission(request.actor)
    if not _enough(role, needs):
        return Refusal(STRANGER.format(actor=request.actor, needs=needs, role=role), stranger=role not in MAY)
    return _withdrawn(request, payload, github)


def _enough(role: str, needs: str) -> bool:
    return role in LEVELS and needs in LEVELS and LEVELS.index(role) >= LEVELS.index(needs)


def _withdrawn(request: Request, payload: Mapping[str, Any], github: GitHub) -> Refusal | None:
    """What is run is what was typed; what stands there now has to be the same."""
    if request.comment is None or request.source not in {Source.ISSUE, Source.PULL_REQUEST}:
        return None
    try:
        now = github.comment(request.comment).body
    except Missing:
        return Refusal(GONE)
    same = now.splitlines() == payload["comment"]["body"].splitlines()
    return None if same else Refusal(EDITED, stranger=False)
