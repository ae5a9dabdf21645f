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
from threading import Event, get_ident

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


@dataclass(slots=True)
class _Ahead:
    waiting: Launcher | None
    at_work: Event


# By thread: the kernel ends a launcher with the thread that started it, so nobody else's run may get it
_ahead: dict[int, _Ahead] = {}


@contextmanager
def ahead() -> Iterator[Event]:
    """While the block runs, a launcher waits for each next run of this thread. The event tells that a first one has its
    order: what follows is waiting, beside which something else can be done."""
    me = get_ident()
    if me in _ahead:
        yield _ahead[me].at_work
        return
    _ahead[me] = _Ahead(started(), Event())
    try:
        yield _ahead[me].at_work
    finally:
        waiting = _ahead.pop(me).waiting
        if waiting is not None:
            waiting.dismiss()


def taken() -> Launcher:
    """The one that waits, or else a new one. `renew` starts the next."""
    mine = _ahead.get(get_ident())
    if mine is None or mine.waiting is None:
        return started()
    waiting, mine.waiting = mine.waiting, None
    if waiting.process.poll() is None:
        return waiting
    waiting.dismiss()
    return started()


def renew() -> None:
    """Once the run has its order."""
    mine = _ahead.get(get_ident())
    if mine is not None:
        mine.at_work.set()
        mine.waiting = mine.waiting or started()


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
