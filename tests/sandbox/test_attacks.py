"""What confined code must not be able to do, tried for real, in every way of being confined."""

from __future__ import annotations

import json
import os
import platform
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sandbox import stage


def flat(told: str) -> dict[str, bool]:
    """What `attacks.py` prints, without its classes."""
    return {name: works for made in json.loads(told).values() for name, works in made.items()}


def test_no_attack_works_inside_though_all_that_matter_work_outside(place: Any) -> None:
    stage.bait(place.outside)
    before = sorted(p.name for p in place.outside.rglob("*"))
    shutil.copy(stage.ATTACKS, place.work)
    with stage.listening(place.outside) as port:
        words = (str(place.outside), str(os.getpid()), str(port))
        inside = place.run((place.python, "attacks.py", *words))
        found = sorted(name for name, works in flat(inside.stdout).items() if works)
        assert (found, inside.stderr, inside.exit_code) == (stage.KNOWN.get(place.name, []), "", 0)
        assert (place.outside / "secret").read_text() == "token"
        (place.outside / "docker.sock").touch()
        assert sorted(p.name for p in place.outside.rglob("*")) == sorted([*before, "docker.sock"])
        outside = subprocess.run(
            [sys.executable, stage.ATTACKS, *words],
            cwd=place.outside,
            env=os.environ | stage.TOKENS,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    assert {name for name, works in flat(outside.stdout).items() if works} >= stage.PROVEN


def test_the_table_of_attacks_covers_the_ways_that_there_are() -> None:
    """`make attacks` runs all of it; here only that every kind is in it, each under a name of its own."""
    names = [greed.name for greed in stage.GREED] + [*stage.STAYERS, *stage.LEFTOVERS, *stage.RESULTS]
    assert len(names) == len(set(names))
    words = {greed.word for greed in stage.GREED}
    assert words == {"memory", "time", "processes", "files", "disk", "output", ""}


FILTERED = """
import ctypes, errno, json, os, sys
libc = ctypes.CDLL(None, use_errno=True)
sys.path.append(sys.argv[1])
from greenloop.sandbox import kernel, seccomp
if os.geteuid() == 0:  # a hole in the filter must not hit the machine
    os.setgroups([])
    os.setresgid(54321, 54321, 54321)
    os.setresuid(54321, 54321, 54321)
kernel.call("prctl", kernel.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
seccomp.install(loopback=sys.argv[2] == "loopback")
def tried(number, *args):
    ctypes.set_errno(0)
    return 0 if libc.syscall(number, *map(ctypes.c_long, args)) >= 0 else ctypes.get_errno()
print(json.dumps([tried(*call) for call in json.loads(sys.argv[3])]))
"""

REFUSED = """
ptrace process_vm_readv process_vm_writev process_madvise process_mrelease pidfd_getfd kcmp unshare setns
mount umount2 pivot_root chroot open_tree move_mount mount_setattr fsopen fsconfig fsmount fspick statmount listmount
io_uring_setup io_uring_enter io_uring_register bpf perf_event_open userfaultfd add_key request_key keyctl memfd_create
memfd_secret shmget shmat shmctl shmdt semget semop semtimedop semctl msgget msgsnd msgrcv msgctl mq_open mq_unlink
mq_timedsend mq_timedreceive mq_notify mq_getsetattr setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr
name_to_handle_at open_by_handle_at fanotify_init fanotify_mark lookup_dcookie nfsservctl kexec_load kexec_file_load
init_module finit_module delete_module reboot acct syslog swapon swapoff quotactl quotactl_fd settimeofday clock_settime
clock_adjtime adjtimex sethostname setdomainname vhangup migrate_pages move_pages
""".split()  # noqa: SIM905 - to be read


def filtered(calls: list[tuple[int, ...]], network: str = "none") -> list[int]:
    """The error number of each call under the filter alone, 0 for success."""
    import greenloop  # noqa: PLC0415 - where it is imported from is what is asked

    package = str(Path(greenloop.__file__).parents[1])
    argv = [sys.executable, "-c", FILTERED, package, network, json.dumps(calls)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    answers: list[int] = json.loads(done.stdout)
    return answers


def test_the_filter_alone_refuses_each_call_and_only_what_it_should() -> None:
    from greenloop.sandbox import kernel  # noqa: PLC0415 - likewise

    eperm, enosys, number = 1, 38, kernel.number
    assert dict(
        zip(REFUSED, filtered([(number(name), 0, 0, 0, 0, 0, 0) for name in REFUSED]), strict=True)
    ) == dict.fromkeys(REFUSED, eperm)
    calls = {
        (number("clone3"), 0, 0): enosys,
        (463, 0): enosys,  # setxattrat, newer than the list
        (9999,): enosys,
        (number("socket"), 2, 1, 0): eperm,
        (number("socket"), 1, 1, 0): eperm,
        (number("socketpair"), 2, 1, 0, 0): eperm,
        (number("clone"), 0x10000000 | 17, 0): eperm,
        (number("clone"), 0x40000000 | 17, 0): eperm,
        (number("mknodat"), -100, 0, 0o020000, 0): eperm,
        (number("mknodat"), -100, 0, 0o060000, 0): eperm,
        (number("mknodat"), -100, 0, 0o010000, 0): 14,  # let through to the kernel, which misses the name
        (number("personality"), 0x0008): eperm,
        (number("personality"), 0xFFFFFFFF): 0,
        (number("ioctl"), 0, 0x5412, 0): eperm,
        (number("ioctl"), 0, 0x541C, 0): eperm,
        (number("ioctl"), 999, 0x5401, 0): 9,
    }
    assert dict(zip(calls, filtered(list(calls)), strict=True)) == calls
    loopback = {
        (number("socket"), 2, 1, 0): 0,
        (number("socket"), 10, 2, 0): 0,
        (number("socket"), 2, 3, 0): eperm,
        (number("socket"), 1, 1, 0): eperm,
        (number("socket"), 17, 3, 0): eperm,
    }
    assert dict(zip(loopback, filtered(list(loopback), "loopback"), strict=True)) == loopback


GATE = """
import ctypes, mmap
code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
code.write(bytes.fromhex({code!r}))
print(ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(code)))() > 0)
"""


@pytest.mark.skipif(platform.machine() != "x86_64", reason="these gates are x86-64's")
def test_calls_of_other_architectures_end_the_program(place: Any) -> None:
    i386, x32 = "b814000000cd80c3", "b827000040" + "0f05c3"  # getpid, the way of either
    assert [place.code(GATE.format(code=code)).exit_code for code in (i386, x32)] == [128 + 31] * 2


LANDLOCKED = """
import json, os, signal, socket, sys
sys.path.append(sys.argv[1])
from greenloop.sandbox import kernel, landlock
given, kept = sys.argv[2], sys.argv[3]
kernel.call("prctl", kernel.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
server, port = socket.socket(), int(sys.argv[4])
rules = [(given, landlock.WRITE), (given + "/no", landlock.WRITE)]
rules += [(path, landlock.READ) for path in (sys.base_prefix, "/usr", "/lib", "/lib64", "/etc/ld.so.cache")]
landlock.restrict(landlock.abi(), rules, tcp=False)
def abstract():
    socket.socket(socket.AF_UNIX).connect("\\0" + sys.argv[5])
def run(program):
    if os.spawnv(os.P_WAIT, program, ["program"]):
        raise PermissionError
def tried(action):
    try:
        action()
    except OSError as error:
        return type(error).__name__
    return "works"
def both(folder):
    return {
        "read": tried(lambda: open(folder + "/file").read()),
        "list": tried(lambda: os.listdir(folder)),
        "run": tried(lambda: run(folder + "/program")),
        "write": tried(lambda: open(folder + "/file", "r+").close()),
        "truncate": tried(lambda: os.truncate(folder + "/file", 1)),
        "make": tried(lambda: open(folder + "/new", "x").close()),
        "mkdir": tried(lambda: os.mkdir(folder + "/folder")),
        "fifo": tried(lambda: os.mkfifo(folder + "/fifo")),
        "symlink": tried(lambda: os.symlink("x", folder + "/link")),
        "rename": tried(lambda: os.rename(folder + "/file", folder + "/room/file")),
        "remove": tried(lambda: os.remove(folder + "/old")),
        "rmdir": tried(lambda: os.rmdir(folder + "/empty")),
    }
print(json.dumps({
    "given": both(given),
    "kept": both(kept),
    "out": tried(lambda: os.rename(given + "/moving", kept + "/moving")),
    "bind": tried(lambda: server.bind(("127.0.0.1", 0))),
    "connect": tried(lambda: socket.socket().connect(("127.0.0.1", port))),
    "abstract": tried(abstract),
    "signal": tried(lambda: os.kill(os.getppid(), 0)),
}))
"""


def test_landlock_alone_gives_what_is_named_and_refuses_the_rest(tmp_path: Path) -> None:
    import greenloop  # noqa: PLC0415 - as above
    from greenloop.sandbox import landlock  # noqa: PLC0415 - likewise

    if landlock.abi() < 6:
        pytest.skip(f"Landlock {landlock.abi()} here")
    for name in ("given", "kept"):
        folder = tmp_path / name
        (folder / "empty").mkdir(parents=True)
        (folder / "room").mkdir()
        for file in ("file", "old", "moving"):
            (folder / file).write_text("text")
        shutil.copy("/bin/true", folder / "program")
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind(f"\0greenloop-test-{os.getpid()}")
        abstract.listen()
        package, port = str(Path(greenloop.__file__).parents[1]), str(server.getsockname()[1])
        places = (str(tmp_path / "given"), str(tmp_path / "kept"))
        argv = [sys.executable, "-c", LANDLOCKED, package, *places, port, f"greenloop-test-{os.getpid()}"]
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    actions = [
        "read",
        "list",
        "run",
        "write",
        "truncate",
        "make",
        "mkdir",
        "fifo",
        "symlink",
        "rename",
        "remove",
        "rmdir",
    ]
    refused = dict.fromkeys(actions, "PermissionError")
    expected: dict[str, object] = {"given": dict.fromkeys(actions, "works"), "kept": refused}
    others = dict.fromkeys(("bind", "connect", "abstract", "signal"), "PermissionError")
    assert told == expected | {"out": "PermissionError"} | others


def test_loopback_is_its_own_and_never_the_machine_s(place: Any) -> None:
    if place.choice == "uid":
        told = place.order((place.python, "-c", ""), network="loopback")
        assert "uid: the loopback network needs a network namespace" in told["refused"]
        return
    with socket.create_server(("127.0.0.1", 0)) as server:
        program = """
import asyncio, socket, sys
with socket.create_server(("127.0.0.1", 0)) as inner, socket.create_connection(inner.getsockname()):
    print("inside", socket.gethostname(), socket.gethostbyname("localhost"))
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)
except OSError as error:
    print(type(error).__name__)
"""
        done = place.code(program, str(server.getsockname()[1]), network="loopback")
    assert (done.stdout, done.stderr) == ("inside sandbox 127.0.0.1\nConnectionRefusedError\n", "")
