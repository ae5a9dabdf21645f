"""What was read of a reply so far, and what is asked of it by all who read on."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from greenloop.edits import wrapped
from greenloop.edits.blocks import Block
from greenloop.edits.fences import Fence, fence_at
from greenloop.edits.orders import orders
from greenloop.edits.paths import from_line, from_sentence

# lines that may stand between SEARCH/REPLACE blocks without meaning anything
IGNORABLE = re.compile(r"^\s*(?:$|\.{3}$|…$|#|//|--(?!-)|<!--|/\*)")
_CREATES = re.compile(r"\b(?:creat(?:e|es|ed|ing)|new (?:file|module|test|script|class|document))\b", re.IGNORECASE)
MIXED = "The fenced text holds SEARCH/REPLACE blocks and other text. Put nothing but blocks in such a fence."


@dataclass(slots=True)
class Reading:
    """What was read so far."""

    lines: list[str]
    known: AbstractSet[str]
    blocks: list[Block] = field(default_factory=list)
    prose: list[str] = field(default_factory=list)
    repairs: list[str] = field(default_factory=list)
    summary: str = ""
    fence: Fence | None = None  # an open fence that holds blocks rather than a file
    path: str | None = None  # the path that blocks without one belong to
    section: str | None = None  # a path on a line of its own since the last block


def read_json(reading: Reading, text: str) -> None:
    blocks, summary = wrapped.from_json(text)
    reading.blocks += blocks
    reading.summary = reading.summary or summary
    reading.repairs.append("JSON")


def _line_before(reading: Reading, i: int) -> str:
    """The nearest line above that is not blank."""
    return next((reading.lines[k] for k in range(i - 1, -1, -1) if reading.lines[k].strip()), "")


def path_before(reading: Reading, i: int) -> str | None:
    """The path that the line above consists of."""
    line = _line_before(reading, i)
    return None if orders(line, reading.known) else from_line(line, reading.known)


def mentioned(reading: Reading, i: int) -> tuple[str | None, bool]:
    """The path in the sentence before, else the last one alone on a line; and whether it is said to be a new file."""
    line = _line_before(reading, i)
    path = from_sentence(line, reading.known)
    if path is None:
        return reading.section, False
    return path, path not in reading.known and bool(_CREATES.search(line))


def near(reading: Reading, i: int) -> str | None:
    """The path for a block whose lines will have to be found there, so that a mention is enough."""
    return path_before(reading, i) or next((p for p in (mentioned(reading, i)[0],) if p in reading.known), None)


def skip(lines: list[str], i: int, fence: Fence | None) -> int:
    """The line that closes the fence, so that what is broken is reported once."""
    inside = range(i + 1, len(lines))
    return next((k for k in inside if fence and (f := fence_at(lines, k)) and fence.closed_by(f)), len(lines))
