"""Calls of other programs' tools, written as text: `<write_to_file>`, `<replace_in_file>` with elements inside."""

from __future__ import annotations

import re

from greenloop.edits.blocks import Broken, File

_CALL = re.compile(r"^\s*<(write_to_file|replace_in_file|create_file|apply_diff)>\s*$")
_PATH = re.compile(r"^\s*<(?:path|file_path)>\s*([^<>]+?)\s*</(?:path|file_path)>\s*$")
_BODY = re.compile(r"^\s*<(content|diff)>\s*$")
_UNREAD = "The call of {0} cannot be read: it needs <path> in one line, and <content> or <diff> alone on its lines."


def call(lines: list[str], start: int) -> tuple[File | Broken, int] | None:
    """The file, or the blocks as its text, of the call that opens at `start`, and the index of the line after it."""
    opened = _CALL.match(lines[start])
    if not opened:
        return None
    end = f"</{opened[1]}>"
    stop = next((i for i in range(start + 1, len(lines)) if lines[i].strip() == end), len(lines))
    inside = lines[start + 1 : stop]
    path = next((m[1] for line in inside if (m := _PATH.match(line))), None)
    head = next((i for i, line in enumerate(inside) if _BODY.match(line)), None)
    tag = inside[head].strip().strip("<>") if head is not None else ""
    tails = [i for i, line in enumerate(inside) if tag and line.strip() == f"</{tag}>"]
    if stop == len(lines):
        return Broken(kind="truncated", message=f"The call has no line with {end} alone.", path=path), stop
    if path is None or head is None or len(tails) != 1:
        return Broken(kind="malformed", message=_UNREAD.format(opened[1]), path=path), stop + 1
    body = inside[head + 1 : tails[0]]
    return File(path=path, text="\n".join([*body, ""]) if body else ""), stop + 1
