"""Ends a call at its deadline, whatever it hangs in: slow headers, one byte a second, silence.

Time-outs of sockets bound one read; nothing but closing the socket bounds them all.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any


class Watch:
    """The socket of one call, and whether its time is over."""

    def __init__(self) -> None:
        self.late = False
        self._socket: Any = None
        self._lock = threading.Lock()

    def trace(self, name: str, info: dict[str, Any]) -> None:
        """To be called by httpx, which tells of each new connection here."""
        if name.endswith((".connect_tcp.complete", ".start_tls.complete")):
            with self._lock:
                self._socket = info["return_value"].get_extra_info("socket")
                if self.late:
                    self._shut()

    def strike(self) -> None:
        with self._lock:
            self.late = True
            self._shut()

    def _shut(self) -> None:
        """The socket itself, not the TLS on it: another thread is reading there."""
        import socket  # noqa: PLC0415 - 3 ms, and loaded by then

        if self._socket is not None:
            with suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


@contextmanager
def watched(seconds: float) -> Iterator[Watch]:
    """A watch that strikes after `seconds`, unless the block is left before."""
    watch = Watch()
    timer = threading.Timer(max(seconds, 0.0), watch.strike)
    timer.daemon = True
    timer.start()
    try:
        yield watch
    finally:
        timer.cancel()
