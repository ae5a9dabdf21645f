"""A fresh virtual environment and wheels for it: the network phase. Wheels run nothing when they are installed.

uv is called on an environment once, while it is empty: a later call would start an interpreter that runs the `.pth`
files of what was installed, with the network on.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from greenloop.environment.network import Log, Network

REQUIREMENTS_FILE = "requirements.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be installed. `cwd` is the base commit's tree, for the indexes that its own configuration names."""

    requirements: tuple[str, ...]
    cwd: Path
    interpreter: Path
    note: str
    constraints: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    links: tuple[Path, ...] = ()  # folders of wheels that were built here

    def lines(self) -> str:
        links = (f"--find-links {folder}" for folder in self.links if folder.is_dir())
        return "\n".join([*self.options, *links, *self.requirements]) + "\n"


def make(venv: Path, interpreter: Path, network: Network) -> Log:
    """An empty environment of the interpreter's version."""
    shutil.rmtree(venv, ignore_errors=True)
    options = ("--quiet", "--no-project", "--no-config", "--python", str(interpreter))
    return network.uv("venv", *options, str(venv), cwd=venv.parent)


def make_with_pip(venv: Path, network: Network, cwd: Path) -> Log:
    """For a command of the repository's own, which most often is pip; the one that comes with Python, offline."""
    import ensurepip  # noqa: PLC0415 - few targets have a command

    bundled = sorted((Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl"))
    if not bundled:  # a distribution keeps it elsewhere, and its `venv` knows where
        return network.tool((sys.executable, "-m", "venv", str(venv)), cwd=cwd)
    made = make(venv, Path(sys.executable), network)
    options = ("--quiet", "--offline", "--no-index", "--python", str(venv / "bin" / "python"))
    return made if made.code else network.uv("pip", "install", *options, str(bundled[-1]), cwd=cwd)


def install(venv: Path, wanted: Wanted, network: Network) -> Log:
    """Make the environment and fill it; a failure is told by the log's code."""
    shutil.rmtree(venv, ignore_errors=True)
    made = network.uv(
        *("venv", "--quiet", "--no-project", "--no-config", "--python", str(wanted.interpreter), str(venv)),
        cwd=venv.parent,
    )
    if made.code:
        return made
    return _install(("--python", str(venv / "bin" / "python")), wanted, network, venv.with_name("lists"))


def add_layer(folder: Path, wanted: Wanted, network: Network) -> Log:
    """Wheels into a folder of their own, for PYTHONPATH, beside an environment that must not be started."""
    shutil.rmtree(folder, ignore_errors=True)
    options = ("--target", str(folder), "--python", str(wanted.interpreter))
    return _install(options, wanted, network, folder.with_name("lists"))


def _install(options: tuple[str, ...], wanted: Wanted, network: Network, lists: Path) -> Log:
    lists.mkdir(exist_ok=True)
    requirements, constraints = lists / REQUIREMENTS_FILE, lists / "constraints.txt"
    requirements.write_text(wanted.lines(), encoding="utf-8")
    constraints.write_text("\n".join(wanted.constraints) + "\n", encoding="utf-8")
    files = ["--requirement", str(requirements)]
    if wanted.constraints:
        files += ["--constraint", str(constraints)]
    return network.uv(
        *("pip", "install", "--quiet", "--no-build", *options, *files),
        cwd=wanted.cwd,
        doing=f"installing from {wanted.note}",
    )
