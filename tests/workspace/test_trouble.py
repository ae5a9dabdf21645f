"""Disks and processes that fail: an error that says what, where and the cure; refs where they were."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which

import pytest

from conftest import git
from greenloop.domain import Patch, Tree, Write
from greenloop.errors import GreenloopError, UsageError
from greenloop.workspace import GitWorkspace, open_workspace
from greenloop.workspace.trouble import of_git, on_disk

Open = Callable[..., GitWorkspace]

MOUNT, UNMOUNT = which("mount") or "", which("umount") or ""

ROUND = """
import os, resource, signal, sys
from pathlib import Path
from greenloop.domain import Patch, Write
from greenloop.errors import GreenloopError
from greenloop.workspace import open_workspace
limit, repo, out = int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
workspace = open_workspace(repo)
base = workspace.resolve("HEAD")
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit or soft, hard))
try:
    text = "".join(os.urandom(2000).hex() + "\\n" for _ in range(100)) if sys.argv[4] == "apply" else "small\\n"
    tree = workspace.apply(workspace.tree(base), Patch(summary="x", edits=(Write(path="new", text=text),)))
    workspace.lay(tree, out)
    sha = workspace.commit(tree, (base,), "x")
    workspace.publish(sha, "refs/heads/x", expected=None)
except GreenloopError as error:
    print(error)
    sys.exit(error.exit_code)
finally:
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
"""


def in_a_process(limit: int, repo: Path, out: Path, part: str) -> tuple[int, str]:
    paths = os.pathsep.join(p for p in sys.path if p)
    done = subprocess.run(
        [sys.executable, "-c", ROUND, str(limit), str(repo), str(out), part],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout.rstrip("\n")


def test_a_limit_on_file_size_ends_with_the_cure_and_no_ref(open_repo: Open, tmp_path: Path) -> None:
    root = open_repo({"big": os.urandom(300_000), "a": "a"}).top
    assert root
    before = git("for-each-ref", cwd=root)
    code, said = in_a_process(50_000, root, tmp_path / "out", "lay")
    assert (code, said.split(" (")[0]) == (1, "Cannot lay the files of a commit")
    assert said.endswith(
        "File too large. A limit on disk space or file size was hit. Raise it and run again; no ref was moved."
    )
    code, said = in_a_process(50_000, root, tmp_path / "out2", "apply")
    assert (code, said.endswith("Raise it and run again; no ref was moved.")) == (1, True)
    assert git("for-each-ref", cwd=root) == before
    git("fsck", "--strict", cwd=root)


@contextmanager
def small_disk(at: Path, size: str) -> Iterator[None]:
    """A file system of this size. Where none can be mounted (an ordinary user, a container) the test is skipped."""
    at.mkdir()
    if subprocess.run(
        [MOUNT, "-t", "tmpfs", "-o", f"size={size}", "tmpfs", at], capture_output=True, check=False
    ).returncode:
        pytest.skip("cannot mount a file system here; the limit on file size is tested anyway")
    try:
        yield
    finally:
        subprocess.run([UNMOUNT, at], check=True)


def test_a_full_disk_ends_with_the_cure_and_no_ref(open_repo: Open, tmp_path: Path) -> None:
    source = open_repo({"a": "a"}).top
    with small_disk(tmp_path / "small", "600k"):
        git("clone", "-q", "--template=", str(source), "repo", cwd=tmp_path / "small")
        root = tmp_path / "small/repo"
        before = git("for-each-ref", cwd=root)
        code, said = in_a_process(0, root, tmp_path / "small/out", "apply")
        assert (code, said.endswith("The disk is full. Free some space there and run again; no ref was moved.")) == (
            1,
            True,
        )
        assert git("for-each-ref", cwd=root) == before
        assert not list(root.rglob("*.lock"))


@contextmanager
def read_only(root: Path, scratch: Path) -> Iterator[Path]:
    """A repository that cannot be written: by its file system for root, by its modes for anybody else."""
    if os.geteuid() == 0:
        with small_disk(scratch, "5m"):
            git("clone", "-q", str(root), "repo", cwd=scratch)
            subprocess.run([MOUNT, "-o", "remount,ro", scratch], check=True)
            yield scratch / "repo"
        return
    folders = [root / ".git/objects", root / ".git/refs/heads", *(root / ".git/objects").iterdir()]
    for folder in folders:
        folder.chmod(0o555)
    yield root
    for folder in folders:
        folder.chmod(0o755)


def test_a_read_only_repository_is_read_and_the_permission_is_named(open_repo: Open, tmp_path: Path) -> None:
    source = open_repo({"a": "a"}).top
    assert source
    change = Patch(summary="x", edits=(Write(path="a", text="b"),))
    with read_only(source, tmp_path / "small") as root, open_workspace(root) as workspace:
        workspace.lay(workspace.tree("HEAD"), tmp_path / "out")
        with pytest.raises(GreenloopError, match=r"in .*repo: .* (Read-only|permission).* This user has no permission"):
            workspace.apply(workspace.tree("HEAD"), change)
        with pytest.raises(GreenloopError, match="This user has no permission for it"):
            workspace.publish(workspace.resolve("HEAD"), "refs/heads/x", expected=None)
        assert git("for-each-ref", "--format=%(refname)", "refs/heads", cwd=root) == "refs/heads/main"


def test_a_lock_that_somebody_left(open_repo: Open) -> None:
    workspace = open_repo({"a": "a"})
    root = workspace.top
    assert root
    (root / ".git/refs/heads/x.lock").write_text("")
    with pytest.raises(GreenloopError, match=r"look for a \*\.lock file"):
        workspace.publish(workspace.resolve("HEAD"), "refs/heads/x", expected=None)


def test_each_complaint_of_git_has_its_cure() -> None:
    def error(text: str, code: int = 128) -> tuple[type[GreenloopError], str]:
        raised = of_git("x", where=Path("/r"), code=code, text=text)
        return type(raised), str(raised)

    foreign = "fatal: detected dubious ownership in repository at '/r'"
    cure = "It belongs to another user. If you trust it, run: git config --global --add safe.directory /r"
    assert error(foreign) == (UsageError, f"git x failed in /r: {foreign}. {cure}")
    assert error("error: unable to write: No space left on device")[1].endswith(
        "The disk is full. Free some space there and run again; no ref was moved."
    )
    assert error("fatal: cannot open: Read-only file system")[1].endswith("or work on a clone of your own.")
    assert error("error: object file is corrupt")[1].endswith("The repository is damaged: run git fsck.")
    assert error("", -9) == (GreenloopError, "git x failed in /r: it was ended by SIGKILL")
    assert error("", 3) == (GreenloopError, "git x failed in /r: exit code 3")
    with pytest.raises(GreenloopError) as raised, on_disk("do it", Path("/there")):
        raise OSError
    assert str(raised.value) == "Cannot do it (/there): ."


def test_a_git_process_that_dies_is_replaced(open_repo: Open) -> None:
    workspace = open_repo({"a": "a\n"})
    tree = workspace.tree("HEAD")
    workspace._objects._reader._process.proc.kill()  # type: ignore[union-attr]
    with pytest.raises(GreenloopError, match=r"git cat-file failed in .*: it was ended by SIGKILL"):
        workspace._objects.read(tree.id)
    assert workspace.read(tree, "a") == b"a\n"


def test_an_interrupted_answer_is_never_taken_for_the_next_one(open_repo: Open) -> None:
    workspace = open_repo({"a": b"A" * 3_000_000, "b": "b\n"})
    tree = workspace.tree("HEAD")
    ids = {path: entry.id for path, entry in workspace.entries(tree).items()}

    def interrupted() -> None:
        with workspace._objects._reader.turn() as (ask, answers):
            ask.write(f"{ids['a']}\n".encode())
            ask.flush()
            answers.read(1000)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert workspace.read(tree, "b") == b"b\n"


def test_ctrl_c_in_a_terminal_does_not_reach_git(open_repo: Open) -> None:
    workspace = open_repo({"a": "a\n"})
    workspace.tree("HEAD")
    process = workspace._objects._reader._process
    assert process
    assert os.getsid(process.pid) != os.getsid(0)


def test_many_threads_share_one_workspace(open_repo: Open, tmp_path: Path) -> None:
    workspace = open_repo({f"f{n}": f"{n}\n" * 1000 for n in range(40)})
    base = workspace.tree("HEAD")
    done: dict[int, Tree] = {}

    def work(n: int) -> None:
        edits = tuple(Write(path=f"new{n}/{m}", text=f"{n} {m}") for m in range(5))
        done[n] = workspace.apply(base, Patch(summary="x", edits=edits))
        workspace.lay(done[n], tmp_path / str(n))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n, tree in done.items():
        assert {c.path for c in workspace.diff(base, tree)} == {f"new{n}/{m}" for m in range(5)}
        assert (tmp_path / f"{n}/f7").read_text() == "7\n" * 1000
    assert len(done) == 6


def test_nothing_is_left_behind_when_it_closes(open_repo: Open) -> None:
    workspace = open_repo({"a": "a"})
    workspace.apply(workspace.tree("HEAD"), Patch(summary="x", edits=(Write(path="a", text="b"),)))
    scratch = workspace._plumbing.scratch
    processes = [d._process.pid for d in (workspace._objects._reader, workspace._objects._blobs) if d._process]
    assert scratch.is_dir()
    assert list(scratch.iterdir()) == []
    workspace.close()
    workspace.close()
    assert not scratch.exists()
    assert [pid for pid in processes if Path(f"/proc/{pid}").exists()] == []
    with open_workspace(workspace.top or Path()) as again:
        again.tree("HEAD")
