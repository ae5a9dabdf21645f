"""Who may, and from where: asked in this order, before anything costs money or touches the disk. A doubt is a no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from greenloop.domain import Request, Source
from greenloop.forge.events import command
from greenloop.forge.github import GitHub

MAY = frozenset({"admin", "maintain", "write"})

OWN = "This is a comment of our own."
BOT = "{actor} is a bot, and bots are not obeyed."
FORK = (
    "A review on a fork's pull request runs without the repository's secrets. Somebody with write access can ask in a "
    "comment on the pull request."
)
STRANGER = "{actor} has no write access to this repository ({role})."
EDITED = "The comment was changed after it was written. Write a new one."


@dataclass(frozen=True, slots=True)
class Refusal:
    """`stranger` is told by a reaction and in the job summary alone, so that nobody can make the bot talk."""

    why: str
    stranger: bool = True


def refusal(request: Request, payload: Mapping[str, Any], github: GitHub) -> Refusal | None:
    if request.actor == github.whoami():
        return Refusal(OWN)
    sender = payload.get("sender")
    if request.actor.endswith("[bot]") or (isinstance(sender, Mapping) and sender.get("type") == "Bot"):
        return Refusal(BOT.format(actor=request.actor))
    if request.fork:
        return Refusal(FORK)
    role = github.permission(request.actor)
    if role not in MAY:
        return Refusal(STRANGER.format(actor=request.actor, role=role))
    if request.source in {Source.ISSUE, Source.PULL_REQUEST} and request.comment is not None:
        return _edited(payload, github.comment(request.comment).body)
    return None


def _edited(payload: Mapping[str, Any], now: str) -> Refusal | None:
    """What is run is what was typed; what stands there now has to be the same."""
    then = payload["comment"]["body"]
    same = now.splitlines() == then.splitlines() and command(now) is not None
    return None if same else Refusal(EDITED, stranger=False)
