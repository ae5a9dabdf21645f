"""The index: one SQLite file of postings and chunks, keyed by the content of files, so that nothing is read twice.

It is a cache and never believed: a file that is not ours, is damaged or of another format is made anew; where it
cannot be written, an index in memory does the same for one run. It holds words and line numbers, no text: what is
quoted is read from the repository, so that a forged index can misorder, not put words into a prompt.
"""

from __future__ import annotations

import json
import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from operator import itemgetter
from pathlib import Path
from typing import Self

from greenloop.retrieval.chunks import Chunk
from greenloop.retrieval.schema import connect

_SEGMENTS = 32  # parts that a term's postings may lie in; more are joined: 60 MB of source are filled in without that
_UNPACKED = 256 * 1024**2  # bytes that the chunks of one file may be: no file that is indexed comes near
_OF_TERM = "FROM posting WHERE segment IN (SELECT id FROM segment) AND term = ?"


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file as it goes into the index: chunks, and for each the words of its body and of its name."""

    key: str
    chunks: tuple[Chunk, ...]
    bodies: tuple[Mapping[str, int], ...]
    names: tuple[Mapping[str, int], ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A file in the index: its chunks have the numbers from `first` on; `lengths` are words, of body and of name."""

    id: int
    first: int
    bodies: array[int]
    names: array[int]


@dataclass(frozen=True, slots=True)
class Postings:
    """Where a term stands: numbers of chunks, and how often in the body and in the name of each."""

    ids: array[int]
    body: bytes
    name: bytes


class Store:
    """Safe for several processes at once; one thread of each."""

    def __init__(self, path: Path | None, mark: str = "") -> None:
        self.path = path
        self._db = connect(path, mark)

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """One state of the index for all that is read inside."""
        self._db.execute("BEGIN")
        try:
            yield
        finally:
            self._db.rollback()

    def keys(self) -> set[str]:
        return {key for (key,) in self._db.execute("SELECT key FROM file")}

    def rows(self) -> dict[str, Row]:
        """Raises `ValueError` where the numbers of chunks do not follow each other: arrays are made by the highest."""
        found, end = {}, 0
        for number, key, first, data in self._db.execute("SELECT id, key, first, lengths FROM file ORDER BY id"):
            lengths = array("H")
            lengths.frombytes(data)
            half = len(lengths) // 2
            if first != end:
                raise ValueError(f"chunk {end} has the number {first}")
            end += half
            found[key] = Row(number, first, lengths[:half], lengths[half:])
        return found

    def chunks(self, row: int) -> list[Chunk]:
        (data,) = self._db.execute("SELECT chunks FROM file WHERE id = ?", (row,)).fetchone()
        unpacked = zlib.decompressobj()
        text = unpacked.decompress(data, _UNPACKED)
        if not unpacked.eof:
            raise ValueError("a file has more chunks than one can have, or they are cut")
        return [Chunk(**{**about, "bases": tuple(about["bases"])}) for about in json.loads(text)]

    def postings(self, term: str) -> list[Postings]:
        found = []
        for ids, body, name in self._db.execute(f"SELECT ids, body, name {_OF_TERM}", (term,)):
            numbers = array("I")
            numbers.frombytes(ids)
            found.append(Postings(numbers, body, name))
        return found

    def held(self, term: str) -> int:
        """How many chunks hold a term, also of trees that are gone."""
        return int(self._db.execute(f"SELECT coalesce(sum(length(ids)), 0) / 4 {_OF_TERM}", (term,)).fetchone()[0])

    def vector_ids(self, model: str) -> set[str]:
        return {id_ for (id_,) in self._db.execute("SELECT chunk FROM vector WHERE model = ?", (model,))}

    def vectors(self, model: str) -> Iterator[tuple[str, bytes]]:
        yield from self._db.execute("SELECT chunk, data FROM vector WHERE model = ?", (model,))

    def clear(self) -> None:
        """Forget all files, but not the vectors, which cost money."""
        with self._writing():
            for table in ("file", "posting", "segment"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - the names above
        self._db.execute("VACUUM")

    def add_vectors(self, model: str, vectors: Mapping[str, bytes]) -> None:
        with self._writing():
            rows = ((model, id_, data) for id_, data in vectors.items())
            self._db.executemany("INSERT OR REPLACE INTO vector VALUES (?, ?, ?)", rows)

    # Writing ---------------------------------------------------------------------------------------------------------

    def add(self, files: Sequence[Parsed]) -> None:
        """All of them, or after an interruption none; what another process has added meanwhile is left as it is."""
        with self._writing():
            new = [file for file in {f.key: f for f in files}.values() if not self._has(file.key)]
            first = self._first()
            gathered: dict[str, tuple[array[int], bytearray, bytearray]] = {}
            for file in new:
                self._add_file(file, first)
                _gather(gathered, file, first)
                first += len(file.chunks)
            self._add_segment((term, ids.tobytes(), body, name) for term, (ids, body, name) in gathered.items())
            self._join()

    def _has(self, key: str) -> bool:
        return self._db.execute("SELECT 1 FROM file WHERE key = ?", (key,)).fetchone() is not None

    def _first(self) -> int:
        """The number behind all that are given: behind those of the last file."""
        last = self._db.execute("SELECT first + length(lengths) / 4 FROM file ORDER BY id DESC LIMIT 1").fetchone()
        return int(last[0]) if last else 0

    def _add_file(self, file: Parsed, first: int) -> None:
        sums = [sum(words.values()) for words in (*file.bodies, *file.names)]
        lengths = array("H", [min(n, 65535) for n in sums])
        about = json.dumps([asdict(chunk) for chunk in file.chunks], separators=(",", ":")).encode()
        row = (file.key, first, lengths.tobytes(), zlib.compress(about, 1))
        self._db.execute("INSERT INTO file (key, first, lengths, chunks) VALUES (?, ?, ?, ?)", row)

    def _add_segment(self, postings: Iterable[tuple[str, bytes, bytes | bytearray, bytes | bytearray]]) -> None:
        """In the order of the table, so that each row is put behind the last one: no page is looked for or split."""
        (segment,) = self._db.execute("SELECT coalesce(max(id), 0) + 1 FROM segment").fetchone()
        total = 0

        def rows() -> Iterator[tuple[int, str, bytes, bytes | bytearray, bytes | bytearray]]:
            nonlocal total
            for term, ids, body, name in sorted(postings, key=itemgetter(0)):
                total += len(body)
                yield segment, term, ids, body, name

        self._db.executemany("INSERT INTO posting VALUES (?, ?, ?, ?, ?)", rows())
        self._db.execute("INSERT INTO segment VALUES (?, ?)", (segment, total))

    def _join(self) -> None:
        """Put the smallest segments together when there are too many, so that a term is read from a few places."""
        if self._db.execute("SELECT count(*) FROM segment").fetchone()[0] <= _SEGMENTS:
            return
        segments = self._db.execute("SELECT id FROM segment ORDER BY postings").fetchall()
        small = [number for (number,) in segments[: -_SEGMENTS // 2]]
        marks = ",".join("?" * len(small))
        found: dict[str, list[bytes]] = {}
        query = f"SELECT term, ids, body, name FROM posting WHERE segment IN ({marks})"  # noqa: S608 - marks alone
        for term, *parts in self._db.execute(query, small):
            before = found.get(term)
            found[term] = parts if before is None else [a + b for a, b in zip(before, parts, strict=True)]
        for table, column in (("posting", "segment"), ("segment", "id")):
            self._db.execute(f"DELETE FROM {table} WHERE {column} IN ({marks})", small)  # noqa: S608 - as above
        self._add_segment((term, ids, body, name) for term, (ids, body, name) in found.items())

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.rollback()
            raise
        self._db.commit()


def _gather(gathered: dict[str, tuple[array[int], bytearray, bytearray]], file: Parsed, first: int) -> None:
    for number, (body, name) in enumerate(zip(file.bodies, file.names, strict=True), first):
        for term in body.keys() | name.keys():
            entry = gathered.get(term)
            if entry is None:
                entry = gathered[term] = (array("I"), bytearray(), bytearray())
            entry[0].append(number)
            entry[1].append(min(body.get(term, 0), 255))
            entry[2].append(min(name.get(term, 0), 255))
