"""A tree being edited, in memory: nothing is stored before `save`, so an edit that fails leaves no trace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from greenloop.workspace.objects import Named, Objects
from greenloop.workspace.paths import fold, parts, refuse

LINK = "120000"
SUBMODULE = "160000"
FOLDER = "40000"
_WHAT = {LINK: "a symbolic link", SUBMODULE: "a submodule"}


@dataclass(frozen=True, slots=True)
class Leaf:
    """Anything but a folder. Either `id` or `data` (not stored yet) is there."""

    mode: str
    id: str = ""
    data: bytes | None = None

    @property
    def what(self) -> str | None:
        """What it is when it is no plain file."""
        return _WHAT.get(self.mode)


@dataclass(slots=True)
class Folder:
    """`id` until something in it changes; `names` once it has been opened."""

    id: str | None = None
    names: dict[bytes, Leaf | Folder] = field(default_factory=dict)
    opened: bool = False


class Draft:
    def __init__(self, objects: Objects, tree: str | None = None) -> None:
        self._objects = objects
        self._root = Folder(tree, opened=tree is None)

    def find(self, path: str) -> Leaf | Folder | None:
        node: Leaf | Folder | None = self._root
        for name in parts(path):
            node = self._names(node).get(name) if isinstance(node, Folder) else None
        return node

    def blocked(self, path: str) -> str | None:
        """Why no file can stand at `path`, in words; None when one can."""
        folder = self._root
        *above, last = parts(path)
        for name in above:
            node = self._names(folder).get(name)
            if node is None:
                return self._twin(folder, name)
            if isinstance(node, Leaf):
                return f"{_text(name)!r} on the way to it is {node.what or 'a file'}"
            folder = node
        node = self._names(folder).get(last)
        if node is None:
            return self._twin(folder, last)
        return "it is a folder" if isinstance(node, Folder) else node.what and f"it is {node.what}"

    def put(self, path: str, node: Leaf | Folder, *, force: bool = False) -> None:
        """Put a file, or with `force` anything, at `path`; what stands in the way then goes."""
        why = None if force else self.blocked(path)
        if why:
            raise refuse(path, why)
        folder = self._root
        *above, last = parts(path)
        for name in above:
            names = self._names(folder)
            folder.id = None
            inner = names.get(name)
            if not isinstance(inner, Folder):
                inner = names[name] = Folder(opened=True)
            folder = inner
        self._names(folder)[last] = node
        folder.id = None

    def remove(self, path: str) -> None:
        """Take away what stands at `path`, if anything, and the folders that this leaves empty."""
        self._remove(self._root, parts(path))

    def _remove(self, folder: Folder, way: tuple[bytes, ...]) -> None:
        names = self._names(folder)
        node = names.get(way[0])
        if len(way) > 1:
            if not isinstance(node, Folder):
                return
            self._remove(node, way[1:])
            if not node.names:
                del names[way[0]]
        else:
            names.pop(way[0], None)
        folder.id = None

    def save(self) -> str:
        """Store what changed; the id of the tree."""
        return self._save(self._root)

    def _save(self, folder: Folder) -> str:
        if folder.id is None:
            folder.id = self._objects.store_folder(list(self._entries(folder)))
        return folder.id

    def _entries(self, folder: Folder) -> Iterator[Named]:
        for name, node in folder.names.items():
            if isinstance(node, Folder):
                yield name, FOLDER, self._save(node)
            else:
                yield name, node.mode, node.id or self._objects.store(node.data or b"")

    def _names(self, folder: Folder) -> dict[bytes, Leaf | Folder]:
        if not folder.opened and folder.id:
            for name, (mode, oid) in self._objects.folder(folder.id).items():
                folder.names[name] = Folder(oid) if mode == FOLDER else Leaf(mode, oid)
            folder.opened = True
        return folder.names

    def _twin(self, folder: Folder, name: bytes) -> str | None:
        """A name that is another one only as long as case counts."""
        same = fold(_text(name))
        twin = next((n for n in self._names(folder) if fold(_text(n)) == same), None)
        return None if twin is None else f"{_text(twin)!r} is there, and differs in case only"


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
