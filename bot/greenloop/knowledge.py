"""Sources of knowledge: designs, conventions and snippets, from the repository itself or from folders of the machine.

The settings of a repository come from whoever can write to it, so they name nothing but its own paths. A folder of the
machine is read only when its user names it; links in it are not followed, and what must never be sent stays here.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from greenloop.context import Source, hidden, sendable
from greenloop.errors import UsageError
from greenloop.retrieval import kinds
from greenloop.retrieval.corpus import File, Read
from greenloop.settings import Settings

NO_FOLDER = "--knowledge: {path} is not a folder that can be read. Name one that is there, or leave the option out."
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


def folders(named: Sequence[Path]) -> tuple[Path, ...]:
    """The folders that a user has named, or an error before anything is paid for."""
    for path in named:
        if not path.is_dir() or not os.access(path, os.R_OK | os.X_OK):
            raise UsageError(NO_FOLDER.format(path=path))
    return tuple(path.resolve() for path in named)


def shelves(source: Source, outside: Sequence[Path], say: Callable[[str], None]) -> Iterator[Shelf]:
    """What the settings name in the tree, then the folders that the user names."""
    for name in source.settings.knowledge:
        files = tuple(
            File(e.path, e.id, e.size)
            for e in source.entries()
            if name in {".", e.path} or e.path.startswith(f"{name}/")
        )
        if not files:
            say(NOTHING.format(name=name))
        yield Shelf(name, f"tree {name}", files, source.text)
    for root in outside:
        folder = _Folder(root, source.settings)
        files = tuple(folder.files(say))
        if not files:
            say(NOTHING.format(name=root.name))
        yield Shelf(root.name, f"folder {root}", files, folder.text)


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
            yield File(path, sha256(data).hexdigest(), len(data))

    def text(self, path: str) -> str | None:
        return sendable(self._bytes(path))

    def _paths(self) -> Iterator[str]:
        """Below the root in the order of names; a hidden folder such as `.git` is not looked into."""
        for folder, inner, names in os.walk(self.root):
            inner[:] = sorted(name for name in inner if not name.startswith("."))
            for name in sorted(names):
                path = Path(folder, name).relative_to(self.root).as_posix()
                if path.isprintable() and not self._hidden(path):
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
