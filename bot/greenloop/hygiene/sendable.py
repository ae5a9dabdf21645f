"""What of a repository a model may see: which paths, which names of them, which contents. Pure."""

from __future__ import annotations

from greenloop.hygiene.hidden import characters
from greenloop.hygiene.secrets import NEVER_SEND, holds_secret
from greenloop.patterns import matches
from greenloop.settings import Settings


def sayable(path: str) -> bool:
    """Whether a name is one line that everybody sees, and neither a heading nor a fence of the prompt."""
    return path.isprintable() and characters(path) == path and not path.startswith("#") and "`" not in path


def hidden(path: str, settings: Settings) -> bool:
    return matches(path, (*NEVER_SEND, *settings.never_send))


def sendable(data: bytes | None) -> str | None:
    """Bytes as a text that a model may see, or None."""
    if data is None or b"\0" in data[:8192]:
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if holds_secret(text) else text
