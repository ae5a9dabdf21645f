"""A cleaned reply → its blocks, in order, and the prose around them. Knows the formats, not the files' texts."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet

from greenloop.edits import codex, diffs, markers, tools, wrapped
from greenloop.edits.blocks import Block, Broken, File
from greenloop.edits.fenced import read_fenced
from greenloop.edits.fences import Fence, fence_at
from greenloop.edits.orders import orders, remains
from greenloop.edits.paths import from_comment, from_line
from greenloop.edits.reading import IGNORABLE, MIXED, Reading, near, read_json, skip

_SUMMARY = re.compile(r"^\W{0,4}summary\W{0,4}:\W{0,3}\s*(\S.*)$", re.IGNORECASE)


def read(lines: list[str], known: AbstractSet[str]) -> Reading:
    """Every block of the reply. What has no path or cannot be read is a block too: nothing gets lost here."""
    reading = Reading(lines=lines, known=known)
    text = "\n".join(lines)
    if wrapped.looks_like_json(text):
        read_json(reading, text)
        return reading
    i = 0
    while i < len(lines):
        count = len(reading.blocks)
        i = _step(reading, i)
        reading.section = reading.section if len(reading.blocks) == count else None
    return reading


def _step(reading: Reading, i: int) -> int:
    lines = reading.lines
    if markers.heads(lines[i]):
        inside = reading.path if reading.fence else None
        path = inside or near(reading, i) or reading.path
        block, after = markers.read(lines, i, path, reading.known, reading.fence)
        reading.blocks.append(block)
        reading.path = reading.path if reading.fence else block.path
        return after
    if codex.starts(lines[i]):
        blocks, after = codex.read(lines, i)
        reading.blocks += blocks
        return after
    if reading.fence is None:
        return _outside(reading, i)
    return _between(reading, i)


def _between(reading: Reading, i: int) -> int:
    """A line of a fence that holds blocks, between them."""
    line, fence = reading.lines[i], fence_at(reading.lines, i)
    if fence and reading.fence and reading.fence.closed_by(fence):
        reading.fence = reading.path = None
    elif name := from_line(line, reading.known) or from_comment(line, reading.known):
        reading.path = name
    elif not IGNORABLE.match(line):
        reading.blocks.append(Broken(kind="malformed", message=MIXED, path=reading.path))
        return skip(reading.lines, i, reading.fence)
    return i + 1


def _outside(reading: Reading, i: int) -> int:
    lines = reading.lines
    inside = tools.around_json(lines, i)
    if inside:
        read_json(reading, inside[0])
        return inside[1]
    element = wrapped.element(lines, i) or tools.call(lines, i) or tools.edit(lines, i)
    if element:
        block, after = element
        reading.blocks += _within(block, reading.known) if isinstance(block, File) else [block]
        return after
    if diffs.starts(lines, i):
        after = diffs.extent(lines, i) + 1
        reading.blocks += diffs.unified(lines[i:after], None, closed=any(x.strip() for x in lines[after:]))
        return after
    fence = fence_at(lines, i)
    if fence:
        return read_fenced(reading, fence)
    _plain(reading, i)
    return i + 1


def _within(block: File, known: AbstractSet[str]) -> list[Block]:
    """An element may hold SEARCH/REPLACE blocks instead of the file."""
    lines = block.text.split("\n")
    first = next((line for line in lines if line.strip()), "")
    if not markers.heads(first):
        return [block]
    inner = Reading(lines=lines, known=known, path=block.path, fence=Fence(-1, 0, "`" * 3, ""))
    i = 0
    while i < len(lines):
        i = _step(inner, i)
    return inner.blocks


def _plain(reading: Reading, i: int) -> None:
    """A line of prose, a path, or an order to delete or move."""
    line, known = reading.lines[i], reading.known
    summary, path, asked, stray = _SUMMARY.match(line), from_line(line, known), orders(line, known), remains(line)
    if asked or stray:
        reading.blocks += asked or ([stray] if stray else [])
    elif summary and not reading.summary:
        reading.summary = summary[1]
    elif path is None or line.strip().endswith("."):
        reading.prose.append(line)
    else:
        reading.path, reading.section = None, path  # blocks that follow have a path of their own
