"""Calls of other programs' tools, written as text: `<write_to_file>`, `<replace_in_file>`, `<edit path="…">` with
elements inside, and `<tool_call>` around JSON or around the elements of a call's parameters."""

from __future__ import annotations

import json
import re

from greenloop.edits.blocks import Broken, Change, File

_CALL = re.compile(r"^\s*<(write_to_file|replace_in_file|create_file|apply_diff)>\s*$")
_PATH = re.compile(r"^\s*<(path|file_path|file)>\s*([^<>\s](?:[^<>]*[^<>\s])?)\s*</\1>\s*$")
_BODY = re.compile(r"^\s*<(content|diff)>\s*$")
_JSON = re.compile(r"^\s*<(tool_call|function_call|function_calls)>\s*$")
_FUNCTION = re.compile(r"""^\s*<(?:(function)=[\w.-]+|(invoke)\s+name\s*=\s*["'][\w.-]+["'])\s*>\s*$""")
_PARAMETER = re.compile(r"""^\s*<parameter(?:=(\w+)|\s+name\s*=\s*["'](\w+)["'])\s*>(.*)$""")
_CLOSER = re.compile(r"^\s*</(?:tool_call|function_call|function_calls)>\s*$")
_EDIT = re.compile(r"""^\s*<(edit|edit_file|file_edit|change)(?:\s+(?:path|file)\s*=\s*["']([^"'<>]+)["'])?\s*>\s*$""")
_SIDES = tuple(
    (f"<{old}>", f"</{old}>", f"<{new}>", f"</{new}>")
    for old, new in (
        ("search", "replace"),
        ("old", "new"),
        ("old_str", "new_str"),
        ("old_string", "new_string"),
        ("old_text", "new_text"),
        ("find", "replace"),
        ("original", "updated"),
    )
)
_MARKS = frozenset(mark for marks in _SIDES for mark in marks)
_NO_SIDES = "An <edit> holds <search>, </search>, <replace> and </replace>, once each and each alone on its line."
_NO_PATH = 'An <edit> names its file: <edit path="…">.'
_UNREAD = "The call of {0} cannot be read: it needs <path> in one line, and <content> or <diff> alone on its lines."


def call(lines: list[str], start: int) -> tuple[File | Broken, int] | None:
    """The file, or the blocks as its text, of the call that opens at `start`, and the index of the line after it."""
    opened = _CALL.match(lines[start])
    if not opened:
        return None
    end = f"</{opened[1]}>"
    stop = next((i for i in range(start + 1, len(lines)) if lines[i].strip() == end), len(lines))
    inside = lines[start + 1 : stop]
    path = next((m[2] for line in inside if (m := _PATH.match(line))), None)
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
    tells by itself whether it is whole. Parameters in elements of their own are given as JSON."""
    opened = _JSON.match(lines[start])
    first = next((i for i in range(start + bool(opened), len(lines)) if lines[i].strip()), start)
    if _FUNCTION.match(lines[first]):
        return _parameters(lines, first)
    if not opened:
        return None
    end = f"</{opened[1]}>"
    stop = next((i for i in range(start + 1, len(lines)) if lines[i].strip() == end), len(lines))
    return "\n".join(lines[start + 1 : stop]), stop + 1


def _parameters(lines: list[str], start: int) -> tuple[str, int]:
    """The call that opens at `start` as JSON, a parameter given twice included; `{` when it is not whole."""
    opened = _FUNCTION.match(lines[start])
    end = f"</{opened and (opened[1] or opened[2])}>"
    pairs: list[str] = []
    i = start + 1
    while i < len(lines):
        line = lines[i]
        if line.strip() == end:
            return "{" + ", ".join(pairs) + "}", _behind(lines, i + 1)
        begun = _PARAMETER.match(line)
        stop = next((k for k in range(i, len(lines)) if begun and lines[k].rstrip().endswith("</parameter>")), None)
        if begun and stop is not None:
            body = [begun[3], *lines[i + 1 : stop + 1]]
            body[-1] = body[-1].rstrip().removesuffix("</parameter>")
            pairs.append(f"{json.dumps(begun[1] or begun[2])}: {json.dumps(_text(body))}")
            i = stop
        elif line.strip():
            break
        i += 1
    return "{", len(lines)


def _text(body: list[str]) -> str:
    """A value, without the line breaks that only set its tags apart."""
    if len(body) == 1:
        return body[0].strip()
    return "\n".join(body[not body[0].strip() : len(body) - (not body[-1].strip())])


def _behind(lines: list[str], i: int) -> int:
    """Behind the tag that closes what was around a call, if that comes next."""
    following = next((k for k in range(i, len(lines)) if lines[k].strip()), None)
    return i if following is None or not _CLOSER.match(lines[following]) else following + 1


def edit(lines: list[str], start: int) -> tuple[Change | Broken, int] | None:
    """The change of the `<edit>` that opens at `start`, and the index of the line after it."""
    opened = _EDIT.match(lines[start])
    if not opened:
        return None
    end, (tag, path) = len(lines), opened.groups()
    stop = next((i for i in range(start + 1, end) if lines[i].strip() == f"</{tag}>"), end)
    if stop == end:
        return Broken(kind="truncated", message=f"The element has no line with </{tag}> alone.", path=path), stop
    inside = lines[start + 1 : stop]
    marks = [i for i, line in enumerate(inside) if line.strip() in _MARKS]
    if tuple(inside[i].strip() for i in marks) not in _SIDES:
        return Broken(kind="malformed", message=_NO_SIDES, path=path), stop + 1
    named = [m[2] for line in inside[: marks[0]] if (m := _PATH.match(line))]
    path = path or (named[0] if len(named) == 1 else None)
    if path is None:
        return Broken(kind="malformed", message=_NO_PATH), stop + 1
    sides = tuple(inside[marks[0] + 1 : marks[1]]), tuple(inside[marks[2] + 1 : marks[3]])
    return Change(path=path, options=(sides,)), stop + 1
