"""What a run writes: its beginning and its end are kept, the rest is counted and dropped."""

from __future__ import annotations

import os
import select
from dataclasses import dataclass, field

_END = 1 << 15  # bytes of the end that are kept beside the beginning: why a long run failed is said there
_LEFT_OUT = "\n… {0} bytes left out …\n"
_FLOOD = 64  # times the limit: up to there it is dropped, beyond it the run is ended


@dataclass(slots=True)
class Stream:
    """One of stdout and stderr."""

    handle: int
    limit: int  # bytes
    kept: bytearray = field(default_factory=bytearray)
    last: bytearray = field(default_factory=bytearray)  # the end of what was dropped
    dropped: int = 0

    @property
    def text(self) -> bytes:
        """The beginning, and the end where something between was dropped."""
        gap = self.dropped - len(self.last)
        return bytes(self.kept) + (_LEFT_OUT.format(gap).encode() if gap else b"") + bytes(self.last)

    @property
    def truncated(self) -> bool:
        return self.dropped > 0

    @property
    def floods(self) -> bool:
        return self.dropped > _FLOOD * self.limit

    def pump(self) -> bool:
        """Take what is there; false at the end."""
        try:
            part = os.read(self.handle, 1 << 16)
        except BlockingIOError:
            return True
        room = self.limit - len(self.kept)
        self.kept += part[:room]
        if len(part) > room:
            self.dropped += len(part) - room
            self.last = (self.last + part[room:])[-min(_END, self.limit // 8) :]
        return bool(part)

    def drain(self) -> None:
        """Take all that was written until now; who still writes is not waited for."""
        os.set_blocking(self.handle, False)
        while self.pump() and not self.floods and ready(self.handle):
            pass

    def take(self) -> tuple[bytes, bool]:
        """What was kept, and whether something was dropped; from here on it is counted anew."""
        taken = self.text, self.truncated
        self.kept, self.last, self.dropped = bytearray(), bytearray(), 0
        return taken


def ready(handle: int) -> bool:
    """Whether there is something to read, or the end."""
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return bool(poll.poll(0))
