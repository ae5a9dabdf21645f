"""Sources of knowledge: designs, conventions and snippets, from the repository itself, from other repositories or from
folders of the machine.

The settings of a repository come from whoever can write to it, so of the machine they name nothing. A folder of it, and
in a terminal the address of another repository as well, is read only when the user names it; links are not followed,
and what must never be sent stays where it is. The token of a job goes to the server that it is for and to no other.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha1
from itertools import islice
from pathlib import Path

from greenloop import elsewhere
from greenloop.elsewhere import Address
from greenloop.engine.context import Source
from greenloop.engine.outside import AtHand, Outside
from greenloop.errors import GreenloopError
from greenloop.hygiene.sendable import hidden, sendable
from greenloop.ports import Entry
from greenloop.retrieval import kinds
from greenloop.retrieval.corpus import File, Read
from greenloop.settings import Settings
from greenloop.workspace import Borrowed, at_hand, borrow, ignored

NOT_FETCHED = (
    "{address}: named by the settings of the repository, and not read from this machine unless you name it: "
    "--knowledge {address}"
)
NOTHING = "`knowledge`: nothing can be read at {name}."
TOO_MANY = "{name}: only the first {most} files are searched."
_MOST = 20_000  # files of one folder: more is no collection of designs but a disk


@dataclass(frozen=True, slots=True)
class Shelf:
    """One source. `name` is shown to people and to the model, `place` tells it from all others of the machine."""

    name: str
    place: str
    files: tuple[File, ...]
    read: Read
    close: Callable[[], None] = lambda: None


def shelves(source: Source, beyond: Outside, kept: Path | None, say: Callable[[str], None]) -> Iterator[Shelf | str]:
    """What the settings name, then what the user names; a text where something is not read, and why. Packs of other
    repositories are kept below `kept`. Raises `GreenloopError` for what the user has named."""
    for name in source.settings.knowledge:
        if not elsewhere.is_address(name):
            yield _told(_own(source, name), say)
            continue
        address = elsewhere.parse(name)
        if beyond.server:
            try:
                yield _told(_borrowed(address, beyond, source.settings, kept, say), say)
            except GreenloopError as error:
                yield str(error)
        elif address not in beyond.named:
            yield NOT_FETCHED.format(address=address)
    for named in beyond.named:
        yield _told(_outside(named, beyond, source.settings, kept, say), say)


def _told(shelf: Shelf, say: Callable[[str], None]) -> Shelf:
    if all(file.path.endswith(kinds.MARKS) for file in shelf.files):
        say(NOTHING.format(name=shelf.name.removesuffix(":")))
    return shelf


def _own(source: Source, name: str) -> Shelf:
    files = (
        File(e.path, e.id, e.size)
        for e in source.entries()
        if e.path == kinds.MARKS or name in {".", e.path} or e.path.startswith(f"{name}/")
    )
    return Shelf(name, f"tree {name}", tuple(files), source.text)


def _outside(
    named: Path | AtHand | Address, beyond: Outside, settings: Settings, kept: Path | None, say: Callable[[str], None]
) -> Shelf:
    if isinstance(named, Address):
        return _borrowed(named, beyond, settings, kept, say)
    if isinstance(named, AtHand):
        return _commit(
            at_hand(named.root, named.ref), named.root.name, f"git {named.root}", named.folder, settings, say
        )
    folder = _Folder(named, settings)
    return Shelf(named.name, f"folder {named}", tuple(folder.files(say)), folder.text)


def _borrowed(
    address: Address, beyond: Outside, settings: Settings, kept: Path | None, say: Callable[[str], None]
) -> Shelf:
    say(f"Reading {address}")
    found = borrow(beyond.remote(address), address.ref, kept=kept)
    return _commit(found, address.name, f"at {address.url}", address.folder, settings, say)


def _commit(
    found: Borrowed, name: str, place: str, folder: str, settings: Settings, say: Callable[[str], None]
) -> Shelf:
    """A commit as a shelf; a pattern may begin at the repository or in it."""
    short = name.rpartition("/")[2]

    def wanted(entry: Entry) -> bool:
        inside = entry.path in {folder, kinds.MARKS} or entry.path.startswith(f"{folder}/" if folder else "")
        away = hidden(entry.path, settings) or hidden(f"{short}/{entry.path}", settings)
        return inside and not away and entry.path.isprintable() and (entry.size or 0) <= kinds.LARGEST

    there = {entry.path: entry for entry in islice(filter(wanted, found.entries()), _MOST + 1)}
    if len(there) > _MOST:
        there.popitem()
        say(TOO_MANY.format(name=name, most=_MOST))

    def read(path: str) -> str | None:
        return sendable(found.read(there[path])) if path in there else None

    files = tuple(File(e.path, e.id, e.size) for e in there.values())
    return Shelf(f"{name}@{found.commit[:12]}:", f"{place} {folder}", files, read, found.close)


@dataclass(frozen=True, slots=True)
class _Folder:
    root: Path
    settings: Settings

    def files(self, say: Callable[[str], None]) -> Iterator[File]:
        found = 0
        for path in self._paths():
            data = self._bytes(path)
            if data is None:
                continue
            if found == _MOST:
                say(TOO_MANY.format(name=self.root.name, most=_MOST))
                return
            found += 1
            yield File(path, sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest(), len(data))

    def text(self, path: str) -> str | None:
        return sendable(self._bytes(path))

    def _paths(self) -> Iterator[str]:
        """Below the root in the order of names; neither a hidden folder such as `.git` is looked into nor, in a
        checkout, what git ignores there."""
        away = ignored(self.root)
        folders = tuple(name for name in away if name.endswith("/"))
        for folder, inner, names in os.walk(self.root):
            inner[:] = sorted(name for name in inner if not name.startswith("."))
            for name in sorted(names):
                path = Path(folder, name).relative_to(self.root).as_posix()
                if path.isprintable() and not self._hidden(path) and path not in away and not path.startswith(folders):
                    yield path

    def _hidden(self, path: str) -> bool:
        """A pattern may begin at the folder or in it."""
        return hidden(path, self.settings) or hidden(f"{self.root.name}/{path}", self.settings)

    def _bytes(self, path: str) -> bytes | None:
        """Of a plain file of a size that a person writes; a link or a pipe is none."""
        try:
            opened = os.open(self.root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        with os.fdopen(opened, "rb") as file:
            about = os.fstat(opened)
            if not stat.S_ISREG(about.st_mode) or about.st_size > kinds.LARGEST:
                return None
            return file.read(kinds.LARGEST)
