"""A circuit breaker: a provider that is down is left alone for a while, then asked by one caller before the others.

Closed: calls pass. Open: none passes. Half open: one passes, and what comes of it decides. The state is shared by all
processes of the machine.
"""

from __future__ import annotations

from dataclasses import dataclass

from greenloop.model.faults import Fault
from greenloop.model.shared import Fact, Shared

FAILURES = 3  # in a row, until it opens
_DOWN = frozenset({"down", "unreachable", "late", "cut", "foreign"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """Of one provider, called `place` in sentences. It rests `first` seconds, twice as long after each failed probe, at
    most `longest`; a probe that nobody ends is given up after `probe` seconds."""

    place: str
    shared: Shared
    first: float = 30.0
    longest: float = 600.0
    probe: float = 120.0

    def admit(self) -> None:
        """Raises a `Fault` that says how long to wait, unless a call may pass."""
        wait = self.shared.change(self._name, self._admitted)
        if wait > 0:
            raise Fault(
                f"{self.place} failed {FAILURES} times in a row and rests; it is tried again in {wait:.0f} s.",
                again=True,
                wait=wait,
                cause="resting",
            )

    def failed(self, fault: Fault) -> None:
        """Only what tells that the provider is down counts: a wrong key or request says nothing about it."""
        if fault.cause in _DOWN:
            self.shared.change(self._name, self._counted)
        else:
            self.answered()

    def answered(self) -> None:
        self.shared.change(self._name, lambda _: ({}, None))

    @property
    def _name(self) -> str:
        return f"breaker {self.place}"

    def _admitted(self, fact: Fact) -> tuple[Fact, float]:
        now, until = self.shared.now(), fact.get("until", 0.0)
        if not until or until - now > self.longest + self.probe:  # closed; or a clock that was set back
            return fact, 0.0
        if now < until:
            return fact, until - now
        return {**fact, "until": now + self.probe}, 0.0  # the one that passes; the others wait for it

    def _counted(self, fact: Fact) -> tuple[Fact, None]:
        failures = fact.get("failures", 0.0) + 1
        if failures < FAILURES:
            return {"failures": failures}, None
        rest = min(self.longest, self.first * 2.0 ** min(failures - FAILURES, 32))
        return {"failures": failures, "until": self.shared.now() + rest}, None
