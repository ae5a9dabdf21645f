"""Each rule of the filter and each right of Landlock is needed: without it, singly, what it refuses goes through."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

import greenloop
from greenloop.sandbox import kernel, landlock, seccomp

ALLOWED, REFUSED, ABSENT, KILLED = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000
Call = tuple[int, ...]  # the number, then the arguments


def verdict(program: bytes, call: Call, architecture: int) -> int:
    """What the kernel would decide: the few instructions that our filter is made of, one after another."""
    arguments = (*call[1:], 0, 0, 0, 0, 0, 0)[:6]
    data = struct.pack("=IIQ6Q", call[0] & 0xFFFFFFFF, architecture, 0, *arguments)
    steps = list(struct.iter_unpack("=HBBI", program))
    at, held = 0, 0
    while True:
        code, yes, no, k = steps[at]
        at += 1
        if code == 0x20:
            (held,) = struct.unpack_from("=I", data, k)
        elif code == 0x54:
            held &= k
        elif code == 0x15:
            at += yes if held == k else no
        elif code == 0x25:
            at += yes if held > k else no
        elif code == 0x06:
            return int(k)
        else:
            raise AssertionError(hex(code))


@pytest.fixture(params=["x86_64", "aarch64"])
def architecture(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Both, wherever we are."""
    machine: tuple[int, int] = kernel._MACHINES[request.param]
    monkeypatch.setattr(kernel, "machine", lambda: machine)
    return machine[0]


def test_each_refused_call_is_refused_by_its_own_rule_alone(architecture: int, monkeypatch: pytest.MonkeyPatch) -> None:
    refused, whole = seccomp.REFUSED, seccomp.program(loopback=False)
    assert len(refused) == len(set(refused)) >= 75
    for name in refused:
        if kernel.number(name) < 0:
            continue
        call = (kernel.number(name),)
        monkeypatch.setattr(seccomp, "REFUSED", tuple(other for other in refused if other != name))
        without = seccomp.program(loopback=False)
        assert (verdict(whole, call, architecture), verdict(without, call, architecture)) == (REFUSED, ALLOWED), name


# what a condition refuses, by its call: the arguments of one attack
CONDITIONS: dict[str, Call] = {
    "socketpair": (2, 1, 0),
    "clone": (0x10000000 | 17,),
    "mknod": (0, 0o060000),
    "mknodat": (0, 0, 0o020000),
    "personality": (8,),
}


def test_each_condition_refuses_what_it_is_for(architecture: int, monkeypatch: pytest.MonkeyPatch) -> None:
    conditions = seccomp._CONDITIONS
    assert [name for name, _ in conditions] == list(CONDITIONS)
    whole = seccomp.program(loopback=False)
    for name, arguments in CONDITIONS.items():
        if kernel.number(name) < 0:
            continue
        call = (kernel.number(name), *arguments)
        monkeypatch.setattr(seccomp, "_CONDITIONS", tuple(c for c in conditions if c[0] != name))
        without = seccomp.program(loopback=False)
        assert (verdict(whole, call, architecture), verdict(without, call, architecture)) == (REFUSED, ALLOWED), name


def test_the_gates_and_what_is_new_are_closed(architecture: int) -> None:
    whole, open_ = seccomp.program(loopback=False), seccomp.program(loopback=True)
    read, socket = (0 if architecture == 0xC000003E else 63), kernel.number("socket")
    assert verdict(whole, (read,), architecture) == ALLOWED
    assert verdict(whole, (read,), 0x40000003) == KILLED  # i386
    assert verdict(whole, (463,), architecture) == ABSENT
    assert verdict(whole, (kernel.number("clone3"),), architecture) == ABSENT
    for terminal in (0x5412, 0x541C):
        assert verdict(whole, (kernel.number("ioctl"), 0, terminal), architecture) == REFUSED
    assert verdict(whole, (kernel.number("ioctl"), 0, 0x5401), architecture) == ALLOWED
    families = {family: verdict(open_, (socket, family, 1), architecture) for family in range(50)}
    assert {family for family, word in families.items() if word == ALLOWED} == {2, 10}
    assert {verdict(whole, (socket, family, 1), architecture) for family in range(50)} == {REFUSED}
    if architecture == 0xC000003E:
        assert verdict(whole, (0x40000000 | 39,), architecture) == KILLED  # x32


# the right, and the attack that succeeds when Landlock does not handle it
ATTACKS = {
    "EXECUTE": "run",
    "WRITE_FILE": "write",
    "READ_FILE": "read",
    "READ_DIR": "list",
    "REMOVE_DIR": "remove a folder",
    "REMOVE_FILE": "remove a file",
    "MAKE_DIR": "make a folder",
    "MAKE_REG": "make a file",
    "MAKE_FIFO": "make a pipe",
    "MAKE_SYM": "make a link",
    "TRUNCATE": "cut",
}
LANDLOCKED = """
import json, os, struct, sys
sys.path.append(sys.argv[1])
from greenloop.sandbox import kernel, landlock
folder, bit, call = sys.argv[2], int(sys.argv[3]), kernel.call
def without(name, *args):
    if name == "landlock_create_ruleset" and args[0]:
        args = (struct.pack("=Q", struct.unpack("=Q", args[0][:8])[0] & ~bit) + args[0][8:], *args[1:])
    if name == "landlock_add_rule":
        rights, place = struct.unpack("=Qi", args[2])
        if not rights & ~bit:
            return 0
        args = (*args[:2], struct.pack("=Qi", rights & ~bit, place), *args[3:])
    return call(name, *args)
kernel.call = without
call("prctl", kernel.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
rules = [(path, landlock.READ) for path in (sys.base_prefix, "/usr", "/lib", "/lib64", "/etc/ld.so.cache")]
rules.append((folder + "/program", landlock.READ_FILE))  # running it asks for both
landlock.restrict(landlock.abi(), rules, tcp=False)
def run():
    if os.spawnv(os.P_WAIT, folder + "/program", ["program"]):
        raise PermissionError
attacks = {
    "run": run,
    "write": lambda: os.open(folder + "/file", os.O_WRONLY),
    "read": lambda: os.open(folder + "/file", os.O_RDONLY),
    "list": lambda: os.listdir(folder),
    "remove a folder": lambda: os.rmdir(folder + "/empty"),
    "remove a file": lambda: os.remove(folder + "/old"),
    "make a folder": lambda: os.mkdir(folder + "/folder"),
    "make a file": lambda: os.mknod(folder + "/new"),
    "make a pipe": lambda: os.mkfifo(folder + "/fifo"),
    "make a link": lambda: os.symlink("x", folder + "/link"),
    "cut": lambda: os.truncate(folder + "/file", 1),
}
def works(attack):
    try:
        attack()
    except OSError:
        return False
    return True
print(json.dumps([name for name, attack in attacks.items() if works(attack)]))
"""


def landlocked(folder: Path, bit: int) -> list[str]:
    """The attacks that work in the folder, from under Landlock without this bit."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "empty").mkdir(parents=True)
    for file in ("file", "old"):
        (folder / file).write_text("text")
    shutil.copy("/bin/true", folder / "program")
    package = str(Path(greenloop.__file__).parents[1])
    argv = [sys.executable, "-c", LANDLOCKED, package, str(folder), str(bit)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    told: list[str] = json.loads(done.stdout)
    return told


@pytest.mark.skipif(landlock.abi() < 3, reason=f"Landlock {landlock.abi()} here")
def test_each_right_of_landlock_refuses_its_own_attack_alone(tmp_path: Path) -> None:
    assert landlocked(tmp_path / "kept", 0) == []
    for name, attack in ATTACKS.items():
        assert landlocked(tmp_path / name, getattr(landlock, name)) == [attack], name
