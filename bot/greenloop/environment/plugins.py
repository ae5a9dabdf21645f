"""Plug-ins of pytest that an environment brings: each is loaded by itself, and has a say in every test."""

from __future__ import annotations

from configparser import Error, RawConfigParser
from pathlib import Path

from greenloop.environment import installed
from greenloop.environment.lines import normal
from greenloop.ports import Environment

_GROUP = "pytest11"


def undeclared(base: Environment, now: Environment) -> tuple[str, ...]:
    """The names of those that the base's environment has not: whoever added the dependency adds them unasked."""
    known = _found(base)
    return tuple(sorted({name for distribution, name in _found(now) - known}))


def folders(environment: Environment) -> tuple[Path, ...]:
    """Where the target's own packages are: in its virtual environment, and in layers beside one."""
    venv = environment.python.parent.parent
    own = (venv,) if venv in environment.readable else ()
    return (*map(installed.site_packages, own), *(Path(s) for s in environment.sources if Path(s).is_absolute()))


def _found(environment: Environment) -> set[tuple[str, str]]:
    """Distribution and name of each."""
    return {
        (normal(file.parent.name.partition("-")[0]), name)
        for folder in folders(environment)
        for file in folder.glob("*.dist-info/entry_points.txt")
        for name in _names(file)
    }


def _names(file: Path) -> tuple[str, ...]:
    reader = RawConfigParser(strict=False, interpolation=None, delimiters=("=",), allow_no_value=True)
    reader.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case
    try:
        reader.read_string(file.read_text(encoding="utf-8", errors="replace"))
    except (Error, OSError):
        return ()
    return tuple(reader[_GROUP]) if _GROUP in reader else ()
