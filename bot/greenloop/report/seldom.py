"""How often to tell of something that goes on and on: ever more seldom, so that no length of it makes a flood."""

from __future__ import annotations

from collections.abc import Callable


class Seldom:
    """Due after `first` seconds, then after twice as many, and so on: seven times in an hour that began with 30."""

    def __init__(self, first: float, clock: Callable[[], float]) -> None:
        self._first, self._clock = first, clock
        self.again()

    def again(self) -> None:
        """Something else goes on now."""
        self._wait, self._last = self._first, self._clock()

    def due(self) -> bool:
        """Whether to tell of it now; then it is told."""
        now = self._clock()
        if now - self._last < self._wait:
            return False
        self._wait, self._last = self._wait * 2, now
        return True
