"""A run in a container of podman's or docker's. `make attacks` does all of it: table.py --ways container."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from greenloop.errors import NoSandbox
from greenloop.ports import Completed, Policy
from greenloop.sandbox import container, open_sandbox
from sandbox.conftest import INTERPRETER
from sandbox.test_limits import HOLD


@pytest.fixture
def _no_engine_known() -> Iterator[None]:
    container.engine.cache_clear()
    yield
    container.engine.cache_clear()


@pytest.mark.usefixtures("_no_engine_known")
def test_without_an_engine_it_is_refused(here: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoSandbox, match="container: neither podman nor docker is here and answers") as caught:
        open_sandbox("container").run(("true",), cwd=here.work, policy=Policy())
    assert "\n  - install podman or docker, or start it" in str(caught.value)


PROGRAM = """
import os, socket
def tried(action):
    try: action()
    except OSError as error: return type(error).__name__
    return "works"
print(tried(lambda: socket.socket(socket.AF_UNIX)), tried(lambda: os.memfd_create("x")), tried(lambda: os.listdir("/")))
with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()): pass
open("made", "w").write("x"); os.symlink("/etc/passwd", "link"); os.chmod("made", 0o4755)
"""


def containers() -> list[str]:
    listed = subprocess.run(
        [container.engine(), "ps", "--all", "--format", "{{.Names}}"], capture_output=True, text=True, check=True
    )
    return [name for name in listed.stdout.split() if name.startswith("greenloop-")]


def test_it_confines_and_leaves_nothing(here: Any) -> None:
    box = open_sandbox("container")

    def run(*argv: str, **policy: Any) -> Completed:
        given: dict[str, Any] = {"writable": (here.work,), "seconds": 60.0} | policy
        return box.run(argv, cwd=here.work, policy=Policy(**given))

    try:
        level = box.level
    except NoSandbox as error:
        pytest.skip(f"not checked here: {str(error).splitlines()[1].strip()}")
    assert level.startswith("container: a container of an engine, ")
    before = set(containers())
    paths = (here.work / "made", here.work / "link")
    done = run(sys.executable, "-c", PROGRAM, network="loopback", artifacts=paths)
    assert (done.stdout, done.stderr, done.exit_code) == ("PermissionError PermissionError PermissionError\n", "", 0)
    assert done.artifacts == {paths[0]: b"x"}
    assert (paths[0].stat().st_uid, stat.S_IMODE(paths[0].stat().st_mode)) == (os.geteuid(), 0o755)
    assert run("sh", "-c", "exit 7").exit_code == 7
    late = run("sh", "-c", "sleep 60", seconds=0.5)
    assert (late.killed_by, late.stdout) == ("time", "")
    assert set(containers()) <= before
    with pytest.raises(NoSandbox, match="a REPL does not run in a container of an engine"):
        box.repl(cwd=here.work, policy=Policy(writable=(here.work,)))


ROOTLESS = """
mount --bind {subid} /etc/subuid && mount --bind {subid} /etc/subgid || exit 77
exec setpriv --reuid={uid} --regid={uid} --clear-groups "$@"
"""


def rootless(order: dict[str, Any], folder: Path, *, more_users: bool) -> dict[str, Any]:
    """As an ordinary user with an account; what /etc says of it is said in a mount namespace of its own."""
    (folder / "subid").write_text("nobody:200000:65536\n" if more_users else "")
    (folder / "run").mkdir(exist_ok=True)
    for path in (folder, folder / "run", folder / "work"):
        os.chown(path, NOBODY, NOBODY)
    (folder / "run").chmod(0o700)
    given = {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder / "run"), "PATH": os.environ["PATH"]}
    given |= {name: os.environ[name] for name in ("CONTAINERS_CONF",) if name in os.environ}
    words = ["sh", "-c", ROOTLESS.format(subid=folder / "subid", uid=NOBODY), "sh"]
    words += [INTERPRETER or "", "-I", "-B", str(folder / "drive.py"), str(folder / "bot")]
    done = subprocess.run(
        ["unshare", "--mount", *words], input=json.dumps(order), env=given, capture_output=True, text=True, check=False
    )
    if done.returncode == 77:
        pytest.skip("not checked here: no mount namespace")
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    subprocess.run(["sh", "-c", f"kill $(cat {folder}/run/libpod/tmp/pause.pid) 2>/dev/null"], check=False)
    return answer


NOBODY = 65534
NEEDED = ("podman", "newuidmap", "setpriv", "unshare")


@pytest.mark.skipif(os.geteuid() != 0 or INTERPRETER is None, reason="only root can become somebody else")
@pytest.mark.skipif(not all(map(shutil.which, NEEDED)), reason="not checked here: no podman for ordinary users")
def test_an_ordinary_user_s_podman_confines_as_well(here: Any) -> None:
    here.work.chmod(0o755)
    source = "import os, socket\nx = bytearray(400 << 20)\n" + HOLD
    policy = {"writable": [str(here.work)], "seconds": 60, "memory": 200}
    order = {"choice": "container", "argv": ["true"], "cwd": str(here.work), "policy": policy, "without": []}
    few = rootless(order, here.base, more_users=False)
    assert "/etc/subuid" in few["refused"]
    assert "--add-subuids 200000-265535 --add-subgids 200000-265535 nobody`" in few["refused"]
    told = rootless(order, here.base, more_users=True)
    if "refused" in told:
        pytest.skip(f"not checked here: {told['refused'].splitlines()[1]}")
    ended = rootless({**order, "argv": [INTERPRETER, "-c", source]}, here.base, more_users=True)
    assert [ended["done"][name] for name in ("killed_by", "stdout", "stderr")] == ["memory", "", ""]
    done = rootless(
        {**order, "argv": [INTERPRETER, "-c", PROGRAM.partition("with socket")[0]]}, here.base, more_users=True
    )
    assert [done["done"][name] for name in ("exit_code", "stdout", "stderr")] == [
        0,
        "PermissionError PermissionError PermissionError\n",
        "",
    ]


def test_a_container_that_cannot_be_started_is_told_with_the_engine_s_word(
    here: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine of ours, which refuses everything but to be asked."""
    fake = here.work / "engine"
    fake.write_text('#!/bin/sh\ncase "$1" in run) echo "no runtime for it" >&2; exit 125;; esac\n')
    fake.chmod(0o755)
    monkeypatch.setattr(container, "engine", lambda: str(fake))
    with pytest.raises(NoSandbox, match="container: the launcher ended early: no runtime for it"):
        open_sandbox("container").run(("true",), cwd=here.outside, policy=Policy())
    fake.write_text('#!/bin/sh\ncase "$1" in i*) echo "no room" >&2; exit 1;; esac\n')
    with pytest.raises(NoSandbox, match="container: the empty image could not be made: no room"):
        open_sandbox("container").run(("true",), cwd=here.outside, policy=Policy())
