"""Applies what a block changes to the file's own lines: lines that the block keeps stay as the file has them."""

from __future__ import annotations

from typing import NamedTuple

_LARGE = 4_000_000  # line pairs; above this only the equal edges are kept


class Piece(NamedTuple):
    """Lines of the search [start:stop] and what becomes of them; `new` None: they stay."""

    start: int
    stop: int
    new: list[str] | None


def merged(own: list[str], search: list[str], replace: list[str]) -> list[str]:
    """`replace`, with each line that it has in common with `search` taken from `own` (as long as `search`)."""
    lines: list[str] = []
    for piece in pieces(search, replace):
        lines += own[piece.start : piece.stop] if piece.new is None else piece.new
    return lines


def pieces(search: list[str], replace: list[str]) -> list[Piece]:
    """What stays and what is replaced, in order."""
    a, b = search, replace
    short, head, tail = min(len(a), len(b)), 0, 0
    while head < short and a[head] == b[head]:
        head += 1
    while tail < short - head and a[-1 - tail] == b[-1 - tail]:
        tail += 1
    found = [Piece(0, head, None)]
    for tag, i, j, k, m in _opcodes(a[head : len(a) - tail], b[head : len(b) - tail]):
        found.append(Piece(head + i, head + j, None if tag == "equal" else replace[head + k : head + m]))
    return [*found, Piece(len(a) - tail, len(a), None)]


def _opcodes(a: list[str], b: list[str]) -> list[tuple[str, int, int, int, int]]:
    if not a or not b or len(a) * len(b) > _LARGE:
        return [("replace", 0, len(a), 0, len(b))] if a or b else []
    from difflib import SequenceMatcher  # noqa: PLC0415 - exact matches never come here

    return list(SequenceMatcher(None, a, b, autojunk=False).get_opcodes())
