"""The writable folders of a run: handed over to its user, measured while it runs, taken back and read afterwards.

All of it is done on trees that hostile code has made or is making: by descriptor, and no link is ever followed.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

# folders inside folders, and characters of a path; beyond it is no project but an attack on those who must clean up
DEEPEST, LONGEST = 100, 1000
LARGEST_ARTIFACT = 64 << 20
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PLACE = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """How much is there. `too_deep` are the folders that were not entered because they lie too deep."""

    files: int = 0
    bytes: int = 0
    too_deep: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    folder: int  # an open descriptor
    name: str
    path: str
    depth: int
    status: os.stat_result

    @property
    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.status.st_mode)

    @property
    def is_too_deep(self) -> bool:
        return self.is_folder and (self.depth >= DEEPEST or len(self.path) >= LONGEST)


def hand_over(folders: Iterable[Path], uid: int) -> None:
    """Make all that is ours in there the property of `uid`. A file with a second name elsewhere stays ours."""
    for found in entries(folders):
        if found.status.st_uid == os.geteuid() and (found.is_folder or found.status.st_nlink == 1):
            os.chown(found.name, uid, uid, dir_fd=found.folder, follow_symlinks=False)
    for folder in folders:
        os.chown(folder, uid, uid, follow_symlinks=False)


def take_back(folders: Iterable[Path], uid: int | None) -> Amount:
    """After the end of the run: all of it ours again, readable, removable, without setuid bits; and how much it is."""
    for folder in folders:
        if uid is not None:
            os.chown(folder, os.geteuid(), os.getegid(), follow_symlinks=False)
        mode = stat.S_IMODE(folder.lstat().st_mode)
        if mode & stat.S_IRWXU != stat.S_IRWXU:
            folder.chmod(mode | stat.S_IRWXU)
    amount = _count(_taken(folders, uid))
    for path in amount.too_deep:
        _remove_any_depth(path)
    return amount


def measure(folders: Iterable[Path]) -> Amount:
    """How much is there now, while it is being written."""
    return _count(entries(folders))


def remove(folder: Path) -> None:
    """A folder of ours, or a file, with whatever hostile code has left in it."""
    shutil.rmtree(folder, ignore_errors=True)
    if os.path.lexists(folder):
        _remove_any_depth(os.fspath(folder))


def _remove_any_depth(path: str) -> None:
    """Python's own way ends at its recursion limit or at the longest path."""
    subprocess.run(["rm", "-rf", "--", path], check=False, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S607 - the system's


def entries(folders: Iterable[Path]) -> Iterator[Found]:
    for folder in folders:
        top = _open(os.fspath(folder), None)
        try:
            yield from _below(top, os.fspath(folder), 1)
        finally:
            os.close(top)


def _below(folder: int, path: str, depth: int) -> Iterator[Found]:
    """Everything in a folder, each entry before what is inside it."""
    with os.scandir(folder) as listed:
        for entry in listed:
            try:
                found = Found(folder, entry.name, f"{path}/{entry.name}", depth, entry.stat(follow_symlinks=False))
            except FileNotFoundError:
                continue
            yield found
            if found.is_folder and not found.is_too_deep:
                yield from _inside(found)


def _inside(found: Found) -> Iterator[Found]:
    try:
        folder = _open(found.name, found.folder)
    except OSError:  # removed, or replaced by something else, since it was listed
        return
    try:
        yield from _below(folder, found.path, found.depth + 1)
    finally:
        os.close(folder)


def _open(name: str, folder: int | None) -> int:
    """A folder, even one whose mode locks its owner out."""
    try:
        return os.open(name, _FOLDER, dir_fd=folder)
    except PermissionError:
        place = os.open(name, _PLACE, dir_fd=folder)
        try:
            os.chmod(f"/proc/self/fd/{place}", stat.S_IRWXU)  # noqa: PTH101 - by descriptor
            return os.open(name, _FOLDER, dir_fd=folder)
        finally:
            os.close(place)


def _taken(folders: Iterable[Path], uid: int | None) -> Iterator[Found]:
    for found in entries(folders):
        if found.status.st_uid == uid:
            os.chown(found.name, os.geteuid(), os.getegid(), dir_fd=found.folder, follow_symlinks=False)
        mode = stat.S_IMODE(found.status.st_mode)
        if found.is_folder:
            mended = mode | stat.S_IRWXU
        elif stat.S_ISREG(found.status.st_mode):
            mended = mode & 0o777 | stat.S_IRUSR | stat.S_IWUSR
        else:
            mended = mode
        if mended != mode:
            os.chmod(found.name, mended, dir_fd=found.folder)
        yield found


def _count(listed: Iterator[Found]) -> Amount:
    files, size = 0, 0
    deep: list[str] = []
    names: set[int] = set()  # of files with several, so that they count once
    for found in listed:
        files += 1
        if found.is_too_deep:
            deep.append(found.path)
        if found.status.st_nlink == 1 or found.status.st_ino not in names:
            size += found.status.st_blocks * 512
        if found.status.st_nlink > 1:
            names.add(found.status.st_ino)
    return Amount(files=files, bytes=size, too_deep=tuple(deep))


def read_below(folder: Path, parts: tuple[str, ...]) -> bytes | None:
    """The bytes of a regular file, reached from `folder` without any link; None for anything else."""
    try:
        return _read_below(folder, parts)
    except OSError:
        return None


def _read_below(folder: Path, parts: tuple[str, ...]) -> bytes | None:
    if not parts or ".." in parts:
        return None
    at = os.open(folder, _FOLDER)
    for part in parts[:-1]:
        try:
            below = os.open(part, _FOLDER, dir_fd=at)
        finally:
            os.close(at)
        at = below
    try:
        handle = os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=at)
    finally:
        os.close(at)
    with open(handle, "rb") as file:  # noqa: PTH123 - by descriptor
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return None
        data = file.read(LARGEST_ARTIFACT + 1)
    return data if len(data) <= LARGEST_ARTIFACT else None
