"""SEARCH/REPLACE blocks: reads one, in the spellings that models use."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet

from greenloop.edits.blocks import Broken, Change
from greenloop.edits.fences import Fence, fence_at
from greenloop.edits.paths import plausible, undecorated

_OLD = frozenset({"SEARCH", "ORIGINAL", "FIND", "OLD", "BEFORE", "CURRENT"})
_NEW = r"REPLACE|REPLACED|REPLACEMENT|UPDATED|UPDATE|NEW|AFTER|MODIFIED|END"
_HEAD = re.compile(r"^\s*<{5,9}(?:\s*$|\s+(?P<rest>\S.*?)\s*[:>]?\s*$|(?P<tight>[A-Za-z]+)\s*[:>]?\s*$)")
_DASHED = re.compile(r"^\s*-{5,9} SEARCH>?\s*$")  # cline's own marks, which look like a diff's headers
_PLUSSED = re.compile(r"^\s*\+{5,9} REPLACE>?\s*$")
_PLACE, _RULE = re.compile(r"^\s*:(?:start|end)_line:\s*\d+\s*$"), re.compile(r"^\s*-{5,9}\s*$")
_DIVIDER = re.compile(r"^\s*={5,9}\s*(?:REPLACE|UPDATED|WITH|NEW)?\s*$")
_TAIL = re.compile(rf"^\s*>{{5,9}}\s*(?:(?:{_NEW})\b.*)?$", re.IGNORECASE)
_ANY_TAIL = re.compile(r"^\s*>{5,9}(?:\s.*)?$")

_CUT = "The block ends before its `>>>>>>> REPLACE` line."
_NO_DIVIDER = "Between `<<<<<<< SEARCH` and `>>>>>>> REPLACE` there is no `=======` line."
_MANY = (
    "Several lines of the block can be its divider. Use a longer one for this block, nine signs in all three marks "
    "(`<<<<<<<<< SEARCH`, `=========`, `>>>>>>>>> REPLACE`), or send the file whole."
)
_NESTED = "A second `<<<<<<< SEARCH` line comes before the `>>>>>>> REPLACE` of the first."


def heads(line: str) -> bool:
    """Whether a block begins at this line, whatever it is called."""
    return ("<<<<<" in line and bool(_HEAD.match(line))) or dashed(line)


def dashed(line: str) -> bool:
    return "SEARCH" in line and bool(_DASHED.match(line))


def _label(line: str) -> tuple[bool, str]:
    """Whether this is one of our own words (rather than git's HEAD or a branch), and what follows it."""
    if dashed(line):
        return True, ""
    match = _HEAD.match(line) if "<<<<<" in line else None
    word, _, rest = ((match and (match["rest"] or match["tight"])) or "").partition(" ")
    return word.upper() in _OLD, rest.strip()


def read(
    lines: list[str], start: int, path: str | None, known: AbstractSet[str], fence: Fence | None = None
) -> tuple[Change | Broken, int]:
    """The block that begins at `start`, and the index of the line after it. `fence` is the open one around it."""
    ours, rest = _label(lines[start])
    if rest and plausible(undecorated(rest), known):
        path = undecorated(rest)
    stop = _tail(lines, start, git=not ours)
    if isinstance(stop, Broken):
        forgotten = _forgotten(lines, start, path, fence)
        return forgotten or (Broken(kind=stop.kind, message=stop.message, path=path), _resume(lines, start))
    inside = _unnumbered(lines[start + 1 : stop])
    splits = _splits(inside, lines[start], lines[stop])
    if len(splits) != 1:
        many = Broken(kind="ambiguous", message=_MANY, path=path)
        return many if splits else Broken(kind="malformed", message=_NO_DIVIDER, path=path), stop + 1
    sides = tuple(inside[: splits[0]]), tuple(inside[splits[0] + 1 :])
    return Change(path=path, options=(sides,)), stop + 1


def _forgotten(
    lines: list[str], start: int, path: str | None, fence: Fence | None
) -> tuple[Change | Broken, int] | None:
    """The last mark was forgotten, but the fence was closed: it ends the block, if no other line could."""
    stops = [i for i in range(start + 1, len(lines)) if _again(lines[i]) or fence_at(lines, i)]
    closing = fence_at(lines, stops[0]) if stops else None
    if not fence or not closing or not fence.closed_by(closing) or len(stops) > 1:
        return None
    inside = lines[start + 1 : stops[0]]
    at, *more = [i for i, line in enumerate(inside) if _DIVIDER.match(line)] or [-1]
    if at < 0 or more:
        return None
    return Change(path=path, options=((tuple(inside[:at]), tuple(inside[at + 1 :])),)), stops[0]


def _unnumbered(inside: list[str]) -> list[str]:
    """Without the line numbers that some tools want above the search: `:start_line:3` and a rule below."""
    rule = next((i for i, line in enumerate(inside[:4]) if _RULE.match(line)), 0)
    return inside[rule + 1 :] if rule and all(_PLACE.match(line) for line in inside[:rule]) else inside


def _splits(inside: list[str], head: str, tail: str) -> list[int]:
    """The lines that can be the divider: those as long as the marks, or between whole conflicts of git's."""
    found = [i for i, line in enumerate(inside) if _DIVIDER.match(line)]
    size = head.count("<") or head.count("-")
    if len(found) > 1 and size == (tail.count(">") or tail.count("+")):
        found = [i for i in found if inside[i].count("=") == size]
    if 1 < len(found) < 50 and any(map(heads, inside)):
        found = [i for i in found if _balanced(inside[:i]) and _balanced(inside[i + 1 :])]
    return found


def _balanced(lines: list[str]) -> bool:
    """Whether each conflict of git's that begins in these lines also ends there, and the other way round."""
    signs = [line[0] for line in lines if heads(line) or _DIVIDER.match(line) or _ANY_TAIL.match(line)]
    return "".join(signs).replace("<=>", "") == ""


def _tail(lines: list[str], start: int, *, git: bool) -> int | Broken:
    divided = False
    for i in range(start + 1, len(lines)):
        line = lines[i]
        divided = divided or bool(_DIVIDER.match(line))
        if (
            _TAIL.match(line)
            or (dashed(lines[start]) and _PLUSSED.match(line))
            or (git and divided and _ANY_TAIL.match(line))
        ):
            return i
        if _again(line):
            return Broken(kind="malformed", message=_NESTED)
    return Broken(kind="truncated", message=_CUT)


def _again(line: str) -> bool:
    return "SEARCH" in line.upper() and heads(line)


def _resume(lines: list[str], start: int) -> int:
    """Where reading goes on after a block without an end: at the next block, else at the end of the answer."""
    return next((i for i in range(start + 1, len(lines)) if _again(lines[i])), len(lines))
