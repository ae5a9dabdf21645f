"""Trying a backend out: the attacks that every run makes on itself, and programs that take more than they may."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from greenloop.ports import Completed, Policy
from greenloop.sandbox import run, selfcheck

_WORKS = "an attack from inside works: "
_HOLD = "\nimport time\ntime.sleep(20)\n"
# what is passed, how, and the limit
_GREED: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("time", "while True: pass", {"seconds": 0.3}),
    ("memory", "x = bytearray(300 << 20)" + _HOLD, {"memory": 150}),
    ("processes", "import os\nfor n in range(30):\n    if not os.fork(): break" + _HOLD, {"processes": 20}),
    ("files", "for n in range(60): open(str(n), 'w').close()" + _HOLD, {"files": 50}),
    ("disk", "open('x', 'wb').write(bytes(9 << 20))" + _HOLD, {"disk": 5}),
    ("output", "for n in range(99): print('x' * 4096)" + _HOLD, {"output": 1}),
)
_DAEMON = """
import os, time
pipe = os.open("pipe", os.O_WRONLY)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(20)
    os._exit(0)
os.wait()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One thing that was tried, and whether it was held back."""

    name: str
    held: bool
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A backend, and the attacks from inside; `reason` says why nothing can be run in it, as the launcher put it."""

    backend: str
    works: bool
    landlock: int = 0
    reason: str = ""
    attacks: tuple[Probe, ...] = ()


def attempt(backend: str) -> Trial:
    """Run nothing in it, and so all of its attacks on itself."""
    names = selfcheck.attacks(canary="", parent=0, loopback=False)
    try:
        _done, hold = _run(backend, ("true",), Path("/usr"), Policy(seconds=60.0))
    except run.Refused as refused:
        reason = str(refused)
        if _WORKS not in reason:
            return Trial(backend=backend, works=False, reason=reason)
        open_ = reason.partition(_WORKS)[2].split(", ")
        attacks = tuple(Probe(name=name, held=name not in open_) for name in names)
        return Trial(backend=backend, works=False, reason=reason, attacks=attacks)
    attacks = tuple(Probe(name=name, held=True) for name in names)
    return Trial(backend=backend, works=True, landlock=hold.landlock, attacks=attacks)


def limits(backend: str) -> Iterator[Probe]:
    """Each limit passed for real, in a backend that works; each as soon as it is known. Raises `run.Refused`."""
    for word, source, limit in _GREED:
        with tempfile.TemporaryDirectory(prefix="greenloop-try-") as folder:
            policy = Policy(writable=(Path(folder),), **({"seconds": 60.0} | limit))
            done, _ = _run(backend, (sys.executable, "-c", source), Path(folder), policy)
        detail = f"ended after {done.seconds:.1f} s" if done.killed_by else f"it ended by itself with {done.exit_code}"
        yield Probe(name=word, held=done.killed_by == word, detail=detail)
    yield _outlived(backend)


def _outlived(backend: str) -> Probe:
    """A daemon holds a pipe open: is it gone when the run is over?"""
    with tempfile.TemporaryDirectory(prefix="greenloop-try-") as folder:
        os.mkfifo(Path(folder, "pipe"))
        end = os.open(Path(folder, "pipe"), os.O_RDONLY | os.O_NONBLOCK)
        try:
            policy = Policy(writable=(Path(folder),), seconds=60.0)
            done, _ = _run(backend, (sys.executable, "-c", _DAEMON), Path(folder), policy)
            gone = done.exit_code == 0 and os.read(end, 1) == b""
        except BlockingIOError:
            gone = False
        finally:
            os.close(end)
    return Probe(name="nothing outlives the run", held=gone)


def _run(backend: str, argv: tuple[str, ...], cwd: Path, policy: Policy) -> tuple[Completed, run.Hold]:
    return run.once(backend, argv, cwd=cwd, policy=policy, stopped=lambda: False)
