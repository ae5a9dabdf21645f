"""A plain lexical `Retriever`: files ranked by the rare words they share with the query. No index, no embeddings."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from greenloop.domain import Snippet

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_LARGEST = 200_000  # bytes; larger files are data or generated


def words(text: str) -> Counter[str]:
    """Lower-case words of at least three letters; `retryCount` and `retry_count` give both of their parts."""
    parts = (part.lower() for word in _WORD.findall(text) for part in _CAMEL.split(word))
    return Counter(part for part in parts if len(part) > 2)


class Lexical:
    """Ranks the files of one tree. `texts` yields (path, bytes) of what may be sent to a model."""

    def __init__(self, texts: Callable[[], Iterable[tuple[str, bytes]]], estimate: Callable[[str], int]) -> None:
        self._texts = texts
        self._estimate = estimate

    def find(self, query: str, budget: int) -> tuple[Snippet, ...]:
        """Whole files, best first, at most `budget` tokens; a file that does not fit is passed over."""
        wanted = words(query)
        found: list[Snippet] = []
        for path, text in _ranked(wanted, self._read()):
            cost = self._estimate(text)
            if cost <= budget:
                budget -= cost
                found.append(Snippet(source="repository", path=path, start=1, text=text, reason="matches the request"))
        return tuple(found)

    def _read(self) -> Mapping[str, str]:
        texts: dict[str, str] = {}
        for path, data in self._texts():
            if len(data) <= _LARGEST and b"\0" not in data:
                texts[path] = data.decode("utf-8", "replace")
        return texts


def _ranked(wanted: Counter[str], texts: Mapping[str, str]) -> list[tuple[str, str]]:
    """Files that share a word with the query, by BM25 with the words of the path counted three times."""
    bags = {path: words(text) + Counter({w: 3 * n for w, n in words(path).items()}) for path, text in texts.items()}
    average = (sum(bag.total() for bag in bags.values()) / len(bags)) if bags else 1.0
    rarity = {word: _rarity(sum(word in bag for bag in bags.values()), len(bags)) for word in wanted}

    def score(bag: Counter[str]) -> float:
        norm = 0.25 + 0.75 * bag.total() / max(average, 1.0)
        return sum(rarity[w] * bag[w] * 2.2 / (bag[w] + 1.2 * norm) for w in wanted if bag[w])

    scored = sorted(((score(bag), path) for path, bag in bags.items()), key=lambda pair: (-pair[0], pair[1]))
    best = scored[0][0] if scored else 0.0
    return [(path, texts[path]) for value, path in scored if value > 0 and value >= best / 4]


def _rarity(documents: int, total: int) -> float:
    """Inverse document frequency as in BM25 (Robertson and Zaragoza 2009, section 3.4), never negative."""
    return math.log(1 + (total - documents + 0.5) / (documents + 0.5))
