"""Likeness by vectors: for requests that do not use the words of the code."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

from greenloop.ports import Embedder
from greenloop.retrieval import kinds
from greenloop.retrieval.chunks import lines_of
from greenloop.retrieval.corpus import Corpus, Read
from greenloop.retrieval.vectors import Vectors

NEAREST = 100  # chunks that count as alike; the likeness of the last of them is the zero of the scale
MOST = 50_000  # chunks of one run that are embedded; the rest are found by their words
_STEP = 256  # chunks that an interruption can lose


class Dense:
    """The chunks of a corpus as vectors. What is sent is what `read` gives: nothing hidden, nothing secret."""

    def __init__(self, corpus: Corpus, embedder: Embedder, vectors: Vectors) -> None:
        self._corpus = corpus
        self._embedder = embedder
        self._vectors = vectors
        self._ids: dict[str, int] = {}

    def update(self, read: Read, told: Callable[[int, int], None]) -> int:
        """Embed what is new of the source; returns how many chunks that were. Raises `ModelUnreachable`."""
        texts = dict(self._texts(read))
        self._ids = {id_: n for id_, (n, _) in texts.items()}
        known = self._vectors.known(list(texts))
        new = [id_ for id_ in texts if id_ not in known][:MOST]
        for start in range(0, len(new), _STEP):
            step = new[start : start + _STEP]
            made = self._embedder.embed([texts[id_][1] for id_ in step])
            self._vectors.add(dict(zip(step, made, strict=True)))
            told(min(start + _STEP, len(new)), len(new))
        return len(new)

    def _texts(self, read: Read) -> list[tuple[str, tuple[int, str]]]:
        """By its hash, the number of each chunk and the text that is embedded: where it stands, and what it says."""
        found: list[tuple[str, tuple[int, str]]] = []
        known = self._corpus
        for file, row, kind in zip(known.files, known.rows, known.kinds, strict=True):
            text = read(file.path) if kind == kinds.SOURCE else None
            lines = lines_of(text or "")
            for place, chunk in enumerate(known.chunks(row) if lines else ()):
                said = "\n".join((f"{file.path} {chunk.name}", *lines[chunk.start - 1 : chunk.end], ""))
                found.append((sha256(said.encode("utf-8", "replace")).hexdigest(), (row.first + place, said)))
        return found

    def score(self, query: str) -> dict[int, float]:
        """How alike the nearest chunks are, from 0 for the last of them up."""
        (vector,) = self._embedder.embed([query])
        near = self._vectors.nearest(vector, list(self._ids), NEAREST)
        least = near[-1][1] if len(near) == NEAREST else 0.0
        return {self._ids[id_]: value - least for id_, value in near if value > least}
