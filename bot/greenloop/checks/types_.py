"""Types, by the checker that the project itself configures and its environment has: mypy, or pyright.

A plug-in of mypy is the target's own code, so it runs confined, in a copy of its own.
"""

from __future__ import annotations

import configparser
import json
import os
import re
import time
import tomllib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from greenloop.checks import files, programs, text
from greenloop.domain import CheckResult, Finding, Severity, Status
from greenloop.ports import Completed, Environment, Sandbox, Subject
from greenloop.settings import Settings

Read = Callable[[str], bytes | None]

NAME = "types"
WRITES = True

_MYPY = ("mypy.ini", ".mypy.ini", "setup.cfg")
_LINE = re.compile(r"(?P<path>[^:\n]+):(?P<line>\d+)(?::\d+)?: error: (?P<said>.*?)(?:  \[(?P<rule>[\w-]+)\])?")
_WHERE = ("files", "packages", "modules")  # options of mypy that say what to look at


def program(read: Read, directory: str, environment: Environment) -> str:
    """The checker that this project has: `mypy`, `pyright`, or neither."""
    here = os.path.normpath(f"{directory}/x").rpartition("/")[0]
    inside = f"{here}/" if here else ""
    tool = _tool(read, inside)
    configured = {
        "mypy": "mypy" in tool or _mypy(read, inside) is not None,
        "pyright": "pyright" in tool or read(f"{inside}pyrightconfig.json") is not None,
    }
    there = (name for name, is_so in configured.items() if is_so and _installed(name, environment))
    return next(there, "")


def run(subject: Subject, sandbox: Sandbox, settings: Settings) -> CheckResult:
    began = time.monotonic()
    name = program(partial(files.read, subject.folder), subject.directory, subject.environment)
    if not name:
        return CheckResult(check=NAME, status=Status.SKIPPED, reason="No type checker is configured and installed.")
    argv = programs.resolved((name, *_words(name, subject)), subject.environment)
    given = programs.policy(subject, settings, program=argv[0], seconds=settings.test_timeout, environment={})
    done = programs.confined(sandbox, argv, cwd=subject.folder / subject.directory, given=given)
    return replace(_result(name, done, subject), seconds=time.monotonic() - began)


def _installed(name: str, environment: Environment) -> bool:
    return any(os.access(folder / name, os.X_OK) for folder in programs.search_path(environment))


def _words(name: str, subject: Subject) -> tuple[str, ...]:
    if name == "pyright":
        return ("--outputjson",)
    inside = f"{subject.directory}/" if subject.directory else ""
    read = partial(files.read, subject.folder)
    mypy = _mypy(read, inside) or _tool(read, inside).get("mypy", {})
    told = isinstance(mypy, dict) and any(mypy.get(option) for option in _WHERE)
    plain = ("--no-pretty", "--no-color-output", "--no-error-summary", "--hide-error-context")
    return (*plain, f"--cache-dir={os.devnull}", *(() if told else (".",)))


def _tool(read: Read, inside: str) -> dict[str, Any]:
    try:
        known = tomllib.loads((read(f"{inside}pyproject.toml") or b"").decode("utf-8", "replace"))
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}
    tool = known.get("tool")
    return tool if isinstance(tool, dict) else {}


def _mypy(read: Read, inside: str) -> dict[str, str] | None:
    """The section of an ini file that mypy would read."""
    for name in _MYPY:
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read_string((read(inside + name) or b"").decode("utf-8", "replace"))
        except (configparser.Error, ValueError):
            continue
        if parser.has_section("mypy"):
            return dict(parser.items("mypy"))
    return None


def _result(name: str, done: Completed, subject: Subject) -> CheckResult:
    """Its exit code is 1 for what it found; everything else but 0 says that it could not look."""
    metrics = {"memory": float(done.peak_memory)}
    if done.killed_by or done.exit_code not in {0, 1}:
        how = done.killed_by or f"exit code {done.exit_code}"
        said = text.output(text.quoted(done, subject.folder))
        return CheckResult(check=NAME, status=Status.BROKEN, reason=f"{name} could not look: {how}.", output=said)
    try:
        found = _pyright(done.stdout, subject) if name == "pyright" else _lines(done.stdout, subject)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return CheckResult(check=NAME, status=Status.BROKEN, reason=f"{name} said what cannot be read.")
    if done.exit_code and not found:
        return CheckResult(check=NAME, status=Status.BROKEN, reason=f"{name} failed and named no error.")
    limit = text.FINDINGS if subject.changed else text.YARDSTICK
    found = text.capped(found, limit=limit, check=NAME)
    return CheckResult(check=NAME, status=Status.FAILED if found else Status.PASSED, findings=found, metrics=metrics)


def _lines(said: str, subject: Subject) -> tuple[Finding, ...]:
    matches = (_LINE.fullmatch(line.rstrip()) for line in said.splitlines())
    return tuple(_finding(m["path"], int(m["line"]), m["said"], m["rule"] or "error", subject) for m in matches if m)


def _pyright(said: str, subject: Subject) -> tuple[Finding, ...]:
    told = json.loads(said)["generalDiagnostics"]
    return tuple(
        _finding(d["file"], d["range"]["start"]["line"] + 1, d["message"], str(d.get("rule", "error")), subject)
        for d in told
        if d["severity"] == "error"
    )


def _finding(path: str, line: int, said: str, rule: str, subject: Subject) -> Finding:
    root = f"{subject.folder.resolve()}/"
    inside = (
        path.removeprefix(root) if path.startswith("/") else os.path.normpath(f"{subject.directory}/{path}".lstrip("/"))
    )
    lines = files.lines_of(subject.folder, inside)
    return Finding(
        check=NAME,
        rule=text.clean(rule, 100),
        message=text.clean(text.steady(said, root.rstrip("/")), 1_000),
        path=inside,
        line=line,
        severity=Severity.ERROR,
        context=lines[line - 1].strip()[:500] if 0 < line <= len(lines) else "",
    )
