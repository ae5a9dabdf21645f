"""What a failed workflow has printed, as a few lines that can be quoted: anybody's program has printed it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

LINES, LONG = 40, 200  # of an excerpt, characters of a line
_TERMINAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])")
_TIME = re.compile(r"^\ufeff?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z ?")
_ERROR = "##[error]"


def excerpt(log: str) -> str:
    """The lines up to the last error of the runner; without one, the last lines."""
    lines = [_plain(line) for line in log.splitlines()]
    errors = [n for n, line in enumerate(lines) if line.startswith(_ERROR)]
    end = errors[-1] + 1 if errors else len(lines)
    kept = [line for line in lines[:end] if line.strip()][-LINES:]
    return "\n".join(kept)


def _plain(line: str) -> str:
    line = _TERMINAL.sub("", _TIME.sub("", line))
    line = "".join(c if c.isprintable() or c == "\t" else " " for c in line).rstrip()
    return line if len(line) <= LONG else line[: LONG - 1] + "…"


def joined(parts: Iterable[tuple[str, str]], most: int) -> str:
    """Names and their excerpts, `most` characters at most; what does not fit is left out from its beginning."""
    found = list(parts)
    room = most // max(1, len(found))
    return "\n\n".join(f"{name}:\n{_end(text, room - len(name) - 4)}" for name, text in found)[:most]


def _end(text: str, room: int) -> str:
    return text if len(text) <= room else "…" + text[len(text) - max(0, room - 1) :]
