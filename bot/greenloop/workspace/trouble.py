"""What git and the disk complain about, turned into errors that name the cure. Pure text in, an error out."""

from __future__ import annotations

import errno
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from greenloop.errors import GreenloopError, UsageError

_FULL = "The disk is full. Free some space there and run again; no ref was moved."
_LIMIT = "A limit on disk space or file size was hit. Raise it and run again; no ref was moved."
_DENIED = "This user has no permission for it. Give the permission, or work on a clone of your own."

# What git's error output holds → the class of the error, and the cure. The first that fits wins.
_CURES: tuple[tuple[str, type[GreenloopError], str], ...] = (
    ("detected dubious ownership", UsageError, "It belongs to another user. If you trust it, run: {safe}"),
    (
        "not a git repository",
        UsageError,
        "Run greenloop in a checkout, name one with --repo, or make one: git init, then a first commit.",
    ),
    ("No space left on device", GreenloopError, _FULL),
    ("quota exceeded|File too large", GreenloopError, _LIMIT),
    ("Permission denied|insufficient permission|Read-only file system", GreenloopError, _DENIED),
    (
        r"\.lock': File exists",
        GreenloopError,
        "Another git process works on this repository, or one was killed: look for a *.lock file in its git folder.",
    ),
    (
        "repository extension|repository format|repo version|unknown option|usage: git",
        UsageError,
        "greenloop needs git 2.31 or later, and one that knows this repository's format.",
    ),
    ("cannot create '|refusing to update ref with bad name", UsageError, "Choose another name for the branch."),
    ("corrupt|bad object|unable to read|invalid object", GreenloopError, "The repository is damaged: run git fsck."),
)
_ERRNO = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _LIMIT,
    errno.EFBIG: _LIMIT,
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.EROFS: _DENIED,
}


def of_git(command: str, *, where: Path, code: int, text: str) -> GreenloopError:
    """The error for a git command that ended with `code` (negative: a signal) and printed `text`."""
    said = text.strip() or _ended(code)
    kind, cure = _cure(code, said, where)
    stop = "." if cure and not said.endswith((".", "!", "?")) else ""
    return kind(" ".join(f"git {command} failed in {where}: {said}{stop}\n{cure}".rstrip().splitlines()))


def _cure(code: int, said: str, where: Path) -> tuple[type[GreenloopError], str]:
    if code == -signal.SIGXFSZ:
        return GreenloopError, _LIMIT
    for pattern, kind, cure in _CURES:
        if re.search(pattern, said, re.IGNORECASE):
            return kind, cure.format(safe=_safe_directory(said, where))
    return GreenloopError, ""


def _safe_directory(said: str, where: Path) -> str:
    """The command that git itself proposes; it knows which folder it looked at."""
    found = re.search(r"^\s*(git config --global --add safe\.directory .*)$", said, re.MULTILINE)
    return found[1] if found else f"git config --global --add safe.directory {where}"


def _ended(code: int) -> str:
    return f"it was ended by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


@contextmanager
def on_disk(doing: str, where: Path) -> Iterator[None]:
    """Turn what the operating system refuses into an error that says what was being done, where, and the cure."""
    try:
        yield
    except OSError as error:
        cure = _ERRNO.get(error.errno or 0, "")
        at = error.filename if isinstance(error.filename, str) else where
        raise GreenloopError(f"Cannot {doing} ({at}): {error.strerror or error}. {cure}".rstrip()) from error
