"""What the model is told of looking before it answers: whether it may, what it has seen, how often it may still ask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from greenloop.hygiene.hidden import characters

NO_LOOKING = "You cannot run anything or ask."
LOOKING = "You cannot run anything yourself, but you may look first."
NO_MORE = "You cannot ask again: answer with the edits."


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """Whether asking is `offered`, what was seen so far as pairs of question and answer, which of them the last answer
    has asked `again`, and how many times the model may still ask."""

    offered: bool = False
    answers: tuple[tuple[str, str], ...] = ()
    again: tuple[str, ...] = ()
    left: int = 0


NO_LOOKS = Looks()


def seen(looks: Looks, quoted: Callable[[str, str, str], str]) -> str:
    """Answers come from files, programs and the past of the repository: material as any other."""
    if not looks.answers:
        return ""
    told = [quoted(answer, "look", question) for question, answer in looks.answers]
    if looks.again:
        told.append(f"Asked again, and nothing is different: {characters('; '.join(looks.again))}. Go on from it.")
    times = "once more" if looks.left == 1 else f"{looks.left} times more"
    return "\n".join([*told, f"You may ask {times}." if looks.left > 0 else NO_MORE])
