"""When to ask again after a failure, and how long to wait. Shared by every adapter; knows no protocol.

Only what failed before any token arrived, and only where asking again may help: a wrong key stays wrong.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from greenloop.model.faults import Fault
from greenloop.ports import Reply

OURS = frozenset({"limit", "resting"})  # causes of faults that nobody was asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often and how fast. Waits are drawn from 0 to `first` · 2ⁿ seconds (full jitter), at most `longest`."""

    tries: int = 3
    first: float = 1.0
    longest: float = 20.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    draw: Callable[[], float] = random.random


def insist(ask: Callable[[], Reply], *, pace: Pace, deadline: float, patience: float = math.inf) -> Reply:
    """What `ask` returns, tried again while its `Fault` allows it, the wait is no longer than `patience`, and the
    deadline leaves room for it. Waiting for our own limits is no try."""
    tried = 0
    while True:
        try:
            return ask()
        except Fault as fault:
            tried += fault.cause not in OURS
            if not fault.again or tried == pace.tries:
                raise _counted(fault, tried) from None
            wait = _wait(fault, pace, tried)
            if wait > patience:
                raise _counted(fault, tried) from None
            if pace.clock() + wait >= deadline:
                raise _too_long(fault, wait) from None
        pace.sleep(wait)


def _wait(fault: Fault, pace: Pace, tried: int) -> float:
    """The provider's own word wins over ours."""
    if fault.wait is not None:
        return fault.wait
    return pace.draw() * min(pace.longest, pace.first * 2.0 ** (tried - 1))


def _counted(fault: Fault, tried: int) -> Fault:
    return fault if tried <= 1 else fault.with_note(f"Tried {tried} times.")


def _too_long(fault: Fault, wait: float) -> Fault:
    return fault.with_note(f"Trying again would need to wait {wait:.0f} s, and there is not so much time left.")
