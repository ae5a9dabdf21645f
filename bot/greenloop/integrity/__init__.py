"""What a change does to the checks themselves: silencing, weaker tests, lower floors, and code that knows it is tested.

Pure: texts of two versions in, findings out. Only what a change adds or takes away counts; what was there before is the
repository's own business. An error or a warning decides; a note is for the reader.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from greenloop.domain import Finding
from greenloop.integrity.assertions import fresh_lines, weakened
from greenloop.integrity.lines import commented
from greenloop.integrity.product import suspicious
from greenloop.integrity.silencing import weakening
from greenloop.integrity.thresholds import lowered
from greenloop.patterns import matches
from greenloop.settings import Settings
from greenloop.verdict.protected_names import Kind, is_test, kind_of

_LARGEST = 1_000_000  # characters; longer files are data


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A changed file: its text before and after (None: not there), and the numbers of the added lines."""

    path: str
    before: str | None
    after: str | None
    added: frozenset[int]


def examine(sides: Iterable[Side], settings: Settings | None = None) -> tuple[Finding, ...]:
    """The findings of all changed files together: a line that moved from one to another is no new one."""
    sides = tuple(s for s in sides if max(len(s.before or ""), len(s.after or "")) <= _LARGEST)
    moved = _moved(sides)
    found: list[Finding] = []
    for side in sides:
        for finding in _of(side, settings):
            if finding.line is not None and moved[finding.context] > 0:
                moved[finding.context] -= 1
            else:
                found.append(finding)
    return tuple(found)


def _of(side: Side, settings: Settings | None) -> Iterator[Finding]:
    if side.after is None:
        return
    lines = commented(side.after) if _python(side.path) else side.after.split("\n")
    shown = side.after.split("\n")  # lines as git counts
    added = [(n, lines[n - 1], shown[n - 1]) for n in sorted(side.added) if n <= min(len(lines), len(shown))]
    fresh = side.added if side.before is None else fresh_lines(side.before, side.after)
    yield from weakening(side.path, added, settings, fresh=fresh)
    if settings is not None and settings.allow and matches(side.path, settings.allow):
        return
    if _python(side.path):
        yield from suspicious(side.path, side.after, side.added)
        if side.before is not None and is_test(side.path):
            yield from weakened(side.path, side.before, side.after)
    if side.before is not None and kind_of(side.path) not in {Kind.NONE, Kind.TEST}:
        yield from lowered(side.path, side.before, side.after)


def _moved(sides: Iterable[Side]) -> Counter[str]:
    """Lines that went away, by their text."""
    gone: Counter[str] = Counter()
    for side in sides:
        before = (side.before or "").split("\n")
        kept = (line for n, line in enumerate((side.after or "").split("\n"), 1) if n not in side.added)
        gone += Counter(_plain(before)) - Counter(_plain(kept))
    return gone


def _plain(lines: Iterable[str]) -> Iterator[str]:
    return (line.strip()[:500] for line in lines)


def _python(path: str) -> bool:
    return path.endswith((".py", ".pyw", ".pyi"))
