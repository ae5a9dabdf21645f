"""All that speaks for a chunk, put together into one order.

Two witnesses are strong: the chunk's own words and those of its whole file. Each counts 1 at its best. The others are
weak, each right about something that the first two miss, and count a third of that: three weak ones together can
outvote a strong one, a single one cannot. The sum of scores divided by their maximum keeps how far apart the
candidates are, which ranks alone lose. The values are round, but a third, the sum, and how far tests and prose are
lifted were chosen among variants by their results on the cases of docs/benchmarks.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest

from greenloop.retrieval import feedback, history, kinds
from greenloop.retrieval.chunks import lines_of
from greenloop.retrieval.corpus import Corpus, Read
from greenloop.retrieval.lexical import Lexical
from greenloop.retrieval.links import Links
from greenloop.retrieval.query import Query, named

WEAK = 1 / 3
ASIDE = 0.15  # of a test or of prose: a request wants the code that they tell of
LIFTED = 0.5  # when its first line is about such: then it wants both
PINNED = 10.0  # what a person spelled out comes before all that was guessed
LEAST = 0.4  # of the best score: what fits so much worse is not quoted though there is room, and not learned from
LOOKED = 400  # candidates of an answer; the ones behind share a common word with the request
SIGNALS = ("body", "file", "path", "best", "tests", "history", "words", "spelled", "dense")


@dataclass(frozen=True, slots=True)
class Ranked:
    """A chunk by its number, and why it is where it is when that is more than its words, which its `score` tells."""

    chunk: int
    score: float
    reason: str = ""


def worth(ranked: Sequence[Ranked], least: float) -> Iterator[Ranked]:
    """Those whose score is at least that share of the best one's, and what a person spelled out."""
    top = max((found.score for found in ranked), default=0.0)
    return (found for found in ranked if found.reason or found.score >= least * top)


class Ranking:
    """Ready for queries on one corpus; `without` leaves signals out: to measure what each is worth, and `kind` where
    prose is as good as code."""

    def __init__(
        self, corpus: Corpus, read: Read, past: Sequence[history.Past] = (), without: Collection[str] = ()
    ) -> None:
        self.corpus = corpus
        self._read = read
        self.past = past
        self.paths = {file.path: number for number, file in enumerate(corpus.files)}
        self.links = Links([file.path for file in corpus.files], corpus.kinds)
        self._lexical = Lexical(corpus)
        self._without = frozenset(without)

    def rank(self, query: Query, dense: Mapping[int, float] | None = None) -> list[Ranked]:
        """The chunks that most speaks for, best first. `dense` are likenesses of chunks by their vectors."""
        owner, off = self.corpus.owner, self._without
        scores = self._lexical.score(query.words)
        weight = [1.0 if "kind" in off else _weight(kind, query) for kind in self.corpus.kinds]
        raw = scores.chunks
        chunks = {n: value * weight[owner[n]] for n, value in raw.items()}
        dense = {} if dense is None or "dense" in off else dense
        chunks |= dict.fromkeys(dense.keys() - chunks.keys(), 0.0)
        parts: dict[str, dict[int, float]] = {
            "file": {f: value * weight[f] for f, value in scores.files.items()},
            "path": {f: value * weight[f] for f, value in scores.paths.items()},
            "best": self._best(chunks),
            "tests": self.links.votes(self._tests(raw)),
            "history": self._history(query, weight),
        }
        own = dict.fromkeys(chunks, 0.0) | ({} if "body" in off else _scaled(chunks))
        likeness = _scaled({n: value * weight[owner[n]] for n, value in dense.items()})
        files: dict[int, float] = defaultdict(float)
        for signal, values in parts.items():
            if signal not in off:
                share = 1.0 if signal == "file" else WEAK
                for f, value in _scaled(values).items():
                    files[f] += share * value
        total = {n: value + files[owner[n]] + likeness.get(n, 0.0) for n, value in own.items()}
        if not off & {"body", "words"}:
            for n, value in self._again(query, chunks, total, weight).items():
                total[n] = total.get(n, files[owner[n]]) + WEAK * value
        pins = {} if "spelled" in off else self._pins(query)
        for n in pins:
            total.setdefault(n, files[owner[n]])
        best = nlargest(LOOKED, ((value + pins.get(n, 0.0), -n) for n, value in total.items()))
        return [Ranked(-n, score - pins.get(-n, 0.0), "named in the request" * (-n in pins)) for score, n in best]

    def _again(
        self, query: Query, chunks: Mapping[int, float], total: Mapping[int, float], weight: Sequence[float]
    ) -> dict[int, float]:
        """The chunks by the words of the request and those of the best finds. A chunk's score is a sum over words, so
        that only the new ones are looked up."""
        owner = self.corpus.owner
        finds = nlargest(feedback.FINDS, ((value, -n) for n, value in total.items()))
        read = [(value, self._text(-n)) for value, n in finds if value >= LEAST * finds[0][0]]
        new = self._lexical.score(feedback.words(read, query.words, self._lexical.rarity)).chunks
        both = dict(chunks)
        for n, value in new.items():
            both[n] = both.get(n, 0.0) + value * weight[owner[n]]
        return _scaled(both)

    def _text(self, n: int) -> str:
        row = self.corpus.rows[self.corpus.owner[n]]
        chunk = self.corpus.chunks(row)[n - row.first]
        text = self._read(self.corpus.files[self.corpus.owner[n]].path) or ""
        return "\n".join(lines_of(text)[max(0, chunk.start - 1) : chunk.end])

    def _best(self, chunks: Mapping[int, float]) -> dict[int, float]:
        """Of each file, the three best chunks together: several that fit are more than one."""
        owner = self.corpus.owner
        of: dict[int, list[float]] = defaultdict(list)
        for n, value in chunks.items():
            of[owner[n]].append(value)
        return {f: sum(sorted(values)[-3:]) for f, values in of.items()}

    def _tests(self, chunks: Mapping[int, float]) -> dict[int, float]:
        owner, kind = self.corpus.owner, self.corpus.kinds
        best: dict[int, float] = {}
        for n, value in chunks.items():
            f = owner[n]
            if kind[f] == kinds.TEST:
                best[f] = max(best.get(f, 0.0), value)
        return best

    def _history(self, query: Query, weight: Sequence[float]) -> dict[int, float]:
        if not self.past or "history" in self._without:
            return {}
        found = history.votes(history.similar(query.words, self.past), self.paths)
        return {f: value * weight[f] for f, value in found.items()}

    def _pins(self, query: Query) -> dict[int, float]:
        """Chunks at the lines of a traceback, later frames first; all chunks of a file that is spelled out."""
        found: dict[int, float] = {}
        rows = self.corpus.rows
        for path in query.paths:
            f = named(path, self.paths)
            if f is not None:
                found |= dict.fromkeys(range(rows[f].first, rows[f].first + len(rows[f].bodies)), PINNED)
        for depth, (path, line) in enumerate(query.frames, 1):
            f = named(path, self.paths)
            if f is None:
                continue
            for place, chunk in enumerate(self.corpus.chunks(rows[f])):
                if chunk.start <= line <= chunk.end:
                    found[rows[f].first + place] = 2 * PINNED + depth
        return found


def _weight(kind: str, query: Query) -> float:
    if kind == kinds.TEST:
        return LIFTED if query.tests else ASIDE
    if kind == kinds.PROSE:
        return LIFTED if query.prose else ASIDE
    return 1.0


def _scaled(values: Mapping[int, float]) -> dict[int, float]:
    top = max(values.values(), default=0.0)
    return {n: value / top for n, value in values.items()} if top > 0 else {}
