"""Requests and tokens a minute that a provider allows, shared by all who call it from this machine.

A bucket for each, filled evenly; a call takes what it may need before it, and what it did not need comes back.
"""

from __future__ import annotations

from dataclasses import dataclass

from greenloop.model.faults import Fault
from greenloop.model.shared import Fact, Shared

_MINUTE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """0 is no limit. `place` names the provider in sentences."""

    place: str
    shared: Shared
    requests: float = 0.0
    tokens: float = 0.0

    def take(self, tokens: int) -> None:
        """One request of so many tokens. Raises a `Fault` that says how long to wait."""
        if not self.requests and not self.tokens:
            return
        wait = self.shared.change(self._name, lambda fact: self._taken(fact, tokens))
        if wait > 0:
            raise Fault(
                f"The limits of {self.place} ({self._words()}) are used up for {wait:.0f} s.",
                again=True,
                wait=wait,
                cause="limit",
            )

    def give_back(self, tokens: int) -> None:
        """Tokens that were taken and not needed; fewer than none were needed beyond what was taken."""
        if self.tokens and tokens:
            self.shared.change(self._name, lambda fact: (self._moved(fact, tokens), None))

    @property
    def _name(self) -> str:
        return f"limits {self.place}"

    def _words(self) -> str:
        each = ((self.requests, "requests"), (self.tokens, "tokens"))
        return " and ".join(f"{most:g} {what} a minute" for most, what in each if most)

    def _filled(self, fact: Fact) -> dict[str, float]:
        now = self.shared.now()
        passed = max(0.0, now - fact.get("at", now)) / _MINUTE
        return {
            "at": now,
            "requests": min(self.requests, fact.get("requests", self.requests) + passed * self.requests),
            "tokens": min(self.tokens, fact.get("tokens", self.tokens) + passed * self.tokens),
        }

    def _moved(self, fact: Fact, tokens: int) -> Fact:
        full = self._filled(fact)
        return {**full, "tokens": min(self.tokens, full["tokens"] + tokens)}

    def _taken(self, fact: Fact, tokens: int) -> tuple[Fact, float]:
        """A call larger than a whole minute's tokens waits for a full bucket, and leaves a debt."""
        full = self._filled(fact)
        needed = {"requests": 1.0 if self.requests else 0.0, "tokens": min(float(tokens), self.tokens)}
        waits = [
            (needed[what] - full[what]) / most * _MINUTE
            for what, most in (("requests", self.requests), ("tokens", self.tokens))
            if most
        ]
        if max(waits) > 1e-6:
            return full, max(waits)
        full["requests"] -= needed["requests"]
        full["tokens"] -= tokens if self.tokens else 0
        return full, 0.0
