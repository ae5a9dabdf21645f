"""The repository as it would be after the edits so far: texts in memory, nothing written."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from greenloop.domain import Fault
from greenloop.edits.paths import Resolved, hostile, resolve, suggestions

Read = Callable[[str], bytes | None]


@dataclass(frozen=True, slots=True)
class Problem:
    kind: Fault
    message: str


class Draft:
    """Files are read once, when an edit first needs them. `form` is the one that was asked for."""

    def __init__(self, read: Read, paths: Collection[str], expected: Collection[str], form: str = "any") -> None:
        self.known = set(paths)
        self.expected = tuple(expected)
        self.form = form
        self._tree = frozenset(self.known)
        self._read = read
        self._texts: dict[str, str] = {}
        self._source: dict[str, str] = {}  # where the text of a moved file is in the tree

    def text(self, path: str) -> str | Problem:
        """The current text of a file that exists."""
        if path not in self._texts:
            found = self.original(path)
            if isinstance(found, Problem):
                return found
            self._texts[path] = found
        return self._texts[path]

    def original(self, path: str) -> str | Problem:
        """The text before any edit; nothing for a file that the tree does not have."""
        path = self._source.get(path, path)
        raw = self._read(path) if path in self._tree else b""
        if raw is None:
            return Problem("forbidden path", f"{path} cannot be read here, so it cannot be changed.")
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            text = "\0"
        if "\0" in text:
            return Problem("malformed", f"{path} is not a UTF-8 text file, so it cannot be edited here.")
        return text

    def set(self, path: str, text: str) -> None:
        self.known.add(path)
        self._texts[path] = text

    def drop(self, path: str) -> None:
        self.known.discard(path)
        self._texts.pop(path, None)

    def move(self, path: str, to: str) -> None:
        text = self._texts.pop(path, None)
        self.known.discard(path)
        self.known.add(to)
        if text is not None:
            self._texts[to] = text
        self._source[to] = self._source.get(path, path)

    def find(self, claim: str, *, close: bool = True) -> Resolved | None:
        return resolve(claim, self.known, self.expected, close=close)

    def missing(self, claim: str) -> Problem:
        """What to say of a path that is none of the repository's."""
        if hostile(claim):
            slashed = claim.replace("\\", "/")
            hint = f" Write it with slashes: {slashed}" if slashed in self.known else ""
            return Problem("forbidden path", f"{claim!r} is not a path inside the repository.{hint}")
        near = suggestions(claim, self.known)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        return Problem("no match", f"There is no file {claim}.{hint}")
