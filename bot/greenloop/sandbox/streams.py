"""What a run writes: its beginning is kept, the rest is counted and dropped."""

from __future__ import annotations

import os
import select
from dataclasses import dataclass, field

_FLOOD = 64  # times the limit: up to there it is dropped, beyond it the run is ended


@dataclass(slots=True)
class Stream:
    """One of stdout and stderr."""

    handle: int
    limit: int  # bytes
    kept: bytearray = field(default_factory=bytearray)
    dropped: int = 0

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
        self.dropped += max(len(part) - room, 0)
        return bool(part)

    def drain(self) -> None:
        """Take all that was written until now; who still writes is not waited for."""
        os.set_blocking(self.handle, False)
        while self.pump() and not self.floods and ready(self.handle):
            pass

    def take(self) -> tuple[bytes, bool]:
        """What was kept, and whether something was dropped; from here on it is counted anew."""
        taken = bytes(self.kept), self.truncated
        self.kept, self.dropped = bytearray(), 0
        return taken


def ready(handle: int) -> bool:
    """Whether there is something to read, or the end."""
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return bool(poll.poll(0))
