"""The sandbox: finds out once which backend really works here, the strongest first, and runs in it."""

from __future__ import annotations

import functools
import threading
from pathlib import Path

from greenloop.errors import NoSandbox, UsageError
from greenloop.ports import Completed, Policy, Repl
from greenloop.sandbox import cure, identity, leftovers, run
from greenloop.sandbox.remembered import Remembered
from greenloop.sandbox.repl import Session
from greenloop.sandbox.run import Hold

BACKENDS = ("namespaces", "uid")  # strongest first
_TERMINATED = 128 + 15


class Box:
    """A `Sandbox` (ports.py). Cheap to make: nothing is tried before the first run."""

    def __init__(self, choice: str, cache: Path | None = None, *, weak: bool = False) -> None:
        self._backends = BACKENDS if choice == "auto" else (choice,)
        self._last = ("weak",) if weak else ()  # what is taken when nothing strong enough is there
        self._remembered = Remembered(cache)
        self._works: tuple[str, Hold] | None = None  # the backend that did, and what held in it
        self._stopped = threading.Event()
        self._swept = threading.Event()

    @property
    def level(self) -> str:
        if self._works is None:
            self.run(("true",), cwd=Path("/usr"), policy=Policy(seconds=60.0))
        backend, hold = self._works or ("stopped", Hold(landlock=0))
        return made_of(backend, hold.landlock, hold.open)

    def run(self, argv: tuple[str, ...], *, cwd: Path, policy: Policy) -> Completed:
        _check(argv, cwd, policy)
        if not self._swept.is_set():
            self._swept.set()
            leftovers.sweep()
        reasons: dict[str, str] = {}
        for backend in self._order():
            if self._stopped.is_set():
                return _never_run()
            try:
                completed, hold = run.once(backend, argv, cwd=cwd, policy=policy, stopped=self._stopped.is_set)
            except run.Refused as refused:
                reasons[backend] = str(refused)
                continue
            self._note(backend, hold)
            return completed
        if self._stopped.is_set():
            return _never_run()
        raise NoSandbox(cure.explain(reasons))

    def _note(self, backend: str, hold: Hold) -> None:
        """What is told is the first that worked, or the weakest that was taken."""
        if backend in self._last:
            self._works = backend, hold
        elif self._works is None:
            self._works = backend, hold
            self._remembered.keep(backend)

    def repl(self, *, cwd: Path, policy: Policy) -> Repl:
        _check(("python3",), cwd, policy)
        reasons: dict[str, str] = {}
        for backend in self._order():
            once = functools.partial(run.once, backend)
            try:
                session = Session(once, cwd=cwd, policy=policy, stopped=self._stopped.is_set)
            except run.Refused as refused:
                reasons[backend] = str(refused)
                continue
            if backend in self._last:
                self.run(("true",), cwd=Path("/usr"), policy=Policy(seconds=60.0))  # so that the level is known
            return session
        raise NoSandbox(cure.explain(reasons))

    def stop(self) -> None:
        self._stopped.set()

    def _order(self) -> tuple[str, ...]:
        """What has worked before comes first; what is weak always last."""
        if self._works is None:
            return (*self._remembered.order(self._backends), *self._last)
        known = tuple(name for name in self._backends if name == self._works[0])
        return tuple(dict.fromkeys((*known, *self._backends, *self._last)))


def made_of(backend: str, version: int, open_: tuple[str, ...] = ()) -> str:
    """A backend in one line; `version` is Landlock's, and `open_` are the attacks that work in it."""
    parts = {
        "own process, network and file system namespaces": backend == "namespaces",
        "a container of an engine": backend == "container",
        "a fresh user": identity.available(),
        f"Landlock (ABI {version})": version > 0,
    }
    line = f"{backend}: {', '.join([*(part for part, there in parts.items() if there), 'seccomp', 'limits'])}"
    return f"{line}; what works from inside: {', '.join(open_)}" if open_ else line


def _check(argv: tuple[str, ...], cwd: Path, policy: Policy) -> None:
    if not argv or not argv[0]:
        raise UsageError("there is no program to run: the command is empty")
    if any("\0" in word for word in (*argv, *policy.environment, *policy.environment.values())):
        raise UsageError("a program, argument or variable holds a zero byte")
    if policy.network not in {"none", "loopback"}:
        raise UsageError(f"network {policy.network!r} is not known; there is none and loopback")
    for device in policy.devices:
        if not device.is_char_device():
            raise UsageError(f"{device} is no node of a character device")
    for folder in (*policy.writable, cwd):
        if not folder.is_dir():
            raise UsageError(f"{folder} must be an existing folder")


def _never_run() -> Completed:
    return Completed(
        exit_code=_TERMINATED,
        stdout="",
        stderr="",
        truncated=False,
        artifacts={},
        seconds=0.0,
        peak_memory=0,
        killed_by="stopped",
    )
