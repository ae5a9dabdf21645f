"""An answer in words → Markdown that does nothing but to be read, with links to the lines that it names. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

from greenloop.hygiene.secrets import scrub
from greenloop.report.render import code, fenced, inert

LONGEST = 20_000  # characters
UNFOUNDED = "*Of the places that this names, {count} cannot be found at {commit}; they are no links.*"
_LINE = 2_000
_FENCE = re.compile(r"\s{0,3}(`{3,}|~{3,})")
_BULLET = re.compile(r"( {0,6})(?:[*+-]|(\d{1,3})[.)])[ \t]+")
_HEADING = re.compile(r"#{1,6}[ \t]+")
_MARK = re.compile(r"\u27e6(\d+)\u27e7")  # stands for what is put in afterwards
_SPECIAL = re.compile(
    r"`(?P<code>[^`\n]{1,200})`|(?<![\w./@+-])(?P<place>[\w.@+-]+(?:/[\w.@+-]+)*:\d{1,6}(?:-\d{1,6})?)(?![\w-])"
)
_PLACE = re.compile(r"(?P<path>[\w.@+-]+(?:/[\w.@+-]+)*):(?P<first>\d{1,6})(?:-(?P<last>\d{1,6}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where links lead: the repository's address, and one commit of it."""

    page: str
    commit: str

    def link(self, words: str, path: str, first: int, last: int) -> str:
        lines = f"L{first}" if first == last else f"L{first}-L{last}"
        return f"[{code(words)}]({self.page}/blob/{self.commit}/{quote(scrub(path))}#{lines})"


def rendered(text: str, lines: Callable[[str], int], place: Place) -> str:
    """`lines` tells how many lines a file has, 0 when there is none that may be shown."""
    wrong: set[str] = set()

    def special(words: str) -> str | None:
        """A link; None for what names no place; code, and noted, for a place that is none."""
        found = _PLACE.fullmatch(words)
        if found is None:
            return None
        first, last = int(found["first"]), int(found["last"] or found["first"])
        if 1 <= first <= last <= lines(found["path"]):
            return place.link(words, found["path"], first, last)
        wrong.add(words)
        return code(words)

    body = "\n".join(_blocks(text[:LONGEST], special)).strip()
    if not wrong:
        return body
    return f"{body}\n\n{UNFOUNDED.format(count=len(wrong), commit=code(place.commit[:9]))}"


def _blocks(text: str, special: Callable[[str], str | None]) -> Iterator[str]:
    fence, inside = "", list[str]()
    for line in text.splitlines():
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and not line.strip(" `~"):
                yield fenced("\n".join(inside))
                fence, inside = "", []
            else:
                inside.append(line)
        elif mark:
            fence = mark[1]
        else:
            yield _line(line, special)
    if fence:
        yield fenced("\n".join(inside))


def _line(line: str, special: Callable[[str], str | None]) -> str:
    """Bullets and headings stay what they are; the words are inert but for places and code."""
    bullet, heading = _BULLET.match(line), _HEADING.match(line)
    head = ""
    if bullet:
        head = f"{bullet[1]}{f'{bullet[2]}.' if bullet[2] else '-'} "
        line = line[bullet.end() :]
    elif heading:
        head, line = "#### ", line[heading.end() :]
    kept: list[str] = []

    def put(found: re.Match[str]) -> str:
        words = found["code"] or found["place"]
        made = special(words.strip()) or (code(words) if found["code"] else None)
        if made is None:
            return found[0]
        kept.append(made)
        return f"\u27e6{len(kept) - 1}\u27e7"

    words = inert(_SPECIAL.sub(put, line.replace("\u27e6", "[").replace("\u27e7", "]")), _LINE)
    return head + _MARK.sub(lambda found: kept[int(found[1])], words)
