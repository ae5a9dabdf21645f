"""What hangs together with the code that was found: what it uses, what uses it, its bases, its tests, and what used to
change with it. It completes an answer and has no part in its order: there it was measured to help nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from greenloop.domain import Snippet
from greenloop.retrieval import history
from greenloop.retrieval.answer import Place, genuine
from greenloop.retrieval.chunks import lines_of
from greenloop.retrieval.corpus import Corpus, Read
from greenloop.retrieval.links import Links
from greenloop.retrieval.names import FEW, Names
from greenloop.retrieval.tokens import identifiers, terms

CENTRE = 5  # places whose neighbours are named: those that most likely matter
_USERS = 12  # places that hold a name; one that stands everywhere tells nothing
_OFTEN = 0.3  # of the commits of a file, to be told that another one changes with it


class Graph:
    """Edges are read off the index when they are asked for: a name that stands in a body, and one that is defined."""

    def __init__(self, corpus: Corpus, links: Links, past: Sequence[history.Past]) -> None:
        self._corpus = corpus
        self._names = Names(corpus)
        self._links = links
        self._past = past
        self._paths = {file.path: number for number, file in enumerate(corpus.files)}

    def beside(self, places: Sequence[Place], shown: Sequence[Snippet], read: Read) -> Iterator[str]:
        """A line for each neighbour of the best places that is not shown; each thing once."""
        centre = [place for place in places if place.path in self._paths][:CENTRE]
        told: set[tuple[str, int]] = set()
        for line, path, start in self._lines(centre, read):
            spans = [(s.start, s.start + s.text.count("\n")) for s in shown if s.path == path]
            quoted = any(first <= start <= last for first, last in spans) or (not start and spans)
            if not quoted and (path, start) not in told:
                told.add((path, start))
                yield line

    def _lines(self, centre: Sequence[Place], read: Read) -> Iterator[tuple[str, str, int]]:
        for place in centre:
            name = place.chunk.name.rpartition(".")[2]
            yield from self._described(self._used(place, read), f"used by {name or place.path}", read)
            if place.chunk.kind == "function" and name and not name.startswith("__"):
                yield from self._described(self._users(name), f"uses {name}", read)
        for path in dict.fromkeys(place.path for place in centre):
            for test in self._links.tests_of(self._paths[path])[:FEW]:
                yield f"{self._corpus.files[test].path} (tests of {path})", self._corpus.files[test].path, 0
        chosen = {self._paths[place.path] for place in centre}
        found = history.together(self._past, self._paths, chosen)
        for number in sorted(found, key=lambda n: (-found[n], n))[:FEW]:
            path = self._corpus.files[number].path
            if found[number] >= _OFTEN:
                yield f"{path} (often changed together with what is quoted)", path, 0

    def _used(self, place: Place, read: Read) -> Iterator[int]:
        lines = lines_of(read(place.path) or "")[place.chunk.start - 1 : place.chunk.end]
        for name in dict.fromkeys((*place.chunk.bases, *identifiers("\n".join(lines)))):
            yield from self._names.defined(name)

    def _users(self, name: str) -> list[int]:
        words = terms(name)
        if len(words) < 2:  # a plain word, which prose and other things share
            return []
        found = list(self._names.holding(words[-1], titled=False))
        return found if len(found) <= _USERS else []

    def _described(self, numbers: Iterable[int], why: str, read: Read) -> Iterator[tuple[str, str, int]]:
        for n in numbers:
            path, chunk = self._names.at(n)
            if chunk.name and genuine(chunk, lines_of(read(path) or "")):
                yield f"{path}:{chunk.start}: {chunk.signature.rstrip(':{ ')} ({why})", path, chunk.start
