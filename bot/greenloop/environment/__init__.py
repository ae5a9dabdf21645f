"""The target's own programs: an interpreter with the target's dependencies, outside its tree, built once and kept.

The network phase fetches wheels and executes nothing of an attempt; what has to be built is built from the base
commit's manifests, in the sandbox, offline. The target's code is not installed: every attempt lies elsewhere and is
found through `Environment.sources`.
"""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from greenloop.environment.added import added
from greenloop.environment.advisories import checked
from greenloop.environment.lines import is_plain
from greenloop.environment.manifests import Manifest, is_manifest, read
from greenloop.environment.plugins import undeclared
from greenloop.environment.unavailable import Unavailable
from greenloop.errors import BrokenEnvironment, Misconfigured
from greenloop.ports import Environment, OnProgress, Progress, Sandbox
from greenloop.settings import Settings

if TYPE_CHECKING:
    from greenloop.environment.build import Builder

__all__ = ["Unavailable", "added", "checked", "extend", "is_manifest", "prepare"]

OWN = "greenloop's own interpreter"
NO_INTERPRETER = "`test_command` begins with `{path}`, which is not there. Name an interpreter that exists."
NO_DIRECTORY = "`directory` is `{directory}`, which is no folder of the base commit. Name one that is, or leave it out."
OLD_PYTHON = (
    "The target needs Python {wanted}, and this is {have}. Run greenloop with such a Python, or begin `test_command` "
    "with the path of one that has the target's dependencies."
)
NOT_PLAIN = (
    "The change adds the dependency `{line}`. What a change adds must be a plain name with versions, such as "
    "`httpx>=0.28`: no address, path or option."
)


def prepare(
    tree_folder: Path,
    settings: Settings,
    *,
    cache: Path,
    sandbox: Sandbox,
    progress: OnProgress,
) -> Environment:
    """The environment for the base commit, laid in `tree_folder`. Raises `BrokenEnvironment`."""
    if not (tree_folder / settings.directory).is_dir():
        raise Misconfigured(NO_DIRECTORY.format(directory=settings.directory))
    manifest = read(tree_folder, settings.directory)
    chosen = _chosen(settings)
    if chosen and settings.install_command in {"", "none"}:
        return _theirs(chosen, manifest)
    _require_python(manifest, BrokenEnvironment)
    if settings.install_command == "none" or not (settings.install_command or manifest.note):
        return _own(manifest)
    return _builder(cache, settings, sandbox, progress).base(tree_folder, manifest)


def extend(
    environment: Environment,
    base_folder: Path,
    folder: Path,
    settings: Settings,
    *,
    cache: Path,
    sandbox: Sandbox,
    progress: OnProgress = lambda _: None,
) -> Environment:
    """The environment for an attempt whose manifests may differ from the base's. Raises `Unavailable`, a
    `BrokenEnvironment` that is the attempt's own doing and whose text a model can act on."""
    base, manifest = read(base_folder, settings.directory), _attempted(folder, settings.directory)
    layers = tuple(s for s in environment.sources if Path(s).is_absolute())
    if settings.install_command == "none" or not _differs(base, manifest):
        return replace(environment, sources=(*manifest.sources, *layers))
    _refuse_unplain(base, manifest)
    if not _chosen(settings):
        _require_python(manifest, Unavailable)
    builder = _builder(cache, settings, sandbox, progress)
    if settings.install_command or _chosen(settings):
        now = builder.layered(environment, base_folder, base=base, manifest=manifest)
    else:
        now = builder.changed(base_folder, base=base, manifest=manifest) if manifest.requirements else _own(manifest)
    return replace(now, withheld=undeclared(environment, now))


def _builder(cache: Path, settings: Settings, sandbox: Sandbox, progress: OnProgress) -> Builder:
    from greenloop.environment.build import Builder  # noqa: PLC0415 - a target without dependencies does not need it

    def say(detail: str) -> None:
        progress(Progress(phase="environment", detail=detail))

    return Builder(cache=cache.absolute(), settings=settings, sandbox=sandbox, outside=os.environ, say=say)


def _attempted(folder: Path, directory: str) -> Manifest:
    try:
        return read(folder, directory)
    except BrokenEnvironment as error:
        raise Unavailable(str(error)) from None


def _differs(base: Manifest, manifest: Manifest) -> bool:
    def of(m: Manifest) -> tuple[object, ...]:
        described = {key: m.project.get(key) for key in ("name", "version", "scripts", "gui-scripts", "entry-points")}
        return m.requirements, m.constraints, m.options, m.python, described if m.note else None

    return of(base) != of(manifest)


def _refuse_unplain(base: Manifest, manifest: Manifest) -> None:
    old = {*base.requirements, *base.constraints, *base.options}
    for line in (*manifest.options, *manifest.requirements, *manifest.constraints):
        if line not in old and not is_plain(line):
            raise Unavailable(NOT_PLAIN.format(line=line[:200]))


def _chosen(settings: Settings) -> Path | None:
    """The user's own program that `test_command` begins with."""
    first = next(iter(shlex.split(settings.test_command)), "")
    return Path(first) if first.startswith("/") else None


def _theirs(program: Path, manifest: Manifest) -> Environment:
    if not os.access(program, os.X_OK):
        raise BrokenEnvironment(NO_INTERPRETER.format(path=program))
    beside = program if program.name.startswith(("python", "pypy")) else program.with_name("python")
    python = beside if beside.exists() else Path(sys.executable)
    return Environment(
        python=python,
        path=(program.parent,),
        readable=tuple(dict.fromkeys((_prefix(program), _prefix(program.resolve())))),
        note=f"{program}, as test_command names it",
        sources=manifest.sources,
    )


def _prefix(program: Path) -> Path:
    """The folder that an interpreter's libraries are in; never more than its own folder when that is not plain."""
    prefix = program.parent.parent
    return prefix if program.parent.name == "bin" and len(prefix.parts) > 1 else program.parent


def _own(manifest: Manifest) -> Environment:
    python = Path(sys.executable)
    return Environment(python=python, path=(python.parent,), note=OWN, sources=manifest.sources)


def _require_python(manifest: Manifest, error: type[BrokenEnvironment]) -> None:
    if not manifest.python:
        return
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # noqa: PLC0415 - few targets say it

    have = ".".join(map(str, sys.version_info[:3]))
    try:
        met = SpecifierSet(manifest.python).contains(have, prereleases=True)
    except InvalidSpecifier:
        return  # uv and pip say it better, when they have to read it
    if not met:
        raise error(OLD_PYTHON.format(wanted=manifest.python, have=have))
