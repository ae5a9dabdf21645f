"""An answer that broke off is asked to go on, once. Also what tells that one broke off though its provider says it did
not. Pure."""

from __future__ import annotations

import re

from greenloop.ports import Chat, ChatMessage

GO_ON = (
    "Your answer was cut off there. Go on exactly where it stopped, in the middle of the line if need be. "
    "Repeat nothing, and do not open a code block again that is open."
)
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})(.*)$")
_LEAST, _MOST = 16, 1000  # characters that the two parts may have in common


def continuation(chat: Chat, partial: str) -> Chat:
    return (*chat, ChatMessage(role="assistant", text=partial), ChatMessage(role="user", text=GO_ON))


def joined(partial: str, rest: str) -> str:
    """Without what the second part repeats of the first one's end."""
    for size in range(min(len(partial), len(rest), _MOST), _LEAST - 1, -1):
        if partial.endswith(rest[:size]):
            return partial + rest[size:]
    return partial + rest


def open_fence(text: str) -> bool:
    """Whether the text ends inside a fenced block: whoever says that it is complete is wrong."""
    mark = ""
    for line in text.splitlines():
        match = _FENCE.match(line)
        if not match:
            continue
        found, info = match[1], match[2].strip()
        if not mark:
            mark = "" if found[0] == "`" and "`" in info else found
        elif found.startswith(mark) and not info:
            mark = ""
    return bool(mark)
