"""The filter of system calls, assembled by hand: no sockets, no kernel interface that a test has no business with.

It is a list of what is refused, plus everything newer than the last call that we looked at (ENOSYS, so that programs
take their older way). Arguments are compared by their lower 32 bits, which is all the kernel looks at in these calls.
"""

from __future__ import annotations

import ctypes
import errno
from struct import pack

from greenloop.sandbox import kernel

_LAST_KNOWN = 462  # mseal; both architectures count alike from 424 on
_X32 = 0x40000000
_KILL, _ERRNO, _ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
_LOAD, _EQUAL, _GREATER, _AND, _RETURN = 0x20, 0x15, 0x25, 0x54, 0x06
_NAMESPACES = 0x7E020000  # CLONE_NEW* as far as clone() takes them

REFUSED = (
    *("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease", "pidfd_getfd", "kcmp"),
    *("unshare", "setns", "mount", "umount2", "pivot_root", "chroot", "open_tree", "move_mount", "mount_setattr"),
    *("fsopen", "fsconfig", "fsmount", "fspick", "statmount", "listmount"),
    *("io_uring_setup", "io_uring_enter", "io_uring_register", "bpf", "perf_event_open", "userfaultfd"),
    *("add_key", "request_key", "keyctl", "memfd_create", "memfd_secret"),  # memory that no limit counts
    *("shmget", "shmat", "shmctl", "shmdt", "semget", "semop", "semtimedop", "semctl"),
    *("msgget", "msgsnd", "msgrcv", "msgctl"),
    *("mq_open", "mq_unlink", "mq_timedsend", "mq_timedreceive", "mq_notify", "mq_getsetattr"),
    *("setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr"),  # not Landlock's business
    *("name_to_handle_at", "open_by_handle_at", "fanotify_init", "fanotify_mark", "lookup_dcookie", "nfsservctl"),
    *("kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "reboot", "acct", "syslog"),
    *("swapon", "swapoff", "quotactl", "quotactl_fd", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex"),
    *("sethostname", "setdomainname", "iopl", "ioperm", "modify_ldt", "vhangup", "migrate_pages", "move_pages"),
)

_UNIX, _INET, _INET6, _STREAM, _DATAGRAM = 1, 2, 10, 1, 2
_FILE_TYPE, _FIFO, _REGULAR = 0o170000, 0o010000, 0o100000
_WHOLE = 0xFFFFFFFF

# call: ((argument, mask, values one of which it must have), …)
_CONDITIONS = (
    ("socketpair", ((0, _WHOLE, (_UNIX,)),)),  # asyncio and multiprocessing live on it
    ("clone", ((0, _NAMESPACES, (0,)),)),
    ("mknod", ((1, _FILE_TYPE, (0, _FIFO, _REGULAR)),)),
    ("mknodat", ((2, _FILE_TYPE, (0, _FIFO, _REGULAR)),)),
    ("personality", ((0, _WHOLE, (0, _WHOLE)),)),  # 0xffffffff asks
)
_LOOPBACK = ("socket", ((0, _WHOLE, (_INET, _INET6)), (1, 0xF, (_STREAM, _DATAGRAM))))
_TYPES_INTO_A_TERMINAL = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX


def _step(code: int, k: int, *, yes: int = 0, no: int = 0) -> bytes:
    return pack("=HBBI", code, yes, no, k)


def _refuse(name: str, code: int) -> bytes:
    nr = kernel.number(name)
    return b"" if nr < 0 else _step(_EQUAL, nr, no=1) + _step(_RETURN, _ERRNO | code)


def _argument(index: int, mask: int) -> bytes:
    return _step(_LOAD, 16 + 8 * index) + _step(_AND, mask)


def _only(name: str, checks: tuple[tuple[int, int, tuple[int, ...]], ...]) -> bytes:
    """The call is let through when each argument has one of its values, and refused otherwise."""
    nr = kernel.number(name)
    if nr < 0:
        return b""
    body = b""
    for index, mask, values in checks:
        body += _argument(index, mask)
        body += b"".join(_step(_EQUAL, value, yes=len(values) - n) for n, value in enumerate(values))
        body += _step(_RETURN, _ERRNO | errno.EPERM)
    body += _step(_RETURN, _ALLOW)
    return _step(_EQUAL, nr, no=len(body) // 8) + body


def _without(name: str, index: int, values: tuple[int, ...]) -> bytes:
    """The call is refused when the argument has one of these values, and let through otherwise."""
    body = _argument(index, _WHOLE)
    for value in values:
        body += _step(_EQUAL, value, no=1) + _step(_RETURN, _ERRNO | errno.EPERM)
    body += _step(_RETURN, _ALLOW)
    return _step(_EQUAL, kernel.number(name), no=len(body) // 8) + body


def program(*, loopback: bool) -> bytes:
    """The filter as the kernel takes it."""
    architecture, column = kernel.machine()
    steps = [_step(_LOAD, 4), _step(_EQUAL, architecture, yes=1), _step(_RETURN, _KILL), _step(_LOAD, 0)]
    if column == 0:
        steps += [_step(_GREATER, _X32 - 1, no=1), _step(_RETURN, _KILL)]
    steps += [_step(_GREATER, _LAST_KNOWN, no=1), _step(_RETURN, _ERRNO | errno.ENOSYS)]
    steps += [_refuse("clone3", errno.ENOSYS)]  # its flags are out of a filter's sight; libc falls back to clone
    steps += [_refuse(name, errno.EPERM) for name in REFUSED]
    steps += [_only(name, checks) for name, checks in _CONDITIONS]
    steps += [_only(*_LOOPBACK) if loopback else _refuse("socket", errno.EPERM)]
    steps += [_without("ioctl", 1, _TYPES_INTO_A_TERMINAL), _step(_RETURN, _ALLOW)]
    return b"".join(steps)


def install(*, loopback: bool) -> None:
    """Filter this process and all it starts, for good. Needs no_new_privs."""
    code = program(loopback=loopback)
    kept = ctypes.create_string_buffer(code, len(code))
    kernel.call("seccomp", 1, 0, pack("=HxxxxxxQ", len(code) // 8, ctypes.addressof(kept)))
