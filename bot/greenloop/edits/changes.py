"""One change and the file that it means → an exact replacement whose old text occurs once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from greenloop.domain import Edit, Fault, Replace, Write
from greenloop.edits import messages
from greenloop.edits.blocks import Change, Lines
from greenloop.edits.draft import Draft, Problem
from greenloop.edits.elision import elision, hollowed
from greenloop.edits.ladder import Found, Missed, find
from greenloop.edits.page import Page
from greenloop.edits.paths import hostile, namesake
from greenloop.edits.proof import PYTHON

_PIECE = 8  # signs that a piece of a line has at least
_WORD = re.compile(r"\w")


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    path: str
    edits: list[Edit] = field(default_factory=list)
    repairs: list[str] = field(default_factory=list)
    relaxed: str = ""  # the repair that found the place, if it was not found exactly


def replace(block: Change, draft: Draft, *, last: str | None) -> Changed | Problem:
    """`last` is the path of the edit before, for a block that names none."""
    target = _target(block, draft, last)
    if isinstance(target, Problem):
        return target
    path, repair = target
    text = draft.text(path)
    if isinstance(text, Problem):
        return text
    if not text:
        return _filled(block, path, draft) or Problem("no match", f"{path} is an empty file.")
    result = (_inline(block, path, text) if block.inline else None) or _by_lines(
        block, path, Page(text, path.endswith(PYTHON))
    )
    if isinstance(result, Problem):
        result = _within(block, path, text) or result
    if isinstance(result, Problem):
        return result
    new, changed = result
    if new is not None:
        draft.set(path, new)
    return Changed(path=path, edits=changed.edits, repairs=[repair, *changed.repairs], relaxed=changed.relaxed)


def _target(block: Change, draft: Draft, last: str | None) -> tuple[str, str] | Problem:
    if block.path is None:
        return _guessed(block, draft, last)
    found = draft.find(block.path)
    if found is not None:
        return found.path, found.repair
    if not any(line.strip() for line in block.options[0][0]) and not hostile(block.path):
        draft.set(block.path, "")
        return block.path, "new file"
    meant = namesake(block.path, draft.known)
    if meant and (_holds(draft.text(meant), block) or any(_stands(draft.text(meant), s) for s, _ in block.options)):
        return meant, f"path: {block.path} is {meant}"
    return draft.missing(block.path)


def _guessed(block: Change, draft: Draft, last: str | None) -> tuple[str, str] | Problem:
    """The file before or a file that was shown, if the lines stand exactly once in exactly one of them."""
    candidates = [p for p in dict.fromkeys([*([last] if last else []), *draft.expected]) if p in draft.known]
    if len(candidates) > 1:
        candidates = [p for p in candidates if any(_stands(draft.text(p), search) for search, _ in block.options)]
    if len(candidates) == 1:
        return candidates[0], f"path: {candidates[0]} taken for a block without one"
    kind: Fault = "ambiguous" if candidates else "malformed"
    return Problem(kind, messages.NO_PATH + messages.head("\n".join(block.options[0][0])))


def _stands(text: str | Problem, search: Lines) -> bool:
    return isinstance(text, str) and len(Page(text).trailing(list(search))) == 1


def _holds(text: str | Problem, block: Change) -> bool:
    """Whether text that may begin and end inside a line stands there once."""
    if not block.inline or not isinstance(text, str):
        return False
    piece = block.options[1][0][0]
    return bool(piece.strip()) and _count(text, piece) == 1


def _filled(block: Change, path: str, draft: Draft) -> Changed | None:
    """An empty search in an empty or new file."""
    search, new = block.options[0]
    if any(line.strip() for line in search) or len(block.options) > 1:
        return None
    text = "".join(line + "\n" for line in new)
    draft.set(path, text)
    return Changed(path=path, edits=[Write(path=path, text=text)])


def _inline(block: Change, path: str, text: str) -> tuple[str | None, Changed] | None:
    """Text that may begin and end inside a line, found exactly once."""
    old, new = (side[0] for side in block.options[1])
    if "\r\n" in text and "\r\n" not in old:
        old, new = old.replace("\n", "\r\n"), new.replace("\n", "\r\n")
    if not old.strip() or _count(text, old) != 1:
        return None
    if old == new:
        return None, Changed(path=path)
    return text.replace(old, new, 1), Changed(path=path, edits=[Replace(path=path, old=old, new=new)])


def _within(block: Change, path: str, text: str) -> tuple[str | None, Changed] | None:
    """One line for one line, neither of them whole: a piece that stands once in the file, between words."""
    search, new = ([line.strip() for line in side if line.strip()] for side in block.options[0])
    if len(search) != 1 or len(new) != 1 or len(search[0]) < _PIECE or _count(text, search[0]) != 1:
        return None
    at = text.find(search[0])
    before, after = text[:at][-1:], text[at + len(search[0]) :][:1]
    whole = next(line for line in text.split("\n") if search[0] in line).strip() == search[0]  # of its own rungs
    if whole or (_WORD.match(search[0]) and _WORD.match(before)) or (_WORD.match(search[0][-1]) and _WORD.match(after)):
        return None
    made = text.replace(search[0], new[0], 1)
    edit = Replace(path=path, old=search[0], new=new[0])
    return made, Changed(path=path, edits=[edit], repairs=["a part of a line"], relaxed="a part of a line")


def _by_lines(block: Change, path: str, page: Page) -> tuple[str | None, Changed] | Problem:
    options = block.options[:1] if block.inline else block.options
    chosen = _chosen(options, block, page)
    if isinstance(chosen, Problem):
        return chosen
    (search, _), found = chosen
    hit, python = found.hit, page.python
    left_out = elision(hit.lines, page.lines[hit.start : hit.stop], search, python=python)
    old, piece, text = page.exchanged(hit.start, hit.stop, hit.lines, final=block.final)
    if old == piece:
        return None, Changed(path=path)
    left_out = left_out or (hollowed(text, page.text) if python and "..." in piece else None)
    if left_out:
        return Problem("truncated", messages.LEFT_OUT.format(left_out[:120]))
    edit = _unique(page, path, found, old=old, new=piece)
    return text, Changed(path=path, edits=[edit], repairs=[found.repair], relaxed=found.repair)


def _chosen(
    options: Sequence[tuple[Lines, Lines]], block: Change, page: Page
) -> tuple[tuple[Lines, Lines], Found] | Problem:
    """The reading that finds its place as it stands, else the first that does."""
    if not any(line.strip() for search, _ in options for line in search):
        return Problem("no match", messages.EMPTY_SEARCH)
    results = [
        (option, find(page, *option, spot=block.spot, exact=block.added))
        for option in options
        if any(x.strip() for x in option[0])
    ]
    found = [(option, r) for option, r in results if isinstance(r, Found)]
    found = [(o, r) for o, r in found if r.repair in {"", "trailing white space"}] or found
    if found:
        return found[0]
    (search, new), missed = next(((o, r) for o, r in results if isinstance(r, Missed) and r.places), results[0])
    places = missed.places if isinstance(missed, Missed) else ()
    return messages.ambiguous(page, search, places) if places else messages.no_match(page, search, new)


def _unique(page: Page, path: str, found: Found, *, old: str, new: str) -> Replace:
    """With as many lines around as make the old text occur once."""
    start, stop = found.hit.start, found.hit.stop
    text, more = page.text, 1
    begin = len(page.bom) + sum(len(line) + 1 for line in page.lines[:start])
    before = after = ""
    while _count(text, before + old + after) != 1:
        first, last = max(0, start - more), min(len(page.lines), stop + more)
        before = text[len(page.bom) + sum(len(line) + 1 for line in page.lines[:first]) : begin]
        end = begin + len(old)
        after = text[end : end + sum(len(line) + 1 for line in page.lines[stop:last])]
        more *= 2
    return Replace(path=path, old=before + old + after, new=before + new + after)


def _count(text: str, piece: str) -> int:
    """0, 1 or 2 for more; overlapping occurrences count."""
    first = text.find(piece)
    return 0 if first < 0 else 1 + (text.find(piece, first + 1) >= 0)
