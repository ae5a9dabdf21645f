"""What a laid tree says it depends on, read as text: nothing of the tree is executed, nothing outside it is read.

Order: `uv.lock`; `pyproject.toml` with a test extra or group; `requirements*.txt`; `pyproject.toml` with dependencies.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any

from greenloop.environment.layout import sources
from greenloop.environment.lines import (
    extras_of,
    is_path,
    logical_lines,
    name_of,
    normal,
    split_option,
    without_extras,
)
from greenloop.environment.tables import EXTRAS, chosen, dependency_files, members_of_group, table, texts
from greenloop.errors import BrokenEnvironment

REQUIREMENTS = (
    "requirements.txt",
    *(
        pattern.format(kind)
        for kind in EXTRAS
        for pattern in (
            "requirements-{}.txt",
            "requirements_{}.txt",
            "{}-requirements.txt",
            "{}_requirements.txt",
            "requirements/{}.txt",
        )
    ),
)
NOT_TOML = "`{path}` is not valid TOML: {why}. Repair it, or set `install_command`."
OUTSIDE = "`{path}` names `{value}`, which is not a file inside the repository. Repair it, or set `install_command`."
NOT_INDEX = "`tool.uv.sources` takes `{name}` from an address, where it would have to be built. Set `install_command`."
TOO_LARGE = "`{path}` is larger than {limit} MB and was not read. Set `install_command`."

_LARGEST = 16 * 1024 * 1024
_MANIFEST = re.compile(r"(^|/)(pyproject\.toml|uv\.lock|setup\.(py|cfg)|[^/]*(require|constraint)[^/]*\.(txt|in))$")
_IN_FOLDER = re.compile(r"(^|/)(requirements|deps)/[^/]+\.(txt|in)$")
_MEMBER = re.compile(r'^source = \{ (?:editable|directory|virtual) = "([^"]+)" \}', re.MULTILINE)
_INDEX_OPTIONS = frozenset({"--index-url", "--extra-index-url", "--find-links", "--no-index"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """`requirements` are PEP 508 lines, maybe with hashes; `options` index options, `digest` of every byte read."""

    note: str = ""
    requirements: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    python: str = ""  # requires-python
    locked: bool = False
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    project: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    digest: str = ""


def is_manifest(path: str) -> bool:
    """Whether a change of this path may change what the target depends on."""
    return bool(_MANIFEST.search(path) or _IN_FOLDER.search(path))


def read(folder: Path, directory: str = "") -> Manifest:
    """Raises `BrokenEnvironment` for a manifest that cannot be read."""
    return _Reading(folder.resolve(), hashlib.sha256(), [], [], [], [], set()).manifest(directory)


@dataclass(frozen=True, slots=True)
class _Reading:
    root: Path
    digest: Any
    requirements: list[str]
    constraints: list[str]
    options: list[str]
    roots: list[str]  # source folders of other projects of the same repository
    seen: set[str]  # projects and files that were read, so that a circle of them ends

    def manifest(self, directory: str) -> Manifest:
        project_file = self.toml(_join(directory, "pyproject.toml"))
        project = table(project_file, "project")
        extras = chosen(table(project, "optional-dependencies"))
        groups = chosen(table(project_file, "dependency-groups"))
        lock = self.lock(directory) if project_file else ""
        listed = tuple(_join(directory, name) for name in REQUIREMENTS if self.text(_join(directory, name)) is not None)
        if lock or extras or groups or not listed:
            self.project(directory, project_file, extras=extras, groups=groups)
            note = lock or " ".join(["pyproject.toml", *(f"[{name}]" for name in dict.fromkeys((*extras, *groups)))])
        else:
            self.project(directory, project_file, extras=(), groups=())
            for path in listed:
                self.lines(path, self.requirements)
            note = ", ".join(listed)
        is_project = bool(project_file) or self.text(_join(directory, "setup.py")) is not None
        own = sources(self.root, directory, project_file, is_project=is_project)
        return Manifest(
            note=note if self.requirements or lock else "",
            requirements=tuple(dict.fromkeys(self.requirements)),
            constraints=tuple(dict.fromkeys(self.constraints)),
            options=tuple(dict.fromkeys(self.options)),
            sources=tuple(dict.fromkeys((*own, *self.roots))),
            python=str(project.get("requires-python", "")),
            locked=bool(lock),
            extras=extras,
            groups=groups,
            project=MappingProxyType(project),
            digest=self.digest.hexdigest(),
        )

    def lock(self, directory: str) -> str:
        """The path of the lock file: in the directory, or in a folder above it for a member of a workspace."""
        for folder in (PurePosixPath(directory), *PurePosixPath(directory).parents):
            path = _join(str(folder), "uv.lock")
            text = self.text(path)
            if text is not None:
                for member in _MEMBER.findall(text):
                    self.code(_join(str(folder), member))
                return path
        return ""

    def code(self, directory: str) -> dict[str, Any]:
        """Another project of the repository: its code is found by its source roots, like the target's own."""
        file = self.toml(_join(directory, "pyproject.toml"))
        self.roots.extend(sources(self.root, directory, file, is_project=True))
        return file

    def text(self, path: str, *, named_by: str = "") -> str | None:
        """The file's text, None when there is none; never through a link that leaves the tree."""
        if not named_by and not os.path.lexists(self.root / path):
            return None
        target = (self.root / path).resolve()
        if not target.is_relative_to(self.root) or not target.is_file():
            if named_by:
                raise BrokenEnvironment(OUTSIDE.format(path=named_by, value=path))
            return None
        if target.stat().st_size > _LARGEST:
            raise BrokenEnvironment(TOO_LARGE.format(path=path, limit=_LARGEST // 1024 // 1024))
        data = target.read_bytes()
        self.digest.update(f"{path}\0{len(data)}\0".encode())
        self.digest.update(data)
        return data.decode("utf-8-sig", "replace")

    def toml(self, path: str) -> dict[str, Any]:
        text = self.text(path)
        if text is None:
            return {}
        import tomllib  # noqa: PLC0415 - a target without a project file does not need it

        try:
            return tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise BrokenEnvironment(NOT_TOML.format(path=path, why=error)) from None

    def project(
        self, directory: str, file: Mapping[str, Any], *, extras: tuple[str, ...], groups: tuple[str, ...]
    ) -> None:
        """Add a project's dependencies, with those of some of its extras and groups."""
        project = table(file, "project")
        own = normal(str(project.get("name", "")))
        optional = {normal(name): value for name, value in table(project, "optional-dependencies").items()}
        wanted = list(texts(project.get("dependencies")))
        for path in dependency_files(file):
            self.lines(_join(directory, path), self.requirements, named_by="pyproject.toml")
        for group in groups:
            wanted += members_of_group(table(file, "dependency-groups"), group, frozenset())
        pending, seen = [normal(extra) for extra in extras], set[str]()
        while pending:
            extra = pending.pop(0)
            if extra not in seen:
                seen.add(extra)
                wanted += texts(optional.get(extra))
            pending += [normal(e) for r in wanted if name_of(r) == own for e in extras_of(r) if normal(e) not in seen]
        elsewhere = self.elsewhere(directory, file, {name_of(r) for r in wanted})
        self.requirements.extend(" ".join(r.split()) for r in wanted if name_of(r) not in {own, *elsewhere})

    def elsewhere(self, directory: str, file: Mapping[str, Any], wanted: set[str]) -> set[str]:
        """Names that uv is told not to take from an index. Another distribution may have the same name there."""
        found = set[str]()
        for name, source in table(file, "tool", "uv", "sources").items():
            if normal(name) not in wanted or not isinstance(source, dict):
                continue
            if isinstance(source.get("path"), str):
                self.local(_join(directory, source["path"]), (), "pyproject.toml")
            elif not source.get("workspace"):
                if "git" in source or "url" in source:
                    raise BrokenEnvironment(NOT_INDEX.format(name=name))
                continue
            found.add(normal(name))
        return found

    def lines(self, path: str, into: list[str], *, named_by: str = "") -> None:
        """Add what a requirements file holds, with the files that it includes."""
        text = self.text(path, named_by=named_by) or ""
        if path in self.seen:
            return
        self.seen.add(path)
        folder = str(PurePosixPath(path).parent)
        for line in logical_lines(text):
            word, value = split_option(line)
            if word in {"--requirement", "--constraint"}:
                kept = self.constraints if word == "--constraint" else into
                self.lines(_join(folder, value), kept, named_by=path)
            elif word == "--editable" or (not word and is_path(line)):
                self.local(_join(folder, without_extras(value)), extras_of(value), path)
            elif word in _INDEX_OPTIONS:
                self.options.append(self.option(word, value, folder))
            elif not word:
                into.append(line)

    def option(self, option: str, value: str, folder: str) -> str:
        if option == "--find-links" and "://" not in value:
            value = str(self.root / _join(folder, value))
        return f"{option} {value}".strip()

    def local(self, directory: str, extras: tuple[str, ...], path: str) -> None:
        """A project in this repository that a manifest names: its code, and its dependencies."""
        if not (self.root / directory).resolve().is_relative_to(self.root):
            raise BrokenEnvironment(OUTSIDE.format(path=path, value=directory))
        file = self.code(directory)
        if directory not in self.seen:
            self.seen.add(directory)
            self.project(directory, file, extras=extras, groups=())


def _join(folder: str, name: str) -> str:
    return os.path.normpath(PurePosixPath(folder) / name)
