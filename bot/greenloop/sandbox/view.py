"""What a confined process must be able to see: the system's libraries, this interpreter, and what the policy names.

Paths are given as they really are, with the symbolic links that lead there, so that every spelling keeps working
when only these are shown. Nothing here decides about writing.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store")
_SETTINGS = (
    *("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", "/etc/timezone", "/etc/services", "/etc/protocols"),
    *("/etc/mime.types", "/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/pki/tls/certs", "/etc/pki/ca-trust/extracted"),
    *("/etc/crypto-policies/back-ends", "/etc/python3", "/etc/python3.11", "/etc/python3.12", "/etc/python3.13"),
    "/sys/devices/system/cpu",
)
_MOST_LINKS = 40  # as many as the kernel follows


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Real paths to show, and the links (path, target) that lead to them."""

    paths: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()

    def __add__(self, other: View) -> View:
        return View(paths=self.paths + other.paths, links=self.links + other.links)


def view(readable: Iterable[Path]) -> View:
    """All that `readable` stands for, beside the system and this interpreter; what is not there is left out."""
    seen = _always()
    for path in readable:
        seen += look(os.fspath(path))
        if (path / "pyvenv.cfg").is_file():
            seen += _interpreter_of(path)
    return seen


def look(path: str) -> View:
    """One path, followed link by link. Raises `OSError` for a circle of links."""
    real, links = "/", []
    todo = os.path.abspath(path).split("/")[::-1]  # noqa: PTH100 - `resolve` would hide the links that we look for
    while todo:
        part = todo.pop()
        if part in {"", "."}:
            continue
        here = str(Path(real).parent) if part == ".." else str(Path(real, part))
        if not Path(here).is_symlink():
            real = here
            continue
        target = str(Path(here).readlink())
        links.append((here, target))
        if len(links) > _MOST_LINKS:
            raise OSError(f"{path}: too many symbolic links")
        real = "/" if target.startswith("/") else real
        todo += target.split("/")[::-1]
    return View(paths=(real,) if Path(real).exists() else (), links=tuple(links))


@functools.cache
def _always() -> View:
    seen = View()
    for path in (*_SYSTEM, *_SETTINGS, sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix):
        seen += look(path)
    seen += look(str(Path(os.__file__).parent))
    return seen + _interpreter_of(Path(sys.prefix)) + look(sys.executable)


def _interpreter_of(environment: Path) -> View:
    """The interpreter that a virtual environment borrows: its links in bin/, and `home` in pyvenv.cfg."""
    seen = View()
    for link in sorted((environment / "bin").glob("python*")):
        if link.is_symlink():
            hops = look(str(link))
            seen += View(links=hops.links)
            for real in hops.paths:
                seen += _prefix(Path(real).parent.parent)
    for home in _home(environment / "pyvenv.cfg"):
        hops = look(home)
        seen += View(links=hops.links)
        for real in hops.paths:
            seen += _prefix(Path(real).parent)
    return seen


def _home(settings: Path) -> list[str]:
    if not settings.is_file():
        return []
    lines = settings.read_text(encoding="utf-8", errors="replace").splitlines()
    return [value.strip() for key, _, value in (line.partition("=") for line in lines) if key.strip() == "home"]


def _prefix(folder: Path) -> View:
    """The folder, if an interpreter is really installed there; a forged `home` shows nobody's files."""
    return look(str(folder)) if any((folder / "lib").glob("python3*/os.py")) else View()


def outermost(paths: Iterable[str]) -> tuple[str, ...]:
    """Without those that lie inside another one."""
    kept: list[str] = []
    for path in sorted(set(paths), key=lambda p: p.split("/")):
        if not kept or not lies_in(path, kept[-1:]):
            kept.append(path)
    return tuple(kept)


def lies_in(path: str, folders: Iterable[str]) -> bool:
    """Whether it is one of these folders or below one; all are real paths."""
    return any(path == folder or path.startswith(folder.rstrip("/") + "/") for folder in folders)
