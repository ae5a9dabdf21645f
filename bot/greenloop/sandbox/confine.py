"""What holds in every backend: another user, no rights, limits, Landlock, seccomp; then the attacks that must fail.

Done by the first process inside to itself, for good, and so to everything that it starts.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # the public module imports enum: 3 ms
import os
import resource
import sys

from greenloop.sandbox import kernel, landlock, namespaces, seccomp, selfcheck
from greenloop.sandbox.kernel import Unavailable, Unusable
from greenloop.sandbox.spec import Spec

_MB = 1 << 20
_LEAST_LANDLOCK = 3  # truncate; below it a file outside could be emptied
_SYSTEM_FILES = ("/etc/passwd", "/etc/group", "/etc/hosts", "/etc/nsswitch.conf")
_PROC_FILES = (
    "cpuinfo",
    "filesystems",
    "loadavg",
    "meminfo",
    "self",
    "stat",
    "sys/kernel/osrelease",
    "uptime",
    "version",
)
_MARGIN = 32  # more processes than this above the policy are refused by the kernel until the watchdog ends the run


def confine(spec: Spec, alive: int, *, contained: bool) -> tuple[int, list[str]]:
    """Everything that holds in any backend, then the attacks that must fail. Returns the ABI of Landlock, and the
    attacks that work: only in `weak` may there be any."""
    weak = spec["backend"] == ["weak"]
    loopback = spec["network"] == ["loopback"]
    if spec["identity"]:
        become(int(spec["identity"][0]))
    _drop_capabilities()
    die_with_launcher(alive)  # a change of user has cleared it
    _check_access(spec["readable"] + spec["writable"])
    _limit(spec)
    os.umask(0o077)
    _enter_folder(spec["cwd"][0])
    kernel.call("prctl", kernel.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    version = landlock.abi()
    if version < _LEAST_LANDLOCK and not contained and not weak:
        raise Unavailable(f"the kernel's Landlock is too old (ABI {version}, {_LEAST_LANDLOCK} is needed)")
    if version:
        landlock.restrict(version, _rules(spec, contained=contained), tcp=loopback)
    seccomp.install(loopback=loopback)
    parent = int(spec["parent"][0])
    if parent == os.getpid():  # init outside (a container's program) and init inside; nobody is 2 yet
        parent = 2
    found = selfcheck.holes(canary=spec["canary"][0], parent=parent, loopback=loopback)
    if found and not weak:
        raise Unavailable(f"an attack from inside works: {', '.join(found)}")
    return version, found


def become(uid: int) -> None:
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def _drop_capabilities() -> None:
    version_3 = (0x20080522).to_bytes(4, sys.byteorder)
    kernel.call("capset", version_3 + bytes(4), bytes(24))


def _check_access(paths: list[str]) -> None:
    for path in paths:
        try:
            wanted = os.R_OK | (os.X_OK if os.path.isdir(path) else 0)  # noqa: PTH112 - no pathlib in the launcher
            os.stat(path)  # noqa: PTH116 - likewise
        except FileNotFoundError:
            continue
        except PermissionError as error:
            raise Unusable(path) from error
        if not os.access(path, wanted):
            raise Unusable(path)


def _enter_folder(path: str) -> None:
    try:
        os.chdir(path)
    except OSError as error:
        raise Unusable(path) from error


def _limit(spec: Spec) -> None:
    memory, processes, disk = int(spec["memory"][0]), int(spec["processes"][0]), int(spec["disk"][0])
    seconds = int(float(spec["seconds"][0]) * (os.cpu_count() or 1)) + 5
    limits = {
        resource.RLIMIT_NPROC: processes + _MARGIN,
        resource.RLIMIT_NOFILE: 1024,
        resource.RLIMIT_FSIZE: (disk + 1) * _MB,  # one more than the watchdog lets pass, so that it sees it
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_AS: (memory * 8 + 32 * 1024) * _MB,  # runtimes reserve far more than they touch
        resource.RLIMIT_MEMLOCK: 8 * _MB,
    }
    if spec["devices"]:  # a driver reserves as much as it has memory, and more
        del limits[resource.RLIMIT_AS]
    if spec["backend"] == ["weak"] and not spec["identity"]:  # it counts all of a user, who is not the run's alone
        del limits[resource.RLIMIT_NPROC]
    for which, wanted in limits.items():
        hard = resource.getrlimit(which)[1]
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(which, (value, value))


def _rules(spec: Spec, *, contained: bool) -> list[tuple[str, int]]:
    """In a root of our own everything that is there may be read; in the machine's only what is named."""
    tmp, home = (namespaces.TMP, namespaces.HOME) if contained else (spec["tmp"][0], spec["home"][0])
    rules = [(path, landlock.WRITE) for path in (*spec["writable"], tmp, home, *spec["shared_memory"])]
    rules += [(f"/dev/{name}", landlock.DEVICE) for name in ("null", "zero", "full", "random", "urandom")]
    rules += [(path, landlock.DEVICE | landlock.IOCTL) for path in spec["devices"]]
    if contained:
        return [("/", landlock.READ), *rules]
    rules += [(f"/proc/{name}", landlock.READ) for name in _PROC_FILES]
    return rules + [(path, landlock.READ) for path in (*spec["readable"], *_SYSTEM_FILES)]


def die_with_launcher(alive: int) -> None:
    """`alive` is a pipe whose other end only the launcher holds: at its end the launcher is gone already."""
    kernel.call("prctl", kernel.PR_SET_PDEATHSIG, int(_signal.SIGKILL), 0, 0, 0)
    os.set_blocking(alive, False)
    try:
        os.read(alive, 1)
    except BlockingIOError:
        return
    os._exit(kernel.NEVER_RUN)
