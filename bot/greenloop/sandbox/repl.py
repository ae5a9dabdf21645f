"""A Python that keeps its state: one long run whose program is `cells.py`, and a channel to it beside its output."""

from __future__ import annotations

import contextlib
import functools
import json
import math
import os
import queue
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from greenloop.errors import NoSandbox, UsageError
from greenloop.ports import Cell, Completed, Policy
from greenloop.sandbox.streams import Stream

_MB = 1 << 20
_START = 60.0  # seconds that the interpreter has to start in
_DAY = 86_400.0  # processor time is bounded by the day; each cell by the policy's seconds
_ROOM = 4096  # of an answer, beside its two texts; each character may become six
READY = "ready"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What arrived for one order, and what was measured meanwhile."""

    said: dict[str, object]
    output: bytes
    truncated: bool
    at: float
    peak: int  # bytes


class Forged(Exception):
    """What arrived is no answer to what was asked."""


@dataclass(slots=True)
class Channel:
    """The two pipes, between the thread that asks and the one that watches the run."""

    policy: Policy
    token: str = READY
    deadline: float = 0.0
    arrived: queue.SimpleQueue[Answer | Completed | BaseException] = field(default_factory=queue.SimpleQueue)
    _inside: tuple[int, ...] = ()
    _orders: int = -1
    answers: int = -1
    _heard: bytearray = field(default_factory=bytearray)

    def open(self) -> None:
        inside, self._orders = os.pipe()
        self.answers, out = os.pipe()
        os.set_blocking(self.answers, False)
        self._inside = (inside, out)
        self.deadline = time.monotonic() + _START

    @property
    def inside(self) -> tuple[int, ...]:
        """The ends that the program is given."""
        return self._inside

    def started(self) -> None:
        """The program has its ends; ours of them go, so that the end of one side is seen by the other."""
        for handle in self._inside:
            os.close(handle)
        self._inside = ()

    def hang_up(self) -> None:
        if self._orders >= 0:
            os.close(self._orders)
            self._orders = -1

    def close(self) -> None:
        """The watching side's; `hang_up` is the asking side's."""
        self.started()
        if self.answers >= 0:
            os.close(self.answers)
            self.answers = -1

    def ask(self, source: str) -> None:
        """Raises `BrokenPipeError` when nobody is there to answer."""
        self.token = secrets.token_hex(16)
        self.deadline = time.monotonic() + self.policy.seconds
        data = source.encode("utf-8", "surrogatepass")
        left = memoryview(f"{self.token} {len(data)}\n".encode() + data)
        while left:
            left = left[os.write(self._orders, left) :]

    def hear(self, output: Stream, peak: Callable[[], int]) -> bool:
        """Take what has arrived; false at the end. Raises `Forged`."""
        try:
            part = os.read(self.answers, 1 << 16)
        except BlockingIOError:
            return True
        self._heard += part
        said = self._said()
        if said is not None:
            self.deadline = math.inf
            output.drain()
            kept, truncated = output.take()
            self.arrived.put(Answer(said=said, output=kept, truncated=truncated, at=time.monotonic(), peak=peak()))
        return bool(part)

    def _said(self) -> dict[str, object] | None:
        """The answer, when it is here whole."""
        head, found, rest = bytes(self._heard).partition(b"\n")
        words = head.split(b" ")
        most = 16 * 1024 * self.policy.output + _ROOM
        if not self._heard or (not found and len(head) <= _ROOM):
            return None
        good = len(words) == 2 and words[0].decode("ascii", "replace") == self.token and words[1].isdigit()
        if not good or math.isinf(self.deadline) or int(words[1][:12]) > most:
            raise Forged
        if len(rest) < int(words[1]):
            return None
        self._heard = bytearray()
        try:
            said = json.loads(rest)
        except ValueError as error:
            raise Forged from error
        if not isinstance(said, dict) or not all(isinstance(v, str | None) for v in said.values()):
            raise Forged
        return said


Run = Callable[..., tuple[Completed, object]]


class Session:
    """A `Repl` (ports.py) in one backend. `run` is `run.once` with the backend filled in."""

    def __init__(self, run: Run, *, cwd: Path, policy: Policy, stopped: Callable[[], bool]) -> None:
        self._run, self._cwd, self._policy, self._stopped = run, cwd, policy, stopped
        self._lock = threading.Lock()
        self._alive = False
        self._start()

    @property
    def alive(self) -> bool:
        return self._alive

    def run(self, source: str) -> Cell:
        with self._lock:
            if not self._alive:
                raise UsageError("the REPL has ended; restart it to go on, without the state that it had")
            begun = time.monotonic()
            with contextlib.suppress(BrokenPipeError):  # it has just ended: that is what arrives
                self._channel.ask(source)
            return self._came(self._channel.arrived.get(), begun)

    def restart(self) -> None:
        self.close()
        self._start()

    def close(self) -> None:
        self._closed.set()
        self._channel.hang_up()
        self._thread.join()
        self._alive = False

    def _start(self) -> None:
        """Raises `Refused` as `run.once` does."""
        self._closed, self._channel = threading.Event(), Channel(self._policy)
        self._channel.open()
        self._thread = threading.Thread(target=self._follow, args=(self._channel, self._closed), daemon=True)
        self._thread.start()
        first = self._channel.arrived.get()
        if isinstance(first, Answer):
            self._alive = True
            return
        self._thread.join()
        self._channel.hang_up()
        if isinstance(first, BaseException):
            raise first
        said = (first.stderr or first.stdout).strip().splitlines()
        raise NoSandbox(f"the Python of the REPL did not start: {said[-1] if said else first.killed_by or 'it ended'}")

    def _follow(self, channel: Channel, closed: threading.Event) -> None:
        """In a thread of its own, as long as the REPL lives."""
        inside = [str(handle) for handle in channel.inside]
        argv = ("python3", "-I", "-c", _program(), *inside, str(1024 * self._policy.output))
        policy = replace(self._policy, seconds=_DAY, artifacts=())
        try:
            completed, _hold = self._run(
                argv,
                cwd=self._cwd,
                policy=policy,
                stopped=lambda: closed.is_set() or self._stopped(),
                channel=channel,
            )
            channel.arrived.put(completed)
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            channel.arrived.put(error)
        finally:
            channel.close()

    def _came(self, what: Answer | Completed | BaseException, begun: float) -> Cell:
        if not isinstance(what, Answer):
            self._alive = False
            self._channel.hang_up()
        if isinstance(what, BaseException):
            raise what
        if isinstance(what, Completed):
            return Cell(
                output=what.stdout + what.stderr,
                truncated=what.truncated,
                seconds=time.monotonic() - begun,
                peak_memory=what.peak_memory,
                killed_by=what.killed_by or "exit",
            )
        result, error = what.said.get("result"), what.said.get("error")
        return Cell(
            output=what.output.decode("utf-8", "replace"),
            truncated=what.truncated,
            result=_text(result),
            error=_text(error),
            seconds=what.at - begun,
            peak_memory=what.peak // _MB,
        )


def _text(said: object) -> str | None:
    """A lone surrogate cannot be printed."""
    return said.encode("utf-8", "replace").decode() if isinstance(said, str) else None


@functools.cache
def _program() -> str:
    return Path(__file__).with_name("cells.py").read_text(encoding="utf-8")
