"""Which way of being confined is taken, what is refused with which words, and that ordinary programs work inside."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conftest import git
from greenloop.errors import NoSandbox, UsageError
from greenloop.ports import Policy
from greenloop.sandbox import cure, identity, kernel, leftovers, open_sandbox, seccomp, view
from sandbox import syscalls

NO_NAMESPACES = ("unshare", "mount", "pivot_root", "mount_setattr")


def test_bad_orders_are_refused_before_anything_runs(here: Any) -> None:
    box = open_sandbox()

    def refusal(*, argv: tuple[str, ...] = ("true",), cwd: Path = here.work, **policy: Any) -> str:
        with pytest.raises(UsageError) as caught:
            box.run(argv, cwd=cwd, policy=Policy(**policy))
        return str(caught.value)

    missing = here.base / "missing"
    assert refusal(argv=()) == "there is no program to run: the command is empty"
    assert refusal(cwd=missing) == f"{missing} must be an existing folder"
    assert refusal(writable=(missing,)) == f"{missing} must be an existing folder"
    assert refusal(network="all") == "network 'all' is not known; there is none and loopback"
    assert "zero byte" in refusal(argv=("tr\0ue",))
    with pytest.raises(UsageError, match="sandbox 'weak' is not known; there is auto, namespaces, uid, container"):
        open_sandbox("weak")


def test_the_level_says_what_it_is_made_of(place: Any) -> None:
    told = place.order((place.python, "-c", ""))["level"]
    parts = ["namespaces: own process, network and file system namespaces"]
    if place.choice == "uid":
        parts = ["uid: a fresh user"]
    elif not place.stranger and os.geteuid() == 0:
        parts += ["a fresh user"]
    pattern = ", ".join([*parts, "Landlock (ABI N)", "seccomp", "limits"])
    assert pattern == "".join("N" if c.isdigit() else c for c in told)


def test_where_namespaces_are_forbidden_root_gets_a_fresh_user(place_of: Any) -> None:
    place = dataclasses.replace(place_of("uid"), choice="auto", without=NO_NAMESPACES)
    told = place.order((place.python, "-c", "import os; print(os.getuid() > 65535)"))
    assert (told["level"].split(":")[0], told["done"]["stdout"]) == ("uid", "True\n")


def test_without_anything_strong_enough_nothing_is_run_and_the_cure_is_named(place_of: Any) -> None:
    place = dataclasses.replace(place_of("stranger"), choice="auto", without=NO_NAMESPACES)
    refused = place.order((place.python, "-c", "open('ran', 'w')"))["refused"]
    assert refused.startswith(
        "Nothing here confines generated code strongly enough, so none of it was run.\n"
        "  namespaces: unshare: Operation not permitted\n"
        "  uid: needs root, and more than one user in this user namespace\n"
        "What helps:\n"
    )
    assert "\n  - run as root in a container: then a separate user, Landlock and seccomp confine it\n" in refused
    assert (
        "\n  - on Debian: a kernel of 5.12 or later and user namespaces, which the package bubblewrap also needs"
        in refused
    )
    assert list(place.work.iterdir()) == []


def test_landlock_is_needed_without_namespaces(place_of: Any) -> None:
    place = dataclasses.replace(place_of("uid"), choice="auto", without=(*NO_NAMESPACES, "landlock_create_ruleset"))
    refused = place.order((place.python, "-c", ""))["refused"]
    assert "\n  uid: the kernel's Landlock is too old (ABI 0, 3 is needed)\n" in refused
    spaces = dataclasses.replace(place_of("stranger"), without=("landlock_create_ruleset",))
    assert "Landlock" not in spaces.order((spaces.python, "-c", ""))["level"]


def test_settings_that_forbid_namespaces_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("kernel/apparmor_restrict_unprivileged_userns", "1"), ("user/max_user_namespaces", "0")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(value + "\n")
    monkeypatch.setattr(cure, "_SYSCTL", tmp_path)
    text = cure.explain({"namespaces": "unavailable mount: Permission denied", "uid": "unusable /home/me/python"})
    assert text.splitlines()[:6] == [
        "Nothing here confines generated code strongly enough, so none of it was run.",
        "  namespaces: mount: Permission denied",
        "  uid: /home/me/python cannot be read by the separate user that generated code runs as",
        "What helps:",
        (
            "  - let other users pass: `chmod o+x` each folder that leads to /home/me/python and `chmod -R o+rX` it, "
            "or install Python in /usr or /opt"
        ),
        "  - as root: `sysctl kernel.apparmor_restrict_unprivileged_userns=0`",
    ]
    assert "  - as root: `sysctl user.max_user_namespaces=15000`" in text


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user runs as itself")
def test_what_another_user_cannot_read_is_named_with_the_cure(here: Any) -> None:
    closed = here.base / "closed"
    closed.mkdir(mode=0o700)
    (closed / "file").touch(mode=0o600)
    for choice, path in (("namespaces", closed / "file"), ("auto", closed / "file")):
        with pytest.raises(NoSandbox) as caught:
            open_sandbox(choice).run(("true",), cwd=here.work, policy=Policy(readable=(path,)))
        assert f"namespaces: {path} cannot be read by the separate user that generated code runs as" in str(
            caught.value
        )
        assert f"`chmod o+x` each folder that leads to {path}" in str(caught.value)
    done = here.code(
        "import os; print(os.listdir(os.environ['D']))", readable=(closed,), environment={"D": str(closed)}
    )
    assert done.stdout == "['file']\n"  # a temporary folder of ours is opened


def broken(folder: Path, file: str, old: str, new: str) -> Path:
    """A copy of the package with one defence switched off."""
    shutil.copytree(folder / "bot", folder / "broken")
    path = folder / "broken" / "greenloop" / "sandbox" / file
    source = path.read_text()
    assert source.count(old) == 1
    path.write_text(source.replace(old, new))
    return folder / "broken" / "greenloop"


DEFENCES = [
    (
        "seccomp.py",
        "_refuse(name, errno.EPERM) for name in REFUSED",
        'b"" for name in ()',
        "memory outside the count, kernel keys",
    ),
    ("seccomp.py", '_refuse("socket", errno.EPERM)', 'b""', "unix socket, internet socket"),
]


@pytest.mark.parametrize(("file", "old", "new", "words"), DEFENCES, ids=["calls", "sockets"])
def test_with_a_hole_nothing_is_run(place_of: Any, file: str, old: str, new: str, words: str) -> None:
    place = place_of("stranger")
    told = dataclasses.replace(place, package=broken(place.base, file, old, new)).order(
        (place.python, "-c", "open('ran', 'w')")
    )
    refused = told["refused"].splitlines()[1]
    assert refused.startswith("  namespaces: an attack from inside works: ")
    assert set(words.split(", ")) <= set(refused.partition("works: ")[2].split(", "))
    assert list(place.work.iterdir()) == []


PROGRAMS = """
import asyncio, ctypes, json, multiprocessing, os, pathlib, sqlite3, subprocess, sys, tempfile, threading
def double(n): return 2 * n
async def shell():
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "print(1)", stdout=subprocess.PIPE)
    return (await process.communicate())[0].decode()
if __name__ == "__main__":
    said = []
    thread = threading.Thread(target=said.append, args=("thread",)); thread.start(); thread.join()
    with multiprocessing.Pool(2) as pool: said += pool.map(double, [1, 2])
    queue = multiprocessing.Queue(); queue.put(7); said.append(queue.get())
    said.append(asyncio.run(shell()))
    said.append(subprocess.run("echo $((1 + 1)); exit 3", shell=True, capture_output=True, text=True).stdout)
    with tempfile.TemporaryDirectory() as folder, sqlite3.connect(pathlib.Path(folder, "db")) as db:
        said.append(db.execute("select 1 + 2").fetchone()[0])
    pathlib.Path.home().joinpath(".cache").mkdir(); os.mkfifo("fifo")
    os.makedirs("a/b"); os.rename("a/b", "b"); os.link("fifo", "b/fifo")
    said += [len(os.urandom(4)), os.cpu_count() >= 1, open("/dev/null", "w").write("x")]
    said += [len(open("/dev/zero", "rb").read(2))]
    print("again", file=open("/dev/stdout", "w"))
    print(json.dumps(said))
"""


def test_ordinary_programs_work(place: Any) -> None:
    (place.work / "program.py").write_text(PROGRAMS)
    done = place.run((place.python, "program.py"))
    expected = ["thread", 2, 4, 7, "1\n", "2\n", 3, 4, True, 1, 2]
    assert (done.stderr, done.exit_code, done.killed_by) == ("", 0, None)
    again, said = done.stdout.splitlines()
    assert (again, json.loads(said)) == ("again", expected)


def test_the_tools_of_the_checks_work(here: Any) -> None:
    (here.work / "test_it.py").write_text(
        "import sys\n\ndef test_it(tmp_path):\n    (tmp_path / 'x').touch()\n    assert eval('1')\n"
    )
    done = {
        argv[0]: here.run(argv).stdout.splitlines()
        for argv in (
            ("pytest", "-q", "-p", "no:cacheprovider", "test_it.py"),
            ("ruff", "check", "--isolated", "--no-cache", "--output-format", "concise", "test_it.py"),
            ("bandit", "-q", "-f", "csv", "test_it.py"),
            ("git", "init", "-q", "-b", "main", "repo"),
            (
                "git",
                "-C",
                "repo",
                "-c",
                "user.name=a",
                "-c",
                "user.email=b",
                "commit",
                "-q",
                "--allow-empty",
                "-m",
                "c",
            ),
        )
    }
    assert done["pytest"][0].startswith(".")
    assert "test_it.py:1:8: F401 [*] `sys` imported but unused" in done["ruff"]
    assert [line.split(",")[1] for line in done["bandit"]] == ["test_name", "assert_used", "blacklist"]
    assert git("log", "--format=%s", cwd=here.work / "repo") == "c"


def test_a_virtual_environment_is_entered_by_every_spelling(here: Any) -> None:
    """Its interpreter is a chain of links to somewhere else; so is, often, the folder it lies in."""
    real = here.base / "real"
    real.mkdir()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", real / "venv"], check=True)
    (here.base / "way").symlink_to("real")
    (here.base / "absolute").symlink_to(here.base / "way" / "venv")
    for spelling in (real / "venv", here.base / "way" / "venv", here.base / "absolute"):
        python = spelling / "bin" / "python"
        program = "import sys, sqlite3, ctypes; print(sys.prefix); print(sys.base_prefix)"
        done = here.run((str(python), "-c", program), readable=(spelling,))
        assert (done.stdout.splitlines(), done.stderr) == ([str(spelling), sys.base_prefix], "")
        named = here.run(
            ("python", "-c", "import sys; print(sys.prefix)"), readable=(spelling,), path=(spelling / "bin",)
        )
        assert named.stdout == f"{spelling}\n"


def test_a_forged_environment_shows_nobody_s_files(here: Any) -> None:
    forged, private = here.base / "forged", here.base / "private"
    (private / "bin").mkdir(parents=True)
    (private / "token").write_text("secret")
    (forged / "bin").mkdir(parents=True)
    (forged / "pyvenv.cfg").write_text(f"home = {private / 'bin'}\n")
    (private / "bin" / "python3").touch()
    (forged / "bin" / "python3").symlink_to(private / "bin" / "python3")
    seen = view.view((forged,)).paths
    assert not [path for path in seen if path.startswith(str(private))]
    (here.base / "circle").symlink_to("circle")
    with pytest.raises(OSError, match="too many symbolic links"):
        view.look(str(here.base / "circle"))


def test_links_on_the_way_to_the_work_are_followed(here: Any) -> None:
    link = here.base / "link"
    link.symlink_to(here.work)
    policy = Policy(writable=(link,), artifacts=(link / "made", here.work / "made"))
    program = "import os; open('made', 'w').write(os.getcwd())"
    done = open_sandbox().run((here.python, "-c", program), cwd=link, policy=policy)
    assert done.artifacts == dict.fromkeys(policy.artifacts, str(here.work).encode())


def test_runs_side_by_side_do_not_meet(here: Any) -> None:
    box = open_sandbox()
    rooms = []
    for n in range(6):
        rooms.append(here.base / f"room{n}")
        rooms[-1].mkdir()

    def one(room: Path) -> list[str]:
        program = (
            "import os; open('me', 'w').write(os.environ['ME']); print(sorted(os.listdir('/tmp') + os.listdir('..')))"
        )
        policy = Policy(writable=(room,), environment={"ME": room.name}, artifacts=(room / "me",))
        done = box.run((here.python, "-c", program), cwd=room, policy=policy)
        assert done.artifacts[room / "me"] == room.name.encode()
        return [name for name in json.loads(done.stdout.replace("'", '"')) if name.startswith("room")]

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(one, rooms)) == [[room.name] for room in rooms]


def test_long_orders_arrive_whole(here: Any) -> None:
    words = (*(f"{n:099}" for n in range(3000)), "", "ö \n'$x")
    done = here.code("import sys; print(len(sys.argv), repr(sys.argv[-2:]))", *words)
    assert done.stdout == f"{len(words) + 1} ['', \"ö \\n'$x\"]\n"
    assert here.code("print(1)", "x" * (1 << 18)).exit_code == 126


def test_what_a_killed_process_of_ours_left_is_swept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And nothing else: no folder of the user's, none that others may write in, nothing that a link leads to."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    kept = {
        *("greenloop", "greenloop-checkout", "greenloop-demo-01234567", "greenloop-git-short", "somebody-else"),
        *("greenloop-git-my_clone", "greenloop-git-openopen", "greenloop-python-open", "greenloop-git-linklink"),
        *("greenloop-run-new", "greenloop-tests-youngone"),
    }
    gone = {"greenloop-run-old", "greenloop-python-0123", "greenloop-git-a_123456", "greenloop-trees-01234567"}
    gone |= {"greenloop-model-01234567"}
    for name in kept | gone:
        target = tmp_path / ("elsewhere" if "link" in name else "tmp") / name
        (target / "tmp").mkdir(parents=True)
        target.chmod(0o777 if "open" in name else 0o755 if "my_" in name else 0o711)
        days = 0 if "new" in name else 2 if "old" in name or "young" in name else 8
        os.utime(target, (time.time() - days * 86_400 - 60,) * 2)
    (tmp_path / "tmp" / "greenloop-git-linklink").symlink_to(tmp_path / "elsewhere" / "greenloop-git-linklink")
    old = time.time() - 8 * 86_400
    os.utime(tmp_path / "tmp" / "greenloop-git-linklink", (old, old), follow_symlinks=False)
    leftovers.sweep()
    assert {path.name for path in (tmp_path / "tmp").iterdir()} == kept
    assert (tmp_path / "elsewhere" / "greenloop-git-linklink" / "tmp").is_dir()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)  # so that all of it is somebody else's
    (tmp_path / "tmp" / "greenloop-run-new").rename(tmp_path / "tmp" / "greenloop-run-another")
    os.utime(tmp_path / "tmp" / "greenloop-run-another", (old, old))
    leftovers.sweep()
    assert (tmp_path / "tmp" / "greenloop-run-another").is_dir()


def test_a_fresh_user_is_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with identity.fresh() as one, identity.fresh() as other:
        assert None not in {one, other}
        assert one != other
    maps = {"0 0 4294967295\n": range(0x7FF00000, 0x80000000), "0 1000 1\n1 100000 65536\n": range(32769, 65537)}
    for text, expected in maps.items():
        monkeypatch.setattr(Path, "read_text", lambda *_args, text=text, **_words: text)
        assert identity._choices() == expected
    monkeypatch.setattr(Path, "read_text", lambda *_args, **_words: "0 1000 1\n")
    with identity.fresh() as alone:
        assert alone is None


def test_the_numbers_are_compared_with_the_kernel_s() -> None:
    """`make check-syscalls` does it with the headers themselves, which it has to fetch."""
    header = "#define __NR_bpf 280\n#define __NR3264_mmap 222\n/* __NR_mount 40 */\n#define __NR_mount 41\n"
    assert syscalls.numbers(header) == {"bpf": 280, "mmap": 222, "mount": 41}
    ours = {"bpf": 280, "mount": 40, "mknod": -1, "listmount": 458}
    assert syscalls.differences(ours, syscalls.numbers(header)) == (["mount is 41, not 40"], ["listmount"])
    rights = "#define LANDLOCK_ACCESS_FS_REFER\t\t(1ULL << 13)\n#define LANDLOCK_ACCESS_NET_BIND_TCP (1ULL << 0)\n"
    assert syscalls.rights(rights) == {"REFER": 1 << 13}


def test_an_architecture_that_is_not_known_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    machines = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
    for name, expected in machines.items():
        monkeypatch.setattr(os, "uname", lambda name=name: SimpleNamespace(machine=name))
        assert kernel.machine() == expected
    assert seccomp.program(loopback=False)[8:16] == struct.pack("=HBBI", 0x15, 1, 0, 0xC00000B7)
    for name in ("riscv64", "i686", "armv7l", ""):
        monkeypatch.setattr(os, "uname", lambda name=name: SimpleNamespace(machine=name))
        with pytest.raises(kernel.Unavailable, match="no list of system calls for this architecture"):
            kernel.machine()
