"""The wire formats that the direct client speaks: one module and one row of this table for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from types import MappingProxyType
from typing import Any, Protocol

from greenloop.model.formats import anthropic, ollama, openai
from greenloop.model.question import Inquiry, Question
from greenloop.model.stream import Answer


class Format(Protocol):
    """A module with these names. `DIALECTS` are words of the request that some endpoints have differently or not at
    all; `body` leaves out or changes those that it is told."""

    KIND: str  # for the sentence "does not answer as … does"
    ENDS: str  # how an address usually ends
    CHAT: str  # paths below the address
    LIST: str
    DIALECTS: tuple[str, ...]
    LINES: bool  # one object a line, not an event stream
    WRITTEN: float | None  # the price of a token that is written to the provider's cache, beside that of a new one

    def headers(self, key: str) -> dict[str, str]: ...

    def body(self, question: Question, without: AbstractSet[str]) -> dict[str, Any]: ...

    def take(self, event: dict[str, Any], answer: Answer) -> str:
        """Add an event, or a whole body, to the answer; returns the text that is new. Raises `Foreign`."""
        ...

    def names(self, listing: dict[str, Any]) -> list[object]:
        """The models in what `LIST` answers."""
        ...

    def lengths(self, model: str) -> Iterator[Inquiry]:
        """Where to ask how long the model's context is, one after the other until one tells."""
        ...


FORMATS: Mapping[str, Format] = MappingProxyType({"openai": openai, "anthropic": anthropic, "ollama": ollama})
