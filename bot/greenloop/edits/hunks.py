"""Hunks of a diff: turns marked lines into a change to find."""

from __future__ import annotations

from dataclasses import dataclass, field

from greenloop.edits.blocks import Broken, Change, Spot

NO_CONTEXT = "This hunk has neither context nor removed lines, so nothing shows where it belongs."


@dataclass(slots=True)
class Hunk:
    """One place of a diff. `starts` and `counts` are what its header says of the old and the new side."""

    spot: Spot = field(default_factory=Spot)
    counts: tuple[int, int] | None = None
    starts: tuple[int, int] = (-1, -1)
    body: list[str] = field(default_factory=list)

    @property
    def short(self) -> bool:
        """Whether there are fewer lines than the header says."""
        old, new = sides(self.body, unmarked=False)
        return self.counts is not None and (len(old) < self.counts[0] or len(new) < self.counts[1])


def change(hunk: Hunk, path: str | None, shift: int) -> Change | Broken:
    """`shift` is by how much the hunks before have moved this one; only a header without a fault says where it is."""
    body = _trimmed(hunk)
    options = [sides(body, unmarked=False)]
    loose = sides(body, unmarked=True)
    if loose != options[0]:
        options.append(loose)
    search, replace = options[0]
    if not search:
        return Broken(kind="malformed", message=NO_CONTEXT, path=path)
    right = hunk.counts == (len(search), len(replace)) and hunk.starts[0] + shift == hunk.starts[1]
    spot = Spot(line=hunk.starts[1] if right else None, anchors=hunk.spot.anchors, end=hunk.spot.end)
    return Change(path=path, options=tuple(options), spot=spot, final=_final(body))


def _trimmed(hunk: Hunk) -> list[str]:
    """Without the blank lines at the end that the counts do not know."""
    body = list(hunk.body)
    known = hunk.counts and sum(line[:1] in {" ", "-", ""} for line in body) <= hunk.counts[0]
    while body and not body[-1] and not known:
        body.pop()
        known = hunk.counts and sum(line[:1] in {" ", "-", ""} for line in body) <= hunk.counts[0]
    return body


def sides(body: list[str], *, unmarked: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Old and new lines. `unmarked`: read context lines as written without their leading blank."""
    old, new = [], []
    for line in body:
        mark, rest = line[:1], line[1:]
        if mark == "\\":
            continue
        if mark not in {"+", "-"}:
            text = rest if mark == " " and not unmarked else line
            old.append(text)
            new.append(text)
        elif mark == "-":
            old.append(rest)
        else:
            new.append(rest)
    return tuple(old), tuple(new)


def _final(body: list[str]) -> bool | None:
    r"""What `\ No newline at end of file` says of the new side: False none, True there is one, None as it was."""
    marks = [body[i - 1][:1] for i, line in enumerate(body) if i and line.startswith("\\")]
    if not marks or " " in marks or "" in marks:
        return None
    return "+" not in marks
