"""Which files and tests a text names, as words. Reads no language: a word is a path, a test id, a dotted module, or a
name that can only be a test's. Common words ("test", "tests") name nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import lru_cache

_WORD = re.compile(r"[\w./:\[\]+-]+")
_COMMON = frozenset({"test", "tests", "testing", "tested", "tester", "testable", "testcase"})


@lru_cache(maxsize=64)
def words(text: str) -> frozenset[str]:
    return frozenset(filter(None, map(_trimmed, _WORD.findall(text))))


def _trimmed(word: str) -> str:
    """Without the punctuation of the sentence, or of the Markdown link, that it stands in."""
    word = word.lstrip("[:-+").rstrip(".:-+")
    if word.count("]") > word.count("["):
        word = word.rstrip("]").rstrip(".")
    return word.removeprefix("./")


def names_file(text: str, path: str, *, known: Collection[str] = (), node_ids: bool = True) -> bool:
    """Whether a text names a path: in full, by its end, or by its base name. A folder above it does not count.

    A word that is itself one of the `known` paths names that one only.
    """
    found = words(text)
    if node_ids:
        found = found | {w.split("::", 1)[0] for w in found if "::" in w}
    return any(w == path or w not in known for w in _ends(path) if w in found)


def _ends(path: str) -> Iterator[str]:
    parts = path.split("/")
    return ("/".join(parts[n:]) for n in range(len(parts)))


def names_test(text: str, test_id: str, path: str, *, known: Collection[str] = (), bare: bool = True) -> bool:
    """Whether a text names a test: its id, its file, its dotted name or, with `bare`, its function or class alone."""
    file = path or test_id.split("::", 1)[0]
    if names_file(text, file, known=known, node_ids=False):
        return True
    head, bracket, rest = test_id.partition("[")
    inner = head.split("::")[1:] or [head]
    exact = [*inner[:-1], *(name + bracket + rest for name in inner[-1:])]
    found = words(text)
    if any(_is_node(w, file, inner, known) or _is_node(w, file, exact, known) for w in found if "::" in w):
        return True
    if any(_is_dotted(w, file, inner, bare=bare) for w in found if "/" not in w and ":" not in w):
        return True
    if bare and " " in test_id and test_id in text:
        return True
    return bare and any(name in found for name in {*inner, *exact} if is_distinct(name.partition("[")[0]))


def is_distinct(name: str) -> bool:
    """Whether a name can only be a test's: `test_retry`, `TestRetry`; not "test" or "tests"."""
    return name.lower() not in _COMMON and (name.lower().startswith("test") or name.endswith("_test"))


def _is_node(word: str, file: str, inner: list[str], known: Collection[str]) -> bool:
    """`tests/test_a.py::TestA` and everything below it."""
    place, *names = word.split("::")
    fits = place == file or (place not in known and place in _ends(file))
    return fits and inner[: len(names)] == names


def _is_dotted(word: str, file: str, inner: list[str], *, bare: bool) -> bool:
    """`tests.test_a.TestA`, and with `bare` the module's name alone, `test_a`."""
    parts = word.split(".")
    if len(parts) == 1 and not (bare and is_distinct(word)):
        return False
    stem = file.removesuffix(".py")
    return file.endswith(".py") and any(
        inner[: len(parts) - n] == parts[n:] and "/".join(parts[:n]) in _ends(stem) for n in range(len(parts), 0, -1)
    )
