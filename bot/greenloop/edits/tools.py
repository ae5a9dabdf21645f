"""Calls of other programs' tools, written as text: `<write_to_file>`, `<replace_in_file>`, `<edit path="…">` with
elements inside, and `<tool_call>` around JSON."""

from __future__ import annotations

import re

from greenloop.edits.blocks import Broken, Change, File

_CALL = re.compile(r"^\s*<(write_to_file|replace_in_file|create_file|apply_diff)>\s*$")
_PATH = re.compile(r"^\s*<(?:path|file_path)>\s*([^<>]+?)\s*</(?:path|file_path)>\s*$")
_BODY = re.compile(r"^\s*<(content|diff)>\s*$")
_JSON = re.compile(r"^\s*<(tool_call|function_call)>\s*$")
_EDIT = re.compile(r"""^\s*<edit\s+(?:path|file)\s*=\s*["']([^"'<>]+)["']\s*>\s*$""")
_SIDES = ("<search>", "</search>", "<replace>", "</replace>")
_NO_SIDES = "An <edit> holds <search>, </search>, <replace> and </replace>, once each and each alone on its line."
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


def around_json(lines: list[str], start: int) -> tuple[str, int] | None:
    """The text of the call that opens at `start`, and the index of the line after it. The end may be missing: JSON
    tells by itself whether it is whole."""
    opened = _JSON.match(lines[start])
    if not opened:
        return None
    end = f"</{opened[1]}>"
    stop = next((i for i in range(start + 1, len(lines)) if lines[i].strip() == end), len(lines))
    return "\n".join(lines[start + 1 : stop]), stop + 1


def edit(lines: list[str], start: int) -> tuple[Change | Broken, int] | None:
    """The change of the `<edit path="…">` that opens at `start`, and the index of the line after it."""
    opened = _EDIT.match(lines[start])
    if not opened:
        return None
    end = len(lines)
    stop = next((i for i in range(start + 1, end) if lines[i].strip() == "</edit>"), end)
    if stop == end:
        return Broken(kind="truncated", message="The element has no line with </edit> alone.", path=opened[1]), stop
    inside = lines[start + 1 : stop]
    marks = [i for i, line in enumerate(inside) if line.strip() in _SIDES]
    if tuple(inside[i].strip() for i in marks) != _SIDES:
        return Broken(kind="malformed", message=_NO_SIDES, path=opened[1]), stop + 1
    sides = tuple(inside[marks[0] + 1 : marks[1]]), tuple(inside[marks[2] + 1 : marks[3]])
    return Change(path=opened[1], options=(sides,)), stop + 1
