"""Words of the best finds, for a second look: what a request means is often said in other words there. Pure.

Pseudo-relevance feedback (RM3): Lavrenko and Croft 2001, Abdul-Jaleel et al. 2004. Ten finds, ten words and a fifth of
the weight are round values; half and double of each changed little (docs/benchmarks.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from heapq import nlargest

from greenloop.retrieval.tokens import count

FINDS, WORDS, SHARE = 10, 10, 0.2  # finds that are read, words taken from them, weight of the first beside a request's
_CANDIDATES = 4 * WORDS


def words(
    finds: Iterable[tuple[float, str]], asked: Mapping[str, float], rarity: Callable[[str], float]
) -> dict[str, float]:
    """The words that stand often in the best finds and seldom elsewhere, with their weights; none of the request's.
    `finds` are scores and texts."""
    often: dict[str, float] = {}
    for value, text in finds:
        there = count(text)
        for word, times in there.items():
            often[word] = often.get(word, 0.0) + value * times / there.total()
    new = nlargest(_CANDIDATES, ((value, word) for word, value in often.items() if word not in asked))
    taken = nlargest(WORDS, ((value * rarity(word), word) for value, word in new))
    top = max((value for value, _ in taken), default=0.0)
    return {word: SHARE * value / top for value, word in taken if value > 0}
