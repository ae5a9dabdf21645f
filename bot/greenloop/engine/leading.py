"""The files that the checks' configuration and commands lead to: as good as configuration, whatever they are called.

`extend` of ruff, a file that a command or pytest's options name as configuration or as the script to run. Code that the
tests import as a plug-in is not among them: what it does to a run is told of by the run. Pure.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Callable, Iterable, Iterator
from posixpath import join, normpath

from greenloop.settings import Settings

Read = Callable[[str], bytes | None]

_RUFF = frozenset({"ruff.toml", ".ruff.toml", "pyproject.toml"})
_OPTIONS = frozenset({"pytest.ini", ".pytest.ini", "tox.ini", "setup.cfg", "pyproject.toml", "pytest.toml"})
_CONFIGURES = frozenset({"-c", "--config", "--config-file", "--cov-config", "--rcfile", "--ini", "--configfile"})
_OPTION = re.compile(r"(?<![\w-])(-c|--[\w-]*(?:config|rcfile)[\w-]*)(?:=|\s+|\"\s*,\s*\")([\w./-]+)")
_STARTS_ANOTHER = re.compile(
    r"(?:ba|da|z|k)?sh|python[\d.]*|node|npx|deno|bun|ruby|bundle|perl|php|env|uv|run|poetry|pdm|hatch|tox|nox|make|exec"
    r"|coverage|timeout|time|nice|nohup|stdbuf|setsid|xvfb-run|[\d.]+[smhd]?"
)
_TAKES_A_WORD = frozenset({"-X", "-W"})  # options of Python, before what it is to run
_LONGEST = 20  # files that extend one another


def led_to(paths: Iterable[str], read: Read, settings: Settings) -> frozenset[str]:
    """Those of `paths`, the files of the base, that its checks are led to; `read` gives their text."""
    known = frozenset(paths)
    found: set[str] = set()
    for path in known:
        folder, _, name = path.rpartition("/")
        if name in _RUFF:
            found |= _extended(path, read)
        if name in _OPTIONS:
            found |= {normpath(join(folder, word)) for _, word in _OPTION.findall(_text(path, read))}
    commands = [settings.test_command, settings.install_command, *(check.run for check in settings.commands.values())]
    commands += [settings.criteria.benchmark] if settings.criteria else []
    for command in commands:
        found |= {normpath(join(place, word)) for word in _named(command) for place in {"", settings.directory}}
    return frozenset(found & known)


def _text(path: str, read: Read) -> str:
    return (read(path) or b"").decode("utf-8", "replace")


def _extended(path: str, read: Read) -> set[str]:
    """What a configuration of ruff extends, and what that extends."""
    found: set[str] = set()
    while len(found) < _LONGEST:
        try:
            document = tomllib.loads(_text(path, read))
        except (tomllib.TOMLDecodeError, RecursionError):
            return found
        table = document.get("tool", {}).get("ruff", {}) if path.endswith("pyproject.toml") else document
        extend = table.get("extend") if isinstance(table, dict) else None
        if not isinstance(extend, str):
            return found
        path = normpath(join(path.rpartition("/")[0], extend))
        if path in found:
            return found
        found.add(path)
    return found


def _named(command: str) -> Iterator[str]:
    """The words of a command that are the program, a script that an interpreter runs, or a file of configuration."""
    try:
        words = shlex.split(command)
    except ValueError:
        return
    words = [word for word in words if not re.match(r"[A-Za-z_]\w*=", word)]
    running = True  # until the program, and what it is to run, are known
    for before, word in zip(["", *words], words, strict=False):
        option, equals, value = word.partition("=")
        if before in _CONFIGURES:
            yield word
        elif equals and option in _CONFIGURES:
            yield value
        elif running and not word.startswith("-") and before not in _TAKES_A_WORD:
            yield word
            running = _STARTS_ANOTHER.fullmatch(word.rpartition("/")[2]) is not None
