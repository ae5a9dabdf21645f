"""A reply → the questions in it, in the order in which they are asked. Pure; answers are somebody else's matter.

A question is a line outside every fence that begins with `Look:`; `Look: run` takes the fence below it along.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from greenloop.domain import Lookup, Question, Unusable
from greenloop.edits.clean import clean
from greenloop.edits.fences import Fence, content, fence_at

_LOOK = re.compile(r"^[\s>*_`#-]{0,8}look(?:up)?[*_`\s]{0,4}:[*_`\s]{0,4}([a-z]+)\b(.*)$", re.IGNORECASE)
_LINES = re.compile(
    r"(?<![:,#\s])(?:[:,#\s]|\blines?\b)*\bL?(\d{1,7})(?:\s*(?:-|\u2013|\.\.|:|to)\s*L?(\d{1,7}))?$", re.IGNORECASE
)
_OF = re.compile(r"^(?:the\s+)?(definition|references|uses|usages|callers)\s+(?:of|to)\s+", re.IGNORECASE)
_TEST = re.compile(r"^(test)\s*:?\s+(?=\S+$)", re.IGNORECASE)
_LONGEST = 600  # characters of a question in one line

_KINDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "read": ("read", "open", "show", "view", "cat", "file"),
        "search": ("search", "grep", "find", "rg"),
        "define": ("define", "definition", "def", "where"),
        "uses": ("uses", "usages", "references", "refs", "callers", "usage"),
        "list": ("list", "ls", "dir", "tree"),
        "history": ("history", "log", "blame"),
        "test": ("test", "pytest"),
        "run": ("run", "python", "repl", "exec", "eval"),
    }
)
_VERBS: Mapping[str, str] = MappingProxyType({verb: kind for kind, verbs in _KINDS.items() for verb in verbs})


@dataclass(frozen=True, slots=True)
class Asked:
    """`rest` is the reply without its questions."""

    lookup: Lookup
    rest: str


def asked(reply: str) -> Asked | None:
    """None without a question."""
    cleaned = clean(reply)
    if isinstance(cleaned, Unusable):
        return None
    lines, _ = cleaned
    found: list[Question] = []
    rest: list[str] = []
    i = 0
    while i < len(lines):
        fence = fence_at(lines, i)
        if fence:
            after = _after(lines, fence)
            rest += lines[i:after]
            i = after
            continue
        question, after = _question(lines, i)
        if question is None:
            rest.append(lines[i])
        else:
            found.append(question)
        i = after
    return Asked(Lookup(tuple(dict.fromkeys(found))), "\n".join(rest)) if found else None


def _after(lines: list[str], fence: Fence) -> int:
    """The line behind the one that closes the fence."""
    inside = range(fence.line + 1, len(lines))
    return next((k + 1 for k in inside if (f := fence_at(lines, k)) and fence.closed_by(f)), len(lines))


def _question(lines: list[str], i: int) -> tuple[Question | None, int]:
    match = _LOOK.match(lines[i]) if len(lines[i]) <= _LONGEST else None
    kind = _VERBS.get(match[1].lower()) if match else None
    if match is None or kind is None:
        return None, i + 1
    about = _bare(match[2])
    other = {"search": _OF, "run": _TEST}.get(kind)
    if other and (of := other.match(about)):
        kind, about = _VERBS[of[1].lower()], about[of.end() :]
    if kind == "run":
        return _snippet(lines, i, about)
    return Question(kind, _place(about) if kind == "read" else about), i + 1


def _snippet(lines: list[str], i: int, about: str) -> tuple[Question, int]:
    """The code in the fence below, or on the line itself."""
    below = next((k for k in range(i + 1, len(lines)) if lines[k].strip()), None)
    fence = fence_at(lines, below) if below is not None else None
    if fence is None:
        return Question("run", about), i + 1
    after = _after(lines, fence)
    closed = after - 1 if after - 1 > fence.line and fence_at(lines, after - 1) else after
    return Question("run", "\n".join(content(lines, fence, closed)).strip("\n")), after


def _bare(text: str) -> str:
    """Without the marks around it: a colon, a bracket, quotes, backticks."""
    text = text.strip().removeprefix(":").strip().rstrip("*")
    for left, right in ("()", "``", '""', "''", "<>"):
        if len(text) > 1 and text[0] == left and text[-1] == right:
            text = text[1:-1].strip()
    return text


def _place(about: str) -> str:
    """A path, with its lines in one spelling: `src/a.py:10-40`."""
    match = _LINES.search(about)
    if match is None or not (path := about[: match.start()].strip("`'\" ")):
        return about.strip("`'\" ")
    return f"{path}:{match[1]}-{match[2]}" if match[2] else f"{path}:{match[1]}"
