"""Fenced blocks: where one ends. A fence inside a fence is read in the way that leaves nothing open, or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from greenloop.domain import Fault
from greenloop.edits.proof import PYTHON, parses

_FENCE = re.compile(r"^( *)(`{3,}|~{3,})[ \t]*(.*?)[ \t]*$")
_MARKUP = (".md", ".markdown", ".mdx", ".rst", ".txt", ".adoc", ".qmd")


@dataclass(frozen=True, slots=True)
class Fence:
    line: int
    indent: int
    mark: str
    info: str

    def closed_by(self, other: Fence) -> bool:
        return not other.info and self.reaches(other)

    def reaches(self, other: Fence) -> bool:
        """Whether the other line would count as a fence beside this one rather than as text inside it."""
        alike = other.mark[0] == self.mark[0] and len(other.mark) >= len(self.mark)
        return alike and other.indent <= self.indent + 3


def fence_at(lines: list[str], index: int) -> Fence | None:
    line = lines[index]
    if "```" not in line and "~~~" not in line:
        return None
    match = _FENCE.match(line)
    if not match or (match[2][0] == "`" and "`" in match[3]):
        return None
    return Fence(index, len(match[1]), match[2], match[3])


def content(lines: list[str], fence: Fence, stop: int) -> list[str]:
    """The lines inside, without the indentation that a list around the fence added."""
    inside = lines[fence.line + 1 : stop]
    if not fence.indent:
        return inside
    return [line[min(fence.indent, len(line) - len(line.lstrip(" "))) :] for line in inside]


def complete(lines: list[str], start: int, *, nested: bool) -> bool:
    """Whether every fence from `start` on is closed in this reading."""
    i = start
    while i < len(lines):
        fence = fence_at(lines, i)
        if fence:
            end = _end(lines, fence, nested=nested)
            if end is None:
                return False
            i = end
        i += 1
    return True


def _end(lines: list[str], fence: Fence, *, nested: bool) -> int | None:
    depth = 1
    for i in range(fence.line + 1, len(lines)):
        other = fence_at(lines, i)
        if other is None or not fence.reaches(other):
            continue
        if other.info:
            depth += nested
        else:
            depth -= 1
        if depth == 0:
            return i
    return None


def close(lines: list[str], fence: Fence, path: str | None, *, named: Callable[[int], bool]) -> int | Fault:
    """The line that ends a fenced file, or the kind of `Unusable` when no reading, or more than one, is complete.

    `named` tells whether a fence at a line has a path of its own, so that it begins another file.
    """
    flat, deep = (_end(lines, fence, nested=n) for n in (False, True))
    if flat is None:
        return "truncated"
    only = deep == flat and not any(fence_at(lines, i) for i in range(flat + 1, len(lines)))
    if only:
        return flat
    if path and path.endswith(PYTHON):
        return _by_parsing(lines, fence, flat, deep)
    if deep == flat:
        return "ambiguous" if _markup(path, fence) and _bare_after(lines, flat, named) else flat
    return _by_completeness(lines, fence, path, (flat, deep), named=named)


def _by_parsing(lines: list[str], fence: Fence, flat: int, deep: int | None) -> int | Fault:
    """A fence line is no Python outside a string, so a file that ends too early or too late does not parse."""
    ends = [i for i in range(flat, len(lines)) if (f := fence_at(lines, i)) and fence.closed_by(f)]
    for end in ends[:40]:
        if parses("\n".join(content(lines, fence, end)) + "\n"):
            return end
    return flat if deep == flat else "ambiguous"


def _by_completeness(
    lines: list[str], fence: Fence, path: str | None, ends: tuple[int, int | None], *, named: Callable[[int], bool]
) -> int | Fault:
    """Fences with a language stand inside: the nested reading, if it closes everything and the flat one does not."""
    flat, deep = ends
    if deep is None or not complete(lines, deep + 1, nested=True):
        return "truncated"
    if _markup(path, fence):
        return "ambiguous" if _bare_after(lines, deep, named) else deep
    return "ambiguous" if complete(lines, flat + 1, nested=False) else deep


def is_markup(path: str) -> bool:
    """Whether a file of this name may well hold fences of its own."""
    return path.lower().endswith(_MARKUP)


def _markup(path: str | None, fence: Fence) -> bool:
    return is_markup(path or "") or fence.info.lower() in {"markdown", "md", "rst"}


def _bare_after(lines: list[str], end: int, named: Callable[[int], bool]) -> bool:
    """Whether a fence without a language opens later: it could as well be the inside of a Markdown file."""
    i = end + 1
    while i < len(lines):
        fence = fence_at(lines, i)
        if fence:
            if not fence.info and not named(i):
                return True
            i = _end(lines, fence, nested=True) or len(lines)
        i += 1
    return False
