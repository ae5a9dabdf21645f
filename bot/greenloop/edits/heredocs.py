"""Files and diffs that a shell fence writes by here-documents. Nothing is run; fences that do more are not read."""

from __future__ import annotations

import re

from greenloop.edits import diffs
from greenloop.edits.blocks import Block, File

_WORD = r"""(?P<quote>["']?)(?P<end>[\w.+-]+)(?P=quote)"""
_PATH = r"(?P<path>[\w./@+-]+)"
_WRITES = (
    re.compile(rf"^\s*\$?\s*cat\s*>\s*{_PATH}\s*<<\s*{_WORD}\s*$"),
    re.compile(rf"^\s*\$?\s*cat\s*<<\s*{_WORD}\s*>\s*{_PATH}\s*$"),
)
_APPLIES = re.compile(rf"^\s*\$?\s*(?:patch(?:\s+-p\d)?|git\s+apply(?:\s+-p\d)?(?:\s+-)?)\s*<<\s*{_WORD}\s*$")
_NOTHING = re.compile(r"^\s*(?:#.*|(?:\$\s*)?mkdir -p [\w./@+-]+|)$")
_EXPANDED = re.compile(r"[$`\\]")


def read(lines: list[str]) -> list[Block]:
    """What the commands would write; nothing when one does anything else, or the shell would change the text."""
    blocks: list[Block] = []
    i = 0
    while i < len(lines):
        if _NOTHING.match(lines[i]):
            i += 1
            continue
        begun = next((m for pattern in (*_WRITES, _APPLIES) if (m := pattern.match(lines[i]))), None)
        stop = next((k for k in range(i + 1, len(lines)) if begun and lines[k] == begun["end"]), None)
        if begun is None or stop is None:
            return []
        body = lines[i + 1 : stop]
        if not begun["quote"] and any(_EXPANDED.search(line) for line in body):
            return []
        path = begun.groupdict().get("path")
        blocks += [File(path=path, text="\n".join([*body, ""]))] if path else diffs.unified(body, None)
        i = stop + 1
    return blocks
