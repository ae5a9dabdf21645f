"""Which paths a patch may touch. Pure: a string in, nothing or `Forbidden` out; looks at no file and no tree.

A path has to mean the same file on every file system, so names are compared as the most forgiving one would read
them: Windows drops trailing dots and spaces and has short names and streams, macOS ignores some invisible characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from greenloop.domain import Fault

_NAME_BYTES = 255
_PATH_BYTES = 2048
# What HFS+ drops when it compares names (git's utf8.c, next_hfs_char).
_INVISIBLE = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
# Characters that steer a terminal or turn the direction of text; joiners that emoji need are fine.
_STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_GIT_FOLDER = re.compile(r"\.git|git~[0-9]+")
_SUBMODULE_FILE = re.compile(r"\.gitmodules|gitmod~[0-9]+|gi7eb[0-9a-f]~[0-9]+")


class Forbidden(ValueError):
    """A patch that is not applied. The text is for the model: which path, and why.

    `kind` is "forbidden path", "no match", "ambiguous" or "no change".
    """

    def __init__(self, kind: Fault, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def refuse(path: str, why: str) -> Forbidden:
    return Forbidden("forbidden path", f"{shown(path)} cannot be written: {why}.")


def shown(path: str) -> str:
    """A path in a message: on one line, whatever it holds."""
    return repr(path if len(path) <= 200 else path[:200] + "…")


def fold(name: str) -> str:
    """Names that fold to the same text are one file on a file system that ignores case."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _plain(name: str) -> str:
    """The name as the most forgiving file system reads it."""
    return fold(_INVISIBLE.sub("", name).split(":", 1)[0].rstrip(" ."))


def is_git_folder(name: str) -> bool:
    if name.isascii() and "git" not in name.lower():  # the quick way for ten thousand names
        return False
    return _GIT_FOLDER.fullmatch(_plain(name)) is not None


def _not_unicode(text: str) -> bool:
    return any("\ud800" <= c <= "\udfff" for c in text)


def _too_long(text: str, limit: int) -> bool:
    return len(text.encode("utf-8", "surrogateescape")) > limit


_Rule = tuple[str, Callable[[str], bool]]
_PATH_RULES: tuple[_Rule, ...] = (
    ("the path is empty", lambda p: not p),
    ("the path is not valid Unicode", _not_unicode),
    ("the path is absolute; paths are relative to the root of the repository", lambda p: p.startswith("/")),
    ("the path has a backslash; folders are separated by /", lambda p: "\\" in p),
    ("the path begins with a drive letter", lambda p: re.match("[A-Za-z]:", p) is not None),
    ("the path holds a control character", lambda p: _STEERING.search(p) is not None),
    ("the path is too long", lambda p: _too_long(p, _PATH_BYTES)),
)
_NAME_RULES: tuple[_Rule, ...] = (
    ("a part of the path is empty", lambda n: not n),
    ("a part of the path is `.`", lambda n: n == "."),
    ("a part of the path is `..`; it would leave the repository", lambda n: n == ".."),
    ("a part of the path is git's own folder", is_git_folder),
    ("submodules cannot be changed", lambda n: _SUBMODULE_FILE.fullmatch(_plain(n)) is not None),
    (f"a part of the path is longer than {_NAME_BYTES} bytes", lambda n: _too_long(n, _NAME_BYTES)),
)


def confine(path: str, *, allow_workflows: bool = False) -> None:
    """Refuse a path that a model must not write, change, delete or move."""
    for why, broken in _PATH_RULES:
        if broken(path):
            raise refuse(path, why)
    names = path.split("/")
    for why, broken in _NAME_RULES:
        if any(broken(name) for name in names):
            raise refuse(path, why)
    if [_plain(name) for name in names[:2]] == [".github", "workflows"] and not allow_workflows:
        raise refuse(path, "workflows run with the repository's secrets; they are changed by people only")


def is_hostile(name: str) -> bool:
    """A name that no tree may hold, whoever wrote it: it would be written outside, or into git's own folder."""
    return name in {"", ".", ".."} or "\0" in name or "/" in name or is_git_folder(name)


def parts(path: str) -> tuple[bytes, ...]:
    """The names on the way to a file, as git stores them."""
    names = path.split("/")
    if any(is_hostile(name) for name in names):
        raise refuse(path, "it does not stay inside the repository")
    return tuple(name.encode("utf-8", "surrogateescape") for name in names)
