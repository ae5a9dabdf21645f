"""Patterns of paths, read as git reads the lines of a `.gitignore` (no negation). Pure text; never looks at a disk."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache


def matches(path: str, patterns: Iterable[str]) -> bool:
    """Whether a repository path (POSIX, relative) is named by one of the patterns, itself or by a folder above it."""
    return any(_compiled(pattern).fullmatch(path) for pattern in patterns)


def problem(pattern: str) -> str | None:
    """Why a pattern cannot be used, or None."""
    if not pattern.strip("/ "):
        return "it is empty"
    if pattern.startswith("!"):
        return "a pattern cannot be negated"
    if "\\" in pattern or "\0" in pattern or "\n" in pattern:
        return "paths are separated by `/` and hold no backslash, line break or NUL"
    if ".." in pattern.split("/"):
        return "`..` leads out of the repository"
    return None


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    folder = pattern.endswith("/")
    body = pattern.strip("/")
    anchored = "/" in pattern.rstrip("/")
    start = "" if anchored else "(?:.*/)?"
    end = "/.*" if folder else "(?:/.*)?"
    return re.compile(start + _expression(body) + end, re.DOTALL)


_TOKEN = re.compile(r"^\*\*+/|/\*\*+/|/\*\*+$|\*+|\?|\[[!^]?\]?[^\]/]*\]|.", re.DOTALL)


def _expression(body: str) -> str:
    return "".join(_piece(token) for token in _TOKEN.findall(body))


def _piece(token: str) -> str:
    token = re.sub(r"\*{2,}", "**", token)
    known = {"**/": "(?:.*/)?", "/**/": "/(?:.*/)?", "/**": "/.*", "?": "[^/]"}
    if token in known:
        return known[token]
    if token.startswith("*"):
        return "[^/]*"
    if len(token) > 2 and token.startswith("["):
        negated = token[1] in "!^"
        members = token[2 if negated else 1 : -1].replace("\\", "").replace("[", r"\[").replace("]", r"\]")
        members = (
            members.replace("^", r"\^").replace("&&", "&").replace("~~", "~").replace("||", "|").replace("--", "-")
        )
        return f"(?!/)[{'^' if negated else ''}{members}]"
    return re.escape(token)
