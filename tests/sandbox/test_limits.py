"""What a run may use up, what it may leave behind, and what comes out of it."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from greenloop.errors import UsageError
from greenloop.ports import Policy
from greenloop.sandbox import folders, open_sandbox, processes, watch

HOLD = "import signal\nsignal.sigtimedwait([signal.SIGUSR1], 30)\n"  # until it is ended
MEMORY = "x = bytearray(400 << 20)\n" + HOLD
SPREAD = (
    "import os\nfor n in range(4):\n    if not os.fork():\n        x = bytearray(120 << 20)\n        break\n" + HOLD
)
FORKS = "import os\nfor n in range(60):\n    if not os.fork(): break\n" + HOLD
THREADS = "import threading\nfor n in range(60): threading.Thread(target=threading.Event().wait).start()\n"
BYTES = "for n in range(3):\n    with open(f'{n}', 'wb') as f: f.write(bytes(9 << 20))\n" + HOLD
UNNAMED = """
import os
files = [open(name, "wb", buffering=0) for name in "xyz"]
for file in files:
    os.unlink(file.name)
    file.write(bytes(9 << 20))
"""
UNNAMED += HOLD
PRIVATE = "import os\nos.chdir(os.environ['TMPDIR'])\n" + BYTES
NAMES = "for n in range(300): open(str(n), 'w').close()\n" + HOLD
DEPTH = "import os\nfor n in range(1200): os.mkdir('d' * 99); os.chdir('d' * 99)\n" + HOLD
LOCKED = "import os\nos.mkdir('l')\nfor n in range(300): open(f'l/{n}', 'w').close()\nos.chmod('l', 0o300)\n" + HOLD

NOBODY = 65534  # a group that a namespace does not know

LIMITS: list[tuple[str, dict[str, Any], str]] = [
    ("while True: pass", {"seconds": 0.3}, "time"),
    (MEMORY, {"memory": 200}, "memory"),
    (SPREAD, {"memory": 300}, "memory"),
    (FORKS, {"processes": 50}, "processes"),
    (THREADS, {"processes": 50}, "processes"),
    (BYTES, {"disk": 20}, "disk"),
    (UNNAMED, {"disk": 20}, "disk"),
    (PRIVATE, {"disk": 20}, "disk"),
    (NAMES, {"files": 200}, "files"),
    (DEPTH, {}, "files"),
    (LOCKED, {"files": 200}, "files"),
]


def test_the_time_of_a_run_begins_when_its_program_does(here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_TICK", 0.0)  # looked at all the time, so also before the launcher is ready
    done = here.code(HOLD, seconds=0.0)
    assert (done.killed_by, done.stdout) == ("time", "")


@pytest.mark.parametrize(
    ("source", "limit", "word"), LIMITS, ids=[f"{n}-{word}" for n, (*_, word) in enumerate(LIMITS)]
)
def test_each_limit_ends_the_run_and_is_named(here: Any, source: str, limit: dict[str, Any], word: str) -> None:
    done = here.code(source, **limit)
    assert (done.killed_by, done.exit_code) == (word, 137)


@pytest.mark.parametrize("name", ["stranger", "uid"])
def test_the_limits_hold_for_others_as_well(place_of: Any, name: str) -> None:
    place = place_of(name)
    ends = [place.code(source, **limit).killed_by for source, limit, word in LIMITS if word in {"memory", "processes"}]
    ends += [place.code(LOCKED, files=200).killed_by, place.code("while True: pass", seconds=0.3).killed_by]
    assert ends == ["memory", "memory", "processes", "processes", "files", "time"]


def test_what_is_passed_in_the_last_moment_is_noticed(here: Any) -> None:
    assert here.code("with open('x', 'wb') as f: f.write(bytes(9 << 20))", disk=5).killed_by == "disk"
    assert here.code("for n in range(30): open(str(n), 'w').close()", files=20).killed_by == "files"


def test_shared_pages_count_once(here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The children live until the watchdog has seen them, and taken each for one of 150 MB."""
    os.mkfifo(here.work / "go")
    go = os.open(here.work / "go", os.O_RDWR)
    look = processes.Processes.load

    def seen(run: processes.Processes) -> processes.Load:
        load = look(run)
        if load.memory > 400 << 20:
            os.write(go, b"go on")  # a letter for each
        return load

    monkeypatch.setattr(processes.Processes, "load", seen)
    forks = "import os\nx = b'x' * (150 << 20)\nfor n in range(4):\n    if not os.fork(): break\n"
    done = here.code(forks + "open('go', 'rb', buffering=0).read(1)", memory=400)
    os.close(go)
    assert (done.killed_by, done.exit_code) == (None, 0)
    assert done.peak_memory > 400


RESOURCES = """
import json, os, resource, sys
names = ["NPROC", "NOFILE", "FSIZE", "CORE", "CPU", "AS", "MEMLOCK"]
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps({
    "limits": {name: resource.getrlimit(getattr(resource, "RLIMIT_" + name)) for name in names},
    "environment": dict(os.environ),
    "handles": sorted(os.listdir("/proc/self/fd")),
    "status": {name: status[name].split() for name in sys.argv[1:]},
    "groups": os.getgroups(),
    "umask": os.umask(0),
    "session": os.getsid(0) == os.getppid() or os.getsid(0) == os.getpid(),
    "stdin": os.readlink("/proc/self/fd/0"),
    "score": open("/proc/self/oom_score_adj").read().strip(),
    "folder": os.getcwd(),
}))
"""


def test_what_a_program_is_given(place: Any) -> None:
    policy = {"seconds": 50.0, "memory": 100, "processes": 20, "disk": 30}
    path = ("/opt/tools",)
    names = ("NoNewPrivs", "Seccomp", "CapEff", "CapPrm", "CapInh", "CapAmb")
    done = place.code(RESOURCES, *names, **policy, environment={"TZ": "UTC", "LANG": "C"}, path=path)
    told = json.loads(done.stdout)
    told["environment"].pop("LC_CTYPE", None)
    kept = [] if os.geteuid() == 0 else [g if g == os.getegid() else NOBODY for g in os.getgroups()]
    home, tmp = told["environment"].pop("HOME"), told["environment"].pop("TMPDIR")
    if place.choice == "uid":
        assert Path(home).parent == Path(tmp).parent
        assert Path(home).parent.name.startswith("greenloop-run-")
    else:
        assert (home, tmp) == ("/home/sandbox", "/tmp")  # noqa: S108 - its own
    limits = {
        "NPROC": 52,
        "NOFILE": 1024,
        "FSIZE": 31 << 20,
        "CORE": 0,
        "CPU": 50 * (os.cpu_count() or 1) + 5,
        "AS": (800 + 32 * 1024) << 20,
        "MEMLOCK": 8 << 20,
    }
    folders_ = told["environment"].pop("PATH").split(":")
    assert (folders_[0], folders_[2:]) == ("/opt/tools", ["/usr/local/bin", "/usr/bin", "/bin"])
    zero = ["0000000000000000"]
    assert told == {
        "limits": {name: [value, value] for name, value in limits.items()},
        "environment": {"LANG": "C", "TZ": "UTC", "USER": "sandbox", "LOGNAME": "sandbox"},
        "handles": ["0", "1", "2", "3"],  # 3 is the listing
        "status": {
            "NoNewPrivs": ["1"],
            "Seccomp": ["2"],
            "CapEff": zero,
            "CapPrm": zero,
            "CapInh": zero,
            "CapAmb": zero,
        },
        "groups": kept,  # who is not root cannot give them up; outside of its namespace they are nobody's
        "umask": 0o077,
        "session": True,
        "stdin": "/dev/null",
        "score": "1000",
        "folder": str(place.work),
    }


@pytest.mark.parametrize("name", ["here", "stranger"])
def test_only_what_is_named_is_there(place_of: Any, name: str) -> None:
    place = place_of(name)
    readable = place.base / "readable"
    readable.mkdir()
    (readable / "file").write_text("text")
    (readable / "file").chmod(0o666)
    readable.chmod(0o777)
    program = """
import json, os
def tried(action):
    try:
        action()
    except OSError as error:
        return os.strerror(error.errno)
    return "works"
folder = os.environ["READABLE"]
print(json.dumps({
    "processes": sorted(n for n in os.listdir("/proc") if n.isdigit()),
    "etc": sorted(set(os.listdir("/etc")) & {"passwd", "group", "hosts", "shadow", "resolv.conf", "hostname"}),
    "dev": sorted(os.listdir("/dev")),
    "network": sorted(os.listdir("/sys")) + [line.split(":")[0].strip() for line in list(open("/proc/net/dev"))[2:]],
    "read": tried(lambda: open(folder + "/file").read()),
    "time stamp": tried(lambda: os.utime(folder + "/file")),
    "home": [os.listdir(os.environ["HOME"]), tried(lambda: open(os.environ["HOME"] + "/x", "w"))],
    "shared memory": tried(lambda: open("/dev/shm/x", "wb").write(bytes(80 << 20))),
}))
"""
    policy = {"environment": {"READABLE": str(readable)}, "readable": (readable,), "memory": 256}
    done = place.code(program, **policy)
    assert json.loads(done.stdout) == {
        "processes": ["1", "2"],
        "etc": ["group", "hosts", "passwd"],
        "dev": ["fd", "full", "null", "random", "shm", "stderr", "stdin", "stdout", "urandom", "zero"],
        "network": ["devices", "lo"],
        "read": "works",
        "time stamp": "Read-only file system",
        "home": [[], "works"],
        "shared memory": "No space left on device",
    }


DAEMON = """
import os, signal
pipe = os.open("pipe", os.O_WRONLY)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
begun, said = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.write(pipe, b"alive")
        os.close(said)
        signal.sigtimedwait([signal.SIGUSR1], 30)
        os.write(pipe, b"still there")
    os._exit(0)
os.close(said)
os.read(begun, 1)  # ends when the daemon has spoken
"""


def pipe_of(place: Any) -> int:
    """The reading end of a pipe that the run holds open as long as one of its processes lives."""
    pipe = place.work / "pipe"
    os.mkfifo(pipe)
    place.give(pipe)
    return os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)


def test_nothing_outlives_the_program_or_the_stopper(place: Any) -> None:
    end = pipe_of(place)
    ended = place.code(DAEMON + "os.wait()\nprint('over')")
    assert (ended.stdout, ended.exit_code, ended.killed_by) == ("over\n", 0, None)
    os.set_blocking(end, True)
    assert (os.read(end, 99), os.read(end, 99)) == (b"alive", b"")
    killed = place.code(DAEMON + NAMES, files=200)
    assert (killed.killed_by, os.read(end, 99), os.read(end, 99)) == ("files", b"alive", b"")
    os.close(end)


@pytest.mark.parametrize("name", ["stranger", "uid"])
def test_nothing_outlives_a_killed_parent(place_of: Any, name: str) -> None:
    place = place_of(name)
    end = pipe_of(place)
    os.set_blocking(end, True)
    argv = (place.python, "-c", DAEMON + HOLD)
    order = {
        "choice": place.choice,
        "argv": argv,
        "cwd": place.work,
        "policy": {"writable": [place.work]},
        "without": [],
    }
    private = place.base / "private"  # what a killed parent leaves behind goes with the test's folder
    private.mkdir()
    private.chmod(0o1777)
    environment = os.environ | {"TMPDIR": str(private)}
    with subprocess.Popen(place.command(), stdin=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdin is not None
        parent.stdin.write(json.dumps(order, default=str))
        parent.stdin.close()
        writer = os.open(place.work / "pipe", os.O_RDWR)  # so that the first read waits for the run
        assert os.read(end, 99) == b"alive"
        os.close(writer)
        parent.kill()
        assert os.read(end, 99) == b""
    os.close(end)


def test_stop_ends_what_runs_and_what_would(here: Any) -> None:
    end = pipe_of(here)
    box = open_sandbox("auto")
    ended = []
    policy = Policy(writable=(here.work,), seconds=60.0)
    argv = (here.python, "-c", "f = open('pipe', 'w')\nf.write('x')\nf.flush()\n" + HOLD)
    thread = threading.Thread(target=lambda: ended.append(box.run(argv, cwd=here.work, policy=policy)))
    os.set_blocking(end, True)
    writer = os.open(here.work / "pipe", os.O_RDWR)
    thread.start()
    assert os.read(end, 1) == b"x"
    os.close(writer)
    box.stop()
    thread.join()
    later = box.run(argv, cwd=here.work, policy=policy)
    assert [(e.killed_by, e.stdout) for e in (*ended, later)] == [("stopped", "")] * 2
    assert later.seconds == 0.0
    os.close(end)


def test_output_is_cut_and_decoded_and_codes_are_a_shell_s(place: Any) -> None:
    noise = "import os\nos.write(1, b'\\xff' * 3000 + b'a' * 90000)\nos.write(2, 'é'.encode())\n"
    done = place.code(noise + "os.kill(os.getpid(), 15)", output=2)
    stdout = "\ufffd" * 2048 + "\n… 90696 bytes left out …\n" + "a" * 256
    assert (done.stdout, done.stderr, done.truncated, done.exit_code) == (stdout, "é", True, 143)
    (place.work / "script").write_text("#!/nowhere\n")
    (place.work / "plain").write_text("#!/bin/sh\n")
    (place.work / "script").chmod(0o755)
    (place.work / "plain").chmod(0o644)
    for name in ("script", "plain"):
        place.give(place.work / name)
    said = {
        argv: (done.exit_code, done.stderr)
        for argv in ("missing", "./script", "./plain", "./no/thing")
        for done in [place.run((argv,))]
    }
    assert said == {
        "missing": (127, "greenloop: missing: not found\n"),
        "./script": (127, "greenloop: ./script: not found\n"),
        "./plain": (126, "greenloop: ./plain: Permission denied\n"),
        "./no/thing": (127, "greenloop: ./no/thing: not found\n"),
    }


TRICKS = """
import os, socket
open("good", "w").write("evidence")
os.mkdir("deep"); open("deep/good", "w").write("more")
os.symlink("/etc/passwd", "link"); os.symlink("/etc", "folder"); os.symlink("good", "near")
os.symlink("deep", "through")
os.mkfifo("fifo"); os.mkdir("directory")
with open("huge", "wb") as f: f.truncate(65 << 20)
os.chmod("good", 0); os.mkdir("locked"); open("locked/in", "w").write("in"); os.chmod("locked", 0)
open("setuid", "w").close(); os.chmod("setuid", 0o6755)
os.chmod(".", 0)
"""


def test_artifacts_are_regular_files_and_everything_is_ours_again(place: Any) -> None:
    names = ["good", "deep/good", "locked/in", "link", "folder/passwd", "near", "through/good", "fifo", "directory"]
    names += ["huge", "missing", "setuid/x"]
    paths = tuple(place.work / name for name in names)
    escape = (place.work / ".." / "outside" / "secret", place.outside / "secret", place.work)
    (place.outside / "secret").write_text("token")
    done = place.code(TRICKS, artifacts=paths + escape)
    assert (done.exit_code, done.stderr, done.killed_by) == (0, "", None)
    assert done.artifacts == dict(zip(paths[:3], (b"evidence", b"more", b"in"), strict=True))
    owner = place.work.parent.stat().st_uid if not place.stranger else place.work.stat().st_uid
    assert {p.lstat().st_uid for p in (place.work, *place.work.rglob("*"))} == {owner}
    assert stat.S_IMODE((place.work / "setuid").stat().st_mode) == 0o755
    assert stat.S_IMODE((place.work / "good").stat().st_mode) == 0o600
    shutil.rmtree(place.work)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_with_a_name_elsewhere_is_not_given_away(here: Any) -> None:
    (here.outside / "shared").write_text("ours")
    os.link(here.outside / "shared", here.work / "shared")
    (here.work / "link").symlink_to(here.outside / "shared")
    (here.work / "plain").write_text("theirs")
    program = "import os, sys\nprint([os.access(n, os.W_OK) for n in sys.argv[1:]])"
    assert here.code(program, "shared", "link", "plain").stdout == "[False, False, True]\n"
    assert (here.outside / "shared").stat().st_uid == 0


def test_what_lies_too_deep_is_cut_off(here: Any) -> None:
    here.code(DEPTH.replace(HOLD, ""))
    here.code("import os\nfor n in range(300): os.mkdir('s'); os.chdir('s')")
    left = [path.relative_to(here.work) for path in here.work.rglob("*")]
    assert max(len(str(here.work / path)) for path in left) < folders.LONGEST
    assert max(len(path.parts) for path in left) == folders.DEEPEST - 1
    shutil.rmtree(here.work)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes a device node, which stands for a graphics card's")
def test_a_device_is_there_when_the_policy_names_it(here: Any) -> None:
    node = here.outside / "card0"
    os.mknod(node, 0o020666, os.makedev(1, 9))
    node.chmod(0o666)
    program = """
import fcntl, resource, sys
try:
    card = open(sys.argv[1], "rb+", buffering=0)
    print(len(card.read(4)), len(fcntl.ioctl(card, 0x80045200, bytes(4))))
except OSError as error:
    print(type(error).__name__)
print(resource.getrlimit(resource.RLIMIT_AS)[0] < 0)
"""
    assert here.code(program, str(node), devices=(node,)).stdout == "4 4\nTrue\n"
    assert here.code(program, str(node)).stdout == "FileNotFoundError\nFalse\n"
    with pytest.raises(UsageError, match="no node of a character device"):
        here.code(program, devices=(here.work,))
