"""A fenced block: tells a file from a diff, a patch, JSON, commands and an illustration."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from dataclasses import replace

from greenloop.edits import codex, diffs, heredocs, markers, wrapped
from greenloop.edits.blocks import Block, Broken, File, Loose
from greenloop.edits.fences import Fence, close, content, fence_at
from greenloop.edits.orders import orders
from greenloop.edits.paths import from_comment, from_info, from_line
from greenloop.edits.reading import IGNORABLE, MIXED, Reading, mentioned, near, path_before, read_json, skip

_SHELL = frozenset(
    {"sh", "bash", "shell", "zsh", "fish", "console", "shell-session", "terminal", "powershell", "ps1", "cmd", "bat"}
)
_SHELL_FILE = re.compile(r"(?:\.(?:sh|bash|zsh|ksh|fish|bats|ps1|bat|cmd|envrc)|(?:^|/)[^./]+)$")
_ACTS = re.compile(
    r"^[ \t]*+\$?[ \t]*+(?:cat\s*>|tee\s|sed\s+-i|(?:git\s+)?(?:rm|mv|apply)\s|patch\s|touch\s)|<<\s*-?['\"]?\w+",
    re.MULTILINE,
)

_SHELL_EDIT = (
    "Commands are not run. Write files in fences, and `Delete: path` or `Move: old -> new` lines outside them."
)
_UNCLOSED = "The fence is not closed: the answer was cut off."
_TWO_ENDS = "Where this fenced file ends is not clear. Use a fence longer than any inside the file, for example ````."
_TWO_PATHS = "The line before the fence names {0}, the fence itself {1}."


def read_fenced(reading: Reading, fence: Fence) -> int:
    lines, known, i = reading.lines, reading.known, fence.line
    language, named = from_info(fence.info, known)
    before = path_before(reading, i)
    if named and before and named != before and not before.endswith("/" + named) and not named.endswith("/" + before):
        message = _TWO_PATHS.format(before, named)
        reading.blocks.append(Broken(kind="malformed", message=message))
        return skip(lines, i, fence) + 1
    path = before or named
    if _holds_blocks(lines, i + 1, known):
        reading.fence, reading.path = fence, path or near(reading, i)
        return i + 1
    special = _special(reading, fence, language=language, path=path)
    return _file(reading, fence, language, path=path) if special is None else special


def _holds_blocks(lines: list[str], start: int, known: AbstractSet[str]) -> bool:
    """Whether the fence opens with a SEARCH block, after a path, a comment or a blank line at most."""
    for line in lines[start : start + 12]:
        if markers.heads(line):
            return True
        if not (IGNORABLE.match(line) or from_line(line, known)) or line.lstrip().startswith("```"):
            return False
    return False


def _special(reading: Reading, fence: Fence, *, language: str, path: str | None) -> int | None:
    """A diff, a codex patch or JSON in a fence; None for anything else."""
    lines, first = reading.lines, fence.line + 1
    if path and path.endswith((".diff", ".patch", ".json")) and language != "udiff":
        return None
    head = lines[first : first + 6]
    begin = next((k for k, line in enumerate(head) if codex.starts(line)), None)
    if begin is not None:
        blocks, after = codex.read(lines, first + begin)
        reading.blocks += blocks
        return skip(lines, after - 1, fence) + 1
    begun = next((first + k for k, line in enumerate(head) if not IGNORABLE.match(line)), first)
    if language in {"diff", "patch", "udiff"} or (head and diffs.opens(lines, begun)):
        return _diff(reading, fence, path or near(reading, fence.line))
    stop = skip(lines, fence.line, fence)
    text = "\n".join(lines[first:stop])
    if path is None and stop < len(lines) and wrapped.looks_like_json(text):
        read_json(reading, text)
        return stop + 1
    return None


def _diff(reading: Reading, fence: Fence, path: str | None) -> int:
    """Content has a mark before it, so only a fence at the opening one's margin ends a diff."""
    lines = reading.lines
    stop = next(
        (
            i
            for i in range(fence.line + 1, len(lines))
            if (f := fence_at(lines, i)) and f.indent == fence.indent and fence.closed_by(f)
        ),
        None,
    )
    if stop is None:
        reading.blocks.append(Broken(kind="truncated", message=_UNCLOSED, path=path))
        return len(lines)
    body = content(lines, fence, stop)
    while body and not (
        body[0][:1] in set(" +-@") or re.match(r"diff |index |new file|old mode|rename |Index:", body[0])
    ):
        path = from_comment(body[0], reading.known) or from_line(body[0], reading.known) or path
        body.pop(0)
    reading.blocks += diffs.unified(body, path)
    return stop + 1


def _file(reading: Reading, fence: Fence, language: str, *, path: str | None) -> int:
    """A whole file, or a block that belongs to nothing."""
    lines = reading.lines
    sure = path is not None
    first = lines[fence.line + 1] if fence.line + 1 < len(lines) else ""
    commented = None if path or language in {"markdown", "md", *_SHELL} else from_comment(first, reading.known)
    if not (path or commented):
        path, sure = mentioned(reading, fence.line)
    stop = close(lines, fence, path or commented, named=lambda k: path_before(reading, k) is not None)
    if isinstance(stop, str):
        message = _UNCLOSED if stop == "truncated" else _TWO_ENDS
        reading.blocks.append(Broken(kind=stop, message=message, path=path or commented))
        return len(lines)
    body = content(lines, fence, stop)
    text = "\n".join([*body, ""]) if body else ""
    written = heredocs.read(body) if language in _SHELL and not (sure and path) else []
    if written:
        reading.blocks += written
        reading.repairs.append("here-document")
        return stop + 1
    asked = [orders(line, reading.known) for line in body if line.strip()]
    if path is None and not commented and asked and all(asked):
        reading.blocks += [order for line in asked for order in line]
        return stop + 1
    block = _named(text, language, path=path or commented, sure=sure or bool(commented))
    reading.blocks.append(replace(block, labelled=True) if commented and isinstance(block, File) else block)
    return stop + 1


def _named(text: str, language: str, *, path: str | None, sure: bool) -> Block:
    if language in _SHELL and not (sure and path and _SHELL_FILE.search(path)):
        return (
            Broken(kind="malformed", message=_SHELL_EDIT) if _ACTS.search(text) else Loose(text=text, language="shell")
        )
    if path is None:
        return Loose(text=text, language=language)
    if re.search(r"^<{5,9} ?SEARCH\b", text, re.MULTILINE) and re.search(r"^>{5,9} ?REPLACE\b", text, re.MULTILINE):
        return Broken(kind="malformed", message=MIXED, path=path)
    return File(path=path, text=text, sure=sure, fenced=True)
