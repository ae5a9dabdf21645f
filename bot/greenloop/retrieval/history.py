"""What the past says: commits with a message like the request, and the files that they changed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from greenloop.retrieval.lexical import K1, B, rarity
from greenloop.retrieval.tokens import count

SIMILAR = 40  # past commits that are asked; the next ones share a common word or two
SWEEPING = 15  # files; a commit that changes more says nothing about any of them
COMMITS = 2500  # how far back; older code has mostly moved


@dataclass(frozen=True, slots=True)
class Past:
    """A commit before the one that is searched: its message in words, and the paths it changed."""

    words: Counter[str]
    paths: tuple[str, ...]


def past(message: str, paths: Iterable[str]) -> Past:
    kept = "\n".join(line for line in message.splitlines() if not _trailer(line))
    return Past(count(kept), tuple(paths))


def _trailer(line: str) -> bool:
    key, colon, _ = line.partition(": ")
    return bool(colon) and "-" in key and " " not in key


def similar(words: Mapping[str, float], commits: Sequence[Past]) -> list[tuple[float, Past]]:
    """The past commits whose messages are most like the query, by BM25."""
    usable = [commit for commit in commits if 0 < len(commit.paths) <= SWEEPING]
    seen = Counter(word for commit in usable for word in commit.words.keys() & words.keys())
    average = sum(commit.words.total() for commit in usable) / max(len(usable), 1) or 1.0
    scored = []
    for commit in usable:
        norm = K1 * (1 - B + B * commit.words.total() / average)
        shared = commit.words.keys() & words.keys()
        value = sum(
            words[w] * rarity(seen[w], len(usable)) * commit.words[w] * (K1 + 1) / (commit.words[w] + norm)
            for w in shared
        )
        if value > 0:
            scored.append((value, commit))
    return sorted(scored, key=lambda pair: -pair[0])[:SIMILAR]


def votes(found: Iterable[tuple[float, Past]], files: Mapping[str, int]) -> dict[int, float]:
    """What each file gets from them: a commit's likeness, shared among the files that it changed."""
    given: Counter[int] = Counter()
    for value, commit in found:
        numbers = [files[path] for path in commit.paths if path in files]
        for number in numbers:
            given[number] += value / math.sqrt(len(numbers))  # type: ignore[assignment]
    return dict(given)


def together(commits: Iterable[Past], files: Mapping[str, int], chosen: Iterable[int]) -> dict[int, float]:
    """Files that changed in the same commits as the chosen ones, by the share of the chosen one's commits."""
    wanted, times, pairs = set(chosen), Counter[int](), Counter[tuple[int, int]]()
    for commit in commits:
        if 1 < len(commit.paths) <= SWEEPING:
            numbers = {files[path] for path in commit.paths if path in files}
            for one in numbers & wanted:
                times[one] += 1
                pairs.update((one, other) for other in numbers - wanted)
    found: dict[int, float] = {}
    for (one, other), both in pairs.items():
        if both > 1:  # once is chance
            found[other] = max(found.get(other, 0.0), both / times[one])
    return found
