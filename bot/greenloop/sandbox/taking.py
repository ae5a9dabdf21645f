"""Results out of a folder in which hostile code was at work, into one of the user's: regular files, and nothing else.

By descriptor and through no link; no link, FIFO, device or mode comes along, and nothing below a `.git`, whose
configuration git would run programs for. Only after the run: while it lasts, what is looked at may be something else.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from greenloop.errors import UsageError
from greenloop.sandbox import folders

Mark = tuple[int, int, int]  # a file's number, size and time stamp: whoever forges them hides only its own results
_GIT = ".git"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The paths of the files that came out, and of what was left: no regular file, or more than there was room for."""

    files: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def marks(folder: Path) -> Mapping[str, Mark]:
    """The files that are there before the run."""
    return {_path(found, folder): _mark(found) for found in folders.entries((folder,)) if not found.is_folder}


def room_for(target: Path) -> None:
    """Raises `UsageError` unless it is a new or empty folder: nothing of the user's is overwritten or mixed up."""
    try:
        empty = target.is_dir() and not any(target.iterdir())
    except OSError as error:
        raise UsageError(f"{target} cannot be read: {error.strerror}") from error
    if not empty and os.path.lexists(target):
        raise UsageError(f"{target} must be a new or empty folder; nothing is overwritten")
    if not target.parent.is_dir():
        raise UsageError(f"{target.parent} must be an existing folder")


def take_out(folder: Path, target: Path, before: Mapping[str, Mark], *, room: int) -> Taken:
    """Copy what was made or changed since `before` into `target`, `room` bytes at most."""
    target.mkdir(exist_ok=True)
    files, left = [], []
    for found in folders.entries((folder,)):
        path = _path(found, folder)
        parts = path.casefold().split("/")
        if _GIT in parts[:-1] or (found.is_folder and parts[-1] != _GIT) or before.get(path) == _mark(found):
            continue
        regular = stat.S_ISREG(found.status.st_mode) and parts[-1] != _GIT
        if regular and found.status.st_size <= room:
            room -= found.status.st_size
            _copy(found, target / path)
            files.append(path)
        else:
            left.append(path)
    return Taken(files=tuple(sorted(files)), left=tuple(sorted(left)))


def _path(found: folders.Found, folder: Path) -> str:
    return found.path.removeprefix(f"{folder}/")


def _mark(found: folders.Found) -> Mark:
    return found.status.st_ino, found.status.st_size, found.status.st_mtime_ns


def _copy(found: folders.Found, target: Path) -> None:
    """The bytes alone, into a file that was not there."""
    source = os.open(found.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=found.folder)
    with open(source, "rb") as taken:  # noqa: PTH123 - by descriptor
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as made:
            shutil.copyfileobj(taken, made)
