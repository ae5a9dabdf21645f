"""A ranking as an answer: whole functions quoted up to a budget of tokens, and signatures of what did not fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO

from greenloop.domain import Snippet
from greenloop.retrieval.chunks import SIGNATURE, WINDOW, Chunk, lines_of

_SMALL = WINDOW  # lines of a file that is quoted whole as soon as a part of it is: shorter than the words around parts
_NEAR = 3  # lines between two quoted parts that are quoted as well
_HEADER = 12  # tokens around a quoted part: its path, its lines, the fence


@dataclass(frozen=True, slots=True)
class Place:
    """A chunk in its file, and why it is quoted where that is more than its words."""

    path: str
    chunk: Chunk
    reason: str


Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Fitted:
    """What is quoted, by file, and the places that were taken for it, best first."""

    snippets: tuple[Snippet, ...]
    places: tuple[Place, ...]


def fit(
    places: Iterable[Place], read: Callable[[str], str | None], estimate: Callable[[str], int], budget: int
) -> Fitted:
    """Snippets in the order of their best place; each line of the repository at most once. What does not fit any more
    is passed over, smaller things behind it are not."""
    taken: dict[str, list[Span]] = {}
    chosen: list[Place] = []
    texts: dict[str, list[str]] = {}
    for place in places:
        if budget < _HEADER:
            break
        lines = texts.get(place.path)
        if lines is None:
            lines = texts[place.path] = list(StringIO(read(place.path) or "", newline=""))
        before = taken.get(place.path, [])
        after = _joined(before, _wanted(place.chunk, len(lines)), lines)
        cost = _cost(after, lines, estimate) - _cost(before, lines, estimate)
        if after != before and cost <= budget:
            budget -= max(cost, 0)
            taken[place.path] = after
        if taken.get(place.path) == after:
            chosen.append(place)
    snippets = (
        Snippet(
            source="repository",
            path=path,
            start=start,
            text="".join(texts[path][start - 1 : end]),
            reason=_reason([p for p in chosen if p.path == path and p.chunk.start <= end and p.chunk.end >= start]),
            whole=start == 1 and end == len(texts[path]),
        )
        for path, spans in taken.items()
        for start, end in spans
    )
    return Fitted(tuple(snippets), tuple(chosen))


def _reason(places: Sequence[Place]) -> str:
    """`named in the request`, or `run, Lock.take and 2 more match the request`."""
    if not places:  # a part between two that are quoted
        return "beside what matches the request"
    if places[0].reason:
        return places[0].reason
    names = list(dict.fromkeys(p.chunk.name for p in places if p.chunk.name))
    if not names:
        return "matches the request"
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more} match{'es' if len(names) == 1 else ''} the request"


def _wanted(chunk: Chunk, lines: int) -> Span:
    return (1, lines) if lines <= _SMALL else (max(1, chunk.start), min(chunk.end, lines))


def _joined(spans: Sequence[Span], new: Span, lines: Sequence[str]) -> list[Span]:
    """The spans with one more, in the order of their lines; near ones as one."""
    if new[0] > new[1]:
        return list(spans)
    found: list[Span] = []
    for start, end in sorted([*spans, new]):
        blank = bool(found) and not "".join(lines[found[-1][1] : start - 1]).strip()
        if found and (start <= found[-1][1] + _NEAR or blank):
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _cost(spans: Iterable[Span], lines: Sequence[str], estimate: Callable[[str], int]) -> int:
    return sum(estimate("".join(lines[start - 1 : end])) + _HEADER for start, end in spans)


def outline(
    files: Iterable[tuple[str, Sequence[Chunk]]], shown: Sequence[Snippet], read: Callable[[str], str | None]
) -> Iterator[str]:
    """What the files that matter hold beside what is quoted: a line for each signature, so that it can be asked for."""
    for path, chunks in files:
        spans = [(s.start, s.start + s.text.count("\n")) for s in shown if s.path == path]
        lines = lines_of(read(path) or "")
        yield from _signatures(path, [chunk for chunk in chunks if genuine(chunk, lines)], spans)


def genuine(chunk: Chunk, lines: Sequence[str]) -> bool:
    """Whether the signature stands in the file where the index says: an index can be forged, and this is text that goes
    into a prompt."""
    return any(chunk.signature == line.strip()[:SIGNATURE] for line in lines[max(0, chunk.start - 1) : chunk.end])


def bounded(lines: Iterable[str], estimate: Callable[[str], int], budget: int) -> tuple[str, ...]:
    """As many lines as fit."""
    found: list[str] = []
    for line in lines:
        budget -= estimate(line) + 1
        if budget < 0:
            break
        found.append(line)
    return tuple(found)


def _signatures(path: str, chunks: Sequence[Chunk], spans: Sequence[Span]) -> Iterator[str]:
    for chunk in chunks:
        quoted = any(start <= chunk.start <= end for start, end in spans)
        if chunk.name and not quoted:
            yield f"{path}:{chunk.start}: {chunk.signature.rstrip(':{ ')}"
