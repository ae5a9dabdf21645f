"""A model's reply → a patch, or why it is none. Pure: texts in, a value out; nothing is read or written but by `read`.

clean → reader → build (wholes, changes) → Patch | Unusable
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from greenloop.domain import Patch, Unusable
from greenloop.edits import instead
from greenloop.edits.build import build
from greenloop.edits.clean import clean
from greenloop.edits.draft import Draft
from greenloop.edits.reader import read as read_blocks

__all__ = ["parse"]

_CUT_OFF = "The answer was cut off at its length limit, so nothing was applied. {0}"
_NO_TEXT = "The answer holds characters that are no text (lone surrogates)."


def parse(
    reply: str,
    read: Callable[[str], bytes | None],
    paths: Collection[str],
    *,
    finish: str = "stop",
    expected: tuple[str, ...] = (),
    form: str = "any",
) -> Patch | Unusable:
    """`read` gives a file's current bytes, `paths` are all of the tree, `expected` those quoted to the model in full.
    `form` is the one that was asked for (`any`, `whole`, `search`, `diff`): all are read, what is wrong is told by it.

    Every block that looks like an edit is in the patch, or the whole reply is unusable.
    """
    if finish in {"length", "max_tokens", "content_filter"}:
        return Unusable(message=_CUT_OFF.format(instead.SHORTER[form]), kind="truncated")
    if not reply.isascii() and any("\ud800" <= c <= "\udfff" for c in reply):
        return Unusable(message=_NO_TEXT, kind="malformed")
    cleaned = clean(reply)
    if isinstance(cleaned, Unusable):
        return cleaned
    lines, repairs = cleaned
    draft = Draft(read, paths, expected, form)
    reading = read_blocks(lines, draft.known)
    return build(
        reading.blocks, draft, summary=reading.summary, prose=reading.prose, repairs=[*repairs, *reading.repairs]
    )
