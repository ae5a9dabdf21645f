"""Where the tests of the sandbox run: here, as another user, as root without namespaces; and the launcher's coverage.

The two others are processes of their own (`drive.py`) with a copy of the package in a folder that everybody may enter.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import greenloop
from greenloop.ports import Completed, Policy
from greenloop.sandbox import launchers, open_sandbox

PACKAGE = Path(greenloop.__file__).parent
DRIVE = Path(__file__).with_name("drive.py")
STRANGER = 54321  # a bare number: no account is needed
ROOT = os.geteuid() == 0


def _enterable(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in path.resolve().parents)


def _open_interpreter() -> str | None:
    """An interpreter that another user can run, new enough for the package."""
    for program in (sys.executable, "/usr/bin/python3"):
        if not Path(program).exists() or not _enterable(Path(program)):
            continue
        new = "import sys; sys.exit(sys.version_info < (3, 11))"
        if subprocess.run([program, "-I", "-c", new], check=False).returncode == 0:
            return program
    return None


INTERPRETER = _open_interpreter()


@dataclass(frozen=True)
class Place:
    """A way to be confined. `work` is the writable folder of a test, `outside` one that must stay out of reach."""

    name: str
    base: Path
    package: Path = PACKAGE
    choice: str = "namespaces"
    python: str = sys.executable
    stranger: bool = False
    without: tuple[str, ...] = field(default=())

    @property
    def work(self) -> Path:
        return self._folder("work")

    @property
    def outside(self) -> Path:
        return self._folder("outside")

    def _folder(self, name: str) -> Path:
        folder = self.base / name
        if not folder.exists():
            folder.mkdir()
            folder.chmod(0o777 if name == "outside" else 0o755)
        return self.give(folder)

    def give(self, path: Path) -> Path:
        """To whoever runs the sandbox here."""
        if self.stranger:
            os.chown(path, STRANGER, STRANGER, follow_symlinks=False)
        return path

    def code(self, source: str, *args: str, **policy: Any) -> Completed:
        return self.run((self.python, "-c", source, *args), **policy)

    def run(self, argv: tuple[str, ...], **policy: Any) -> Completed:
        told = self.order(argv, **policy)
        assert "refused" not in told, told["refused"]
        if isinstance(told["done"], Completed):
            return told["done"]
        found = {Path(path): data.encode() for path, data in told["done"].pop("artifacts").items()}
        return Completed(**told["done"], artifacts=found)

    def order(self, argv: tuple[str, ...], **policy: Any) -> dict[str, Any]:
        policy.setdefault("writable", (self.work,))
        policy.setdefault("seconds", 60.0)
        if self.name == "here":
            box = open_sandbox(self.choice)
            return {"done": box.run(argv, cwd=self.work, policy=Policy(**policy)), "level": box.level}
        order = {"choice": self.choice, "argv": argv, "cwd": self.work, "policy": policy, "without": self.without}
        done = subprocess.run(
            self.command(), input=json.dumps(order, default=str), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def command(self) -> list[str]:
        user = ["setpriv", f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups"] if self.stranger else []
        return [*user, self.python, "-I", "-B", str(self.base / "drive.py"), str(self.package.parent)]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may enter, with the package in it; pytest's own folders are closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="greenloop-test-"))
    folder.chmod(0o755)
    shutil.copytree(PACKAGE, folder / "bot" / "greenloop", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(DRIVE, folder / "drive.py")
    yield folder
    shutil.rmtree(folder)


def _place(name: str, folder: Path) -> Place:
    package = folder / "bot" / "greenloop"
    if name == "here":
        return Place(name, folder, python=sys.executable)
    if not ROOT and name == "stranger":  # that is who we are
        return Place(name, folder, package)
    if not ROOT:
        pytest.skip("only root can become somebody else")
    if INTERPRETER is None:
        pytest.skip("no interpreter here that another user may run")
    if name == "stranger":
        return Place(name, folder, package, python=INTERPRETER, stranger=True)
    return Place(name, folder, package, choice="uid", python=INTERPRETER)


@pytest.fixture(params=["here", "stranger", "uid"])
def place(request: pytest.FixtureRequest, open_folder: Path) -> Place:
    """Each way in turn."""
    return _place(request.param, open_folder)


@pytest.fixture
def here(open_folder: Path) -> Place:
    return _place("here", open_folder)


@pytest.fixture
def place_of(open_folder: Path) -> Callable[[str], Place]:
    return lambda name: _place(name, open_folder)


_MEASURED = """
import os, sys
sys.path.append(sys.argv[1]); sys.path.append({site!r})
import coverage
kept = os.open({target!r} + str(os.getpid()), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
only = [{package!r} + "/*"]
measured = coverage.Coverage(data_file=None, branch=True, include=only, config_file=False, messages=False)
coverage.CoverageData(no_disk=True).dumps()  # import all of it now
measured.start()
def save(real):
    def saving(*args):
        if saving.first:
            saving.first = False
            measured.stop()
            data = measured.get_data().dumps()
            os.write(kept, len(data).to_bytes(8, "big") + data)
        return real(*args)
    saving.first = True
    return saving
os._exit, os.execve = save(os._exit), save(os.execve)
from greenloop.sandbox.launch import main
main(int(sys.argv[2]))
os._exit(0)
"""


@pytest.fixture(autouse=True)
def _launcher_coverage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The launcher runs isolated, so coverage cannot follow it there; under coverage it is started with it, and the
    processes, which cannot reach a file any more, write what was measured to a descriptor that was open before."""
    coverage = pytest.importorskip("coverage")
    current = coverage.Coverage.current()
    if current is None:
        yield
        return
    site = str(Path(coverage.__file__).parents[1])
    started = _MEASURED.format(site=site, target=str(tmp_path / "launcher."), package=str(PACKAGE))
    monkeypatch.setattr(launchers, "ARGV", (sys.executable, "-I", "-S", "-c", started, str(PACKAGE.parent)))
    yield
    for number, part in enumerate(_parts(tmp_path.glob("launcher.*"))):
        data = coverage.CoverageData(
            current.config.data_file, suffix=f"launcher.{os.getpid()}.{tmp_path.name}.{number}"
        )
        data.loads(part)
        data.write()


def _parts(files: Iterator[Path]) -> Iterator[bytes]:
    for file in files:
        data = file.read_bytes()
        while data:
            size = int.from_bytes(data[:8], "big")
            yield data[8 : 8 + size]
            data = data[8 + size :]
