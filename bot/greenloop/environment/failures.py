"""What people, and the model, read when an environment cannot be had."""

from __future__ import annotations

import re
from collections.abc import Mapping

from greenloop.environment.network import Log, redacted
from greenloop.environment.unavailable import Unavailable
from greenloop.errors import BrokenEnvironment

NOT_INSTALLED = (
    "The target's dependencies ({note}) could not be installed:\n{log}\n"
    "Repair them, or set `install_command`; `none` installs nothing."
)
NOT_ADDED = (
    "What the change adds to the dependencies could not be installed (as wheels only, nothing is built):\n{log}\n"
    "Choose a version that exists and has a wheel, or do without."
)
COMMAND_FAILED = (
    "`install_command` ended with exit code {code}:\n{log}\nRun it in a clean checkout of the base to see why."
)
WITHHELD = "The user name and password of the package index were withheld from it, since it may run code of the target."
UNREACHABLE = (
    "The package index could not be reached, so the target's dependencies ({note}) could not be installed:\n{log}\n"
    "Check the network, the proxy, and UV_INDEX_URL or PIP_INDEX_URL."
)
NO_VENV = "A virtual environment could not be made:\n{log}\nInstall the venv module of this Python."

_OFFLINE = re.compile(
    r"error sending request|client error \(connect\)|dns error|failed to lookup|network is unreachable|"
    r"connection (?:refused|reset)|tcp connect|network was disabled|newconnectionerror|temporary failure in name",
    re.IGNORECASE,
)


def failure(text: str, note: str, log: Log) -> BrokenEnvironment:
    text = (UNREACHABLE if _OFFLINE.search(log.text) else text).format(note=note, log=tail(log))
    return BrokenEnvironment(text)


def refusal(log: Log) -> BrokenEnvironment:
    if _OFFLINE.search(log.text):
        return failure(NOT_ADDED, "as changed", log)
    return Unavailable(NOT_ADDED.format(log=tail(log)))


def tail(log: Log) -> str:
    return "\n".join(log.text.strip().splitlines()[-40:])[-4000:]


def command_failure(log: Log, outside: Mapping[str, str]) -> BrokenEnvironment:
    text = COMMAND_FAILED.format(code=log.code, log=tail(log))
    withheld = any(redacted(value, {}) != value for name, value in outside.items() if "INDEX" in name)
    return BrokenEnvironment(f"{text}\n{WITHHELD}" if withheld else text)
