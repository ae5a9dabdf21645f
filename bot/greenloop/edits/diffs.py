"""Unified diffs: reads them into changes to find. Line numbers and counts are hints, never trusted."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from greenloop.edits.blocks import Block, Broken, File, Mode, Removal, Rename, Spot
from greenloop.edits.hunks import Hunk, change

_RANGE = re.compile(r"^@@+\s*-(\d+)(?:,(\d+))?\s+\+(\d+)(?:,(\d+))?\s*@@+\s?(.*)$")
_EXTENDED = re.compile(
    r"^(?:diff --git |index |old mode |new mode |new file mode |deleted file mode |similarity index "
    r"|dissimilarity index |rename from |rename to |copy from |copy to |Binary files |GIT binary patch|Index: |={60,}$)"
)
_BINARY = "A binary change cannot be applied from an answer."
_SHORT = "The last hunk has fewer lines than its header says: it was cut off, or put the diff in a fence."
_EMPTY = "This diff holds no hunk."


@dataclass(slots=True)
class _Section:
    """What a diff says of one file."""

    old: str | None = None
    new: str | None = None
    notes: dict[str, str] = field(default_factory=dict)
    hunks: list[Hunk] = field(default_factory=list)


def starts(lines: list[str], i: int) -> bool:
    """Whether a unified diff begins at this line."""
    line = lines[i]
    if line.startswith("diff --git "):
        return True
    return line.startswith("--- ") and i + 1 < len(lines) and lines[i + 1].startswith("+++ ")


def opens(lines: list[str], i: int) -> bool:
    """Whether a fence whose first line this is holds a diff, whatever its language."""
    return starts(lines, i) or lines[i].startswith("@@ -")


def extent(lines: list[str], start: int) -> int:
    """Where a diff outside a fence ends: at the first line that cannot belong to it."""
    i, left = start, [0, 0]
    last = start
    while i < len(lines):
        line = lines[i]
        match = _RANGE.match(line)
        if match:
            left = [int(match[2] or 1), int(match[4] or 1)]
        elif left[0] > 0 or left[1] > 0:
            left[0] -= line[:1] in {" ", "-", ""}
            left[1] -= line[:1] in {" ", "+", ""}
        if line and not (line[0] in " +-\\@" or _EXTENDED.match(line)):
            break
        i += 1
        if line or left[0] > 0 or left[1] > 0:
            last = i
    return last


def unified(lines: list[str], path: str | None, *, closed: bool = True) -> list[Block]:
    """The changes of one or more files; `path` is the one named outside, for a diff without headers.

    Not `closed`: nothing but the last hunk's own counts tells that all of it is here.
    """
    sections = _sections(lines)
    last = sections[-1].hunks[-1] if sections and sections[-1].hunks else None
    if not closed and last and last.short:
        return [Broken(kind="truncated", message=_SHORT, path=path)]
    if not sections:
        return [Broken(kind="malformed", message=_EMPTY, path=path)]
    return [block for section in sections for block in _blocks(section, path)]


def _sections(lines: list[str]) -> list[_Section]:
    sections: list[_Section] = []
    i = 0
    while i < len(lines):
        line = lines[i]
        if line.startswith("diff --git ") or not sections or (starts(lines, i) and _begun(sections[-1])):
            sections.append(_Section())
        section = sections[-1]
        if starts(lines, i) and line.startswith("--- "):
            section.old, section.new = _name(line), _name(lines[i + 1])
            i += 2
        elif line.startswith("@@"):
            i = _hunk(lines, i, section)
        elif _EXTENDED.match(line):
            _note(section, line)
            i += 1
        elif line.strip():
            i = _body(lines, i, section, Hunk())
        else:
            i += 1
    return [s for s in sections if s.hunks or s.old or s.notes]


def _begun(section: _Section) -> bool:
    return bool(section.hunks or section.old)


def _name(line: str) -> str:
    """The path of a `---` or `+++` line: without a time stamp, and without the quotes that git uses."""
    name = line[4:].partition("\t")[0].strip()
    return name[1:-1] if len(name) > 2 and name[0] == name[-1] == '"' else name


def _note(section: _Section, line: str) -> None:
    for key in ("rename from", "rename to", "copy from", "copy to", "new file mode", "deleted file mode", "new mode"):
        if line.startswith(key + " "):
            section.notes[key] = line[len(key) + 1 :].strip()
    if line.startswith(("Binary files ", "GIT binary patch")):
        section.notes["binary"] = line
    if line.startswith("diff --git "):
        names = re.match(r"diff --git a/(.+) b/(.+)$", line)
        section.notes["names"] = names[2] if names else ""


def _hunk(lines: list[str], i: int, section: _Section) -> int:
    match = _RANGE.match(lines[i])
    if not match:
        anchor = lines[i].strip("@ ")
        # codex and sloppy diffs: `@@ def f():`; `@@ ... @@` says nothing
        anchors = () if anchor in {"", "..."} or re.fullmatch(r"[-+,\d\s.]*", anchor) else (anchor,)
        return _body(lines, i + 1, section, Hunk(spot=Spot(anchors=anchors)))
    hunk = Hunk(counts=(int(match[2] or 1), int(match[4] or 1)), starts=(int(match[1]), int(match[3])))
    return _body(lines, i + 1, section, hunk)


def _body(lines: list[str], i: int, section: _Section, hunk: Hunk) -> int:
    section.hunks.append(hunk)
    left = list(hunk.counts or (0, 0))
    while i < len(lines):
        line = lines[i]
        inside = left[0] > 0 or left[1] > 0
        if line.startswith(("@@", "diff --git ")) or (not (inside and hunk.counts) and starts(lines, i)):
            break
        if inside and starts(lines, i) and i + 2 < len(lines) and lines[i + 2].startswith("@@"):
            break  # the counts are wrong: this is the next file
        left[0] -= line[:1] in {" ", "-", ""}
        left[1] -= line[:1] in {" ", "+", ""}
        hunk.body.append(line)
        i += 1
    return i


def _blocks(section: _Section, path: str | None) -> list[Block]:
    notes = section.notes
    name = section.new if section.new not in {None, "/dev/null"} else section.old
    name = name if name not in {None, "/dev/null"} else (notes.get("names") or path)
    if "binary" in notes or notes.get("new file mode") in {"120000", "160000"}:
        return [Broken(kind="malformed", message=_BINARY, path=name)]
    if section.new == "/dev/null" or "deleted file mode" in notes:
        return [Removal(path=section.old or notes.get("names") or "")]
    if "copy to" in notes:
        return [Broken(kind="malformed", message="A copy is not supported: send the new file whole.", path=name)]
    if section.old == "/dev/null" or "new file mode" in notes or _creates(section):
        return [_created(section, name)]
    moved = _moved(section)
    if "new mode" in notes and name and not section.hunks:
        return [Mode(path=_bare(name), mode=notes["new mode"])]
    target = moved[0].to if moved else name
    changes, shift = [], 0
    for hunk in section.hunks:
        changes.append(change(hunk, target, shift))
        shift += hunk.counts[1] - hunk.counts[0] if hunk.counts else 0
    return [*moved, *changes] or [Broken(kind="malformed", message=_EMPTY, path=name)]


def _bare(name: str) -> str:
    return name[2:] if name.startswith(("a/", "b/")) else name


def _moved(section: _Section) -> list[Rename]:
    if "rename from" in section.notes and "rename to" in section.notes:
        return [Rename(path=section.notes["rename from"], to=section.notes["rename to"])]
    old, new = section.old, section.new
    if old and new and _bare(old) != _bare(new) and old.startswith("a/") and new.startswith("b/"):
        return [Rename(path=_bare(old), to=_bare(new))]
    return []


def _creates(section: _Section) -> bool:
    """`@@ -0,0 +1,9 @@`: the file was not there."""
    return len(section.hunks) == 1 and section.hunks[0].starts[0] == 0


def _created(section: _Section, name: str | None) -> Block:
    body = [line for h in section.hunks for line in h.body]
    if any(line[:1] not in {"+", "\\", ""} for line in body) or not name:
        return Broken(kind="malformed", message="A new file's diff holds only lines that begin with `+`.", path=name)
    while body and not body[-1]:
        body.pop()
    text = "".join(line[1:] + "\n" for line in body if line[:1] != "\\")
    mode = section.notes.get("new file mode")
    return File(path=_bare(name), text=text, mode=mode if mode == "100755" else None)
