"""Places in the repository that the words of a foreign runner name (`at f (file:///…/a.js:3:9)`, `src/lib.rs:11:9`), as
frames with the text around them; and those words without the stack, most of which is the runner's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from greenloop.checks import cases, files, text
from greenloop.domain import Frame
from greenloop.verdict.protected_names import is_test

_MOST = 3  # frames of one test: its own, and where it ended
_LOOKED = 20  # places of one message that are looked up
_ABOVE = 200  # lines above a place in which its function is looked for
_WIDE = 200  # characters of a line in which a function's name is looked for
_FILES = 2_000  # of a folder that are searched for a function, and as many bytes of each as a person writes
_LARGEST = 300_000
_STEP = re.compile(r"\s+at (?:async |new )?\S|\t\S+\.go:\d+ \+0x")  # of JavaScript, Java, C#; of Go
_STACK = re.compile(r"^\s+at (?:async |new )?\S.*\n?|^\S.*\)\n\t\S+\.go:\d+.*\n?", re.MULTILINE)
_CALLED = re.compile(r"^\s+at (?:async )?(?P<name>[^\s(]+) \(")
_PLACE = re.compile(r"(?<![\w@+./-])(?:file://)?(?P<path>[\w@+./-]+\.[A-Za-z]\w{0,4}):(?P<line>\d{1,7})\b")
_HINT = re.compile(r"^note: run with `RUST_BACKTRACE=.*$\n?", re.MULTILINE)
_RUST = re.compile(r"\s*(?:pub )?(?:async )?fn (\w+)")
_DEFINED = re.compile(r"\b(?:fn|func|function|fun|def)\s+(?:\([^)]*\)\s*)?(\w+)")


class Traces:
    """Of one run in one folder; each file is read once."""

    def __init__(self, folder: Path, directory: str) -> None:
        self._root = folder.resolve().as_posix()
        self._directory = directory
        self._source = cases.Source(folder)
        self._folder = folder
        self._read: dict[str, list[str]] = {}
        self._rust: dict[str, list[tuple[str, int]]] | None = None

    def told(self, said: str, frames: tuple[Frame, ...]) -> str:
        """What a runner says, without what differs from run to run, and without the stack where `frames` tell it."""
        flat = text.steady(said.replace(f"file://{self._root}", self._root), self._root)
        return _HINT.sub("", _STACK.sub("", flat) if frames else flat)

    def frames(self, said: str, *, within: str = "") -> tuple[Frame, ...]:
        """Those that lie in the repository, the innermost last. `within` is the folder that the runner names files in,
        where that is not where it was started."""
        lines = said.split("\n")
        stack = [line for line in lines if _STEP.match(line)]
        found = list(dict.fromkeys(islice(self._places(stack or lines, within), _LOOKED)))
        ordered = found[::-1] if stack else found
        own = [n for n, (path, _, _) in enumerate(ordered) if is_test(path)]
        begun = ordered[own[-1] :] if own else ordered
        kept = begun if len(begun) <= _MOST else [begun[0], *begun[1 - _MOST :]]
        return self._source.frames([list(place) for place in kept])

    def first(self, said: str) -> str:
        """The path of the first place in the repository."""
        return next((path for path, _, _ in self._places(said.split("\n")[:_LOOKED], "")), "")

    def defined(self, name: str) -> tuple[Frame, ...]:
        """The one function of Rust that has this name: where a test of its name begins."""
        if self._rust is None:
            self._rust = self._functions()
        places = self._rust.get(name, [])
        return self._source.frames([[*places[0], name]]) if len(places) == 1 else ()

    def _places(self, lines: list[str], within: str) -> Iterator[tuple[str, int, str]]:
        for line in lines:
            called = _CALLED.match(line)
            for place in _PLACE.finditer(line):
                path, number = self._inside(place["path"], within), int(place["line"])
                if path:
                    yield path, number, called["name"] if called else self._around(path, number)

    def _inside(self, given: str, within: str) -> str:
        """The path in the repository of a file that is there; nothing for all others."""
        if given.startswith("/"):
            path = given[len(self._root) + 1 :] if given.startswith(f"{self._root}/") else ""
        else:
            path = "/".join(part for part in (within or self._directory, given.removeprefix("./")) if part)
        aside = {"..", "node_modules", "target"} & set(path.split("/"))
        return path if path and not aside and self._lines(path) else ""

    def _around(self, path: str, line: int) -> str:
        """The name of the function that a line stands in, as far as it can be told without a grammar."""
        above = reversed(self._lines(path)[max(0, line - _ABOVE) : line])
        return next((found[1] for text in above if (found := _DEFINED.search(text[:_WIDE]))), "")

    def _lines(self, path: str) -> list[str]:
        if path not in self._read:
            data = files.read(self._folder, path, limit=_LARGEST) or b""
            self._read[path] = data.decode("utf-8", "replace").splitlines()
        return self._read[path]

    def _functions(self) -> dict[str, list[tuple[str, int]]]:
        found: dict[str, list[tuple[str, int]]] = {}
        root = Path(self._root, self._directory)
        for path in islice((p for folder in ("src", "tests") for p in (root / folder).rglob("*.rs")), _FILES):
            inside = path.relative_to(self._root).as_posix()
            for number, line in enumerate(self._lines(inside), 1):
                if name := _RUST.match(line):
                    found.setdefault(name[1], []).append((inside, number))
        return found
