"""Texts as GitHub takes them: the hidden marker of a run, and bodies and titles cut to what fits. Pure."""

from __future__ import annotations

import re

LONGEST = 60_000  # characters; GitHub refuses 65,537
TITLE = 250  # GitHub refuses 257
CUT = "\n\n*The rest does not fit here; it is in the summary of the job and in `result.json`.*\n"
_KEY = re.compile(r"\w(?:[./#:-]?\w)*", re.ASCII)  # no "--", which would end the comment
_MARKER = re.compile(r"<!-- greenloop:run=([^\s<>]{1,200}) -->(?=\n|$)")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")


def marker(key: str) -> str:
    """The hidden line that a comment of the run `key` begins with."""
    if not _KEY.fullmatch(key):
        raise ValueError(f"{key!r} cannot stand in a hidden comment")
    return f"<!-- greenloop:run={key} -->"


def key_of(body: str) -> str | None:
    """The run whose marker a comment begins with. Anybody can write one: look at the author as well."""
    found = _MARKER.match(body)
    return found[1] if found and _KEY.fullmatch(found[1]) else None


def marked(key: str, body: str) -> str:
    return f"{marker(key)}\n{body}"


def fitted(body: str, longest: int = LONGEST) -> str:
    """`body`, cut at a line's end with a sentence that says so. What was an open code block is closed."""
    body = body.replace("\0", "").encode("utf-8", "replace").decode()
    if len(body) <= longest:
        return body
    room = longest - len(CUT) - 40  # a fence to close, at most
    head = body[:room]
    head = head[: head.rfind("\n")] if "\n" in head[room // 2 :] else head
    fence = _open_fence(head)
    return head + (f"\n{fence}" if fence and len(fence) < 40 else "") + CUT


def _open_fence(text: str) -> str:
    """The fence of the code block that `text` ends inside of, or ""."""
    fence = ""
    for line in text.split("\n"):
        found = _FENCE.fullmatch(line)
        if found is None:
            continue
        if not fence:
            fence = found[1]
        elif found[1].startswith(fence) and not found[2].strip():
            fence = ""
    return fence


def titled(title: str) -> str:
    """One line that fits."""
    line = " ".join(title.split())
    return line if len(line) <= TITLE else line[: TITLE - 1].rstrip() + "…"
