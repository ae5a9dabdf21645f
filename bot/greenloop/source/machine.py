"""Programs and packages of the machine that the tests of other languages take, as far as generated code may see them:
never a home folder, and of what lies hidden in one only what holds packages."""

from __future__ import annotations

import os
import shutil
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MODULES = "GREENLOOP_NODE_MODULES"  # a folder `node_modules` that somebody installed, for trees that have none

_SYSTEM = ("/usr/", "/bin/", "/sbin/")  # is shown to everything confined, but for what follows


@dataclass(frozen=True, slots=True)
class Program:
    """`folder` has to be on the path, `readable` to be shown."""

    folder: Path
    readable: tuple[Path, ...] = ()


def found(name: str, environment: Mapping[str, str]) -> Program | str:
    """Where a program is; or why there is none to be had, as the rest of a sentence."""
    place = shutil.which(name, path=environment.get("PATH", ""))
    if place is None:
        return f"but there is no `{name}` here; use a job or container that has it, or name the tests under `commands`"
    path = Path(place)
    path = _behind_rustup(path, environment) if path.resolve().name == "rustup" else path
    if str(path.resolve()).startswith(_SYSTEM):
        return Program(path.parent, _settings(name))
    prefix = path.parent.parent if path.parent.name == "bin" else path.parent
    if not _may_be_shown(prefix, environment):
        return f"but `{name}` lies in {prefix}, which generated code is not shown"
    return Program(path.parent, (prefix,))


def _settings(name: str) -> tuple[Path, ...]:
    """What Debian keeps in /etc for a program, without the files that may hold passwords."""
    patterns = {"java": ("java-*-openjdk",), "mvn": ("maven/m2.conf", "maven/logging")}.get(name, ())
    return tuple(path for pattern in patterns for path in sorted(Path("/etc").glob(pattern)))


def packages(kind: str, environment: Mapping[str, str]) -> Path | None:
    """A folder of packages that the machine has, when it may be shown."""
    home = Path(environment.get("HOME") or "/nonexistent")
    named = {
        "node_modules": (environment.get(MODULES),),
        "go": (environment.get("GOMODCACHE"), f"{environment.get('GOPATH') or home / 'go'}/pkg/mod"),
        "maven": (f"{home}/.m2/repository", "/usr/share/maven-repo"),
        "gradle": (environment.get("GRADLE_RO_DEP_CACHE"),),
    }[kind]
    folders = (Path(folder) for folder in named if folder)
    return next((folder for folder in folders if folder.is_absolute() and folder.is_dir() and _open(folder)), None)


def _behind_rustup(proxy: Path, environment: Mapping[str, str]) -> Path:
    """The program itself: what the proxy needs to know lies beside the tokens of a registry."""
    home = Path(environment.get("RUSTUP_HOME") or Path(environment.get("HOME") or "/nonexistent", ".rustup"))
    try:
        settings = tomllib.loads((home / "settings.toml").read_text("utf-8"))
    except (OSError, ValueError):
        settings = {}
    chosen = environment.get("RUSTUP_TOOLCHAIN") or settings.get("default_toolchain")
    return home / "toolchains" / str(chosen) / "bin" / proxy.name


def _may_be_shown(prefix: Path, environment: Mapping[str, str]) -> bool:
    """A folder of programs: no root, no home or part of one that programs share with settings and keys."""
    home, real = Path(environment.get("HOME") or "/nonexistent").resolve(), prefix.resolve()
    shared = real in {home, *home.parents} or real.parent == home or real.parent == home / ".config"
    return real.is_dir() and not shared and _open(real)


def _open(folder: Path) -> bool:
    """Whether the sandbox's user can go there: where we are root, that is another one."""
    if os.geteuid() != 0:
        return os.access(folder, os.R_OK | os.X_OK)
    real = folder.resolve()
    passed = all(each.stat().st_mode & stat.S_IXOTH for each in real.parents)
    return passed and real.stat().st_mode & (stat.S_IROTH | stat.S_IXOTH) == stat.S_IROTH | stat.S_IXOTH
