"""The watchdog: follows one run from outside, keeps the beginning of its output, and ends it at the first limit.

Processes, memory and disk are looked at every tenth of a second; the disk less often when looking takes long.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from greenloop.ports import Policy
from greenloop.sandbox import folders
from greenloop.sandbox.processes import Load, Processes
from greenloop.sandbox.repl import Channel, Forged
from greenloop.sandbox.streams import Stream

_MB = 1 << 20
_TICK = 0.1
_DISK_SHARE = 20  # looking at the disk may take a twentieth of the time
_START = 60.0  # seconds that a launcher has, or an engine its container, until the program runs; they are not its own
_LOOK = 1.0  # seconds between two dear looks for files without a name
_GRACE = 10.0  # seconds that the launcher has to end everything
_RESERVE = 512 * _MB  # of free disk; who eats that up by files without a name is ended as well
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - the machine's, where a run has none of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What was learned of a run. `refused` is the launcher's word when nothing was run."""

    refused: str = ""
    landlock: int = 0
    open: tuple[str, ...] = ()  # attacks from inside that work
    exit_code: int
    stdout: bytes
    stderr: bytes
    truncated: bool
    peak_memory: int
    killed_by: str | None


@dataclass(slots=True)
class Watch:
    """One run in flight."""

    process: subprocess.Popen[bytes]
    status: int
    policy: Policy
    folders: tuple[Path, ...]
    uid: int | None
    contained: bool
    stopped: Callable[[], bool]
    channel: Channel | None = None
    elsewhere: Callable[[], int] | None = None  # the launcher is in a container: its process id out here, 0 if unknown
    _streams: tuple[Stream, ...] = ()
    _words: bytearray = field(default_factory=bytearray)
    _seen: Processes | None = None
    _peak: int = 0
    _of_cell: tuple[int, int] = (0, 0)  # the highest sum since the last answer, and the high-water mark at it
    _killed_by: str | None = None
    _deadline: float = 0.0
    _next_disk: float = 0.0
    _next_look: float = field(default_factory=lambda: time.monotonic() + _LOOK)
    _mercy: float = 0.0
    _shared_at_start: int = 0
    _free_at_start: int = 0

    def follow(self) -> Ended:
        """Until the launcher has reported and gone; then nothing of the run is alive."""
        self._shared_at_start, self._free_at_start = _used(SHARED_MEMORY), _free(self.folders)
        self._streams = tuple(Stream(pipe.fileno(), self.policy.output * 1024) for pipe in self._pipes())
        try:
            self._until_gone()
            self.process.wait()
        finally:
            self._finish()
        for stream in self._streams:
            stream.drain()
        return self._ended(*self._streams)

    def _pipes(self) -> list[IO[bytes]]:
        return [pipe for pipe in (self.process.stdout, self.process.stderr) if pipe is not None]

    def _until_gone(self) -> None:
        poll = select.poll()
        sources: dict[int, Callable[[], bool]] = {stream.handle: stream.pump for stream in self._streams}
        if self.channel is not None:
            sources[self.channel.answers] = self._hear
        for handle in (self.status, *sources):
            poll.register(handle, select.POLLIN)
        self._deadline = time.monotonic() + self.policy.seconds + _START
        tick = time.monotonic() + _TICK / 5
        while True:
            for handle, _event in poll.poll(max(0.0, tick - time.monotonic()) * 1000):
                if handle == self.status:
                    if not self._listen():
                        return
                elif not sources[handle]():
                    poll.unregister(handle)
            if time.monotonic() >= tick:
                self._look(self.channel.deadline if self.channel is not None else self._deadline)
                tick = time.monotonic() + _TICK

    def _hear(self) -> bool:
        """An answer of the REPL; a forged one ends it."""
        if self.channel is None:
            raise AssertionError
        try:
            return self.channel.hear(self._streams[0], self._peak_of_cell)
        except Forged:
            self._end("forged")
            return False

    def _peak_of_cell(self) -> int:
        summed, before = self._of_cell
        high, now = self._seen.memory_of_program() if self._seen is not None else (0, 0)
        self._of_cell = (0, high)
        return max(summed, high if high > before else now)

    def _look(self, deadline: float) -> None:
        """End the run at the first limit that is passed, gently for the launcher's sake, and roughly if need be."""
        if self._killed_by is None:
            word = "output" if any(s.floods for s in self._streams) else self._exceeded(deadline)
            if word is not None:
                self._end(word)
        elif time.monotonic() > self._mercy:
            self.process.kill()

    def _end(self, word: str) -> None:
        self._killed_by = word
        self.process.terminate()
        self._mercy = time.monotonic() + _GRACE

    def _listen(self) -> bool:
        """Take the launcher's words; false when it is gone."""
        part = os.read(self.status, 4096)
        self._words += part
        first = self._word("first")
        if first and self._word("ready") and self._seen is None:
            start = self.elsewhere() if self.elsewhere else int(first[0])
            self._seen = Processes(start, self.uid, self.contained, above=self.process.pid)
            self._open(self._seen)
        return bool(part)

    def _open(self, seen: Processes) -> None:
        self._deadline = time.monotonic() + self.policy.seconds
        if self.elsewhere is None:
            seen.open()
            return
        with contextlib.suppress(PermissionError):  # an ordinary user: then the engine's limits are all there are
            seen.open()

    def _word(self, name: str) -> list[str]:
        for line in self._words.decode("utf-8", "replace").split("\n")[:-1]:
            if line.startswith(f"{name} "):
                return line.split()[1:]
        return []

    def _exceeded(self, deadline: float) -> str | None:
        """The limit that is passed, if any."""
        if self.stopped():
            return "stopped"
        if time.monotonic() > deadline:
            return "time"
        if self._seen is None:
            return None
        load = self._seen.load()
        self._peak = max(self._peak, load.memory)
        self._of_cell = (max(self._of_cell[0], load.memory), self._of_cell[1])
        if load.tasks > self.policy.processes:
            return "processes"
        if self._too_much_memory(self._seen, load):
            return "memory"
        return self._disk_exceeded(self._seen, load) if time.monotonic() >= self._next_disk else None

    def _too_much_memory(self, seen: Processes, load: Load) -> bool:
        limit = self.policy.memory * _MB
        if not self.contained and _used(SHARED_MEMORY) - self._shared_at_start > limit:
            return True
        return load.memory > limit and seen.shared_fairly(load) > limit

    def _disk_exceeded(self, seen: Processes, load: Load) -> str | None:
        begun = time.monotonic()
        amount = folders.measure(self.folders)
        free = _free(self.folders)
        lost = self._free_at_start - free > self.policy.disk * _MB
        look = lost or begun >= self._next_look  # what others free hides what is lost
        self._next_look = begun + _LOOK if look else self._next_look
        used = amount.bytes + seen.unnamed(load, dear=look)
        self._next_disk = time.monotonic() + _DISK_SHARE * (time.monotonic() - begun)
        if free < _RESERVE and lost:
            return "disk"
        return passed(self.policy, amount, used)

    def _finish(self) -> None:
        """Normally there is nothing left to end; an interrupt or an error of ours ends the run as well."""
        if self._seen is not None:
            self._seen.close()
        if self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _ended(self, out: Stream, err: Stream) -> Ended:
        ready, end = self._word("ready"), self._word("exit")
        words = next((line for line in self._words.decode("utf-8", "replace").splitlines() if line[:2] == "un"), "")
        code, peak = (int(end[0]), int(end[1]) * 1024) if end else (128 + 9, 0)
        return Ended(
            refused="" if ready else words or f"unavailable the launcher ended early: {_last_line(err.kept)}",
            landlock=int(ready[0]) if ready else 0,
            open=tuple(" ".join(self._word("open")).split(", ")) if self._word("open") else (),
            exit_code=code,
            stdout=out.text,
            stderr=err.text,
            truncated=out.truncated or err.truncated,
            peak_memory=max(self._peak, peak),
            killed_by=self._killed_by or ("output" if out.floods or err.floods else None),
        )


def passed(policy: Policy, amount: folders.Amount, used: int) -> str | None:
    """Which limit on what is written is passed, if any."""
    if used > policy.disk * _MB:
        return "disk"
    return "files" if amount.files > policy.files or amount.too_deep else None


def _last_line(said: bytearray) -> str:
    return (said.decode("utf-8", "replace").splitlines() or ["it said nothing"])[-1]


def _used(path: Path) -> int:
    try:
        state = os.statvfs(path)
    except OSError:
        return 0
    return (state.f_blocks - state.f_bfree) * state.f_frsize


def _free(places: tuple[Path, ...]) -> int:
    """Free bytes of the fullest file system among these."""
    return min((state.f_bavail * state.f_frsize for state in map(os.statvfs, places)), default=0)
