"""The retriever: an index brought up to date with one tree, a ranking, an answer."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from greenloop.domain import Snippet
from greenloop.errors import ModelUnreachable
from greenloop.ports import Embedder, Found
from greenloop.retrieval import answer, opening
from greenloop.retrieval.chunks import Chunk
from greenloop.retrieval.corpus import Corpus, File, Read, corpus, update
from greenloop.retrieval.dense import Dense
from greenloop.retrieval.graph import Graph
from greenloop.retrieval.history import Past
from greenloop.retrieval.query import parse
from greenloop.retrieval.ranking import LEAST, Ranked, Ranking, worth
from greenloop.retrieval.store import Store
from greenloop.retrieval.vectors import Embedded, open_qdrant

_OUTLINE = 10  # a tenth of the budget is for signatures of what is not quoted
_FILES = 5  # whose signatures are worth it
# what reading a damaged or forged index can end in; all of it means: make it anew
DAMAGED = (sqlite3.Error, zlib.error, ValueError, TypeError, KeyError, IndexError, OverflowError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What is searched: the files of a tree that may be shown, how to read them, and the commits before it."""

    files: Sequence[File]
    read: Read
    past: Sequence[Past] = ()
    estimate: Callable[[str], int] = len
    embedder: Embedder | None = None
    vector_store: str = ""  # the address of a Qdrant server; "": the index itself


class Hybrid:
    """Implements `ports.Retriever`. Made with an index that is up to date, and good for any number of queries."""

    def __init__(
        self,
        store: Store,
        material: Material,
        *,
        progress: Callable[[int, int], None] = lambda _done, _of: None,
        say: Callable[[str], None] = lambda _words: None,
        without: Sequence[str] = (),
    ) -> None:
        self._material = material
        self._say = say
        self._without = without
        self._progress = progress
        try:
            self.store, self.indexed = store, update(store, material.files, material.read, progress)
            self.ranking = self._ready()
        except DAMAGED as error:
            self._again(store, error)

    def _again(self, store: Store, why: Exception) -> None:
        self.store = opening.discard(store, why, self._say)
        try:
            self.indexed = update(self.store, self._material.files, self._material.read, self._progress)
        except DAMAGED as error:  # full, most likely: once more, in memory
            self.store.close()
            self._say(f"No index is kept: {error}.")
            self.store = Store(None)
            self.indexed = update(self.store, self._material.files, self._material.read, self._progress)
        self.ranking = self._ready()

    def _ready(self) -> Ranking:
        with self.store.reading():
            material = self._material
            ranking = Ranking(corpus(self.store, material.files), material.read, material.past, self._without)
        self._dense = self._embedded(ranking.corpus)
        return ranking

    def _embedded(self, known: Corpus) -> Dense | None:
        """Vectors of what is new. Without the endpoint the words alone decide, and that is said."""
        material = self._material
        if material.embedder is None:
            return None
        name = material.embedder.name
        vectors = open_qdrant(material.vector_store, name) if material.vector_store else Embedded(self.store, name)
        dense = Dense(known, material.embedder, vectors)
        try:
            dense.update(material.read, self._progress)
        except ModelUnreachable as error:
            self._say(f"Searched by words alone: {error}")
            return None
        return dense

    def _likeness(self, query: str) -> dict[int, float]:
        try:
            return {} if self._dense is None else self._dense.score(query)
        except ModelUnreachable as error:
            self._say(f"Searched by words alone: {error}")
            return {}

    def close(self) -> None:
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def past(self) -> Sequence[Past]:
        return self._material.past

    @property
    def corpus(self) -> Corpus:
        return self.ranking.corpus

    def find(self, query: str, budget: int) -> Found:
        """Code that the request is about, at most `budget` tokens of it, with an outline of what lies beside it."""
        if not query.strip() or budget <= 0:
            return Found()
        try:
            return self._find(query, budget)
        except DAMAGED as error:
            self._again(self.store, error)
            return self._find(query, budget)

    def _find(self, query: str, budget: int) -> Found:
        with self.store.reading():
            estimate = self._material.estimate
            fitted = self._fitted(query, budget - budget // _OUTLINE, LEAST)
            graph = Graph(self.corpus, self.ranking.links, self.past)
            beside = graph.beside(fitted.places, fitted.snippets, self._material.read)
            near = answer.bounded(beside, estimate, budget // _OUTLINE // 2)
            left = budget // _OUTLINE - sum(estimate(line) + 1 for line in near)
            rest = answer.outline(self._around(fitted.snippets), fitted.snippets, self._material.read)
            return Found(fitted.snippets, (*near, *answer.bounded(rest, estimate, left)))

    def regions(self, query: str, budget: int) -> list[tuple[str, int, int]]:
        """What a budget has room for, best first and however little it fits, as (path, first line, last line): for
        measuring the order."""
        with self.store.reading():
            return [(p.path, p.chunk.start, p.chunk.end) for p in self._fitted(query, budget).places]

    def _fitted(self, query: str, budget: int, least: float = 0.0) -> answer.Fitted:
        ranked = self.ranking.rank(parse(query), self._likeness(query))
        return answer.fit(self._places(worth(ranked, least)), self._material.read, self._material.estimate, budget)

    def _places(self, ranked: Iterable[Ranked]) -> Iterator[answer.Place]:
        known = self.corpus
        for found in ranked:
            file = known.owner[found.chunk]
            row = known.rows[file]
            chunk = known.chunks(row)[found.chunk - row.first]
            yield answer.Place(known.files[file].path, chunk, found.reason)

    def _around(self, snippets: Sequence[Snippet]) -> Iterator[tuple[str, Sequence[Chunk]]]:
        known, paths = self.corpus, self.ranking.paths
        for path in list(dict.fromkeys(s.path for s in snippets if not s.whole))[:_FILES]:
            yield path, known.chunks(known.rows[paths[path]])
