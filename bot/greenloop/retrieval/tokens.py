"""Words of code and of prose, as both are searched: identifiers whole and in their parts, without endings."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

_WORD = re.compile(r"[^\W\d]\w*")
_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")
_LONGEST = 60  # characters; what is longer is data
# English words, Python's keywords and the small talk of requests: they say nothing about a place in the code.
STOP = frozenset(
    """a an and any are as at be been but by can cannot could did do does doesn don each for from get had has have
    he her here how if in instead into is isn it its just may more most must my need no nor not now of off on only
    or other our out over own please same shall she should so some such than that the their them then there these
    they this those through to too under until up use used uses using via want was we were what when where which
    while who why will with without would you your also about after again all because before between both during
    few further once very assert async await break class continue def del elif else except finally global import
    lambda nonlocal none pass raise return self true false try yield cls print str int fix fixes fixed fixing bug
    issue close closes closed ref refs see add added adds make makes made change changed allow e g i etc note""".split()  # noqa: SIM905 - a list of 170 strings is not to be read
)


@lru_cache(maxsize=1 << 17)
def terms(identifier: str) -> tuple[str, ...]:
    """What one word of a text is found by: `maxRetries` and `max_retries` by `max` and `retry`, and whole."""
    if len(identifier) > _LONGEST:
        return ()
    parts = _PART.findall(identifier) if identifier.isascii() else [part for part in identifier.split("_") if part]
    found = [stem(part.lower()) for part in parts if len(part) > 1 and part.lower() not in STOP]
    if len(parts) > 1 or (len(parts) == 1 and len(parts[0]) != len(identifier.strip("_"))):
        found.append(whole(identifier))
    return tuple(found)


def whole(identifier: str) -> str:
    return identifier.strip("_").lower()


def count(text: str) -> Counter[str]:
    """How often each term stands in a text."""
    return total(Counter(_WORD.findall(text)).items())


def total(words: Iterable[tuple[str, int]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for word, times in words:
        for term in terms(word):
            found[term] += times
    return found


def identifiers(text: str) -> list[str]:
    return _WORD.findall(text)


def stem(word: str) -> str:
    """A light stemmer: plural, -ing, -ed and a last e. Anything stronger joins words that code keeps apart."""
    if len(word) < 4 or not word.isascii():
        return word
    if word.endswith("ies") and len(word) > 4:
        word = word[:-3] + "y"
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "sl":
                word = word[:-1]
            break
    return word[:-1] if len(word) > 3 and word.endswith("e") else word
