"""What the reporter wrote, read as what it is: lines of a file that code under test could have written to.

Only lines that open with a token of the run count; each field is taken as its type or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

MOST = 200_000  # lines
Line = Mapping[str, Any]


@dataclass(slots=True)
class Session:
    """One start of pytest. Filled while its lines are read, then only read."""

    ready: bool = False  # its conftest files are loaded
    opened: bool = False  # collection begins
    running: dict[str, Line] = field(default_factory=dict)
    tests: list[Line] = field(default_factory=list)
    uncollected: list[Line] = field(default_factory=list)
    tampering: list[Line] = field(default_factory=list)
    interrupted: str = ""
    internal: Line | None = None
    lines: dict[str, frozenset[int]] = field(default_factory=dict)  # of the changed ones, those that can run
    ran: dict[str, set[int]] = field(default_factory=dict)
    strange: list[str] = field(default_factory=list)  # files under whose name something else ran
    unseen: str = ""  # why it did not see all that ran
    end: Line | None = None

    @property
    def complete(self) -> bool:
        """The end marker is there, and as many tests came through as it counts."""
        return self.end is not None and whole(self.end, "tests") == len(self.tests)


@dataclass(frozen=True, slots=True)
class Told:
    sessions: tuple[Session, ...]
    foreign: int  # lines without the token: somebody else wrote them


def read(raw: bytes, tokens: Collection[str]) -> Told:
    """Each token is of one session, which begins once and in one process."""
    sessions: dict[tuple[str, int], Session] = {}
    begun: set[str] = set()
    foreign = 0
    for token, line in _lines(raw, frozenset(t.encode() for t in tokens)):
        key = (token, whole(line, "pid"))
        if line.get("kind") == "begin" and token and token not in begun:
            begun.add(token)
            sessions[key] = Session()
        elif key in sessions and line.get("kind") != "begin":
            _take(sessions[key], line)
        else:
            foreign += 1
    return Told(tuple(sessions.values()), foreign)


def _lines(raw: bytes, tokens: frozenset[bytes]) -> Iterator[tuple[str, Line]]:
    """Each line as an object with its token, without one when it is not ours."""
    for line in raw.split(b"\n", MOST)[:MOST]:
        if not line:
            continue
        mark, _, rest = line.partition(b" ")
        try:
            value = json.loads(rest) if mark in tokens else None
        except (ValueError, RecursionError):
            value = None
        yield (mark.decode(), value) if isinstance(value, dict) else ("", {})


def _take(session: Session, line: Line) -> None:
    kind = line.get("kind")
    if kind == "ready":
        session.ready = True
    elif kind == "session":
        session.opened = True
    elif kind == "start":
        session.running[words(line, "id")] = line
    elif kind == "test":
        session.running.pop(words(line, "id"), None)
        session.tests.append(line)
    elif kind == "uncollected":
        session.uncollected.append(line)
    elif kind == "tampering":
        session.tampering.append(line)
    elif kind == "interrupted":
        session.interrupted = words(line, "message") or "interrupted"
    elif kind == "internal":
        session.internal = part(line, "told")
    elif kind == "end":
        session.end = line
    else:
        _measured(session, line)


def _measured(session: Session, line: Line) -> None:
    """Of the changed lines: which can run, and which did."""
    kind, path = line.get("kind"), words(line, "path")
    if kind == "lines":
        there = line.get("lines")
        numbers = there if isinstance(there, list) else []
        session.lines[path] = frozenset(n for n in numbers if isinstance(n, int))
    elif kind == "ran":
        session.ran.setdefault(path, set()).add(whole(line, "line"))
    elif kind == "strange":
        session.strange.append(path)
    elif kind == "unseen":
        session.unseen = words(line, "why") or "it did not see everything"


def words(line: Line, name: str) -> str:
    value = line.get(name)
    return value if isinstance(value, str) else ""


def whole(line: Line, name: str) -> int:
    value = line.get(name)
    return value if isinstance(value, int) else 0


def number(line: Line, name: str) -> float:
    value = line.get(name)
    return float(value) if isinstance(value, int | float) and abs(value) < 1e9 else 0.0


def part(line: Line, name: str) -> Line:
    value = line.get(name)
    return value if isinstance(value, dict) else {}
