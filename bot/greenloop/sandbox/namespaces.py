"""Namespaces of its own for a run: processes, network, IPC, names, and a file system made of read-only binds.

`enter` is done by the launcher, `build` by the first process of the new process namespace.
"""

from __future__ import annotations

import os
from struct import pack

from greenloop.sandbox import kernel
from greenloop.sandbox.spec import Spec

TMP, HOME = "/tmp", "/home/sandbox"  # noqa: S108 - inside the new root, where nobody else is
_NEWNS, _NEWCGROUP, _NEWUTS, _NEWIPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
_NEWUSER, _NEWPID, _NEWNET = 0x10000000, 0x20000000, 0x40000000
_OWN = _NEWNS | _NEWCGROUP | _NEWUTS | _NEWIPC | _NEWPID | _NEWNET

_NOSUID, _NODEV, _NOEXEC, _BIND, _REC, _PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
_READ_ONLY, _ATTR_NOSUID, _ATTR_NODEV, _ATTR_NOEXEC = 1, 2, 4, 8
_AT_RECURSIVE = 0x8000
_DETACH = 2
_DEVICES = ("null", "zero", "full", "random", "urandom")
_DEVICE_LINKS = (("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2"))


def enter(*, own_user: bool) -> None:
    """New namespaces for what is forked from here on; with `own_user` without any right outside them."""
    uid, gid = os.geteuid(), os.getegid()
    inside = uid or 1000, gid or 1000  # nobody is root in there
    kernel.call("unshare", _OWN | (_NEWUSER if own_user else 0))
    if own_user:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{inside[0]} {uid} 1")
        _write("/proc/self/gid_map", f"{inside[1]} {gid} 1")


def build(spec: Spec) -> None:
    """A new root that holds what the specification names and nothing else, and the way back cut off."""
    root = spec["root"][0]
    kernel.call("mount", None, b"/", None, _REC | _PRIVATE, None)
    kernel.call("mount", b"tmpfs", root.encode(), b"tmpfs", _NOSUID | _NODEV, b"mode=755,size=4m")
    _bind(spec["tmp"][0], root + TMP, _ATTR_NOSUID | _ATTR_NODEV)
    _bind(spec["home"][0], root + HOME, _ATTR_NOSUID | _ATTR_NODEV)
    _furnish(root, spec["identity"])
    writable = frozenset(spec["writable"])
    for path in sorted({*spec["readable"], *writable}, key=lambda p: p.count("/")):
        _bind(path, root + path, _ATTR_NOSUID | _ATTR_NODEV | (0 if path in writable else _READ_ONLY))
    _link(root, spec["links"])
    _devices(root, spec["memory"][0])
    for path in spec["devices"]:
        _bind(path, root + path, _ATTR_NOSUID | _ATTR_NOEXEC)
    _protect(root, _READ_ONLY | _ATTR_NOSUID | _ATTR_NODEV, 0)
    os.chdir(root)
    kernel.call("pivot_root", b".", b".")
    kernel.call("umount2", b".", _DETACH)
    os.chdir("/")
    kernel.call("sethostname", b"sandbox", 7)
    if spec["network"] == ["loopback"]:
        _raise_loopback()


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:  # noqa: PTH123 - the launcher does without pathlib; plain ASCII
        file.write(text)


def _protect(path: str, attributes: int, flags: int) -> None:
    wanted = pack("=QQQQ", attributes, 0, 0, 0)
    kernel.call("mount_setattr", kernel.AT_FDCWD, os.fsencode(path), flags, wanted, len(wanted))


def _bind(source: str, target: str, attributes: int) -> None:
    """`source` also at `target`, with everything mounted below it. A source that is not there gives nothing."""
    if os.path.isdir(source):  # noqa: PTH112 - as above
        os.makedirs(target, exist_ok=True)  # noqa: PTH103
    elif os.path.lexists(source):
        os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120
        if not os.path.lexists(target):
            _write(target, "")
    else:
        return
    kernel.call("mount", os.fsencode(source), os.fsencode(target), None, _BIND | _REC, None)
    _protect(target, attributes, _AT_RECURSIVE)


def _link(root: str, links: list[str]) -> None:
    for path, target in zip(links[::2], links[1::2], strict=True):
        if not os.path.lexists(root + path):
            os.makedirs(os.path.dirname(root + path), exist_ok=True)  # noqa: PTH103, PTH120
            os.symlink(target, root + path)  # noqa: PTH211


def _furnish(root: str, identity: list[str]) -> None:
    """The few files of /etc that name lookups want; the machine's own may say more than a test should know."""
    os.mkdir(root + "/etc")  # noqa: PTH102
    uid = gid = identity[0] if identity else str(os.geteuid())
    _write(root + "/etc/passwd", f"root:x:0:0::/:/bin/false\nsandbox:x:{uid}:{gid}::{HOME}:/bin/sh\n")
    _write(root + "/etc/group", f"root:x:0:\nsandbox:x:{gid}:\n")
    _write(root + "/etc/hosts", "127.0.0.1 localhost sandbox\n::1 localhost\n")
    _write(root + "/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n")


def _devices(root: str, memory: str) -> None:
    os.makedirs(root + "/dev/shm")  # noqa: PTH103, S108 - in the new root
    for name in _DEVICES:
        _bind(f"/dev/{name}", f"{root}/dev/{name}", _ATTR_NOSUID | _ATTR_NOEXEC)
    for name, target in _DEVICE_LINKS:
        os.symlink(target, f"{root}/dev/{name}")  # noqa: PTH211
    size = f"mode=1777,size={max(int(memory) // 4, 1)}m,nr_inodes=4096".encode()
    kernel.call("mount", b"tmpfs", os.fsencode(root + "/dev/shm"), b"tmpfs", _NOSUID | _NODEV, size)  # noqa: S108
    os.mkdir(root + "/proc")  # noqa: PTH102
    kernel.call("mount", b"proc", os.fsencode(root + "/proc"), b"proc", _NOSUID | _NODEV | _NOEXEC | 1, None)


def _raise_loopback() -> None:
    """Set the interface `lo` up; a new network namespace has it, but down."""
    inet, datagram, set_flags, up = 2, 2, 0x8914, 1
    handle = kernel.call("socket", inet, datagram, 0)
    kernel.call("ioctl", handle, set_flags, pack("=16sH22x", b"lo", up))
    os.close(handle)
