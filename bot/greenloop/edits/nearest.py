"""Did you mean: the real lines nearest to a search that failed, with their numbers. Written for the model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from greenloop.edits.loosened import ballot
from greenloop.edits.page import Page

_WINDOW = 14  # lines shown
_WIDTH = 160


def numbered(page: Page, start: int, stop: int) -> str:
    """Lines [start:stop] of the file, each with its number."""
    stop = min(stop, start + _WINDOW, len(page.lines))
    width = len(str(stop))
    return "\n".join(f"{i + 1:>{width}} | {page.lines[i].rstrip()[:_WIDTH]}" for i in range(start, stop))


def nearest(page: Page, search: Sequence[str]) -> str:
    """The window most like the search, or nothing when no line resembles it."""
    filled = [i for i, line in enumerate(search) if line.strip()]
    if not filled or not page.lines:
        return ""
    wanted = [line.strip() for line in search[filled[0] : filled[-1] + 1]]
    votes = ballot(page.lines, wanted, str.strip) or _by_words(page, wanted)
    if not votes:
        return ""
    best = max(votes.values())
    start = min(s for s, count in votes.items() if count == best)
    return numbered(page, max(0, start - 1), max(0, start) + len(wanted) + 1)


def _by_words(page: Page, wanted: list[str]) -> Counter[int]:
    """Votes by the longest names of each line of the search that stand in few lines of the file."""
    votes: Counter[int] = Counter()
    for offset, line in enumerate(wanted[:40]):
        for word in sorted(set(re.findall(r"\w{3,}", line)), key=len, reverse=True)[:3]:
            places = _lines_with(page, word)
            votes.update({place - offset: len(word) for place in places})
    return votes


def _lines_with(page: Page, word: str) -> list[int]:
    """None when there are too many to tell anything."""
    found: list[int] = []
    text, at, line = page.text, 0, 0
    place = text.find(word)
    while place >= 0:
        line += text.count("\n", at, place)
        if not found or found[-1] != line:
            found.append(line)
        if len(found) > 30:
            return []
        at, place = place, text.find(word, place + 1)
    return found


def present(page: Page, replace: Sequence[str]) -> int | None:
    """The line, from 1, where the replacement stands already."""
    lines = list(replace)
    if sum(len(line.strip()) for line in lines) < 4:
        return None
    places = page.trailing(lines)
    return places[0] + 1 if places else None


def shortened(lines: Sequence[str], limit: int = 12) -> str:
    """Head and tail of a block."""
    cut = [line[:_WIDTH] for line in lines]
    if len(cut) > limit:
        cut = [*cut[: limit - 4], f"[{len(cut) - limit + 1} lines]", *cut[-3:]]
    return "\n".join(cut)
