"""From the words of a configured command to what the sandbox has to start: program, PATH, readable folders, policy."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from greenloop.errors import Misconfigured, NoSandbox
from greenloop.ports import Completed, Environment, Policy, Sandbox, Subject
from greenloop.settings import Settings

OUTPUT_KB = 4096
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")


def words(command: str, *, option: str) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """Split as a shell does: the variables set in front, and the program with its arguments.

    Raises `Misconfigured` naming the option the command comes from.
    """
    try:
        split = tuple(shlex.split(command))
    except ValueError as error:
        raise Misconfigured(f"`{option}` cannot be split into words ({error}): {command}") from error
    if not split:
        raise Misconfigured(f"`{option}` is empty; name the program to run, for example `python -m pytest`.")
    count = next((n for n, word in enumerate(split) if not _ASSIGNMENT.match(word)), len(split))
    if count == len(split):
        raise Misconfigured(f"`{option}` only sets variables; name the program to run after them: {command}")
    variables = dict(word.split("=", 1) for word in split[:count])
    return variables, split[count:]


def resolved(argv: tuple[str, ...], environment: Environment) -> tuple[str, ...]:
    """With the target's own interpreter for `python`, and its own programs before the system's."""
    program, rest = argv[0], argv[1:]
    if program in {"python", "python3"}:
        return (str(environment.python), *rest)
    if "/" in program:
        return argv
    places = (folder / program for folder in search_path(environment))
    return (next((str(p) for p in places if os.access(p, os.X_OK)), program), *rest)


def search_path(environment: Environment) -> tuple[Path, ...]:
    return (*environment.path, environment.python.parent)


def roots(program: str) -> tuple[Path, ...]:
    """What an absolute program needs to be readable: its prefix, and of a virtual environment the base's as well."""
    if not program.startswith("/"):
        return ()
    path = Path(program)
    prefixes = {path.parent.parent, path.resolve().parent.parent}
    for line in _venv_lines(path.parent.parent / "pyvenv.cfg"):
        key, _, value = line.partition("=")
        if key.strip() == "home":
            prefixes |= {Path(value.strip()).parent, Path(value.strip()).resolve().parent}
    return tuple(sorted(prefixes - {Path("/"), Path("/usr")}))


def _venv_lines(config: Path) -> list[str]:
    try:
        return config.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []


def policy(  # noqa: PLR0913 - one argument for each thing that differs between checks
    subject: Subject,
    settings: Settings,
    *,
    program: str,
    seconds: float,
    readable: tuple[Path, ...] = (),
    writable: tuple[Path, ...] = (),
    environment: Mapping[str, str],
    artifacts: tuple[Path, ...] = (),
) -> Policy:
    """For a check that runs the target's code in its own copy."""
    return Policy(
        readable=(*subject.environment.readable, *roots(program), *readable),
        writable=(subject.folder, *writable),
        environment=_with_sources(environment, subject),
        path=search_path(subject.environment),
        seconds=seconds,
        memory=settings.memory,
        processes=settings.processes,
        disk=settings.disk,
        network="loopback",
        output=OUTPUT_KB,
        artifacts=artifacts,
    )


def _with_sources(environment: Mapping[str, str], subject: Subject) -> Mapping[str, str]:
    """The folders that the target's own code is imported from, after those that the command itself names."""
    folders = [str(subject.folder / source) for source in subject.environment.sources]
    named = environment.get("PYTHONPATH", "")
    path = os.pathsep.join(filter(None, (named, *folders)))
    return {**environment, "PYTHONPATH": path} if path else environment


def confined(sandbox: Sandbox, argv: tuple[str, ...], *, cwd: Path, given: Policy) -> Completed:
    """Run with the loopback network where a network of its own can be had, else with none at all."""
    try:
        return sandbox.run(argv, cwd=cwd, policy=given)
    except NoSandbox:
        return sandbox.run(argv, cwd=cwd, policy=replace(given, network="none"))


def missing_directory(subject: Subject) -> str:
    """Why a command cannot run where the settings say, one sentence, or ""."""
    root = subject.folder.resolve()
    here = (root / subject.directory).resolve()
    if here.is_dir() and here.is_relative_to(root):
        return ""
    return f"There is no folder `{subject.directory}` in this tree; `directory` names it."


def limit_words(completed: Completed, given: Policy) -> str:
    """The limit that ended a run, as a clause: "it had not ended after 600 s"."""
    return {
        "time": f"it had not ended after {given.seconds:g} s",
        "memory": f"it used more than {given.memory} MB of memory",
        "processes": f"it had more than {given.processes} processes",
        "files": f"it made more than {given.files} files",
        "disk": f"it wrote more than {given.disk} MB",
        "stopped": "the run was stopped",
    }.get(completed.killed_by or "", f"it was ended by the sandbox ({completed.killed_by})")


def not_started(completed: Completed, argv: tuple[str, ...]) -> str:
    """Why the program itself could not be started, one sentence; "" when it could."""
    if completed.exit_code == 127:
        return f"The program `{argv[0]}` was not found: install it in the target's environment, or name another one."
    if completed.exit_code == 126:
        return f"The program `{argv[0]}` cannot be executed: make the file executable, or name its interpreter."
    return ""
