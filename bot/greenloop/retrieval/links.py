"""Which source file a test is about, by its name: `tests/core/test_parser.py` is about a `parser.py`."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from greenloop.retrieval import kinds

_AFFIX = re.compile(r"^(?:tests?_|spec_)|(?:_tests?|[._-]spec|[.-]tests?|Tests?|_spec)$")


def subject(path: str) -> str:
    """The name that a source file and its tests share."""
    stem = path.rpartition("/")[2].partition(".")[0] or path.rpartition("/")[2]
    return _AFFIX.sub("", stem).strip("_").lower()


class Links:
    """Tests and the sources that they are named after, by their place in the corpus."""

    def __init__(self, paths: Sequence[str], kind: Sequence[str]) -> None:
        self._sources: dict[str, list[int]] = defaultdict(list)
        self._tests: dict[str, list[int]] = defaultdict(list)
        for number, (path, what) in enumerate(zip(paths, kind, strict=True)):
            if what == kinds.SOURCE:
                self._sources[subject(path)].append(number)
            elif what == kinds.TEST:
                self._tests[subject(path)].append(number)
        self._paths = paths

    def votes(self, best: Mapping[int, float]) -> dict[int, float]:
        """What source files get from the tests named after them; a name that several share is worth less to each."""
        given: dict[int, float] = {}
        for name, tests in self._tests.items():
            value = max((best.get(test, 0.0) for test in tests), default=0.0)
            sources = self._sources.get(name, ())
            for source in sources if value else ():
                given[source] = max(given.get(source, 0.0), value / len(sources) ** 0.5)
        return given

    def tests_of(self, source: int) -> list[int]:
        return self._tests.get(subject(self._paths[source]), [])
