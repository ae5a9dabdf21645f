"""A long output of a program that nobody knows, cut to what is worth reading: how it begins, what looks like an error,
and how it ends. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

_WIDE = 300  # characters of one line
_HEAD, _END = 0.15, 0.4  # of the room; the rest is for what looks like an error
_ERROR = re.compile(
    r"\b(?:errors?|fail(?:ed|ures?|s)?|exceptions?|panick?(?:ed)?|fatal|traceback|assert\w*|undefined|unresolved|cannot|"
    r"can't|not found|expected|mismatch\w*|denied|segmentation|undeclared|unexpected)\b|^\s*(?:E |not ok\b|FAIL\b|[✗✘])"
    r"|[\w/-]\.\w{1,5}[:(]\d+",
    re.IGNORECASE,
)


def excerpt(text: str, limit: int) -> str:
    """At most `limit` characters, whole lines in their order; what is left out is counted where it stood."""
    if len(text) <= limit:
        return text
    lines = [line if len(line) <= _WIDE else f"{line[: _WIDE - 1]}…" for line in text.split("\n")]
    kept = set(_fitting(range(len(lines)), lines, limit * _HEAD))
    kept |= set(_fitting(range(len(lines) - 1, -1, -1), lines, limit * _END))
    once = {lines[n].strip() for n in kept}
    looks = []
    for number, line in enumerate(lines):
        if number not in kept and line.strip() not in once and _ERROR.search(line):
            once.add(line.strip())
            looks.append(number)
    kept |= set(_fitting(looks, lines, limit * (1 - _HEAD - _END) * 0.7))  # the rest is for what tells of the gaps
    return "\n".join(_told(sorted(kept), lines))[:limit]


def _fitting(numbers: range | list[int], lines: list[str], room: float) -> Iterator[int]:
    for number in numbers:
        room -= len(lines[number]) + 1
        if room < 0:
            return
        yield number


def _told(kept: list[int], lines: list[str]) -> Iterator[str]:
    last = -1
    for number in [*kept, len(lines)]:
        if number - last > 1:
            yield f"… {number - last - 1} lines …"
        if number < len(lines):
            yield lines[number]
        last = number
