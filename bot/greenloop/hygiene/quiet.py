"""Words of others that GitHub would act on, wherever it reads them, so that they only stand there. Pure.

It reads mentions, references and closing words in comments, titles and messages of commits; in the latter also what
keeps workflows from running. Other bots read lines that begin with a slash, in blocks of code as well.
"""

from __future__ import annotations

import re

GAP = "\u200b"  # keeps apart what belongs together, and is not seen
_MENTION = re.compile(r"@(?=[A-Za-z0-9_])")
_REFERENCE = re.compile(r"#(?=\d)|\bGH-(?=\d)", re.IGNORECASE)  # also of `owner/name#1`
_CLOSES = re.compile(
    r"\b(?:clos|fix|resolv)(?:e[sd]?|ing)?(?=\s*:?\s*(?:[\w.-]+/[\w.-]+)?(?:#|GH-|https?:))", re.IGNORECASE
)
_SKIPS = re.compile(
    r"(?<=\[)(?=(?:skip|no)[ -](?:ci|actions)\]|(?:ci|actions)[ -]skip\])|(?<=\*\*\*)(?=NO_CI)", re.IGNORECASE
)
_EMOJI = re.compile(r":(?=[a-z+_-][\w+-]*:)", re.IGNORECASE)
_COMMIT = re.compile(r"\b([0-9a-f]{20})(?=[0-9a-f]{20}\b)")
_ORDER = re.compile(
    r"^(\s*)(?=[/.!][a-z][\w-]*(?:\s|$)|(?:bors|homu|recheck|retest|jenkins|release-as|breaking[ -]change)\b)",
    re.MULTILINE | re.IGNORECASE,
)


def quiet(text: str) -> str:
    """Nobody is mentioned, nothing is referred to or closed, and nothing is a picture."""
    text = _CLOSES.sub(lambda found: found.group()[:1] + GAP + found.group()[1:], text)
    text = _COMMIT.sub(rf"\1{GAP}", _EMOJI.sub(":" + GAP, text))
    return _REFERENCE.sub(lambda found: found.group() + GAP, _MENTION.sub("@" + GAP, text))


def committed(text: str) -> str:
    """The same in the message of a commit, which must not keep the repository's own checks from running either."""
    return unordered(_SKIPS.sub(GAP, quiet(text)))


def unordered(text: str) -> str:
    """No line begins with what a bot would take for a command."""
    return _ORDER.sub(rf"\1{GAP}", text)
