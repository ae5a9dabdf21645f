"""A handful of real attacks, made from inside by the launcher just before it hands over to hostile code.

What counts is what happens, not what was configured: if one of them works, nothing is run.
"""

from __future__ import annotations

import os
from _collections_abc import Callable

from greenloop.sandbox import kernel

_UNIX, _INET, _PACKET, _STREAM, _RAW = 1, 2, 17, 1, 3
_NEWUSER = 0x10000000


def _opens(path: str, flags: int) -> None:
    os.close(os.open(path, flags, 0o600))


def attacks(*, canary: str, parent: int, loopback: bool) -> dict[str, Callable[[], object]]:
    """By name. `canary` is a file outside that everybody may read and write, but for the sandbox."""
    return {
        "unix socket": lambda: kernel.call("socket", _UNIX, _STREAM, 0),
        "packet socket": lambda: kernel.call("socket", _PACKET, _RAW, 0),
        "internet socket": lambda: kernel.call("socket", _INET, _RAW if loopback else _STREAM, 0),
        "read a file outside": lambda: _opens(canary, os.O_RDONLY),
        "write a file outside": lambda: _opens(canary, os.O_WRONLY),
        "cut a file outside": lambda: os.truncate(canary, 0),
        "change the mode of a file outside": lambda: os.chmod(canary, 0o600),  # noqa: PTH101 - no pathlib here
        "make a file outside": lambda: _opens(f"{canary}.new", os.O_WRONLY | os.O_CREAT),
        "make a file in the root": lambda: _opens("/canary", os.O_WRONLY | os.O_CREAT),
        "read the password hashes": lambda: _opens("/etc/shadow", os.O_RDONLY),
        "read the parent's environment": lambda: _opens(f"/proc/{parent}/environ", os.O_RDONLY),
        "signal the parent": lambda: os.kill(parent, 0),
        "become root": lambda: os.setresuid(0, 0, 0),
        "leave the root": lambda: kernel.call("chroot", b"/"),
        "mount": lambda: kernel.call("mount", b"none", b"/", b"tmpfs", 0, None),
        "new user namespace": lambda: kernel.call("unshare", _NEWUSER),
        "trace a process": lambda: kernel.call("ptrace", 0, 0, 0, 0),
        "read another process": lambda: kernel.call("process_vm_readv", os.getpid(), None, 0, None, 0, 0),
        "io_uring": lambda: kernel.call("io_uring_setup", 1, bytes(120)),
        "memory outside the count": lambda: kernel.call("memfd_create", b"canary", 0),
        "kernel keys": lambda: kernel.call("keyctl", 0, -3, 0),
    }


def holes(*, canary: str, parent: int, loopback: bool) -> list[str]:
    """The names of the attacks that work."""
    found = []
    for name, attack in attacks(canary=canary, parent=parent, loopback=loopback).items():
        try:
            attack()
        except OSError:
            continue
        found.append(name)
    return found
