"""Which parts of a manifest configure checks: `pyproject.toml`, `setup.cfg` and `package.json` also hold dependencies
and metadata, which a request may well change. What cannot be read counts as changed: it is never waved through.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from configparser import Error as IniError
from configparser import RawConfigParser
from typing import Any

_TOOLS = r"pytest|ruff|coverage|bandit|mypy|pyright|pylint|flake8|isort|black|tox|nox|hatch|pdm|poe|taskipy|pycodestyle"
_TABLE = re.compile(rf"(?:{_TOOLS}|ty|vulture|interrogate|pydocstyle|codespell|importlinter)\b.*")
_INI = re.compile(rf"(?:tool:)?(?:{_TOOLS}|pep8|pydocstyle)\b.*", re.IGNORECASE)
_SCRIPT = re.compile(r"(?:pre|post)?(?:test|lint|check|coverage|typecheck|type-check|ci|verify)\b.*", re.IGNORECASE)
_PACKAGE = re.compile(
    r"jest|mocha|ava|c8|nyc|tap|vitest|eslintConfig|eslintIgnore|xo|standard|babel|stylelint|prettier|overrides|husky"
)
MIXED = frozenset({"pyproject.toml", "setup.cfg", "package.json"})


def check_sections(path: str, base: bytes, new: bytes) -> bool:
    """Whether parts of a manifest that configure checks differ."""
    return bool(changed_sections(path, base, new))


def changed_sections(path: str, base: bytes, new: bytes) -> tuple[str, ...]:
    """The names of the differing parts that configure checks, such as `tool.pytest`."""
    sections = {"pyproject.toml": _toml, "setup.cfg": _ini, "package.json": _json}[path.rpartition("/")[2]]
    before, after = sections(base), sections(new)
    if after is None:
        return ("a file that cannot be read",)
    if before is None:
        return tuple(sorted(after))
    return tuple(sorted(name for name in before | after if before.get(name) != after.get(name)))


def _toml(text: bytes) -> dict[str, Any] | None:
    try:
        document = tomllib.loads(text.decode())
    except (ValueError, RecursionError):
        return None
    tools = document.get("tool", {})
    if not isinstance(tools, dict):
        return {}
    found = {f"tool.{name}": _typed(value) for name, value in tools.items() if _TABLE.fullmatch(name)}
    plugins = _inside(document, "project", "entry-points")
    return found | ({"project.entry-points.pytest11": _typed(plugins["pytest11"])} if "pytest11" in plugins else {})


def _ini(text: bytes) -> dict[str, Any] | None:
    reader = RawConfigParser(strict=False, interpolation=None, allow_no_value=True)
    try:
        reader.read_string(text.decode())
    except (IniError, ValueError):
        return None
    found: dict[str, Any] = {name: dict(reader[name]) for name in reader.sections() if _INI.fullmatch(name)}
    plugins = dict(reader["options.entry_points"]) if reader.has_section("options.entry_points") else {}
    return found | ({"options.entry_points.pytest11": plugins["pytest11"]} if "pytest11" in plugins else {})


def _json(text: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    found = {name: _typed(value) for name, value in document.items() if _PACKAGE.fullmatch(name)}
    scripts = _inside(document, "scripts")
    return found | {f"scripts.{name}": value for name, value in scripts.items() if _SCRIPT.fullmatch(name)}


def _inside(document: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """A table inside tables; empty when any of them is something else."""
    value: Any = document
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _typed(value: object) -> str:
    """Values compared with their types: `true` is not `1`."""
    return json.dumps(value, sort_keys=True, default=repr)
