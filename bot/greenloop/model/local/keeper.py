"""Runs one program and ends it, with everything it has started, when whoever started this is gone.

    python -I -S keeper.py PROGRAM ARGUMENT…      standard input is the rope: its end is the order to end

A program of its own, of the standard library alone: it outlives a SIGKILL of its owner, and does then what the owner
cannot do any more. Where it is killed itself, the kernel kills the program.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

GRACE = 5.0  # seconds between asking and killing
_SUBREAPER, _DEATH_SIGNAL = 36, 1  # linux/prctl.h
_LOOK = 0.05


def main(argv: list[str]) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_SUBREAPER, 1, 0, 0, 0)  # whoever loses its parent below comes to us
    noted, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    try:
        program = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=lambda: libc.prctl(_DEATH_SIGNAL, signal.SIGKILL),  # noqa: PLW1509 - there is one thread
        )
    except OSError as error:
        sys.stderr.write(f"{argv[0]} cannot be started: {error.strerror}\n")
        return 127
    ended: dict[int, int] = {}
    while program.pid not in ended:
        ready, _, _ = select.select([0, noted], [], [], None)
        if 0 in ready or set(os.read(noted, 64)) - {signal.SIGCHLD}:
            break
        _reap(ended)
    _end(ended)
    status = ended.get(program.pid, 0)
    program.returncode = os.waitstatus_to_exitcode(status)
    return program.returncode if program.returncode >= 0 else 128 - program.returncode


def _end(ended: dict[int, int]) -> None:
    """Ask everything below to end, then make it."""
    for number, seconds in ((signal.SIGTERM, GRACE), (signal.SIGKILL, GRACE)):
        until = time.monotonic() + seconds
        _send(below(os.getpid()), number)
        while time.monotonic() < until:
            _reap(ended)
            left = below(os.getpid())
            if not left:
                return
            if number == signal.SIGKILL:
                _send(left, number)
            time.sleep(_LOOK)


def _send(processes: Iterable[int], number: int) -> None:
    for process in processes:
        try:
            os.kill(process, number)
        except (ProcessLookupError, PermissionError):  # it has ended, or become somebody else's
            continue


def _reap(ended: dict[int, int]) -> None:
    while True:
        try:
            process, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if process == 0:
            return
        ended[process] = status


def below(process: int) -> set[int]:
    """Every process that descends from this one, but for those that have ended."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            if state != "Z":
                parents[int(folder.name)] = int(parent)
    found, edge = set[int](), {process}
    while edge:
        edge = {child for child, parent in parents.items() if parent in edge} - found
        found |= edge
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
