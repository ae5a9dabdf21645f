"""Whether what has arrived from the hub is what it was to be, and whether there is room and a place of its own."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

PART = ".part"
MAGIC = {".gguf": b"GGUF"}
_RESERVE = 1 << 30  # of disk that stays free
_BLOCK = 1 << 20
_LONGEST_HEADER = 100_000_000  # safetensors' own limit

NO_ROOM = "The disk of {folder} has {free} free, and {needed} are needed ({reserve} stay free). Nothing was fetched."
DAMAGED = "{name} arrived damaged: its hash is {found}…, not {wanted}…. It was removed; try again."
FOREIGN = "{name} is not what its name says, and was removed: it does not begin as {kind} does."
LINK = "{path} is a symbolic link, and greenloop makes none there. Nothing was written; remove it."


class Told(Exception):
    """What went wrong, for people."""


def require_own(place: Path) -> None:
    """What is written there is written there, and not where a link leads that somebody has put into a shared folder."""
    found = next((path for path in (place, *place.rglob("*")) if path.is_symlink()), None)
    if found is not None:
        raise Told(LINK.format(path=found))


def require_room(place: Path, missing: Iterable[Mapping[str, Any]]) -> None:
    files = list(missing)
    needed = max(0, sum(f["size"] - size(place / f"{f['name']}{PART}") for f in files))
    disk = os.statvfs(place)
    free = disk.f_bavail * disk.f_frsize
    if files and free < needed + _RESERVE:
        words = {"free": _gib(free), "needed": _gib(needed), "reserve": _gib(_RESERVE)}
        raise Told(NO_ROOM.format(folder=place, **words))


def require_whole(part: Path, file: Mapping[str, Any], beat: Callable[[], object]) -> None:
    """By its hash, and by how it begins. What is not whole is removed. `beat` is called while it is read."""
    name, wanted = file["name"], file["sha256"] or file["blob"]
    found = _sha256(part, beat) if file["sha256"] else _blob(part, beat)
    if found != wanted:
        part.unlink()
        raise Told(DAMAGED.format(name=name, found=found[:12], wanted=wanted[:12]))
    with part.open("rb") as read:
        head = read.read(9)
    kind = Path(name).suffix
    length = int.from_bytes(head[:8], "little")
    tensors = kind != ".safetensors" or (head[8:] == b"{" and length < _LONGEST_HEADER)
    if not head.startswith(MAGIC.get(kind, b"")) or not tensors:
        part.unlink()
        raise Told(FOREIGN.format(name=name, kind=kind.strip(".")))


def size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _sha256(path: Path, beat: Callable[[], object]) -> str:
    hashed = hashlib.sha256()
    for block in _blocks(path, beat):
        hashed.update(block)
    return hashed.hexdigest()


def _blob(path: Path, beat: Callable[[], object]) -> str:
    """As git names what is in it."""
    hashed = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    for block in _blocks(path, beat):
        hashed.update(block)
    return hashed.hexdigest()


def _blocks(path: Path, beat: Callable[[], object]) -> Iterator[bytes]:
    with path.open("rb") as read:
        while block := read.read(_BLOCK):
            beat()
            yield block


def _gib(count: int) -> str:
    return f"{count / (1 << 30):.1f} GiB"
