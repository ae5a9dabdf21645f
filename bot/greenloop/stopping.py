"""Ctrl-C and SIGTERM, in an orderly way: nothing is cut in the middle but a model's answer and what runs confined."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Stopped(BaseException):
    """Raised at the next safe place after a signal. Not an `Exception`: nothing but the landing catches it."""


class Stop:
    """Whether somebody has asked to stop. The first signal counts; later ones change nothing."""

    def __init__(self) -> None:
        self._asked = False
        self._waiting = False
        self._ends: list[Callable[[], None]] = []

    def install(self) -> None:
        """Take SIGINT and SIGTERM; only from the main thread."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._handle)
        noted, write = os.pipe()
        os.set_blocking(write, False)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        threading.Thread(target=self._insist, args=(noted,), name="stop", daemon=True).start()

    def _insist(self, noted: int) -> None:
        """A signal that comes just before the main thread waits in the kernel does not end the wait, and Python would
        not call the handler until it is over. So the main thread is interrupted until it has."""
        os.read(noted, 1)
        main = threading.main_thread().ident
        while not self._asked and main is not None:
            signal.pthread_kill(main, signal.SIGINT)
            time.sleep(0.02)

    def ends(self, what: Callable[[], None]) -> None:
        """`what` is called at the signal, to end what runs beside the main thread."""
        self._ends.append(what)

    def check(self) -> None:
        """A safe place: nothing is half done here."""
        if self._asked:
            raise Stopped

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Inside, nothing but waiting is done, so a signal may cut it short at once."""
        self._waiting = True
        try:
            self.check()
            yield
        finally:
            self._waiting = False

    def ask(self) -> None:
        if self._asked:
            return
        self._asked = True
        for end in self._ends:
            end()

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        first = not self._asked
        self.ask()
        if first and self._waiting:
            self._waiting = False
            raise Stopped
