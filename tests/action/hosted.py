"""A runner as far as a step can tell: what it understands of a log and of the file commands, after actions/runner.

Only reading; a step that fools this would fool GitHub.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_NEWER = re.compile(r"\s*::([^\s:]+)(?: ([^:]*))?::(.*)", re.DOTALL)
_OLDER = re.compile(r"##\[([^\s\]]+)[^\]]*\](.*)", re.DOTALL)
_KNOWN = {"add-mask", "stop-commands", "error", "warning", "notice", "debug", "group", "endgroup", "set-output", "echo"}


@dataclass(frozen=True, slots=True)
class Command:
    name: str
    properties: Mapping[str, str]
    text: str


@dataclass(frozen=True, slots=True)
class Log:
    """What the runner obeyed, what it masks from then on, and what a reader of the log sees."""

    commands: tuple[Command, ...]
    masks: tuple[str, ...]
    shown: str


def read_log(text: str) -> Log:
    commands: list[Command] = []
    masks: list[str] = []
    shown: list[str] = []
    stopped: str | None = None
    for line in re.split(r"\r\n|\r|\n", text):
        command = _command(line, stopped)
        if command is None:
            shown.append(_masked(line, masks))
        elif stopped is not None:
            stopped = None  # nothing else is understood until then
        elif command.name == "stop-commands":
            stopped = command.text
        elif command.name == "add-mask":
            masks += [command.text, *command.text.splitlines()]
        else:
            commands.append(command)
            shown.append(_masked(command.text, masks))
    assert stopped is None, "the step ended while commands were stopped"
    return Log(tuple(commands), tuple(masks), "\n".join(shown))


def _command(line: str, stopped: str | None) -> Command | None:
    found = _NEWER.match(line) or _OLDER.search(line)
    if found is None:
        return None
    name, text = found[1], found[found.lastindex or 1]
    if stopped is not None:
        return Command(name, {}, "") if name == stopped else None
    if name not in _KNOWN:
        return None
    given = found[2] if found.re is _NEWER and found[2] else ""
    pairs = (pair.partition("=") for pair in given.split(",") if pair)
    return Command(name, {key: _plain(value, ":,") for key, _, value in pairs}, _plain(text))


def _plain(text: str, more: str = "") -> str:
    for c in "\r\n" + more:
        text = text.replace(f"%{ord(c):02X}", c)
    return text.replace("%25", "%")


def _masked(text: str, masks: list[str]) -> str:
    for mask in sorted(masks, key=len, reverse=True):
        text = text.replace(mask, "***")
    return text


def read_outputs(path: Path) -> dict[str, str]:
    """GITHUB_OUTPUT: `name=value`, or `name<<DELIMITER`, lines, and the delimiter on a line of its own."""
    found: dict[str, str] = {}
    lines = iter(path.read_bytes().decode().split("\n")[:-1])
    for line in lines:
        name, sign, rest = re.match(r"([^=<]*)(=|<<)(.*)", line, re.DOTALL).groups()  # type: ignore[union-attr]
        if sign == "=":
            found[name] = rest
            continue
        value = []
        while (more := next(lines)) != rest:
            value.append(more)
        found[name] = "\n".join(value)
    return found
