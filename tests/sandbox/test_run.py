"""One run from close by: as root in the second backend with this interpreter, and what happens when things go wrong."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from greenloop.errors import NoSandbox
from greenloop.ports import Policy
from greenloop.sandbox import folders, identity, launchers, leftovers, open_sandbox, processes, run, view, watch
from greenloop.sandbox.processes import Load, Processes

SHELL = "exec 3> pipe; (trap '' TERM; sleep 60) & (setsid sleep 60 &) ; echo said; echo x >&3; "


@pytest.fixture
def fresh_user(here: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The backend `uid` in this very process, where programs of the system run though this interpreter may not."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    system = functools.reduce(view.View.__add__, map(view.look, (*view._SYSTEM, *view._SETTINGS)))
    monkeypatch.setattr(view, "_always", lambda: system)

    def start(*argv: str, stopped: Callable[[], bool] = lambda: False, **policy: Any) -> Any:
        wanted = Policy(writable=(here.work,), **policy)
        return run.once("uid", argv, cwd=here.work, policy=wanted, stopped=stopped)[0]

    return start


def pipe_of(place: Any) -> int:
    os.mkfifo(place.work / "pipe")
    return os.open(place.work / "pipe", os.O_RDONLY | os.O_NONBLOCK)


def test_a_fresh_user_ends_with_all_it_has(fresh_user: Callable[..., Any], here: Any) -> None:
    end = pipe_of(here)
    shared = Path("/dev/shm") / f"greenloop-test-{os.getpid()}"  # noqa: S108 - the machine's, on purpose
    done = fresh_user("sh", "-c", f"{SHELL} echo left > {shared}; id -u; id -G; exit 7")
    said, uid, groups = done.stdout.splitlines()
    assert (said, done.stderr, done.exit_code, done.killed_by) == ("said", "", 7, None)
    assert uid == groups != "0"
    assert not shared.exists()
    assert (os.read(end, 9), os.read(end, 9)) == (b"x\n", b"")
    killed = fresh_user("sh", "-c", SHELL + "sleep 60", seconds=0.5)
    assert (killed.stdout, killed.exit_code, killed.killed_by) == ("said\n", 137, "time")
    assert (os.read(end, 9), os.read(end, 9)) == (b"x\n", b"")
    forks = fresh_user("sh", "-c", "for n in 1 2 3 4 5 6 7 8 9; do sleep 60 & done; wait", processes=5)
    assert forks.killed_by == "processes"
    os.close(end)


def test_a_fresh_user_gets_no_loopback_and_no_closed_folder(fresh_user: Callable[..., Any], here: Any) -> None:
    with pytest.raises(run.Refused, match="unavailable the loopback network needs a network namespace"):
        fresh_user("true", network="loopback")
    closed = here.base / "closed"
    closed.mkdir(mode=0o700)
    inner = closed / "inner"
    inner.mkdir()
    assert fresh_user("ls", str(closed), readable=(inner,)).exit_code == 2
    assert fresh_user("ls", "-d", str(inner), readable=(inner,)).stdout == f"{inner}\n"


def test_shared_memory_of_the_machine_counts(fresh_user: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    used = iter([0])
    monkeypatch.setattr(watch, "_used", lambda _path: next(used, 99 << 20))
    assert fresh_user("sleep", "60", memory=90).killed_by == "memory"


def test_who_may_not_give_files_away_is_told(fresh_user: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_args: object) -> None:
        raise PermissionError(1, "Operation not permitted", "x")

    monkeypatch.setattr(folders, "hand_over", refused)
    with pytest.raises(run.Refused, match=r"unavailable .*Operation not permitted"):
        fresh_user("true")


def test_an_interrupt_ends_the_run_and_leaves_nothing(here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(here.base))

    def interrupt() -> bool:
        raise KeyboardInterrupt

    end = pipe_of(here)
    policy = Policy(writable=(here.work,))
    with pytest.raises(KeyboardInterrupt):
        run.once("namespaces", ("sh", "-c", SHELL + "sleep 60"), cwd=here.work, policy=policy, stopped=interrupt)
    os.set_blocking(end, True)
    assert os.read(end, 9) in {b"x\n", b""}
    assert os.read(end, 9) == b""
    assert not list(here.base.glob(f"{leftovers.RUN}*"))
    os.close(end)


def test_who_eats_up_the_disk_by_other_ways_is_ended(here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    free = iter([10 << 30])
    monkeypatch.setattr(watch, "_free", lambda _folders: next(free, 0))
    assert here.code("import time; time.sleep(60)", disk=100).killed_by == "disk"


def test_a_launcher_that_fails_is_told_with_its_last_word(here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        launchers, "ARGV", (sys.executable, "-I", "-S", "-c", "import sys; sys.stdin.close(); sys.exit('boom')")
    )
    with pytest.raises(NoSandbox, match="namespaces: the launcher ended early: boom"):
        here.code("", "x" * 99_000)
    monkeypatch.setattr(launchers, "ARGV", (sys.executable, "-I", "-S", "-c", ""))
    with pytest.raises(NoSandbox, match="the launcher ended early: it said nothing"):
        here.code("")


def test_a_launcher_that_does_not_listen_is_ended_roughly(here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.pause()"
    monkeypatch.setattr(launchers, "ARGV", (sys.executable, "-I", "-S", "-c", deaf))
    monkeypatch.setattr(watch, "_GRACE", 0.3)
    with pytest.raises(NoSandbox, match="the launcher ended early"):
        here.code("", seconds=0.1)


def test_what_is_over_has_no_load() -> None:
    mine = Processes(os.getpid(), os.getuid(), contained=False)
    assert mine.load() == Load()
    mine.open()
    load = mine.load()
    assert str(os.getpid()) in load.pids
    assert load.tasks >= 1
    assert load.memory > mine.shared_fairly(Load(pids=(str(os.getpid()),))) > 1 << 20
    gone = Load(pids=("999999999",))
    assert (mine.shared_fairly(gone), mine.unnamed(gone)) == (0, 0)
    mine.close()
    over = Processes(999_999_999, None, contained=True)
    over.open()
    assert over.load() == Load()
    over.close()


def test_folders_of_ours_are_opened_only_below_the_temporary_one(tmp_path: Path) -> None:
    inner = tmp_path / "one" / "two"
    inner.mkdir(parents=True)
    for folder in (tmp_path / "one", inner):
        folder.chmod(0o700)
    identity.let_pass((inner,), tmp_path / "elsewhere")
    identity.let_in((inner,), tmp_path / "elsewhere")
    assert [f.stat().st_mode & 0o777 for f in (tmp_path / "one", inner)] == [0o700, 0o700]
    identity.let_pass((inner,), tmp_path)
    identity.let_in((inner,), tmp_path)
    assert [f.stat().st_mode & 0o777 for f in (tmp_path / "one", inner)] == [0o701, 0o705]


def test_a_sandbox_that_was_stopped_says_so(here: Any) -> None:
    box = open_sandbox()
    box.stop()
    ended = box.run((here.python,), cwd=here.work, policy=Policy())
    assert (ended.killed_by, ended.seconds) == ("stopped", 0.0)  # nothing was started
    assert box.level.startswith("stopped: ")


HELD = """
import os, sys, time
held = open(sys.argv[1], "wb", buffering=0)
os.unlink(sys.argv[1])
held.write(bytes(9 << 20))
print("on", flush=True)
time.sleep(30)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts processes of others")
def test_where_we_may_not_look_one_of_the_run_s_user_does(here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root in a container has no right to trace, and so none to see which files are open."""
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3")
    path, uid = here.outside / "held", 54321
    argv = ["/usr/bin/python3", "-c", HELD, str(path)]
    with subprocess.Popen(argv, user=uid, group=uid, extra_groups=[], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "on\n"
        seen = Processes(process.pid, uid, contained=False)
        seen.open()
        assert seen.unnamed(seen.load()) >= 9 << 20
        seen._blind = True
        assert seen.unnamed(seen.load(), dear=False) == 0
        assert seen.unnamed(seen.load()) >= 9 << 20
        monkeypatch.setattr(processes, "_LOOKER", "import os; os.kill(os.getpid(), 9)")
        assert seen.unnamed(seen.load()) == 1 << 62
        seen.close()
        process.kill()
