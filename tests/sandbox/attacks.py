"""A program of attacks: it prints the names of those that work. Standard library only.

    python attacks.py OUTSIDE PARENT PORT

OUTSIDE is a folder in which everybody may write, PARENT the process that started all, PORT one it listens on, on
loopback. Each attack is made in a child of its own, and does no harm where it works: a broken sandbox must not cost the
machine. Who starts it puts into OUTSIDE what is to be stolen; into the environment of this program, nothing.
"""

import ctypes
import json
import mmap
import os
import platform
import socket
import struct
import sys
from collections.abc import Callable
from pathlib import Path

Attacks = dict[str, Callable[[], object]]

OUTSIDE, PARENT, PORT = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
LIBC = ctypes.CDLL(None, use_errno=True)
COLUMN = {"x86_64": 0, "aarch64": 1}[platform.machine()]
NUMBERS = {
    "bpf": (321, 280),
    "clone3": (435, 435),
    "io_uring_setup": (425, 425),
    "kcmp": (312, 272),
    "keyctl": (250, 219),
    "memfd_secret": (447, 447),
    "perf_event_open": (298, 241),
    "pidfd_getfd": (438, 438),
    "pidfd_open": (434, 434),
    "process_vm_readv": (310, 270),
    "setxattrat": (463, 463),
    "userfaultfd": (323, 282),
}
FAULT = 14  # the kernel had let us as far as to look at the address


def checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def libc(name: str, *args: object) -> int:
    return checked(getattr(LIBC, name)(*args))


def call(name: str, *args: object) -> int:
    words = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
    return checked(LIBC.syscall(ctypes.c_long(NUMBERS[name][COLUMN]), *words))


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


def connect(family: int, address: tuple[str, int] | str) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(5)
        client.connect(address)


def ask_for_a_name() -> None:
    """A datagram, and an answer to it: the way of a name server."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.sendto(b"secret.example.org", ("127.0.0.1", PORT))
        client.recv(9)


def mount() -> None:
    libc("mount", b"x", b".", b"tmpfs", 0, None)
    libc("umount2", b".", 2)


def device() -> None:
    os.mknod("device", 0o020666, os.makedev(1, 3))
    Path("device").unlink()


def run() -> None:
    if os.spawnv(os.P_WAIT, OUTSIDE / "program", ["program"]):  # noqa: S606 - no shell is what is wanted
        raise OSError("it was not run")


def read_memory() -> None:
    """Of the parent, at an address where nothing is: whether one may is decided before."""
    there = struct.pack("QQ", 8, 8)
    try:
        call("process_vm_readv", PARENT, there, 1, there, 1, 0)
    except OSError as error:
        if error.errno != FAULT:
            raise


def steal_a_handle() -> None:
    os.close(call("pidfd_getfd", call("pidfd_open", PARENT, 0), 1, 0))


def compare_kernel_objects() -> None:
    call("kcmp", PARENT, os.getpid(), 2, 0, 0)


def trace() -> None:
    """Seized, not stopped; let go at our end."""
    libc("ptrace", 0x4206, PARENT, None, None)


def ring() -> None:
    os.close(call("io_uring_setup", 1, ctypes.create_string_buffer(120)))


def program_in_the_kernel() -> None:
    """An array of one number."""
    wanted = ctypes.create_string_buffer(struct.pack("IIII", 2, 4, 4, 1), 72)
    os.close(call("bpf", 0, wanted, len(wanted)))


def counters() -> None:
    """Of the processor's clock, user code only."""
    wanted = ctypes.create_string_buffer(struct.pack("IIQQQQQ", 1, 112, 0, 0, 0, 0, 1 << 5 | 1 << 6), 112)
    os.close(call("perf_event_open", wanted, 0, -1, -1, 0))


def gate(code: str) -> None:
    """Machine code that asks for the process's id by another way into the kernel."""
    if COLUMN:
        raise OSError("x86-64 alone has it")
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(bytes.fromhex(code))
    if ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))() <= 0:
        raise OSError("this kernel has no such gate")


def type_into_the_terminal() -> None:
    """Into one of its own; where that may be done, it may be into anybody's."""
    import fcntl  # noqa: PLC0415 - this attack alone
    import pty  # noqa: PLC0415 - likewise
    import termios  # noqa: PLC0415 - likewise

    fcntl.ioctl(pty.openpty()[1], termios.TIOCSTI, b"x")


def network() -> Attacks:
    return {
        "call home by TCP": lambda: connect(socket.AF_INET, ("127.0.0.1", PORT)),
        "ask a name server": ask_for_a_name,
        "internet": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
        "name servers": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        "internet 6": lambda: socket.socket(socket.AF_INET6, socket.SOCK_STREAM),
        "raw internet": lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1),
        "unix sockets": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
        "Docker's socket": lambda: connect(socket.AF_UNIX, str(OUTSIDE / "docker.sock")),
        "abstract socket": lambda: connect(socket.AF_UNIX, f"\0greenloop-attacked-{PORT}"),
        "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
        "packets": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
        "kernel's cryptography": lambda: socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET),
        "virtual machine sockets": lambda: socket.socket(40, socket.SOCK_STREAM),
    }


def files() -> Attacks:
    secret = OUTSIDE / "secret"
    return {
        "token in .git/config": (OUTSIDE / "checkout" / ".git" / "config").read_bytes,
        "GITHUB_ENV, read": (OUTSIDE / "github_env").read_bytes,
        "GITHUB_ENV, written": lambda: (OUTSIDE / "github_env").open("a").close(),
        "read outside": secret.read_bytes,
        "list outside": lambda: list(OUTSIDE.iterdir()),
        "write outside": lambda: secret.open("a").close(),
        "cut outside": lambda: os.truncate(secret, 5),
        "touch outside": lambda: os.utime(secret),
        "set back the time of a file outside": lambda: os.utime(secret, (1, 1)),
        "mode outside": lambda: secret.chmod(0o666),
        "owner outside": lambda: os.chown(secret, os.getuid(), -1),
        "label outside": lambda: os.setxattr(secret, "user.x", b"1"),
        "label inside": lambda: os.setxattr(".", "user.x", b"1"),
        "move outside": lambda: secret.rename(secret),
        "remove outside": (OUTSIDE / "victim").unlink,
        "remove a folder outside": (OUTSIDE / "empty").rmdir,
        "new file outside": (OUTSIDE / "new").touch,
        "new folder outside": (OUTSIDE / "folder").mkdir,
        "new link outside": lambda: (OUTSIDE / "link").symlink_to("nowhere"),
        "new pipe outside": lambda: os.mkfifo(OUTSIDE / "pipe"),
        "second name of a file outside": lambda: os.link(secret, "stolen"),
        "run a program outside": run,
        "password hashes": lambda: read_any("/etc/shadow", "/etc/gshadow", "/etc/sudoers"),
        "somebody's folder": lambda: read_any("/root/.ssh/id_rsa", "/root/.netrc", "/root/.bashrc"),
        "the disk": lambda: read_any("/dev/vda", "/dev/sda", "/dev/mem", "/dev/kmsg"),
        "kernel settings": lambda: os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY),
    }


def processes() -> Attacks:
    return {
        "environment of the parent": lambda: read_any(f"/proc/{PARENT}/environ"),
        "a token in our environment": lambda: os.environ["ACTIONS_RUNTIME_TOKEN"],
        "memory of the parent": lambda: os.open(f"/proc/{PARENT}/mem", os.O_RDWR),
        "arguments of the parent": lambda: read_any(f"/proc/{PARENT}/cmdline"),
        "files of the parent": lambda: list(Path(f"/proc/{PARENT}/fd").iterdir()),
        "folders of the parent": lambda: list(Path(f"/proc/{PARENT}/cwd").iterdir()),
        "read the parent's memory by a call": read_memory,
        "take a handle from the parent": steal_a_handle,
        "compare with the parent": compare_kernel_objects,
        "trace the parent": trace,
        "trace a process": lambda: libc("ptrace", 0, 0, 0, 0),
        "signal the parent": lambda: os.kill(PARENT, 0),
        "more priority": lambda: os.nice(-1),
        "higher limits": lambda: __import__("resource").setrlimit(7, (1 << 16, 1 << 16)),
    }


def kernel() -> Attacks:
    return {
        "root": lambda: os.setresuid(0, 0, 0),
        "root's group": lambda: os.setresgid(0, 0, 0),
        "root's other groups": lambda: os.setgroups([0]),
        "change the root": lambda: os.chroot("."),
        "mount": mount,
        "new namespaces": lambda: libc("unshare", 0x10000000),
        "new namespaces by clone3": clone3,
        "enter namespaces": lambda: libc("setns", os.open("/proc/self/ns/net", os.O_RDONLY), 0),
        "a device": device,
        "io_uring": ring,
        "bpf": program_in_the_kernel,
        "kernel keys": lambda: call("keyctl", 0, -3, 0),
        "userfaultfd": lambda: os.close(call("userfaultfd", 1)),
        "perf": counters,
        "i386 gate": lambda: gate("b814000000cd80c3"),
        "x32 gate": lambda: gate("b8270000400f05c3"),
        "type into a terminal": type_into_the_terminal,
        "the kernel's log": lambda: libc("klogctl", 3, ctypes.create_string_buffer(99), 99),
        "the name of the machine": lambda: socket.sethostname(socket.gethostname()),
    }


def clone3() -> None:
    """A child in a user namespace of its own."""
    wanted = ctypes.create_string_buffer(struct.pack("8Q", 0x10000000, 0, 0, 0, 17, 0, 0, 0), 64)
    child = call("clone3", wanted, len(wanted))
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def uncounted() -> Attacks:
    return {
        "memory without a name": lambda: os.memfd_create("x"),
        "memory hidden from the kernel": lambda: os.close(call("memfd_secret", 0)),
        "shared memory that stays": lambda: libc("shmctl", libc("shmget", 0, 4096, 0o1600), 0, None),
        "semaphores that stay": lambda: libc("semctl", libc("semget", 0, 1, 0o1600), 0, 0),
        "messages that stay": lambda: libc("msgctl", libc("msgget", 0, 0o1600), 0, None),
    }


CLASSES = {
    "network": network,
    "files": files,
    "processes": processes,
    "kernel": kernel,
    "memory and objects that nobody counts": uncounted,
}


def works(attack: Callable[[], object]) -> bool:
    child = os.fork()
    if child == 0:
        try:
            attack()
        except (
            OSError,
            ValueError,
            AttributeError,
            KeyError,
        ):  # a limit too high is a ValueError; not all is everywhere
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


if __name__ == "__main__":
    told = {name: {attack: works(made) for attack, made in group().items()} for name, group in CLASSES.items()}
    sys.stdout.write(json.dumps(told) + "\n")
