"""What `git diff-tree --raw --patch -U0` prints, as values. Pure: bytes in, changes out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from greenloop.ports import Change

_RAW = re.compile(rb"^:\d+ \d+ [0-9a-f]+ [0-9a-f]+ ([A-Z])\t(.+)$", re.MULTILINE)
# Lines of files begin with + - or a backslash, so nothing that a file holds can pass for one of these.
_MARK = re.compile(rb"^(?:(diff --git )|@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@)", re.MULTILINE)
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)")
_LETTERS = {b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r"}


def changes(printed: bytes) -> tuple[Change, ...]:
    records, _, patch = printed.partition(b"\n\n")
    sections = _sections(patch)
    return tuple(_change(found[1].decode(), _unquoted(found[2]), sections) for found in _RAW.finditer(records))


def _change(status: str, path: str, sections: Iterator[tuple[frozenset[int], int]]) -> Change:
    lines, removed = next(sections)
    if status == "T":  # a file that became a link, or the other way: two sections, away and here again
        lines = next(sections)[0]
    return Change(path=path, status=status, lines=lines, removed=removed)


def _sections(patch: bytes) -> Iterator[tuple[frozenset[int], int]]:
    """New-side lines and count of old-side lines, per `diff --git`."""
    lines: set[int] | None = None
    removed = 0
    for mark in _MARK.finditer(patch):
        if mark[1]:
            if lines is not None:
                yield frozenset(lines), removed
            lines, removed = set(), 0
        elif lines is not None:
            start, count = int(mark[3]), int(mark[4] or 1)
            lines.update(range(start, start + count))
            removed += int(mark[2] or 1)
    if lines is not None:
        yield frozenset(lines), removed


def _unquoted(path: bytes) -> str:
    """Git puts a name with quotes, controls or anything beyond ASCII into quotes, as C does."""
    if path.startswith(b'"'):
        path = _ESCAPE.sub(lambda found: _character(found[1]), path[1:-1])
    return path.decode("utf-8", "surrogateescape")


def _character(escape: bytes) -> bytes:
    return bytes([int(escape, 8)]) if escape.isdigit() else _LETTERS.get(escape, escape)
