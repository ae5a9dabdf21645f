"""A git process that talks to a server of somebody else's: how long it may take, how much it may say, keep and hold."""

from __future__ import annotations

import os
import resource
import selectors
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from subprocess import Popen
from threading import Timer

_MEMORY = 4 * 1024**3  # bytes of address space: an object is unpacked in memory
_PIECE = 65_536


@dataclass(frozen=True, slots=True)
class Bounds:
    """`size` is of one file that it writes, such as a pack; `said` of its output, and of its complaints."""

    seconds: float
    size: int
    said: int = 1_000_000


def communicated(process: Popen[bytes], bounds: Bounds) -> tuple[bytes, bytes]:
    """Output and error output of a process that leads a session of its own. It is ended when it goes beyond."""
    said: dict[object, bytearray] = {process.stdout: bytearray(), process.stderr: bytearray()}
    with _limited(process, bounds), selectors.DefaultSelector() as ready:
        if process.stdin:
            process.stdin.close()
        for stream in (process.stdout, process.stderr):
            if stream:
                ready.register(stream, selectors.EVENT_READ)
        while ready.get_map():
            for key, _ in ready.select():
                piece = os.read(key.fd, _PIECE)
                said[key.fileobj] += piece
                if len(said[key.fileobj]) > bounds.said:
                    _kill(process)
                if not piece or len(said[key.fileobj]) > bounds.said:
                    ready.unregister(key.fileobj)
        process.wait()
    return bytes(said[process.stdout]), bytes(said[process.stderr])


@contextmanager
def _limited(process: Popen[bytes], bounds: Bounds) -> Iterator[None]:
    """The limits are set from outside at once: git has not spoken to anybody by then."""
    if hasattr(resource, "prlimit"):  # Linux; elsewhere the clock alone
        with suppress(ProcessLookupError):
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (bounds.size, bounds.size))
            resource.prlimit(process.pid, resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    clock = Timer(bounds.seconds, _kill, [process])
    clock.start()
    try:
        yield
    finally:
        clock.cancel()


def _kill(process: Popen[bytes]) -> None:
    """With all that it has started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
