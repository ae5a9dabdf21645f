"""Orders outside fences (`Delete: path`, `Move: old -> new`), and lines that are the remains of an edit."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet

from greenloop.edits.blocks import Broken, Removal, Rename
from greenloop.edits.paths import plausible, undecorated

_ORDER = re.compile(r"^\W{0,6}(delete|remove|move|rename)(?:\s+file)?\W{0,4}:[*_ ]*(\S.*)$", re.IGNORECASE)
_ARROW = re.compile(r"(?<!\s)\s+(?:->|→|=>|-->|to)\s+")
_REMARK = re.compile(r"(?:(?<!\s)\s+(?:\(|#|[\u2013\u2014]|-\s).*|[.;,])$")
_STRAY = re.compile(
    r"^\s*>{5,9} ?(?:REPLACE|UPDATED)|^@@ -\d|^\*\*\* (?:End Patch|Move to:)|^(?:\+\+\+|---) [ab]/\S"
    r"|^\s*</?(?:edit|search|replace|patch|change|diff|file|old|new|old_str|new_str|old_string|new_string"
    r"|write_file|create_file|write|content|invoke|parameter|function_calls)(?:\s[^<>]*)?>\s*$"
    r"|^\s*>\s.{0,9}<{5,9} ?SEARCH"
)
_DATA = re.compile(r"""["'](?:path|file_path|filename|old_str|old_string)["']\s*:""")

_UNCLEAR = "This line is not clear. Write one `Delete: path` or `Move: old -> new` in a line, nothing else in it: "
_REMAINS = "This line belongs to an edit in a form that cannot be read here: "


def orders(line: str, known: AbstractSet[str]) -> list[Removal | Rename | Broken]:
    """What a line asks for. A sentence that only begins like an order names no path first, and asks for nothing."""
    match = _ORDER.match(line) if len(line) <= 600 else None
    if not match:
        return []
    verb, rest = match[1].lower(), match[2].strip()
    if verb in {"move", "rename"}:
        return _moved(line, rest, known)
    names = [rest] if rest in known else [_bare(part) for part in re.split(r"\s*,\s*|\s+and\s+", rest)]
    if all(plausible(name, known) for name in names):
        return [Removal(path=name) for name in names]
    return _unclear(line, rest, known)


def _moved(line: str, rest: str, known: AbstractSet[str]) -> list[Removal | Rename | Broken]:
    sides = [_bare(part) for part in _ARROW.split(rest)]
    if len(sides) == 2 and plausible(sides[0], known) and re.fullmatch(r"\S+", sides[1]):
        return [Rename(path=sides[0], to=sides[1])]
    return _unclear(line, rest, known)


def _bare(text: str) -> str:
    return undecorated(_REMARK.sub("", text.strip()))


def _unclear(line: str, rest: str, known: AbstractSet[str]) -> list[Removal | Rename | Broken]:
    first = undecorated(rest.split(maxsplit=1)[0].rstrip(",;."))
    return [Broken(kind="malformed", message=_UNCLEAR + line.strip()[:160])] if plausible(first, known) else []


def remains(line: str) -> Broken | None:
    """A line outside every block that no prose has: dropping it would drop an edit."""
    if len(line) <= 2000 and (_STRAY.match(line) or (line.lstrip()[:1] in {"{", "["} and _DATA.search(line))):
        return Broken(kind="malformed", message=_REMAINS + line.strip()[:160])
    return None
