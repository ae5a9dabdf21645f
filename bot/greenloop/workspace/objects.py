"""Git's objects: files and folders by id, read and stored. Knows nothing of paths or rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from types import MappingProxyType
from typing import IO

from greenloop.errors import UsageError
from greenloop.workspace.dialogue import Dialogue, line
from greenloop.workspace.plumbing import Plumbing
from greenloop.workspace.trouble import on_disk

_AT_ONCE = 256  # ids asked for before the answers are read; they have to fit into a pipe (64 KiB)
_KINDS = {"40000": "tree", "160000": "commit"}

Named = tuple[bytes, str, str]  # name, mode, id


@dataclass(frozen=True, slots=True)
class Stored:
    id: str
    kind: str  # "blob" | "tree" | "commit" | "tag"
    data: bytes


class Objects:
    def __init__(self, plumbing: Plumbing) -> None:
        self._plumbing = plumbing
        self._reader = Dialogue(plumbing, "cat-file", "--batch")
        self._blobs = Dialogue(plumbing, "hash-object", "-w", "--no-filters", "--stdin-paths")
        self._trees = Dialogue(plumbing, "mktree", "-z", "--missing", "--batch")
        self._numbers = count()
        self.folder = lru_cache(4096)(self._folder)

    def find(self, name: str) -> Stored | None:
        """What a revision or an id names; None when there is no such thing, or more than one."""
        asked = name.encode("utf-8", "surrogateescape")
        if not asked or b"\n" in asked or b"\0" in asked:
            return None
        with self._reader.turn() as (ask, answers):
            ask.write(asked + b"\n")
            ask.flush()
            return _answer(answers)

    def read(self, name: str) -> bytes:
        """The bytes of an object that a tree or a commit names."""
        found = self.find(name)
        if found is None:
            raise _missing(name)
        return found.data

    def read_all(self, ids: Sequence[str]) -> Iterator[bytes]:
        """The bytes of many objects, in order, at the speed of one stream."""
        for start in range(0, len(ids), _AT_ONCE):
            some = ids[start : start + _AT_ONCE]
            with self._reader.turn() as (ask, answers):
                ask.write("".join(f"{i}\n" for i in some).encode())
                ask.flush()
                found = [_answer(answers) for _ in some]
            for name, stored in zip(some, found, strict=True):
                if stored is None:
                    raise _missing(name)
                yield stored.data

    def _folder(self, tree: str) -> Mapping[bytes, tuple[str, str]]:
        """Name → (mode, id) of one folder."""
        found = self.find(tree)
        if found is None or found.kind != "tree":
            raise _missing(tree)
        return MappingProxyType({name: (mode, oid) for name, mode, oid in _parse(found.data, len(tree) // 2)})

    def store(self, data: bytes) -> str:
        """The id of a file with these bytes, just as they are."""
        path = self._plumbing.scratch / f"blob-{next(self._numbers)}"
        with on_disk("write a temporary file", path):
            path.write_bytes(data)
        with self._blobs.turn() as (ask, answers):
            ask.write(f"{path}\n".encode())
            ask.flush()
            oid = line(answers).decode()
        path.unlink()
        return oid

    def store_folder(self, entries: Sequence[Named]) -> str:
        records = [f"{mode} {_KINDS.get(mode, 'blob')} {oid}\t".encode() + name + b"\0" for name, mode, oid in entries]
        with self._trees.turn() as (ask, answers):
            ask.write(b"".join(records) + b"\0")
            ask.flush()
            return line(answers).decode()

    def close(self) -> None:
        for dialogue in (self._reader, self._blobs, self._trees):
            dialogue.close()


def _answer(answers: IO[bytes]) -> Stored | None:
    words = line(answers).split(b" ")
    if len(words) != 3 or not words[2].isdigit():
        return None  # "… missing", "… ambiguous"
    size = int(words[2])
    data = answers.read(size + 1)
    if len(data) != size + 1:
        raise EOFError
    return Stored(words[0].decode(), words[1].decode(), data[:-1])


def _parse(data: bytes, width: int) -> Iterator[Named]:
    """A tree object is `mode SP name NUL id`, again and again, the id in binary."""
    at = 0
    while at < len(data):
        end = data.index(b"\0", at)
        mode, _, name = data[at:end].partition(b" ")
        at = end + 1 + width
        yield name, mode.decode().lstrip("0"), data[end + 1 : at].hex()


def _missing(name: str) -> UsageError:
    return UsageError(
        f"The repository lacks the object {name}. It is damaged (git fsck) or a partial clone (git fetch --refetch)."
    )
