"""BM25 over chunks with fields, over whole files and over paths: one pass over the postings of the query's words."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from greenloop.retrieval.corpus import Corpus

# Robertson and Zaragoza 2009, "The Probabilistic Relevance Framework", the values that the literature starts from.
K1, B = 1.2, 0.75
# A word in the name of a function says three times what one in its body does, in the path twice.
NAME, PATH = 3.0, 2.0


@dataclass(frozen=True, slots=True)
class Scores:
    """By the number of a chunk, and by the place of a file in the corpus."""

    chunks: dict[int, float] = field(default_factory=dict)
    files: dict[int, float] = field(default_factory=dict)
    paths: dict[int, float] = field(default_factory=dict)


def rarity(documents: int, total: int) -> float:
    """Inverse document frequency as in BM25, never negative."""
    return math.log(1 + (total - documents + 0.5) / (documents + 0.5))


class Lexical:
    """Ready for queries on one corpus."""

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        live = [n for n, owner in enumerate(corpus.owner) if owner >= 0]
        self.live = len(live)
        self._body = _norms(corpus.bodies, sum(corpus.bodies) / max(self.live, 1))
        named = sum(1 for n in live if corpus.names[n])
        self._name = _norms(corpus.names, sum(corpus.names) / max(named, 1))
        sizes = [sum(row.bodies) for row in corpus.rows]
        self._file = _norms(sizes, sum(sizes) / max(len(sizes), 1))
        lengths = [words.total() for words in corpus.paths]
        self._path = _norms(lengths, sum(lengths) / max(len(lengths), 1))
        self._by_word: dict[str, dict[int, int]] = defaultdict(dict)
        for number, words in enumerate(corpus.paths):
            for word, times in words.items():
                self._by_word[word][number] = times

    def score(self, words: Mapping[str, float]) -> Scores:
        """What each chunk, file and path has of the query's words and their weights."""
        found = Scores()
        for word, weight in words.items():
            self._add(word, weight, found)
        return found

    def rarity(self, word: str) -> float:
        """How much it says that a chunk holds a word; by all that is in the index, which is quicker to ask."""
        return rarity(min(self.corpus.store.held(word), self.live), self.live)

    def _add(self, word: str, weight: float, found: Scores) -> None:
        rows = self.corpus.rows
        in_paths = self._by_word.get(word, {})
        boost = {f: PATH * times / self._path[f] for f, times in in_paths.items()}
        chunks, files = self._read(word, boost)
        if len(boost) * 4 <= len(rows):  # a word of every path tells nothing and costs most
            for f, value in boost.items():
                for n in range(rows[f].first, rows[f].first + len(rows[f].bodies)):
                    chunks.setdefault(n, value)
        idf = weight * rarity(len(chunks), self.live)
        before = found.chunks
        for n, value in chunks.items():
            before[n] = before.get(n, 0.0) + idf * value / (K1 + value)
        _saturated(found.files, files, self._file, weight * rarity(len(files), len(rows)))
        _saturated(found.paths, in_paths, self._path, weight * rarity(len(in_paths), len(rows)))

    def _read(self, word: str, boost: Mapping[int, float]) -> tuple[dict[int, float], dict[int, int]]:
        """Weighted and normalised count of a word in each chunk, and its plain count in each file."""
        owner, body, name = self.corpus.owner, self._body, self._name
        top = len(owner)
        chunks: dict[int, float] = {}
        files: dict[int, int] = {}
        for postings in self.corpus.store.postings(word):
            for n, times, titled in zip(postings.ids, postings.body, postings.name, strict=True):
                f = owner[n] if n < top else -1
                if f < 0:  # of another tree
                    continue
                value = times / body[n]
                if titled:
                    value += NAME * titled / name[n]
                if f in boost:
                    value += boost[f]
                chunks[n] = value
                files[f] = files.get(f, 0) + times
        return chunks, files


def _saturated(found: dict[int, float], times: Mapping[int, int], norms: Sequence[float], idf: float) -> None:
    for f, number in times.items():
        found[f] = found.get(f, 0.0) + idf * number / (number + K1 * norms[f])


def _norms(lengths: Iterable[int], average: float) -> list[float]:
    return [1 - B + B * length / max(average, 1.0) for length in lengths]
