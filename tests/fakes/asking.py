"""One way to ask a model in tests: no sleeping, the longest waits instead of random ones, everything noted."""

from __future__ import annotations

from collections.abc import Callable

from greenloop.model.retry import Pace
from greenloop.ports import CallLimits, Chat, ChatMessage, Model

CHAT: Chat = (ChatMessage(role="system", text="Be brief."), ChatMessage(role="user", text="Fix it, please."))
LIMITS = CallLimits(max_output=50, seconds=20.0)


class Clock:
    """Stands still but for what is slept, and for `step` seconds at each look at it."""

    def __init__(self, step: float = 0.0) -> None:
        self.now = 1000.0
        self.step = step
        self.slept: list[float] = []

    def __call__(self) -> float:
        self.now += self.step
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def pace(self) -> Pace:
        return Pace(clock=self, sleep=self.sleep, draw=lambda: 1.0)


def ask(
    model: Model, *, chat: Chat = CHAT, limits: CallLimits = LIMITS, on_chunk: Callable[[str], None] | None = None
) -> object:
    """The reply, or the exception: a value that can be compared."""
    try:
        return model.complete(chat, limits=limits, on_chunk=on_chunk or (lambda _: None))
    except Exception as error:  # noqa: BLE001 - what came is what is tested
        return error
