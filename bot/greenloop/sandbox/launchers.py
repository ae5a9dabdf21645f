"""Launchers: processes that wait for the order of a run. For somebody who makes one run after the other the next one is
started ahead, so that no run waits for a Python to start.

Until it has its order a launcher holds nothing of a run, and it ends with its standard input, which ends with us.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import get_ident

_START = (
    "import os, sys; sys.path.append(sys.argv[1]); from greenloop.sandbox.launch import main; main(int(sys.argv[2])); "
    "os._exit(0)"
)
ARGV = (sys.executable, "-I", "-S", "-c", _START, str(Path(__file__).parents[2]))


@dataclass(frozen=True, slots=True)
class Launcher:
    process: subprocess.Popen[bytes]
    status: int  # what it tells is read from this descriptor

    def dismiss(self) -> None:
        os.close(self.status)
        with self.process:
            self.process.kill()


# By thread: the kernel ends a launcher with the thread that started it, so nobody else's run may get it
_waiting: dict[int, Launcher | None] = {}


@contextmanager
def ahead() -> Iterator[None]:
    """While the block runs, a launcher waits for each next run of this thread."""
    me = get_ident()
    if me in _waiting:
        yield
        return
    _waiting[me] = started()
    try:
        yield
    finally:
        waiting = _waiting.pop(me)
        if waiting is not None:
            waiting.dismiss()


def taken() -> Launcher:
    """The one that waits, or else a new one. `renew` starts the next."""
    me = get_ident()
    waiting = _waiting.get(me)
    if waiting is None:
        return started()
    _waiting[me] = None
    if waiting.process.poll() is None:
        return waiting
    waiting.dismiss()
    return started()


def renew() -> None:
    """Once the run has its order."""
    me = get_ident()
    if me in _waiting and _waiting[me] is None:
        _waiting[me] = started()


def started(inside: tuple[int, ...] = ()) -> Launcher:
    """A new one, which is given the descriptors `inside` as well."""
    status, told = os.pipe()
    try:
        process = subprocess.Popen(
            [*ARGV, str(told)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"LANG": "C.UTF-8"},
            cwd="/",
            pass_fds=(told, *inside),
            start_new_session=True,
        )
    except OSError:
        os.close(status)
        raise
    finally:
        os.close(told)
    return Launcher(process, status)
