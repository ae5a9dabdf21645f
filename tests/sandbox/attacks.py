"""A program of attacks: it prints the names of those that work. Standard library only.

    python attacks.py OUTSIDE PARENT    a folder outside in which everybody may write; the process that started all

Each is made in a child of its own, and does no harm where it works: a broken sandbox must not cost the machine.
"""

import ctypes
import json
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

OUTSIDE, PARENT = Path(sys.argv[1]), int(sys.argv[2])
LIBC = ctypes.CDLL(None, use_errno=True)


def libc(name: str, *args: object) -> int:
    result: int = getattr(LIBC, name)(*args)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def read_any(*paths: str) -> None:
    """Works when one of them can be read."""
    errors = []
    for path in paths:
        try:
            os.close(os.open(path, os.O_RDONLY))
        except OSError as error:
            errors.append(error)
        else:
            return
    raise errors[0]


def mount() -> None:
    libc("mount", b"x", b".", b"tmpfs", 0, None)
    libc("umount2", b".", 2)


def device() -> None:
    os.mknod("device", 0o020666, os.makedev(1, 3))
    Path("device").unlink()


def attacks() -> dict[str, Callable[[], object]]:
    secret = OUTSIDE / "secret"
    return {
        "internet": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
        "name servers": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        "internet 6": lambda: socket.socket(socket.AF_INET6, socket.SOCK_STREAM),
        "unix sockets": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
        "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
        "packets": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
        "virtual machine sockets": lambda: socket.socket(40, socket.SOCK_STREAM),
        "read outside": secret.read_bytes,
        "list outside": lambda: list(OUTSIDE.iterdir()),
        "write outside": lambda: secret.open("a").close(),
        "cut outside": lambda: os.truncate(secret, 5),
        "touch outside": lambda: os.utime(secret),
        "mode outside": lambda: secret.chmod(0o666),
        "label outside": lambda: os.setxattr(secret, "user.x", b"1"),
        "label inside": lambda: os.setxattr(".", "user.x", b"1"),
        "move outside": lambda: secret.rename(secret),
        "new file outside": (OUTSIDE / "new").touch,
        "new folder outside": (OUTSIDE / "folder").mkdir,
        "new link outside": lambda: (OUTSIDE / "link").symlink_to("nowhere"),
        "new pipe outside": lambda: os.mkfifo(OUTSIDE / "pipe"),
        "second name of a file outside": lambda: os.link(secret, "stolen"),
        "password hashes": lambda: read_any("/etc/shadow", "/etc/gshadow", "/etc/sudoers"),
        "somebody's folder": lambda: read_any("/root/.ssh/id_rsa", "/root/.netrc", "/root/.bashrc"),
        "the disk": lambda: read_any("/dev/vda", "/dev/sda", "/dev/mem", "/dev/kmsg"),
        "kernel settings": lambda: os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY),
        "environment of the parent": lambda: read_any(f"/proc/{PARENT}/environ"),
        "memory of the parent": lambda: os.open(f"/proc/{PARENT}/mem", os.O_RDWR),
        "signal the parent": lambda: os.kill(PARENT, 0),
        "trace a process": lambda: libc("ptrace", 0, 0, 0, 0),
        "root": lambda: os.setresuid(0, 0, 0),
        "root's group": lambda: os.setresgid(0, 0, 0),
        "root's other groups": lambda: os.setgroups([0]),
        "change the root": lambda: os.chroot("."),
        "mount": mount,
        "new namespaces": lambda: libc("unshare", 0x10000000),
        "enter namespaces": lambda: libc("setns", os.open("/proc/self/ns/net", os.O_RDONLY), 0),
        "a device": device,
        "memory without a name": lambda: os.memfd_create("x"),
        "shared memory that stays": lambda: libc("shmctl", libc("shmget", 0, 4096, 0o1600), 0, None),
        "semaphores that stay": lambda: libc("semctl", libc("semget", 0, 1, 0o1600), 0, 0),
        "messages that stay": lambda: libc("msgctl", libc("msgget", 0, 0o1600), 0, None),
        "the kernel's log": lambda: libc("klogctl", 3, ctypes.create_string_buffer(99), 99),
        "the name of the machine": lambda: socket.sethostname(socket.gethostname()),
        "higher limits": lambda: __import__("resource").setrlimit(7, (1 << 16, 1 << 16)),
        "more priority": lambda: os.nice(-1),
    }


def works(attack: Callable[[], object]) -> bool:
    child = os.fork()
    if child == 0:
        try:
            attack()
        except (OSError, ValueError, AttributeError):  # a limit too high is a ValueError; not every libc has all calls
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


sys.stdout.write(json.dumps(sorted(name for name, attack in attacks().items() if works(attack))) + "\n")
