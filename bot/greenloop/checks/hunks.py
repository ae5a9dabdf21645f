"""Edits to a text that touch changed lines only: ruff's fixes, and the groups of its formatter's diff. Pure."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_HEADER = re.compile(r"@@ -(\d+)(?:,\d+)? \+\d+(?:,\d+)? @@")
_NO_NEWLINE = "\\ No newline at end of file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Lines of the old text that are replaced: `before` lines stand above them, `old` go, `new` come."""

    before: int
    old: tuple[str, ...]
    new: tuple[str, ...]

    def touches(self, changed: frozenset[int]) -> tuple[bool, bool]:
        """Whether it lies wholly within the changed lines, and whether it has to do with them at all."""
        if self.old:
            rows = set(range(self.before + 1, self.before + 1 + len(self.old)))
            return rows <= changed, not rows.isdisjoint(changed)
        beside = not changed.isdisjoint({self.before, self.before + 1})
        return beside, beside


@dataclass(frozen=True, slots=True, kw_only=True)
class Splice:
    start: tuple[int, int]  # row and column, 1-based
    end: tuple[int, int]
    text: str

    def within(self, changed: frozenset[int]) -> bool:
        if self.start == self.end:
            return self.start[0] in changed or (self.start[1] == 1 and self.start[0] - 1 in changed)
        last = self.end[0] - 1 if self.end[1] == 1 else self.end[0]
        return set(range(self.start[0], last + 1)) <= changed


def fixed(text: str, fixes: Iterable[Mapping[str, Any]], changed: frozenset[int]) -> str:
    """`text` with each safe fix all of whose edits lie in changed lines; one that overlaps another waits."""
    taken: list[tuple[Splice, ...]] = []
    for fix in fixes:
        splices = _splices(fix)
        if splices and all(s.within(changed) for s in splices) and not any(_overlap(splices, t) for t in taken):
            taken.append(splices)
    for chosen in (taken, taken[:1]):  # two fixes may each be right and together leave an empty block
        new = _spliced(text, [s for splices in chosen for s in splices])
        if parses(new):
            return new
    return text


def _splices(fix: Mapping[str, Any]) -> tuple[Splice, ...]:
    if fix.get("applicability") != "safe":
        return ()
    return tuple(
        Splice(
            start=(edit["location"]["row"], edit["location"]["column"]),
            end=(edit["end_location"]["row"], edit["end_location"]["column"]),
            text=edit["content"],
        )
        for edit in fix["edits"]
    )


def _overlap(one: tuple[Splice, ...], other: tuple[Splice, ...]) -> bool:
    return any(a.start <= b.end and b.start <= a.end for a in one for b in other)


def _spliced(text: str, splices: list[Splice]) -> str:
    starts = [0, *(match.end() for match in re.finditer("\n", text)), len(text)]
    for splice in sorted(splices, key=lambda s: s.start, reverse=True):
        begin = starts[splice.start[0] - 1] + splice.start[1] - 1
        end = starts[splice.end[0] - 1] + splice.end[1] - 1
        text = text[:begin] + splice.text + text[end:]
    return text


def formatted(text: str, groups: Iterable[Group], changed: frozenset[int]) -> str:
    """`text` with the formatter's groups that lie within changed lines; as it is when other lines are not formatted."""
    groups = tuple(groups)
    touching = [group.touches(changed) for group in groups]
    if not groups or not all(some for _, some in touching):
        return text
    lines = _lines(text)
    for group, (whole, _) in zip(reversed(groups), reversed(touching), strict=True):
        here = slice(group.before, group.before + len(group.old))
        if tuple(lines[here]) != group.old:
            return text
        if whole:
            lines[here] = group.new
    new = "".join(lines)
    complete = all(whole for whole, _ in touching)
    return new if parses(new) and (complete or _same(text, new)) else text


def groups_of(diff: str) -> dict[str, list[Group]]:
    """The unified diff that ruff prints, by path."""
    found: dict[str, list[Group]] = {}
    path, row = "", 0
    old: list[str] = []
    new: list[str] = []
    last: list[str] = []

    def close() -> None:
        if old or new:
            found.setdefault(path, []).append(Group(before=row - len(old), old=tuple(old), new=tuple(new)))
            old.clear()
            new.clear()

    lines = diff.split("\n")
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith("--- ") and following.startswith("+++ "):
            close()
            path, row = line[4:], 0
        elif header := _HEADER.match(line):
            close()
            row = int(header[1]) - 1
        elif line == _NO_NEWLINE and last:
            last[-1] = last[-1].removesuffix("\n")
        elif line[:1] == "-":
            old.append(line[1:] + "\n")
            row, last = row + 1, old
        elif line[:1] == "+" and not line.startswith("+++ "):
            new.append(line[1:] + "\n")
            last = new
        elif line[:1] == " ":
            close()
            row += 1
            last = []
    close()
    return found


def carried(old: str, new: str, changed: frozenset[int]) -> frozenset[int]:
    """The changed lines of `new`: those of `old` where they are now, and what is different."""
    matcher = difflib.SequenceMatcher(None, _lines(old), _lines(new), autojunk=False)
    rows: set[int] = set()
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        if kind == "equal":
            rows |= {j1 + row - i1 for row in range(i1 + 1, i2 + 1) if row in changed}
        else:
            rows |= set(range(j1 + 1, j2 + 1))
    return frozenset(rows)


def parses(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _same(old: str, new: str) -> bool:
    try:
        return ast.dump(ast.parse(old)) == ast.dump(ast.parse(new))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _lines(text: str) -> list[str]:
    """Lines with their ends, as git and ruff count them (a form feed ends none)."""
    return [line for line in re.split(r"(?<=\n)", text) if line]
