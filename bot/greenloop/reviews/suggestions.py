"""`suggestion` blocks of a review: read from a comment as GitHub reads them, put into a file letter by letter. Pure.

A block is a fence at the left margin whose whole info string is `suggestion`; it takes the place of the lines that its
comment stands at, and an empty one deletes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from greenloop.hygiene.hidden import characters, visible

AROUND = 3  # lines about a place that belong to it, as in a hunk
LEFT = "it stands at lines that are gone, where nothing can be put in their place"
OUTDATED = "the lines that it was written for have changed since"
WHOLE = "it stands at a file and not at lines of it"
SEVERAL = "there are several at this place"
HIDDEN = "it holds characters that nobody sees, or stands where nobody sees it"
OVERLAP = "it is about lines that another suggestion of this review changes"
BEYOND = "the file has no such lines, or is no text"
PROTECTED = "what it changes is protected here, or could not be checked"
SAME = "these lines are like that already"
_FENCE = re.compile(r"( {0,3})(`{3,}|~{3,})([^\n]*)")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")


@dataclass(frozen=True, slots=True)
class Placed:
    """Lines `start` to `line` of a file, and the text for them."""

    start: int
    line: int
    text: str


def blocks(body: str) -> tuple[str, ...]:
    """The text of each block with its last line break. One that is never closed is none."""
    found: list[str] = []
    mark, info, inside = "", "", list[str]()
    for line in body.replace("\r\n", "\n").split("\n"):
        fence = _FENCE.fullmatch(line)
        if not mark:
            if fence and not (fence[2][0] == "`" and "`" in fence[3]):
                mark, info, inside = fence[2], fence[1] + fence[3].strip(), []
        elif fence and fence[2].startswith(mark) and not fence[3].strip():
            if info == "suggestion":
                found.append("".join(f"{text}\n" for text in inside))
            mark = ""
        else:
            inside.append(line)
    return tuple(found)


def shown(body: str) -> tuple[str, ...] | None:
    """The blocks, when all of them are what a reader sees; otherwise None."""
    found = blocks(body)
    same = len(blocks(visible(body))) == len(found) and all(characters(text) == text for text in found)
    return found if same else None


def lines(text: str) -> list[str]:
    """With their line breaks; as git counts them, so a form feed ends none."""
    return _LINE.findall(text)


def put(text: str, changes: Iterable[Placed]) -> str | None:
    """`text` with these in the places of their lines, which do not overlap; None when it has no such lines."""
    rows = lines(text)
    for change in sorted(changes, key=lambda c: c.start, reverse=True):
        if not 1 <= change.start <= change.line <= len(rows):
            return None
        old = rows[change.start - 1 : change.line]
        rows[change.start - 1 : change.line] = [_as_in(old[-1], new) for new in lines(change.text)]
        if not old[-1].endswith("\n") and rows:  # the end of the file stays as it was
            rows[-1] = rows[-1].rstrip("\r\n")
    return "".join(rows)


def _as_in(old: str, new: str) -> str:
    """With the line break of the file."""
    return new.removesuffix("\n") + "\r\n" if old.endswith("\r\n") else new


def touched(before: str, after: str, start: int, line: int) -> bool:
    """Whether lines `start` to `line` of `before`, or those right beside them, are others in `after`."""
    low, high = start - 1 - AROUND, line + AROUND
    steps = _steps(before, after)
    return any(kind != "equal" and i1 < high and max(i2, i1 + 1) > low for kind, i1, i2, _, _ in steps)


def _steps(before: str, after: str) -> Sequence[tuple[str, int, int, int, int]]:
    return SequenceMatcher(None, lines(before), lines(after), autojunk=False).get_opcodes()


def _deleted(before: str, after: str, change: Placed) -> bool:
    gone = {at for kind, i1, i2, _, _ in _steps(before, after) if kind == "delete" for at in range(i1, i2)}
    return gone >= set(range(change.start - 1, change.line))


def stands(before: str, after: str, change: Placed) -> bool:
    """Whether the suggestion is in `after`, letter by letter, in the place of what it was for."""
    if not touched(before, after, change.start, change.line):
        return False
    if not change.text:
        return _deleted(before, after, change)
    put_in = put(before, (change,))
    if put_in is None:
        return False
    count = len(lines(change.text))
    wanted = [row.rstrip("\r\n") for row in lines(put_in)[change.start - 1 : change.start - 1 + count]]
    rows = [row.rstrip("\r\n") for row in lines(after)]
    return any(rows[at : at + count] == wanted for at in range(len(rows) - count + 1))
