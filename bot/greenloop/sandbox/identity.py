"""A user id that nobody has: what hostile code runs as when we are root."""

from __future__ import annotations

import os
import pwd
import secrets
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

_ROOM = 1 << 20  # enough ids to draw from that two runs never meet
_OVERFLOW = 65534  # "nobody", who owns what has no owner here
_taken: set[int] = set()
_lock = threading.Lock()


@contextmanager
def fresh() -> Iterator[int | None]:
    """An id for one run, or None when we are an ordinary user or the only one in this user namespace."""
    choices = _choices() if available() else range(0)
    if not choices:
        yield None
        return
    uid = _draw(choices)
    try:
        yield uid
    finally:
        with _lock:
            _taken.discard(uid)


def available() -> bool:
    """Whether a run can be somebody else here."""
    return os.geteuid() == 0 and bool(_choices())


def _choices() -> range:
    """The upper part of the largest range of ids that are mapped into this user namespace."""
    first, count = 0, 1
    for line in Path("/proc/self/uid_map").read_text(encoding="ascii").splitlines():
        inside, _outside, length = map(int, line.split())
        first, count = max((first, count), (inside, length), key=lambda r: r[1])
    end = min(first + count, 1 << 31)
    if end > _ROOM:
        return range(end - _ROOM, end)
    return range(max(first + count // 2, 1), end) if count > 1 else range(0)


def _draw(choices: range) -> int:
    while True:
        uid = choices[secrets.randbelow(len(choices))]
        with _lock:
            if uid != _OVERFLOW and uid not in _taken and not _known(uid):
                _taken.add(uid)
                return uid


def _known(uid: int) -> bool:
    """Whether somebody has it: an account, or, where ids are few, a process."""
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return uid < _ROOM and any(_owner(entry) == uid for entry in os.scandir("/proc") if entry.name.isdigit())
    return True


def _owner(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat().st_uid
    except OSError:
        return -1


def let_in(paths: Iterable[Path], below: Path) -> None:
    """Let another user enter and list these folders, as far as they are ours and lie in the temporary folder `below`.

    Anywhere else whoever owns them decides; a refusal then says what to do.
    """
    for path in paths:
        if below in path.parents and path.is_dir():
            _open_to_others(path, 0o005)


def let_pass(paths: Iterable[Path], below: Path) -> None:
    """Let another user pass, not list, the folders on the way to `paths`, likewise."""
    for folder in {parent for path in paths for parent in path.parents if below in parent.parents}:
        _open_to_others(folder, 0o001)


def _open_to_others(folder: Path, bits: int) -> None:
    status = folder.lstat()
    if status.st_uid == os.geteuid() and status.st_mode & bits != bits:
        folder.chmod(status.st_mode & 0o7777 | bits)
