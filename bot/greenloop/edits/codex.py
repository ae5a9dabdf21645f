"""Patches in codex's own format (`*** Begin Patch`): reads one into blocks."""

from __future__ import annotations

import re

from greenloop.edits.blocks import Block, Broken, Change, File, Removal, Rename, Spot
from greenloop.edits.hunks import NO_CONTEXT, sides

_HEADER = re.compile(r"^\*\*\* (Update|Add|Delete) File:\s*(.+?)(?:\s+\*{3})?\s*$")
_BEGIN = re.compile(r"^\*\*\* Begin Patch(?: \*{3})?\s*$")  # stars at the end as well: some models see a frame
_END = re.compile(r"^\*\*\* End Patch(?: \*{3})?\s*$")
_CUT = "The patch has no `*** End Patch` line."
_PLUS = "Every line of an added file begins with `+`."


def starts(line: str) -> bool:
    return line.startswith("*** ") and bool(_BEGIN.match(line) or _HEADER.match(line))


def read(lines: list[str], start: int) -> tuple[list[Block], int]:
    """The blocks of the patch that begins at `start`, and the index of the line after it."""
    begun = bool(_BEGIN.match(lines[start]))
    stop = next((i for i in range(start, len(lines)) if _ends(lines[i])), None)
    if stop is None and begun:
        return [Broken(kind="truncated", message=_CUT)], len(lines)
    end = len(lines) if stop is None else stop
    body = lines[start + begun : end]
    after = end + (stop is not None and lines[end].startswith("*** "))
    heads = [i for i, line in enumerate(body) if _HEADER.match(line)]
    if not heads or any(line.strip() for line in body[: heads[0]]):
        return [Broken(kind="malformed", message="The patch names no file where it begins.")], after
    spans = zip(heads, [*heads[1:], len(body)], strict=True)
    return [block for a, b in spans for block in _section(body[a:b])], after


def _ends(line: str) -> bool:
    """Content always has a mark before it, so a fence at the margin ends a patch too."""
    return bool(_END.match(line)) or line.startswith("```")


def _section(lines: list[str]) -> list[Block]:
    header = _HEADER.match(lines[0])
    action, path = header.groups() if header else ("", "")
    body = lines[1:]
    while body and not body[-1].strip():
        body.pop()
    if action == "Delete":
        return [Removal(path=path)]
    if action == "Add":
        if any(line and line[0] != "+" for line in body):
            return [Broken(kind="malformed", message=_PLUS, path=path)]
        return [File(path=path, text="".join(line[1:] + "\n" for line in body))]
    return _update(path, body)


def _update(path: str, body: list[str]) -> list[Block]:
    blocks: list[Block] = []
    if body and body[0].startswith("*** Move to:"):
        blocks.append(Rename(path=path, to=body[0].removeprefix("*** Move to:").strip()))
        path, body = blocks[0].to, body[1:]  # type: ignore[union-attr] # just made
    anchors: tuple[str, ...] = ()
    hunk: list[str] = []
    for line in [*body, "@@"]:
        if not line.startswith("@@"):
            hunk.append(line)
            continue
        if hunk:
            blocks.append(_change(path, hunk, anchors))
            anchors, hunk = (), []
        anchor = line.strip("@").removeprefix(" ").rstrip()
        anchors = (*anchors, anchor) if anchor else anchors
    return blocks or [Broken(kind="malformed", message="The patch changes nothing in this file.", path=path)]


def _change(path: str, hunk: list[str], anchors: tuple[str, ...]) -> Change | Broken:
    end = hunk[-1].rstrip() == "*** End of File"
    body = hunk[:-1] if end else list(hunk)
    while body and not body[-1]:
        body.pop()
    marked, unmarked = sides(body, unmarked=False), sides(body, unmarked=True)
    if not marked[0] and anchors and not end:
        *above, last = anchors
        sides_ = (last,), (last, *marked[1])
        return Change(path=path, options=(sides_,), spot=Spot(anchors=tuple(a.strip() for a in above)), added=True)
    if not marked[0]:
        return Broken(kind="malformed", message=NO_CONTEXT, path=path)
    options = (marked,) if marked == unmarked else (marked, unmarked)
    return Change(path=path, options=options, spot=Spot(anchors=tuple(a.strip() for a in anchors), end=end))
