"""The files of a subject, as seen from outside the sandbox: regular ones only, never through a link."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from greenloop.ports import Subject

LARGEST = 2_000_000  # bytes; nothing longer is read into our own process


def read(folder: Path, path: str, *, limit: int = LARGEST) -> bytes | None:
    """The bytes of `path`, or None when it is not there, no regular file, too long, or not really inside `folder`.

    Code under test may have put links into its folder; its processes are gone when this runs, so nothing moves.
    """
    root = os.path.realpath(folder)
    full = os.path.join(root, path)  # noqa: PTH118 - Path would normalise what is being examined
    try:
        about = os.lstat(full)
        if not stat.S_ISREG(about.st_mode) or about.st_size > limit or os.path.realpath(full) != full:
            return None
        return Path(full).read_bytes()
    except (OSError, ValueError):
        return None


def lines_of(folder: Path, path: str) -> list[str]:
    """The text lines of a file as compilers and linters count them, none when it cannot be read."""
    return re.split(r"\r\n|\n|\r", (read(folder, path) or b"").decode("utf-8", "replace"))


def is_test(path: str) -> bool:
    """Whether a file belongs to the tests: it is named like one or lies in a folder that is."""
    *folders, name = path.split("/")
    stem = name.removesuffix(".py")
    named = stem == "conftest" or stem.startswith("test_") or stem.endswith("_test")
    return named or not {"test", "tests"}.isdisjoint(folders)


def python_files(subject: Subject) -> tuple[str, ...]:
    """The Python files a static check looks at: what changed, or for the base `focus`, or everything; sorted."""
    named = subject.changed or subject.focus
    candidates = named or walk(subject.folder)
    return tuple(sorted(p for p in set(candidates) if _is_python(subject.folder, p)))


def _is_python(folder: Path, path: str) -> bool:
    if path.endswith((".py", ".pyw")):
        return _is_regular(folder / path)
    if "." in path.rpartition("/")[2] or not _is_regular(folder / path):
        return False
    first = (read(folder, path) or b"")[:200].partition(b"\n")[0]
    return first.startswith(b"#!") and b"python" in first


def _is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def walk(folder: Path) -> list[str]:
    """Every file with a Python suffix or none; links are not followed."""
    found: list[str] = []
    root = os.fspath(folder)
    for place, folders, names in os.walk(root):
        folders[:] = [f for f in folders if f != ".git"]
        inside = place[len(root) :].strip("/")
        found += [f"{inside}/{n}" if inside else n for n in names if n.endswith((".py", ".pyw")) or "." not in n]
    return found
