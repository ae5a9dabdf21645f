"""The files of one tree beside what the index knows of them."""

from __future__ import annotations

import gc
import sys
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from greenloop.retrieval import chunks, kinds, languages
from greenloop.retrieval.store import Parsed, Row, Store
from greenloop.retrieval.tokens import count
from greenloop.source import grammars

_PYTHON = (".py", ".pyi", ".pyw")
_BATCH = 2_000_000  # characters that go into the index at once: what an interruption can lose
_STALE, _SPARE = 3, 200  # files in the index, by those of the tree, before it is made anew to stay small


@dataclass(frozen=True, slots=True)
class File:
    """A file of a tree. `blob` names its content: git's id, or any other hash."""

    path: str
    blob: str
    size: int | None = None


Read = Callable[[str], str | None]  # the text of a path, or None: gone, hidden, a secret, no text


@dataclass(frozen=True, slots=True)
class Corpus:
    """What can be searched in one tree: files, and arrays by the number of a chunk."""

    store: Store
    files: tuple[File, ...]
    rows: tuple[Row, ...]
    kinds: tuple[str, ...]
    owner: array[int]  # of a chunk: the file, by its place in `files`; -1 when it belongs to another tree
    bodies: array[int]  # words in the body of a chunk
    names: array[int]  # words in its name
    paths: tuple[Counter[str], ...] = field(default=())  # words of each path
    seen: dict[int, Sequence[chunks.Chunk]] = field(default_factory=dict)  # chunks that were read already

    def chunks(self, row: Row) -> Sequence[chunks.Chunk]:
        """The chunks of a file, read when they are first asked for."""
        found = self.seen.get(row.id)
        if found is None:
            found = self.seen[row.id] = self.store.chunks(row.id)
        return found


def language(path: str) -> str:
    """What decides how a file is cut; part of its key, so that another parser does not meet this one's chunks."""
    if path.endswith(_PYTHON):
        return f"python{sys.version_info.major}.{sys.version_info.minor}"
    return grammars.grammar(path) or "text"


def key(file: File) -> str:
    return f"{file.blob}:{language(file.path)}"


def parse(file: File, text: str) -> Parsed:
    """Without collections: a syntax tree has no cycles, and each collection walks all that is alive. They were two
    fifths of parsing, and more in a larger index."""
    with _uncollected():
        return _parse(file, text)


@contextmanager
def _uncollected() -> Iterator[None]:
    wanted = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if wanted:
            gc.enable()


def _parse(file: File, text: str) -> Parsed:
    found = chunks.python(text) if file.path.endswith(_PYTHON) else languages.chunks(file.path, text)
    if found is None:
        found = chunks.windows(text)
    lines = chunks.lines_of(text)
    bodies = tuple(count("\n".join(lines[c.start - 1 : c.end])) for c in found)
    return Parsed(key(file), tuple(found), bodies, tuple(count(c.name) for c in found))


def searchable(files: Iterable[File], away: Callable[[str], bool] = lambda _path: False) -> tuple[File, ...]:
    """The files that are worth a search, each content once."""
    found: dict[str, File] = {}
    for file in sorted(files, key=lambda f: f.path):
        if not kinds.left_out(file.path, file.size) and not away(file.path):
            found.setdefault(key(file), file)
    return tuple(found.values())


def update(store: Store, files: Sequence[File], read: Read, progress: Callable[[int, int], None]) -> int:
    """Index what is not in the index yet; returns how many files that were. `progress` is told (done, of)."""
    known = store.keys()
    if len(known) > _STALE * len(files) + _SPARE:  # most of it is of trees long gone
        store.clear()
        known = set()
    missing = [file for file in files if key(file) not in known]
    for done, batch in _batches(missing, read):
        store.add(batch)
        progress(done, len(missing))
    return len(missing)


def _batches(files: Sequence[File], read: Read) -> Iterator[tuple[int, list[Parsed]]]:
    batch: list[Parsed] = []
    size = 0
    for done, file in enumerate(files, 1):
        text = read(file.path)
        if text is None or kinds.is_data(text.encode("utf-8", "replace")):
            text = ""
        batch.append(parse(file, text))
        size += len(text)
        if size > _BATCH:
            yield done, batch
            batch, size = [], 0
    if batch:
        yield len(files), batch


def corpus(store: Store, files: Sequence[File]) -> Corpus:
    """Everything is in the index already (`update`)."""
    known = store.rows()
    rows = tuple(known[key(file)] for file in files)
    top = max((row.first + len(row.bodies) for row in rows), default=0)
    owner, bodies, names = (array("i", [blank]) * top for blank in (-1, 0, 0))
    for number, row in enumerate(rows):
        end = row.first + len(row.bodies)
        owner[row.first : end] = array("i", [number]) * len(row.bodies)
        bodies[row.first : end] = array("i", row.bodies)
        names[row.first : end] = array("i", row.names)
    words = tuple(count(file.path.rpartition(".")[0] or file.path) for file in files)
    return Corpus(store, tuple(files), rows, tuple(kinds.kind(f.path) for f in files), owner, bodies, names, words)
