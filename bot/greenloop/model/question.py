"""One call, before it has a wire format."""

from __future__ import annotations

from dataclasses import dataclass

from greenloop.ports import CallLimits, Chat


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """`context` is the model's context length, 0 when nobody told."""

    model: str
    chat: Chat
    limits: CallLimits
    context: int = 0
