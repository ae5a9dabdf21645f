"""`--sandbox weak`: what somebody at a terminal may permit, what it still holds, and that no job can have it."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import program
from sandbox.conftest import DRIVE, PACKAGE, ROOT
from sandbox.test_choice import NO_NAMESPACES
from sandbox.test_limits import DAEMON, FORKS, NAMES, SPREAD, pipe_of

WITHOUT = (*NO_NAMESPACES, "landlock_create_ruleset") if ROOT else NO_NAMESPACES
LEVEL = "weak: a fresh user, seccomp, limits; what works from inside: " if ROOT else "weak: Landlock (ABI "


def greenloop(*words: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """The program on a machine where nothing strong enough is to be had."""
    calls = ["--without", ",".join(WITHOUT), sys.executable, "-m", "greenloop"]
    return subprocess.run(
        [sys.executable, "-I", str(DRIVE), str(PACKAGE.parent), *calls, *words],
        cwd=cwd,
        env=program.environment(**more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_is_permitted_by_name_and_told(tmp_path: Path) -> None:
    command = ("sandbox", "run", "--json", "--", "python", "-c", "print('ran')")
    refused = greenloop(*command, cwd=tmp_path)
    assert (refused.returncode, json.loads(refused.stdout)["reason"]) == (9, "no_sandbox")
    assert refused.stderr.splitlines()[-1] == (
        "- in a terminal only, for code that you would run by hand: `--sandbox weak`"
    )
    done = greenloop(*command[:2], "--sandbox", "weak", *command[2:], cwd=tmp_path)
    said = json.loads(done.stdout)
    assert (done.returncode, said["stdout"], said["sandbox"][: len(LEVEL)]) == (0, "ran\n", LEVEL)
    assert done.stderr == f"greenloop: weakly confined, as --sandbox weak permits ({said['sandbox']})\n"


def test_what_is_strong_enough_is_taken_all_the_same(tmp_path: Path) -> None:
    done = program.run("sandbox", "run", "--sandbox", "weak", "--json", "--", "true", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["sandbox"].startswith(("namespaces: ", "uid: "))


@pytest.mark.parametrize("name", ["GITHUB_ACTIONS", "GITHUB_EVENT_NAME", "CI"])
def test_a_job_cannot_have_it(tmp_path: Path, name: str) -> None:
    for command in (("sandbox", "run"), ("sandbox", "repl"), ("evaluate",), ("generate", "x"), ("replay", "x")):
        words = ("--", "touch", str(tmp_path / "ran")) if command == ("sandbox", "run") else ()
        done = program.run(*command, "--sandbox", "weak", *words, cwd=Path(__file__).parents[2], **{name: "true"})
        told = f"greenloop: --sandbox weak is for somebody at a terminal, and this is a job ({name} is set): "
        assert (done.returncode, done.stdout, done.stderr[: len(told)]) == (2, "", told)
    assert list(tmp_path.iterdir()) == []


def test_a_verdict_and_its_record_say_so(make_repo: Callable[..., Path]) -> None:
    test = "from sums import total\n\n\ndef test_total():\n    assert total([1]) == 1\n"
    settings = f"checks: [pytest]\ntest_command: {program.QUICK}\n"
    files = {"sums.py": "total = sum\n", "test_sums.py": test, ".github/greenloop.yml": settings}
    repo = make_repo(files)
    done = greenloop("evaluate", "--sandbox", "weak", cwd=repo)
    lines = done.stdout.splitlines()
    assert (done.returncode, lines[0]) == (0, "**Green**, `unproven`")
    assert lines[2].startswith("**Weakly confined** (weak: ")
    assert done.stderr.splitlines()[-1].startswith("greenloop: weakly confined, as --sandbox weak permits (weak: ")
    told = json.loads(greenloop("evaluate", "--sandbox", "weak", "--json", cwd=repo).stdout)
    assert told["sandbox"].startswith(LEVEL)


@pytest.fixture
def weak(place_of: Any) -> Any:
    """An ordinary user without namespaces: nobody else can be had."""
    return dataclasses.replace(place_of("stranger"), choice="weak", without=NO_NAMESPACES)


HOLDS = """
import json, os, socket
def tried(action):
    try: action()
    except OSError as error: return type(error).__name__
    return "works"
print(json.dumps([
    tried(lambda: socket.socket()), tried(lambda: open(os.environ["OUTSIDE"])), tried(lambda: os.memfd_create("x")),
    tried(lambda: os.unshare(1)) if hasattr(os, "unshare") else "PermissionError",
]))
"""


def test_what_it_still_holds(weak: Any) -> None:
    (weak.outside / "secret").write_text("token")
    environment = {"OUTSIDE": str(weak.outside / "secret")}
    told = weak.order((weak.python, "-c", HOLDS), environment=environment)
    assert json.loads(told["done"]["stdout"]) == ["PermissionError"] * 4
    assert told["level"].startswith("weak: Landlock (ABI ")
    assert told["level"].endswith("seccomp, limits; what works from inside: change the mode of a file outside")


def test_its_limits_are_those_of_the_processes_below_us(weak: Any) -> None:
    ends = [
        weak.code(source, **limit).killed_by
        for source, limit in (
            (SPREAD, {"memory": 300}),
            (FORKS, {"processes": 50}),
            (NAMES, {"files": 200}),
            ("while True: pass", {"seconds": 0.3}),
        )
    ]
    assert ends == ["memory", "processes", "files", "time"]


def test_nothing_outlives_the_program_in_it(weak: Any) -> None:
    end = pipe_of(weak)
    ended = weak.code(DAEMON + "print('over')")
    assert (ended.stdout, ended.exit_code) == ("over\n", 0)
    os.set_blocking(end, True)
    assert (os.read(end, 99), os.read(end, 99)) == (b"alive", b"")
    killed = weak.code(DAEMON + NAMES, files=200)
    assert (killed.killed_by, os.read(end, 99), os.read(end, 99)) == ("files", b"alive", b"")
    os.close(end)
