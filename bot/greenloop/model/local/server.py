"""One server of a model: started on a port of its own, awaited, asked once to warm up, ended. It is asked for nothing
before it is certain that it is ours that listens there."""

from __future__ import annotations

import re
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import IO

from greenloop.errors import GreenloopError
from greenloop.model.faults import Fault, plain
from greenloop.model.local.engines import Command
from greenloop.model.local.kept import Kept

PORTS = 3  # tries, should somebody else be faster
_LOOK = 0.2
_ABOUT_TO = 3.0
_TAIL = 32 * 1024
_LISTENS = "0A"  # in /proc/net/tcp
_TAKEN = re.compile(r"address already in use|errno 98", re.IGNORECASE)
_MEMORY = re.compile(
    r"out of memory|OutOfMemory|bad_alloc|cannot allocate memory|MemoryError|No available memory for the cache blocks|"
    r"less than desired GPU memory|failed to allocate",
    re.IGNORECASE,
)
_KILLED = 137
NO_MEMORY = (
    "{engine} {end} while it {did} {model}: it had been reckoned to need {need}. End what else uses that memory, lower "
    "`context_tokens`, or take a smaller model (`greenloop models plan`)."
)
RAN_OUT, WAS_KILLED = "ran out of memory", "was killed, as happens where memory runs out,"
ENDED = "{engine} ended with {code} instead of serving {model}. It said last:"
ENDED_LATER = "{engine} ended with {code} while it served {model}. It said last:"
LATE = "{engine} did not serve {model} within {seconds:.0f} s (`load_minutes`). It said last:"
MUTE = (
    "{engine} has loaded {model} and gave no answer to a first question of two words within {seconds:.0f} s "
    "(`load_minutes`). It said last:"
)
UNWARMED = "{engine} has loaded {model} and did not answer a first question of two words: {why} It said last:"
PORT = "Three ports in a row were taken by others when {engine} began to listen."
STOPPED = "The model server was stopped."


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """For the sentences."""

    engine: str
    model: str
    need: str


class Server:
    """`make` gives the command for a port and a key. `tell` is told what is going on."""

    def __init__(  # noqa: PLR0913 - what differs between engines, machines and tests, by name
        self,
        make: Callable[[int, str], Command],
        *,
        words: Words,
        environment: Mapping[str, str],
        log: Path,
        seconds: float,
        stopped: Event,
        tell: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        free: Callable[[], int] | None = None,
    ) -> None:
        self._make, self._words, self._environment, self._log = make, words, environment, log
        self._seconds, self._stopped, self._tell, self._clock = seconds, stopped, tell, clock
        self._free = free or free_port
        self._kept: Kept | None = None
        self._served = False
        self.key, self.base, self.model = secrets.token_urlsafe(32), "", ""

    @property
    def alive(self) -> bool:
        return self._kept is not None and self._kept.code is None

    def gone(self) -> bool:
        """Whether it has ended, or is about to: a connection breaks before its process is gone."""
        return self._kept is None or self._kept.wait(_ABOUT_TO) is not None

    def start(self, warm: Callable[[float], None]) -> None:
        """Until it has answered `warm`, which is given the seconds that are left. Raises `Fault`."""
        deadline = self._clock() + self._seconds
        for _ in range(PORTS):
            port = self._free()
            made = self._make(port, self.key)
            self.base, self.model = f"http://127.0.0.1:{port}/v1", made.model
            if self._ready(made, port, deadline):
                break
        else:
            raise self._fault(PORT)
        self._tell("warming up")
        try:
            warm(max(1.0, deadline - self._clock()))
        except GreenloopError as error:
            raise (self.died() if self.gone() else self._unwarmed(error)) from None
        self._served = True

    def end(self) -> None:
        if self._kept is not None:
            self._kept.end()

    def _ready(self, made: Command, port: int, deadline: float) -> bool:
        """False: the port was taken."""
        with self._log.open("wb") as log:
            self._kept = Kept(made.argv, environment={**self._environment, **made.environment}, log=log, told=False)
        began = self._clock()
        while not self._stopped.is_set():
            if self._kept.code is not None:
                if _TAKEN.search(self._said()):
                    self.end()
                    return False
                raise self.died()
            if _listening(port, self._kept.processes()) and self._healthy(port, made.health):
                return True
            if self._clock() > deadline:
                raise self._closed(LATE.format(**self._named(), seconds=self._seconds) + self._last())
            self._tell(f"loading into {self._words.engine} ({self._clock() - began:.0f} s)")
            self._stopped.wait(_LOOK)
        raise self._closed(STOPPED)

    def _healthy(self, port: int, path: str) -> bool:
        import httpx

        with suppress(httpx.HTTPError):
            headers = {"Authorization": f"Bearer {self.key}"}
            answer = httpx.get(f"http://127.0.0.1:{port}{path}", headers=headers, timeout=10.0, trust_env=False)
            return answer.status_code == 200
        return False

    def died(self) -> Fault:
        """What to say of a server that is gone."""
        code = self._kept.wait() if self._kept else 0
        self.end()
        full = _MEMORY.search(self._said())
        if full or code == _KILLED:
            did = "served" if self._served else "loaded"
            return self._fault(NO_MEMORY + self._last(), end=RAN_OUT if full else WAS_KILLED, did=did)
        return self._fault((ENDED_LATER if self._served else ENDED) + self._last(), code=code)

    def _unwarmed(self, error: GreenloopError) -> Fault:
        """What to say of one that loads, and says that it is well, and answers nothing."""
        if getattr(error, "cause", "") == "late":
            return self._closed(MUTE.format(**self._named(), seconds=self._seconds) + self._last())
        return self._closed(UNWARMED.format(**self._named(), why=error) + self._last())

    def _closed(self, text: str) -> Fault:
        self.end()
        return Fault(text, cause="down")

    def _fault(self, text: str, **more: object) -> Fault:
        return Fault(text.format(**self._named(), **more), cause="down")

    def _named(self) -> dict[str, str]:
        return {"engine": self._words.engine, "model": self._words.model, "need": self._words.need}

    def _said(self) -> str:
        with self._log.open("rb") as log:
            return _tail(log)

    def _last(self) -> str:
        lines = [plain(line) for line in self._said().splitlines() if line.strip()]
        said = "\n  ".join(lines[-6:])[-1500:] or "(nothing)"
        return "\n  " + said.replace(self.key, "***").replace("{", "(").replace("}", ")")


def _tail(log: IO[bytes]) -> str:
    log.seek(max(0, log.seek(0, 2) - _TAIL))
    return log.read().decode("utf-8", "replace")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _listening(port: int, processes: set[int]) -> bool:
    """Whether one of these processes listens there: any other would be asked our questions, and given our key."""
    wanted = {f"socket:[{inode}]" for inode in _inodes(port)}
    return bool(wanted) and any(wanted & set(_open(process)) for process in processes)


def _inodes(port: int) -> Iterator[str]:
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        parts = line.split()
        if int(parts[1].rpartition(":")[2], 16) == port and parts[3] == _LISTENS:
            yield parts[9]


def _open(process: int) -> Iterator[str]:
    with suppress(OSError):  # it has just ended
        for link in Path(f"/proc/{process}/fd").iterdir():
            with suppress(OSError):
                yield str(link.readlink())
