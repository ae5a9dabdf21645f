"""Where a name is defined and where it stands: read off the index when it is asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from greenloop.retrieval import kinds
from greenloop.retrieval.chunks import Chunk
from greenloop.retrieval.corpus import Corpus
from greenloop.retrieval.tokens import terms, whole

FEW = 3  # definitions of a name; a name of many things leads nowhere
_TITLED, _IN_BODY = re.compile(rb"[^\0]"), re.compile(rb"\0")


class Names:
    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus

    def defined(self, name: str) -> list[int]:
        """The few places in the source that define a name."""
        words = terms(name)
        found = [n for n in self.holding(words[-1], titled=True) if self._named(n) == whole(name)] if words else []
        return found if len(found) <= FEW else []

    def holding(self, word: str, *, titled: bool) -> Iterator[int]:
        """Places in the source whose name holds a word; or whose body does, and their name does not."""
        owner, kind = self._corpus.owner, self._corpus.kinds
        wanted = _TITLED if titled else _IN_BODY
        for postings in self._corpus.store.postings(word):
            for at in wanted.finditer(postings.name):
                n = postings.ids[at.start()]
                if n < len(owner) and owner[n] >= 0 and kind[owner[n]] == kinds.SOURCE:
                    yield n

    def at(self, n: int) -> tuple[str, Chunk]:
        """Path and piece of a number."""
        number = self._corpus.owner[n]
        row = self._corpus.rows[number]
        return self._corpus.files[number].path, self._corpus.chunks(row)[n - row.first]

    def _named(self, n: int) -> str:
        return whole(self.at(n)[1].name.rpartition(".")[2])
