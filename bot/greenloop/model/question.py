"""One call, before it has a wire format; and a question about a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from greenloop.ports import CallLimits, Chat


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """`context` is the model's context length, 0 when nobody told."""

    model: str
    chat: Chat
    limits: CallLimits
    context: int = 0


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One question about a model: a path below the address, a body for a POST, and how the answer is read."""

    path: str
    body: Mapping[str, Any] | None
    read: Callable[[Mapping[str, Any]], int]
