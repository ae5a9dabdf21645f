"""Runs one program and ends it, with everything it has started, when whoever started this is gone.

    python -I -S keeper.py PROGRAM ARGUMENT…      standard input is the rope: its end is the order to end

A program of its own, of the standard library alone: it outlives a SIGKILL of its owner, and does then what the owner
cannot do any more. Where it is killed itself, the kernel kills the program. Of what the program says on
standard error, a file keeps the newest megabyte at most.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

GRACE = 5.0  # seconds between asking and killing
_SUBREAPER, _DEATH_SIGNAL = 36, 1  # linux/prctl.h
_LOOK = 0.05
MOST, _TAIL = 1 << 20, 1 << 16  # bytes of a log, and those that stay when it is begun anew
_READS = 64  # at once; whoever writes without end is not listened to without end


class Log:
    """Standard error of the program, and its output where that goes to the same file. An engine writes a line for each
    request, and may write without end: its log must not fill the disk that the checks work on."""

    def __init__(self) -> None:
        self.source, self.end = os.pipe()
        os.set_blocking(self.source, False)
        self.output = self.end if os.path.sameopenfile(1, 2) else None
        self._bounded = stat.S_ISREG(os.fstat(2).st_mode)
        self._written, self._tail = 0, b""

    def copy(self) -> bool:
        """What is there now; False when nobody is left who could write."""
        with suppress(BlockingIOError):
            for _ in range(_READS):
                said = os.read(self.source, _TAIL)
                if not said:
                    return False
                self._keep(said)
        return True

    def _keep(self, said: bytes) -> None:
        self._tail = (self._tail + said)[-_TAIL:]
        with suppress(OSError):  # a full disk loses the log, and not the server
            if self._bounded and self._written + len(said) > MOST:
                os.ftruncate(2, 0)
                os.lseek(2, 0, os.SEEK_SET)
                said, self._written = self._tail, 0
            self._written += os.write(2, said)


def main(argv: list[str]) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_SUBREAPER, 1, 0, 0, 0)  # whoever loses its parent below comes to us
    noted, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    log = Log()
    try:
        program = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log.output,
            stderr=log.end,
            start_new_session=True,
            preexec_fn=lambda: libc.prctl(_DEATH_SIGNAL, signal.SIGKILL),  # noqa: PLW1509 - there is one thread
        )
    except OSError as error:
        sys.stderr.write(f"{argv[0]} cannot be started: {error.strerror}\n")
        return 127
    os.close(log.end)
    ended = _watched(program.pid, noted, log)
    _end(ended, log)
    log.copy()
    status = ended.get(program.pid, 0)
    program.returncode = os.waitstatus_to_exitcode(status)
    return program.returncode if program.returncode >= 0 else 128 - program.returncode


def _watched(program: int, noted: int, log: Log) -> dict[int, int]:
    """Until it has ended, or is to; who has ended until then."""
    ended: dict[int, int] = {}
    sources = [0, noted, log.source]
    while program not in ended:
        ready, _, _ = select.select(sources, [], [], None)
        if log.source in ready and not log.copy():
            sources.remove(log.source)
        if 0 in ready or (noted in ready and set(os.read(noted, 64)) - {signal.SIGCHLD}):
            break
        _reap(ended)
    return ended


def _end(ended: dict[int, int], log: Log) -> None:
    """Ask everything below to end, then make it."""
    for number, seconds in ((signal.SIGTERM, GRACE), (signal.SIGKILL, GRACE)):
        until = time.monotonic() + seconds
        _send(below(os.getpid()), number)
        while time.monotonic() < until:
            log.copy()
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
