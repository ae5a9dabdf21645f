"""What the tests that fit a request speak of. A request that is not in the words of the code is often in those of its
tests, and these name the code."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from heapq import nlargest

from greenloop.retrieval import kinds
from greenloop.retrieval.chunks import lines_of
from greenloop.retrieval.corpus import Corpus
from greenloop.retrieval.names import Names
from greenloop.retrieval.tokens import identifiers

TESTS = 5  # tests that are listened to; the next ones are about something beside it
_LOOKED = 30  # places whose names share a word with a name; where more do, it says nothing


class Mentions:
    def __init__(self, corpus: Corpus, read: Callable[[str], str | None]) -> None:
        self._corpus = corpus
        self._names = Names(corpus)
        self._read = read

    def votes(self, chunks: Mapping[int, float]) -> dict[int, float]:
        """What definitions get from the tests that fit best, each as much as it fits; several of one name share it."""
        owner, kind = self._corpus.owner, self._corpus.kinds
        tests = nlargest(TESTS, ((value, -n) for n, value in chunks.items() if kind[owner[n]] == kinds.TEST))
        given: dict[int, float] = defaultdict(float)
        for value, n in tests:
            for name in dict.fromkeys(identifiers(self._text(-n))):
                places = self._names.defined(name, _LOOKED)
                for place in places:
                    given[place] += value / len(places)
        return given

    def _text(self, n: int) -> str:
        path, chunk = self._names.at(n)
        return "\n".join(lines_of(self._read(path) or "")[chunk.start - 1 : chunk.end])
