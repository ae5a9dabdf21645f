"""Landlock: which files may be read, run and written; no TCP; no signals or abstract sockets to the outside.

What the kernel does not know yet is left out by its ABI number; whether that is enough is the launcher's decision.
"""

from __future__ import annotations

import os
from _collections_abc import Iterable
from struct import pack

from greenloop.sandbox import kernel

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REMOVE_DIR, REMOVE_FILE, MAKE_DIR, MAKE_REG = 1 << 4, 1 << 5, 1 << 7, 1 << 8
MAKE_FIFO, MAKE_SYM, REFER, TRUNCATE = 1 << 10, 1 << 12, 1 << 13, 1 << 14
IOCTL = 1 << 15

READ = EXECUTE | READ_FILE | READ_DIR
WRITE = READ | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | MAKE_FIFO | MAKE_SYM | REFER | TRUNCATE
DEVICE = READ_FILE | WRITE_FILE | TRUNCATE
_OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL

_RIGHTS_OF_ABI = (0, 13, 14, 15, 15, 16)  # how many file rights each ABI knows; 5 and later: 16
_TCP_BIND_CONNECT = 0b11
_SCOPE_ABSTRACT_UNIX_SIGNAL = 0b11
_VERSION = 1
_PATH_BENEATH = 1


def abi() -> int:
    """The version of Landlock here; 0: none."""
    try:
        return kernel.call("landlock_create_ruleset", None, 0, _VERSION)
    except OSError:
        return 0


def restrict(version: int, rules: Iterable[tuple[str, int]], *, tcp: bool) -> None:
    """Confine this process and all it starts to `rules`, (path, rights); a path that does not exist gives nothing.

    Every right of this ABI is handled, so whatever no rule gives is refused.
    """
    files = (1 << _RIGHTS_OF_ABI[min(version, 5)]) - 1
    ports = 0 if tcp or version < 4 else _TCP_BIND_CONNECT
    scoped = _SCOPE_ABSTRACT_UNIX_SIGNAL if version >= 6 else 0
    attributes = pack("=QQQ", files, ports, scoped)[: 8 if version < 4 else 16 if version < 6 else 24]
    ruleset = kernel.call("landlock_create_ruleset", attributes, len(attributes), 0)
    for path, rights in rules:
        _allow(ruleset, path, rights & files)
    kernel.call("landlock_restrict_self", ruleset, 0)
    os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return
    except PermissionError as error:
        raise kernel.Unusable(path) from error
    if not os.path.isdir(path):  # noqa: PTH112 - pathlib would cost the launcher 10 ms of imports
        rights &= _OF_FILES
    kernel.call("landlock_add_rule", ruleset, _PATH_BENEATH, pack("=Qi", rights, place), 0)
    os.close(place)
