"""A model's reply → a patch, or why it is none. Pure: texts in, a value out; nothing is read or written but by `read`.

clean → reader → build (wholes, changes) → Patch | Unusable
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from greenloop.domain import Patch, Unusable
from greenloop.edits.build import build
from greenloop.edits.clean import clean
from greenloop.edits.draft import Draft
from greenloop.edits.reader import read as read_blocks

__all__ = ["FORMAT", "parse"]

FORMAT = """\
Begin with one line `Summary: …`; it becomes the commit subject. Then the edits, applied in order, all or none.

New file, or one of up to 150 lines: its path alone on a line, then the whole file in a fence, nothing left out.

src/new.py
```python
print("the whole file")
```

Larger file: lines to find, copied exactly, enough of them to occur once; several such blocks may follow each other.

src/large.py
```python
<<<<<<< SEARCH
    return a
=======
    return b
>>>>>>> REPLACE
```

Outside fences, `Delete: path` and `Move: old -> new`. If a file holds ```, use a longer fence around it."""

_CUT_OFF = (
    "The answer was cut off at its length limit, so nothing was applied. Answer shorter: "
    "SEARCH/REPLACE blocks instead of whole files, and no explanations."
)
_NO_TEXT = "The answer holds characters that are no text (lone surrogates)."


def parse(
    reply: str,
    read: Callable[[str], bytes | None],
    paths: Collection[str],
    *,
    finish: str = "stop",
    expected: tuple[str, ...] = (),
) -> Patch | Unusable:
    """`read` gives a file's current bytes, `paths` are all of the tree, `expected` those quoted to the model in full.

    Every block that looks like an edit is in the patch, or the whole reply is unusable.
    """
    if finish in {"length", "max_tokens", "content_filter"}:
        return Unusable(message=_CUT_OFF, kind="truncated")
    if not reply.isascii() and any("\ud800" <= c <= "\udfff" for c in reply):
        return Unusable(message=_NO_TEXT, kind="malformed")
    cleaned = clean(reply)
    if isinstance(cleaned, Unusable):
        return cleaned
    lines, repairs = cleaned
    draft = Draft(read, paths, expected)
    reading = read_blocks(lines, draft.known)
    return build(
        reading.blocks, draft, summary=reading.summary, prose=reading.prose, repairs=[*repairs, *reading.repairs]
    )
