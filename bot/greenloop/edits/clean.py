"""What is taken off a reply before it is read: carriage returns, reasoning, one fence around the whole answer."""

from __future__ import annotations

import re

from greenloop.domain import Unusable
from greenloop.edits.fences import complete, fence_at

_TAGS = r"(think|thinking|thought|reasoning|reflection|scratchpad)"
_OPEN = re.compile(rf"^\s*<{_TAGS}>", re.IGNORECASE)
_CLOSE = re.compile(rf"^\s*</{_TAGS}>|</{_TAGS}>\s*$", re.IGNORECASE)
_ENDS = re.compile(r"(?:<\|(?:eot_id|im_end|endoftext|end)\|>|</s>)\s*\Z")  # tokens that some servers let through
_HEAD, _TAIL = re.compile(r"^\s*<{5,9}\s*\w"), re.compile(r"^\s*>{5,9}")
_ELEMENT = re.compile(r"^\s*<(?:file|edit|document|write_\w+|create_file|replace_in_file|apply_diff)[ >]|^\s*\{")
_START = re.compile(r"^\s*(?:<{5,9}|\*\*\* (?:Begin|Update|Add|Delete)|<file[ >]|diff --git |--- \S)")
_WRAPPERS = frozenset({"", "markdown", "md", "text", "txt", "plaintext"})

_UNFINISHED = "The answer ends inside its reasoning, before any edit. Answer with the edits, with less reasoning."


def clean(reply: str) -> tuple[list[str], list[str]] | Unusable:
    """The lines to read and the names of what was taken off."""
    repairs: list[str] = []
    lines = _ENDS.sub("", reply.replace("\r\n", "\n").lstrip("\ufeff")).split("\n")
    plain = _without_reasoning(lines)
    if plain is None:
        return Unusable(message=_UNFINISHED, kind="truncated")
    if plain != lines:
        repairs.append("reasoning removed")
    inner = _unwrapped(plain)
    if inner is not None:
        repairs.append("outer fence removed")
    return (plain if inner is None else inner), repairs


def _without_reasoning(lines: list[str]) -> list[str] | None:
    """None when it never ends. Only before the first edit: later on, such a tag is the text of somebody's file."""
    lines = list(_after_stray_end(lines))
    i = 0
    while i < len(lines):
        opened = _OPEN.match(lines[i])
        if opened:
            end = _end(lines, i, opened[1])
            if end is None:
                return None
            lines[i : end[0] + 1] = [end[1]]
        elif fence_at(lines, i) or _START.match(lines[i]):
            break
        else:
            i += 1
    return lines


def _end(lines: list[str], start: int, tag: str) -> tuple[int, str] | None:
    """The line where the reasoning that opens at `start` ends, and what follows it there."""
    end = re.compile(rf"</{tag}>", re.IGNORECASE)
    for i in range(start, len(lines)):
        found = end.search(lines[i])
        if found:
            return i, lines[i][found.end() :]
    return None


def _after_stray_end(lines: list[str]) -> list[str]:
    """Some servers give the opening tag in the prompt: then all before the first closing tag is reasoning, drafts too.
    What stands in a fence, a block or an element is text, and is not looked at."""
    open_fence, block = None, False
    for i, line in enumerate(lines):
        fence = fence_at(lines, i)
        if block or (open_fence is None and _HEAD.match(line)):
            block = not _TAIL.match(line)
        elif open_fence is None:
            if _OPEN.match(line) or _ELEMENT.match(line):
                return lines
            found = _CLOSE.search(line)
            if found:
                return [line[found.end() :], *lines[i + 1 :]]
            open_fence = fence
        elif fence and open_fence.closed_by(fence):
            open_fence = None
    return lines


def _unwrapped(lines: list[str]) -> list[str] | None:
    """The inside of a fence that holds the whole answer, when only that reading closes all fences; or None."""
    filled = [i for i, line in enumerate(lines) if line.strip()]
    if len(filled) < 3:
        return None
    first, last = fence_at(lines, filled[0]), fence_at(lines, filled[-1])
    if not first or not last or not first.closed_by(last) or first.info.lower() not in _WRAPPERS:
        return None
    inside = lines[filled[0] + 1 : filled[-1]]
    fences = [f for i in range(len(inside)) if (f := fence_at(inside, i))]
    if not fences or not complete(inside, 0, nested=True):
        return None
    longer = all(not first.closed_by(f) for f in fences)
    named = any(f.info for f in fences) and (first.info or all(f.info for f in fences[::2]))
    return inside if longer or named else None
