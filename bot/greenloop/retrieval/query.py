"""A request in the terms of a search: words and their weight, places and names that it spells out. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from greenloop.retrieval.tokens import count

TITLE = 2.0  # the first line of a request says what it is about; what follows tells a story around it
_FRAMES = (
    re.compile(r'File "([^"\n]{1,300})", line (\d{1,7})'),
    re.compile(r"(?<![\w/.-])([\w./\\-]{1,300}\.\w{1,6}):(\d{1,7})\b"),
)
_PATH = re.compile(r"(?<![\w/.@-])/?(?:[\w.@+-]{1,100}/){0,30}[\w.@+-]{1,100}\.[A-Za-z]\w{0,8}(?![\w/])")
_TESTS = re.compile(r"\btests\b|\btest (?:cases?|suite|coverage)\b", re.IGNORECASE)
_PROSE = re.compile(r"\b(?:docs|documentation|readme|tutorials?|changelog)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Query:
    """`frames` are (path, line) as written, `paths` as written too."""

    words: Mapping[str, float]
    frames: tuple[tuple[str, int], ...] = ()
    paths: tuple[str, ...] = ()
    tests: bool = False  # it is about tests as such
    prose: bool = False


def parse(text: str) -> Query:
    title, _, rest = text.strip().partition("\n")
    above, below = count(title), count(rest)
    words = {word: TITLE if word in above else 1.0 for word in above | below}
    frames = [(m[1].replace("\\", "/"), int(m[2])) for pattern in _FRAMES for m in pattern.finditer(text)]
    return Query(
        words=words,
        frames=tuple(dict.fromkeys(frames)),
        paths=tuple(dict.fromkeys(_PATH.findall(text))),
        tests=_TESTS.search(title) is not None,
        prose=_PROSE.search(title) is not None,
    )


def named(path: str, paths: Mapping[str, int]) -> int | None:
    """The file of `paths` that a written path means: itself, or the only one that ends so (or that it ends with)."""
    clean = path.lstrip("./")
    if clean in paths:
        return paths[clean]
    ends = [number for known, number in paths.items() if known.endswith("/" + clean)]
    if not ends and "/" in clean:  # an absolute path, or one of another machine
        longest = max((k for k in paths if clean.endswith("/" + k)), key=len, default=None)
        return None if longest is None else paths[longest]
    return ends[0] if len(ends) == 1 else None
