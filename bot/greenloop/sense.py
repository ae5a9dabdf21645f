"""Whether a request can be worked on at all, before it costs a call; and whether an answer is one. Pure."""

from __future__ import annotations

import re

from greenloop.domain import Unusable

ONLY_LINKS = (
    "The request is only a link, and links are not followed. Say in words what is to change, and quote what matters: "
    "/generate add retry to the uploader, it fails with ConnectionError on 503"
)
TOO_LONG = (
    "The request has about {tokens} tokens, and {most} is the most that leaves room for the code. Say what is to "
    "change, put what is to be read into files of the repository and name them, or raise `context_tokens`."
)
_LINK = re.compile(
    r"<?(?:https?|ftp)://[^\s<>]*>?|\bwww\.[^\s<>]+|\[[^\[\]]*\]\((?:[^()]|\([^()]*\))*\)|(?<!\w)@[\w-]+"
    r"|(?:(?<![\w.-])[\w.-]{1,140}/[\w.-]{1,140})?#\d+"
)
_WORD = re.compile(r"[^\W\d_]{2}")


def hint(text: str, *, tokens: int, most: int) -> str:
    """What somebody is told whose request of so many `tokens` is no request, or an empty string."""
    if tokens > most:
        return TOO_LONG.format(tokens=tokens, most=most)
    return ONLY_LINKS if _LINK.search(text) and not _WORD.search(_LINK.sub(" ", text)) else ""


_REFUSES = re.compile(
    r"(?i)\b(?:i['\u2019]?m (?:sorry|unable|not able)|as an ai\b|i apologi[sz]e"
    r"|i (?:can['\u2019]?t|cannot|can not|won['\u2019]?t|will not|am unable|am not able|must decline|have to decline))"
)
_INSTRUCTS = re.compile(
    r"(?im)^[ \t]*+(?:[-*]|\d+[.)])?[ \t]*+(?:\*\*)?(?:first,? |then,? |next,? |finally,? )?"
    r"(?:open|run|edit|install|add|change|replace|navigate|create|update|modify|remove|delete|execute|try)\b"
    r"|\byou (?:can|could|should|need to|will need|must|may want|have to)\b"
)
_START = 400  # characters in which a refusal says that it is one

REFUSAL = (
    "The answer declines and holds no edit. Make the part of the change that can be made, as an edit, and only that."
)
INSTRUCTIONS = (
    "The answer tells a reader what to do, and there is none: a program applies it as it stands. Make the changes "
    "yourself. Write each changed file as its path alone on a line and then one fenced block."
)


def no_code(reply: str, unusable: Unusable) -> Unusable:
    """The same for an answer without an edit, with what it is instead."""
    if unusable.kind != "no edit":
        return unusable
    if _REFUSES.search(reply[:_START]):
        return Unusable(message=REFUSAL, kind="refusal")
    if _INSTRUCTS.search(reply):
        return Unusable(message=INSTRUCTIONS, kind="instructions")
    return unusable
