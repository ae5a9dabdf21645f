"""Recognises a line that stands for text left out ("# ... rest of the file unchanged"), and a body left out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from greenloop.edits.proof import bodies

_COMMENT = re.compile(r"^\s*(?:#+|//+|/\*+|<!--|--|;+|%+|\{/\*|\*)\s*(.*?)\s*(?:\*/\}?|-->)?\s*$")
_DOTS = frozenset({"...", "…", "[...]", "(...)", "[…]"})
_LEFT = re.compile(
    r"\b(?:rest|remain\w*|existing|previous|other|unchanged|same|as before|omitted|code here|no changes?|brevity)\b"
)
_NOUN = (
    r"(?:file|code|class|function|method|import|test|module|implementation|content|logic|definition|body|line)(?:e?s)?"
)
_PLAIN = re.compile(
    rf"(?:the |all |all the )?(?:rest of|remaining|existing|other|previous)(?: (?:the|this|your|of))* {_NOUN}\b"
    r"(?:[ :,;-]*$|.*\b(?:unchanged|the same|omitted|as before|remains?|stays?|here|brevity)\b)"
    r"|(?:the )?(?:rest|everything else|all else|others?)\b.*\b(?:unchanged|the same|as before|omitted)$"
    r"|(?:unchanged|omitted|no changes?(?: here| needed)?|same as (?:before|above)|code unchanged)$"
    r"|.{0,60}\b(?:omitted|left out|elided|truncated|shortened) for brevity"
)
_WIDTH = 300  # a longer line is no such comment


def elision(new: Sequence[str], *old: Sequence[str], python: bool) -> str | None:
    """The first line of `new` that stands for text left out and that none of the `old` texts has as often."""
    had: list[Counter[str]] = []
    count: Counter[str] = Counter()
    for i, line in enumerate(new):
        text = line.strip()
        if not (says_so(text) or (len(text) <= _WIDTH and _is_dots(new, i, python=python))):
            continue
        had = had or [Counter(own.strip() for own in lines) for lines in old]
        count[text] += 1
        if all(count[text] > lines[text] for lines in had):
            return text
    return None


def _is_dots(lines: Sequence[str], i: int, *, python: bool) -> bool:
    """Dots alone in a line. In Python they are a whole body, so there only at the margin or beside other statements."""
    line = lines[i].rstrip()
    if line.strip() not in _DOTS:
        return False
    if not python or line.strip() != "..." or line[0] == ".":
        return True
    before = next((x.rstrip() for x in reversed(lines[:i]) if x.strip()), "")
    after = next((x for x in lines[i + 1 :] if x.strip()), "")
    beside = [_depth(x) == _depth(line) for x in (before, after)]
    return (beside[0] and not before.endswith(('"""', "'''", '"', "'"))) or beside[1]


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip()) if line.strip() else -1


def says_so(text: str) -> bool:
    """Whether a line without its indentation is a comment that stands for lines left out."""
    match = _COMMENT.match(text) if text[:1] in set("#/<-;%{*") and len(text) <= _WIDTH else None
    if not match:
        return False
    words = match[1].lower().strip("()[] ")
    dotted = words.startswith(("...", "…")) or words.endswith(("...", "…"))
    bare = words.strip(".…()[] ")
    return (dotted and (not bare or bool(_LEFT.search(words)))) or bool(_PLAIN.match(bare))


def hollowed(new: str, old: str) -> str | None:
    """A function of `old` whose body became `...` in `new`: a way to leave code out that no comment marks."""
    if "..." not in new:
        return None
    before = bodies(old)
    return next((name for name, stub in bodies(new).items() if stub and before.get(name) is False), None)
