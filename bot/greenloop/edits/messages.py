"""What the model is told when its answer cannot be used: what failed, where, the real lines, what to do. Text only."""

from __future__ import annotations

from collections.abc import Sequence

from greenloop.domain import Unusable
from greenloop.edits.blocks import Lines, Loose
from greenloop.edits.draft import Problem
from greenloop.edits.instead import reminded
from greenloop.edits.nearest import nearest, numbered, present, shortened
from greenloop.edits.page import Page

NO_PATH = (
    "This block has no path, and nothing shows which file it belongs to. Put the path alone on the line before it.\n"
)
LEFT_OUT = "The replacement holds a line that stands for text left out: {0!r}. Write out what is meant."
UNPROVEN = (
    "The lines were found only after a repair ({0}), and the result is no valid {1} ({2}). Copy the lines exactly."
)
TWICE = "It changes the same lines as block {0}, and otherwise. Send one of the two: nothing here can choose."
EMPTY_SEARCH = "The search is empty, and the file is not. Search for the lines beside which the new ones belong."

_NONE = "The answer holds no edit. Write each changed file as its path alone on a line and then one fenced block."
_SHOWN = 3  # failed blocks told in full


def head(text: str) -> str:
    return shortened(text.rstrip("\n").split("\n"), 6)


def no_match(page: Page, search: Lines, replace: Lines) -> Problem:
    """The failed lines, and the nearest real ones."""
    parts = ["These lines are not in the file:", shortened(search)]
    place = present(page, replace)
    if place:
        parts.append(f"The replacement stands already at line {place}: leave this block out if nothing else is meant.")
    near = nearest(page, search)
    parts.append(f"Nearest lines of the file (without the numbers):\n{near}" if near else "Nothing in it is like them.")
    return Problem("no match", "\n".join(parts))


def ambiguous(page: Page, search: Lines, places: Sequence[int]) -> Problem:
    lines = ", ".join(str(p + 1) for p in places[:8])
    more = f" and {len(places) - 8} more" if len(places) > 8 else ""
    around = "\n\n".join(numbered(page, max(0, p - 2), p + len(search) + 1) for p in places[:2])
    text = (
        f"These lines occur {len(places)} times, at lines {lines}{more}. Add lines around them until they occur once."
    )
    return Problem("ambiguous", f"{text}\n{shortened(search)}\nThe first places:\n{around}")


def refusal(failed: list[tuple[str, Problem]], fine: list[str], form: str) -> Unusable:
    """Nothing is applied in part, so what would have worked has to be sent again too."""
    parts = ["Nothing was applied."]
    parts += [f"{label}: {problem.message}" for label, problem in failed[:_SHOWN]]
    if len(failed) > _SHOWN:
        parts.append(
            f"{len(failed) - _SHOWN} more blocks failed: " + "; ".join(label for label, _ in failed[_SHOWN:][:9])
        )
    if fine:
        parts.append(f"These blocks are fine: {'; '.join(fine[:20])}. Send them again too.")
    return Unusable(message=reminded("\n\n".join(parts), form), kind=failed[0][1].kind)


def nothing(loose: list[Loose], form: str) -> Unusable:
    """No block that is an edit."""
    said = f"{_NONE}\n\n{NO_PATH}{head(loose[0].text)}" if loose else _NONE
    return Unusable(message=reminded(said, form), kind="no edit")


def unchanged(labels: list[str]) -> Unusable:
    return Unusable(message=f"Nothing would change: {'; '.join(labels[:20])} is what the files hold.", kind="no change")
