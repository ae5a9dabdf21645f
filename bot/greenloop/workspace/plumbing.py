"""The door to git: its commands through GitPython, each in an empty working tree of our own. No git logic in here.

The only module that imports GitPython. For every command the user's hooks, file-system monitor, replace refs, signing
and automatic gc are off, and variables that would redirect git (they are set inside hooks) are dropped.
"""

from __future__ import annotations

import os
import subprocess
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from greenloop.errors import UsageError
from greenloop.workspace.bounds import Bounds, communicated
from greenloop.workspace.trouble import of_git, on_disk

if TYPE_CHECKING:
    from git import Git

_OFF = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.splitIndex=false",
    "core.quotePath=true",
    "commit.gpgSign=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "i18n.commitEncoding=UTF-8",
    "user.useConfigOnly=true",  # a name that git guesses from the machine is nobody's
)
_NO_GIT = "git was not found on PATH. Install it, for example: apt-get install git"
_ENVIRONMENT = {"GIT_NO_REPLACE_OBJECTS": "1", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
_REDIRECTING = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_GRAFT_FILE",
    "GIT_SHALLOW_FILE",
    "GIT_REPLACE_REF_BASE",
    "GIT_QUARANTINE_PATH",
    "GIT_EXTERNAL_DIFF",
    "GIT_DIFF_OPTS",
    "GIT_ATTR_SOURCE",
)


@dataclass(frozen=True, slots=True)
class Completed:
    code: int
    out: bytes
    error: str


class Plumbing:
    """One repository's git. `git_dir` and `common` differ in a linked worktree; `top` is None in a bare repository."""

    def __init__(self, folder: Path) -> None:
        git = _git(folder)
        found = _run(git, ["rev-parse", "--path-format=absolute", "--git-dir", "--git-common-dir", "--show-cdup"])
        lines = os.fsdecode(found.out).split("\n")[:-1]
        if found.code or len(lines) not in {2, 3}:
            raise of_git(
                "rev-parse", where=folder, code=found.code, text=found.error or "unknown option or folder name"
            )
        self.git_dir, self.common = Path(lines[0]), Path(lines[1])
        self.top = (folder / lines[2]).resolve() if len(lines) == 3 else None
        with on_disk("make a temporary folder", folder):
            self.scratch = Path(mkdtemp(prefix="greenloop-git-"))
        self._finalizer = weakref.finalize(self, rmtree, self.scratch, ignore_errors=True)
        self._git = _git(self.scratch)
        self._git.update_environment(
            GIT_DIR=str(self.git_dir),
            GIT_WORK_TREE=str(self.scratch),
            GIT_INDEX_FILE=str(self.scratch / "index"),
            GIT_ATTR_NOSYSTEM="1",
        )

    def run(self, *args: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> bytes:
        """What the command prints. Any failure is raised."""
        done = self.attempt(*args, stdin=stdin, env=env)
        if done.code:
            raise self.failure(args[0], done)
        return done.out

    def attempt(
        self, *args: str, stdin: bytes = b"", env: Mapping[str, str] | None = None, bounds: Bounds | None = None
    ) -> Completed:
        """The same for a command whose failure means something; with `bounds`, one that talks to strangers."""
        return _run(self._git, ["-c", "core.attributesFile=/dev/null", *args], stdin=stdin, env=env, bounds=bounds)

    def in_working_tree(self, *args: str, index: Path, stdin: bytes = b"") -> bytes:
        """Run where the user's files are, with an index of our own; the repository's attributes and filters hold."""
        if self.top is None:
            raise UsageError(f"{self.git_dir} is a bare repository; it has no working tree. Name a commit instead.")
        git = _git(self.top)
        git.update_environment(GIT_DIR=str(self.git_dir), GIT_WORK_TREE=str(self.top), GIT_INDEX_FILE=str(index))
        done = _run(git, list(args), stdin=stdin)
        if done.code:
            raise self.failure(args[0], done)
        return done.out

    def start(self, *args: str) -> Git.AutoInterrupt:
        """A process that stays, with pipes to it."""
        return _start(self._git, ["-c", "core.attributesFile=/dev/null", *args])

    def failure(self, command: str, done: Completed) -> Exception:
        return of_git(command, where=self.top or self.git_dir, code=done.code, text=done.error)

    def close(self) -> None:
        self._finalizer()


def initialised(folder: Path) -> None:
    """Make `folder` a bare repository."""
    done = _run(_git(folder), ["init", "--quiet", "--bare", "--template=", "."])
    if done.code:
        raise of_git("init", where=folder, code=done.code, text=done.error)


def _git(folder: Path) -> Git:
    # GitPython falls back to the process's own directory when it cannot enter this one: the wrong repository.
    if not folder.is_dir() or not os.access(folder, os.X_OK):
        raise UsageError(f"{folder} is not a folder that can be entered. Name a git checkout with --repo.")
    try:
        from git import Git
    except ModuleNotFoundError:
        raise
    except ImportError as error:  # GitPython looks for the program when it is imported
        raise UsageError(_NO_GIT) from error
    git = Git(str(folder))
    git.update_environment(**_ENVIRONMENT)
    return git


def _run(
    git: Git,
    args: list[str],
    *,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    bounds: Bounds | None = None,
) -> Completed:
    process = _start(git, args, env=env)
    if bounds is None or process.proc is None:
        out, error = process.communicate(stdin)
    else:
        out, error = communicated(process.proc, bounds)
    return Completed(process.returncode, out, error.decode(errors="replace"))


def _start(git: Git, args: list[str], *, env: Mapping[str, str] | None = None) -> Git.AutoInterrupt:
    """In a session of its own, so that Ctrl-C in a terminal reaches us and not git in the middle of an answer."""
    from git.exc import GitCommandNotFound

    ours = git.environment()
    drop = [word for name in _REDIRECTING if name in os.environ and name not in ours for word in ("-u", name)]
    options: list[str] = [word for setting in _OFF for word in ("-c", setting)]
    command: list[Any] = [git.GIT_PYTHON_GIT_EXECUTABLE or "git", *options, *args]
    with on_disk("start git", Path(str(git.working_dir))):
        try:
            return git.execute(
                ["env", *drop, *command] if drop else command,
                istream=subprocess.PIPE,
                as_process=True,
                env=dict(env or {}),
                start_new_session=True,
            )
        except GitCommandNotFound as error:
            raise UsageError(_NO_GIT) from error
