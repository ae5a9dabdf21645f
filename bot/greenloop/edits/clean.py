"""What is taken off a reply before it is read: carriage returns, reasoning, one fence around the whole answer."""

from __future__ import annotations

import re

from greenloop.domain import Unusable
from greenloop.edits.fences import complete, fence_at

_TAGS = r"(think|thinking|thought|reasoning|reflection|scratchpad)"
_OPEN = re.compile(rf"^\s*<{_TAGS}>", re.IGNORECASE)
_CLOSE = re.compile(rf"^\s*</{_TAGS}>|</{_TAGS}>\s*$", re.IGNORECASE)
# tokens that some servers let through
_ENDS = re.compile(
    r"(?:<\|(?:eot_id|eom_id|im_end|endoftext|end|return)\|>|</s>|<end_of_turn>|<\uff5cend\u2581of\u2581sentence\uff5c>)\s*\Z"
)
_CHANNEL = re.compile(r"\s*(?:<\|start\|>assistant)?<\|channel\|>")
_FINAL = re.compile(r"<\|channel\|>final\b[^<\n]{0,60}<\|message\|>")
_CALLS = re.compile(r"^(?:\[TOOL_CALLS\]|<\|python_tag\|>)\s*(?=[\[{])")
_BARRED = re.compile(r"<\uff5ctool\u2581[^\uff5c<>\n]{1,30}\uff5c>")
_HEAD, _TAIL = re.compile(r"^\s*<{5,9}\s*\w"), re.compile(r"^\s*>{5,9}")
_ELEMENT = re.compile(r"^\s*<(?:file|edit|document|write_\w+|create_file|replace_in_file|apply_diff)[ >]|^\s*\{")
_START = re.compile(r"^\s*(?:<{5,9}|\*\*\* (?:Begin|Update|Add|Delete)|<file[ >]|diff --git |--- \S)")
_WRAPPERS = frozenset({"", "markdown", "md", "text", "txt", "plaintext"})

_UNFINISHED = "The answer ends inside its reasoning, before any edit. Answer with the edits, with less reasoning."


def clean(reply: str) -> tuple[list[str], list[str]] | Unusable:
    """The lines to read and the names of what was taken off."""
    repairs: list[str] = []
    text = reply.replace("\r\n", "\n").lstrip("\ufeff")
    text, ended = _ENDS.subn("", text)
    lines = text.split("\n")
    said = _channel(text)
    plain = None if said is None else _without_reasoning(said.split("\n"))
    if plain is None:
        return Unusable(message=_UNFINISHED, kind="truncated")
    if plain != lines:
        repairs.append("reasoning removed")
    plain = _without_tokens(plain)
    if ended and (mark := _forgotten(plain)):
        plain = [*"\n".join(plain).rstrip("\n").split("\n"), mark]
        repairs.append("closing fence")
    inner = _unwrapped(plain)
    if inner is not None:
        repairs.append("outer fence removed")
    return (plain if inner is None else inner), repairs


def _channel(text: str) -> str | None:
    """What stands in the final one of an answer's channels; None when it has channels and never came to that one."""
    if not _CHANNEL.match(text):
        return text
    final = _FINAL.search(text)
    return text[final.end() :] if final else None


def _without_tokens(lines: list[str]) -> list[str]:
    """Without what a model's own template puts around the calls of tools, where they begin before any fence."""
    first = next(
        (i for i, line in enumerate(lines) if fence_at(lines, i) or _CALLS.match(line) or "<\uff5c" in line), None
    )
    if first is None or fence_at(lines, first):
        return lines
    if _CALLS.match(lines[first]):
        return [*lines[:first], _CALLS.sub("", lines[first]), *lines[first + 1 :]]
    return [_BARRED.sub("", line) if _BARRED.match(line.lstrip("`")) else line for line in lines]


def _forgotten(lines: list[str]) -> str | None:
    """The mark of the one fence of an answer that nothing closes, though the model itself ended there."""
    fences = [f for i in range(len(lines)) if (f := fence_at(lines, i))]
    return fences[0].mark if len(fences) == 1 and fences[0].info and not fences[0].indent else None


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
