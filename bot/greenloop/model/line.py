"""What stands between a provider and its callers: tries, its breaker, its limits, its keys. For every adapter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from greenloop.model.breaker import Breaker
from greenloop.model.faults import Fault
from greenloop.model.keys import split
from greenloop.model.limits import Limits
from greenloop.model.retry import Pace, insist
from greenloop.model.ring import Ring
from greenloop.model.shared import Memory, Shared
from greenloop.ports import Reply
from greenloop.settings import Settings

_REFUSED = frozenset({"key", "limited"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One provider, as all calls of this process have it in common."""

    pace: Pace
    ring: Ring
    breaker: Breaker
    limits: Limits

    def call(self, ask: Callable[[str], Reply], *, tokens: int, deadline: float, patience: float) -> Reply:
        """What `ask` returns for a key. `tokens` are what the call may take at most; no wait is longer than `patience`
        seconds. Raises `Fault`."""

        def once() -> Reply:
            self.breaker.admit()
            return self._with_some_key(ask, tokens)

        return insist(once, pace=self.pace, deadline=deadline, patience=patience)

    def _with_some_key(self, ask: Callable[[str], Reply], tokens: int) -> Reply:
        refused: set[str] = set()
        while True:
            key = self.ring.pick(refused)
            try:
                reply = self._with(key, ask, tokens)
            except Fault as fault:
                if not key or fault.cause not in _REFUSED:
                    raise
                refused.add(key)
                if not self.ring.rest(key, fault, refused):
                    raise (fault.waiting(self.ring.wakes()) if fault.wait is not None else fault) from None
            else:
                return reply

    def _with(self, key: str, ask: Callable[[str], Reply], tokens: int) -> Reply:
        self.limits.take(tokens)
        try:
            reply = ask(key)
        except Fault as fault:
            self.breaker.failed(fault)
            if not fault.spent:
                self.limits.give_back(tokens)
            raise
        self.breaker.answered()
        self.limits.give_back(tokens - reply.usage.input - reply.usage.output)
        return reply


def line_of(settings: Settings, place: str, pace: Pace, shared: Shared | None = None) -> Line:
    """For the keys and limits of these settings; without `shared` nobody else knows what this line meets."""
    known = shared or Memory(pace.clock)
    keys = split(settings.api_key)
    return Line(
        pace=pace,
        ring=Ring(place, lambda: keys, known),
        breaker=Breaker(place=place, shared=known),
        limits=Limits(place=place, shared=known),
    )
