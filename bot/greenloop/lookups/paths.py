"""Files and folders by their path."""

from __future__ import annotations

import re
from collections import Counter

from greenloop.lookups.view import LONGEST, View, found, missing

_RANGE = re.compile(r"^(.+?):(\d{1,7})(?:-(\d{1,7}))?$")
_AROUND = 20  # lines to each side of a single one that is asked for
_MOST = 120  # lines at once
_NAMES = 80  # of a folder
_HEADING = re.compile(r"\s*(?:async def|def|class|function|export|func|fn|pub|struct|interface|type|impl)\b")


def read(about: str, view: View) -> str:
    """Lines as they stand, under a line that says which; without a range the head, or of a long file its headings."""
    match = _RANGE.match(about)
    path = found(about, view)
    start: int | None = None
    end = 0
    if path is None and match:
        path = found(match[1], view)
        start = int(match[2])
        end = int(match[3]) if match[3] else start + _AROUND
        start = start if match[3] else max(1, start - _AROUND)
    if path is None:
        return missing(match[1] if match else about, view)
    text = view.text(path)
    if text is None:
        return f"{path} is no text, or holds something that must not be shown."
    lines = text.splitlines()
    if start is None:
        return _whole(path, lines)
    if start > len(lines):
        return f"{path} has only {len(lines)} lines."
    return _part(path, lines, start, end)


def _part(path: str, lines: list[str], start: int, end: int) -> str:
    """From `start` on, as many whole lines as are asked for and fit."""
    start, end = max(1, start), min(max(start, end), len(lines), start + _MOST - 1)
    kept: list[str] = []
    room = LONGEST - 200
    for line in lines[start - 1 : end]:
        room -= len(line) + 1
        if kept and room < 0:
            break
        kept.append(line)
    last = start + len(kept) - 1
    more = f" Ask for {path}:{last + 1}-{end} to go on." if last < end else ""
    return "\n".join([f"{path}, lines {start}-{last} of {len(lines)}.{more}", *kept])


def _whole(path: str, lines: list[str]) -> str:
    if not lines:
        return f"{path} is empty."
    if sum(len(line) + 1 for line in lines) <= LONGEST - 200 and len(lines) <= _MOST:
        return _part(path, lines, 1, len(lines))
    heads = [f"{n}: {line.rstrip()}" for n, line in enumerate(lines, start=1) if _HEADING.match(line)]
    if not heads:
        return _part(path, lines, 1, _MOST)
    return "\n".join([f"{path} has {len(lines)} lines. Ask for a range. Its headings:", *heads])


def listed(about: str, view: View) -> str:
    """What a folder holds: files with their size, folders with the number of their files."""
    folder = about.removeprefix("./").strip("/.")
    inside = f"{folder}/" if folder else ""
    files: list[str] = []
    folders: Counter[str] = Counter()
    for entry in view.entries():
        if entry.path.startswith(inside):
            name, slash, _ = entry.path[len(inside) :].partition("/")
            if slash:
                folders[name] += 1
            else:
                files.append(f"{name} ({entry.size or 0} bytes)")
    if not files and not folders:
        return missing(folder, view) if found(folder, view) is None else f"{folder} is a file."
    names = [f"{name}/ ({n} file{'s' if n > 1 else ''})" for name, n in sorted(folders.items())] + sorted(files)
    more = [f"… and {len(names) - _NAMES} more"] if len(names) > _NAMES else []
    return "\n".join([f"{folder or 'The root'} holds:", *names[:_NAMES], *more])
