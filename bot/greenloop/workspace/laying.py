"""A tree laid into a folder: raw bytes, no filters, no `.git`, and nothing outside, whatever the tree holds.

Links are made last, so that no file is ever written through one. A link that would leave the folder becomes a small
text file that holds its target, as git itself does where there are no links; a submodule becomes an empty folder.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from greenloop.errors import UsageError
from greenloop.ports import Entry
from greenloop.workspace.drafts import LINK, SUBMODULE
from greenloop.workspace.objects import Objects
from greenloop.workspace.paths import is_hostile, shown
from greenloop.workspace.trouble import on_disk

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def lay(entries: Mapping[str, Entry], folder: Path, objects: Objects) -> None:
    """Write the files of a tree into `folder`, which is made, or is there and empty."""
    files = [e for e in entries.values() if e.mode not in {LINK, SUBMODULE}]
    links = [e for e in entries.values() if e.mode == LINK]
    folders = _folders(entries)
    with on_disk("lay the files of a commit", folder):
        if not folder.exists():
            folder.parent.mkdir(parents=True, exist_ok=True)
            _make_folder(os.fsencode(folder))
        if any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty; files are laid into a new or an empty folder only.")
        for path in (*folders, *(e.path for e in entries.values() if e.mode == SUBMODULE)):
            _make_folder(_at(folder, path))
        for entry, data in zip(files, objects.read_all([e.id for e in files]), strict=True):
            _write(_at(folder, entry.path), data, 0o755 if entry.mode == "100755" else 0o644)
        for entry, target in zip(links, objects.read_all([e.id for e in links]), strict=True):
            _link(_at(folder, entry.path), entry.path, target)


def _folders(entries: Mapping[str, Entry]) -> list[str]:
    """The folders that the files stand in, outer ones first. Refuses a tree that could not be checked out."""
    folders: dict[str, None] = {"": None}
    hostile = {name for name in {name for path in entries for name in path.split("/")} if is_hostile(name)}
    for path in entries:
        names = path.split("/")
        if not hostile.isdisjoint(names):
            raise _refused(path)
        if "/".join(names[:-1]) not in folders:
            folders.update({"/".join(names[:n]): None for n in range(1, len(names))})
    for path in folders.keys() & entries.keys():
        raise _refused(path)
    return list(folders)[1:]


def _refused(path: str) -> UsageError:
    return UsageError(f"The tree holds a name that git itself would not check out: {shown(path)}. Nothing was laid.")


def _at(folder: Path, path: str) -> bytes:
    return os.fsencode(folder) + b"/" + path.encode("utf-8", "surrogateescape")


def _make_folder(at: bytes) -> None:
    os.mkdir(at)  # noqa: PTH102 - bytes: a name need not be UTF-8, nor the locale
    os.chmod(at, 0o755)  # noqa: PTH101, S103 - whatever the umask: the sandbox's user has to read it


def _write(at: bytes, data: bytes, mode: int) -> None:
    file = os.open(at, _NEW, mode)
    with os.fdopen(file, "wb", buffering=0) as stream:
        rest = memoryview(data)
        while rest:
            rest = rest[stream.write(rest) :]
        os.fchmod(file, mode)  # whatever the umask


def _link(at: bytes, path: str, target: bytes) -> None:
    if _stays_inside(path, target):
        os.symlink(target, at)  # noqa: PTH211 - bytes, as above
    else:
        _write(at, target, 0o644)


def _stays_inside(path: str, target: bytes) -> bool:
    """Whether a link can only lead to places inside: up no further than the root, and after that only down.

    A `..` further on could climb from where another link leads, so it counts as leaving.
    """
    names = target.split(b"/")
    up = next((n for n, name in enumerate(names) if name != b".."), len(names))
    return bool(target) and not target.startswith(b"/") and up <= path.count("/") and b".." not in names[up:]
