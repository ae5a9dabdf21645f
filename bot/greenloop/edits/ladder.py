"""The ladder: finds the lines that a block means, from exact to similar. The first rung with a match decides, and two
matches are never chosen between. What the block does not change keeps the file's own text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from greenloop.edits import loosened
from greenloop.edits.blocks import Lines, Spot
from greenloop.edits.merging import merged
from greenloop.edits.page import Page


@dataclass(frozen=True, slots=True)
class Hit:
    """`lines` take the place of the page's [start:stop]."""

    start: int
    stop: int
    lines: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    hit: Hit
    repair: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """`places` are the starts, counted from 0, when there was more than one match."""

    places: tuple[int, ...] = ()


NOWHERE = Spot()
Rung = Callable[[Page, list[str], list[str]], list[Hit]]


def find(page: Page, search: Lines, replace: Lines, *, spot: Spot = NOWHERE, exact: bool = False) -> Found | Missed:
    """Where `search` stands and what comes there; `exact`: to the letter, or nowhere."""
    for name, rung in RUNGS[:1] if exact else RUNGS:
        hits = rung(page, list(search), list(replace))
        if len(hits) > 1:
            hits = _narrowed(page, hits, spot)
        if len(hits) == 1:
            return Found(hit=hits[0], repair=name)
        if hits:
            return Missed(places=tuple(h.start for h in hits))
    return Missed()


def _narrowed(page: Page, hits: list[Hit], spot: Spot) -> list[Hit]:
    """By what the block itself says of its place; all of them when that does not leave one."""
    chosen = hits
    if spot.end:
        chosen = [h for h in hits if h.stop == len(page.lines)]
    elif spot.anchors:
        after = _anchored(page, spot.anchors)
        chosen = [h for h in hits if after is not None and h.start > after][:1]
    elif spot.line is not None:
        chosen = [h for h in hits if h.start == spot.line - 1]
    return chosen if len(chosen) == 1 else hits


def _anchored(page: Page, anchors: Lines) -> int | None:
    """The line of the last anchor, each found once after the one before."""
    at = -1
    for anchor in anchors:
        places = [i for i in range(at + 1, len(page.lines)) if page.lines[i].strip().startswith(anchor)]
        if len(places) != 1:
            return None
        at = places[0]
    return at


def _exact(page: Page, search: list[str], replace: list[str]) -> list[Hit]:
    return [Hit(i, i + len(search), replace) for i in page.exact(search)]


def _trailing(page: Page, search: list[str], replace: list[str]) -> list[Hit]:
    return [_hit(page, i, search, replace) for i in page.trailing(search)]


def _hit(page: Page, start: int, search: list[str], replace: list[str]) -> Hit:
    stop = start + len(search)
    return Hit(start, stop, merged(page.lines[start:stop], search, replace))


def _shifted(page: Page, search: list[str], replace: list[str]) -> list[Hit]:
    """All lines are indented by the same amount more or less; both sides of the block are shifted by it."""
    hits = []
    for i in page.stripped(search):
        both = loosened.shifted(page.lines[i : i + len(search)], search, replace, python=page.python)
        if both:
            hits.append(_hit(page, i, *both))
    return hits


def _plain(page: Page, search: list[str], replace: list[str]) -> list[Hit]:
    """The rungs that may follow another repair."""
    for rung in (_exact, _trailing, _shifted):
        hits = rung(page, search, replace)
        if hits:
            return hits
    return []


def _edges(page: Page, search: list[str], replace: list[str]) -> list[Hit]:
    """The blank lines may not be what makes the place the only one, at whatever depth."""
    ways = loosened.without_edges(search, replace)
    alone = ways and len(page.stripped(ways[-1][-1][0])) == 1
    for same in ways if alone else ():
        hits = [hit for both in same for hit in _plain(page, *both)]
        if hits:
            return hits
    return []


def _repaired(repair: Callable[[list[str], list[str]], tuple[list[str], list[str]] | None]) -> Rung:
    def rung(page: Page, search: list[str], replace: list[str]) -> list[Hit]:
        both = repair(search, replace)
        return (_plain(page, *both) or _edges(page, *both)) if both else []

    return rung


def _numbered(page: Page, search: list[str], replace: list[str]) -> list[Hit]:
    """A number before a single line proves little, so there it has to be the right one."""
    hits = _repaired(loosened.without_numbers)(page, search, replace)
    if sum(bool(line.strip()) for line in search) > 1:
        return hits
    return [h for h in hits if h.start + 1 == loosened.first_number("".join(search))]


def _elided(page: Page, search: list[str], replace: list[str]) -> list[Hit]:
    """`...` stands for lines that stay: each part around it occurs once, and they stand in order."""
    parts = loosened.parts(search, replace, page.lines)
    if not parts:
        return []
    lines: list[str] = []
    begin = end = None
    for old, new in parts:
        places = page.trailing(old)
        if len(places) != 1 or (end is not None and places[0] < end):
            return []
        if end is not None:
            lines += page.lines[end : places[0]]
        begin = places[0] if begin is None else begin
        end = places[0] + len(old)
        lines += merged(page.lines[places[0] : end], old, new)
    return [] if begin is None or end is None else [Hit(begin, end, lines)]


def _similar(page: Page, search: list[str], replace: list[str]) -> list[Hit]:
    """Only lines that stay may differ from the file's: what is changed has to be known exactly."""
    starts = loosened.similar(page.lines, search)
    hits = [_hit(page, i, search, replace) for i in starts]
    if len(starts) == 1 and not loosened.agrees(page.lines[starts[0] :], search, replace):
        return []
    return hits


RUNGS: tuple[tuple[str, Rung], ...] = (
    ("", _exact),
    ("trailing white space", _trailing),
    ("indentation", _shifted),
    ("blank edges", _edges),
    ("elision", _elided),
    ("line numbers", _numbered),
    ("HTML entities", _repaired(loosened.without_entities)),
    ("Markdown escapes", _repaired(loosened.without_escapes)),
    ("typographic signs", _repaired(loosened.without_lookalikes)),
    ("similar lines", _similar),
)
