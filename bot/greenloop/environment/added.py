"""What an attempt's environment has and the base's has not: name, version, and where it comes from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from greenloop.domain import Dependency
from greenloop.environment import installed
from greenloop.environment.lines import name_of
from greenloop.environment.manifests import Manifest, read
from greenloop.environment.plugins import folders
from greenloop.ports import Environment

_INDEX = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
# What we bring ourselves when nothing else does
_OURS = frozenset({"pytest", "iniconfig", "packaging", "pluggy", "pygments", "exceptiongroup", "tomli", "colorama"})


def added(
    base: Environment, now: Environment, base_folder: Path, folder: Path, directory: str
) -> tuple[Dependency, ...]:
    """New distributions and new versions, those that a manifest names first. One that was not installed has its own
    words for a version, such as `>=2`."""
    old, new = read(base_folder, directory), read(folder, directory)
    named = {name_of(line): line for line in new.requirements if line not in old.requirements}
    before, after = _pins(base), _pins(now)
    ours = _OURS - set(named) if not before else frozenset()
    found = {name: version for name, version in after.items() if before.get(name) != version and name not in ours}
    found |= {name: _wanted(line) for name, line in named.items() if name not in after}
    where = _index(old, os.environ)
    return tuple(
        Dependency(
            name=name,
            version=found[name],
            source=f"{new.note or 'manifest'}, {where}" if name in named else f"needed by another, {where}",
            replaces=before.get(name, ""),
        )
        for name in sorted(found, key=lambda n: (n not in named, n))
    )


def _pins(environment: Environment) -> dict[str, str]:
    """What is installed for the target alone."""
    pairs = (pin.partition("==") for folder in folders(environment) for pin in installed.pins(folder))
    return {name: version for name, _, version in pairs}


def _wanted(line: str) -> str:
    words = line.split(";", 1)[0].partition(" --hash")[0].strip()
    return words[len(words) - len(words.lstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")) :]


def _index(manifest: Manifest, outside: Mapping[str, str]) -> str:
    """The host of the index, never its password."""
    named = [word for option in manifest.options for word in option.split() if "://" in word]
    urls = [*named, *(outside[name] for name in _INDEX if outside.get(name)), "https://pypi.org/simple"]
    return urlsplit(urls[0]).hostname or "an index of its own"
