"""The one line that names a change, without markup and control characters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_LENGTH = 72
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")
_TAG = re.compile(r"</?[A-Za-z!][^<>]*>")
_STARS = re.compile(r"\*+|`+|^\s*(?:#{1,6}|>|[-+]|\d+[.)])\s+")


def summarise(named: str, prose: Iterable[str], paths: Iterable[str]) -> str:
    """The `Summary:` line, else the first sentence that is short enough, else the paths."""
    if plain(named):
        return _cut(plain(named))
    for sentence in re.split(r"(?<=[.!?])\s+|(?<=:)\n|\n{2,}", "\n".join(prose)):
        text = plain(sentence).rstrip(":")
        if len(text.split()) > 1 and len(text) <= _LENGTH and re.search(r"[^\W\d]", text):
            return text
    return _cut("Change " + ", ".join(plain(p) for p in paths))


def plain(text: str) -> str:
    """One line of text: no links, tags, emphasis, control or invisible characters."""
    text = _LINK.sub(r"\1", text)
    text = _TAG.sub("", text)
    text = "".join(" " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c)[0] != "C")
    return " ".join(_STARS.sub("", text.strip()).split())


def _cut(text: str) -> str:
    if len(text) <= _LENGTH:
        return text
    return text[: _LENGTH + 1].rsplit(" ", 1)[0][:_LENGTH].rstrip(" ,")
