"""What stands between a provider and its callers: tries, its breaker, its limits, its keys. For every adapter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from greenloop.model.breaker import Breaker
from greenloop.model.faults import Fault
from greenloop.model.keys import read, split
from greenloop.model.limits import Limits
from greenloop.model.retry import Pace, insist
from greenloop.model.ring import Ring
from greenloop.model.rows import Row
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


def keys_of(row: Row, environment: Mapping[str, str]) -> Callable[[], tuple[str, ...]]:
    """The row's keys, read anew whenever they are asked for; those of the settings when they came from elsewhere."""
    given = row.settings.api_key
    if given and read(environment, row.variables) != given:
        return lambda: split(given)
    return lambda: split(read(environment, row.variables))


def line_of(row: Row, keys: Callable[[], tuple[str, ...]], pace: Pace, shared: Shared) -> Line:
    place = row.place
    return Line(
        pace=pace,
        ring=Ring(place, keys, shared),
        breaker=Breaker(place=place, shared=shared),
        limits=Limits(place=place, shared=shared, requests=row.requests, tokens=row.tokens),
    )


def plain_line(settings: Settings, place: str, pace: Pace) -> Line:
    """For the key of these settings alone; what it meets nobody else knows."""
    keys, shared = split(settings.api_key), Memory(pace.clock)
    return Line(
        pace=pace,
        ring=Ring(place, lambda: keys, shared),
        breaker=Breaker(place=place, shared=shared),
        limits=Limits(place=place, shared=shared),
    )
