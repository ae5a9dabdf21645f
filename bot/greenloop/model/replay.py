"""Models that need no provider: one that plays recorded answers, and one that records another's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from greenloop.errors import ModelUnreachable
from greenloop.model.around import Around
from greenloop.ports import CallLimits, Chat, Fit, Model, Price, Reply
from greenloop.recording import prompt_sha256


class Replay:
    """Gives these replies in order, whatever is asked; then goes on with `then`, as a resumed run does."""

    def __init__(self, replies: Iterable[Reply], *, name: str, then: Model | None = None) -> None:
        self._replies = tuple(replies)
        self._name = name
        self._then = then
        self._given = 0

    @property
    def name(self) -> str:
        return self._name

    @property
    def price(self) -> Price | None:
        return self._then.price if self._then else None

    @property
    def fit(self) -> Fit:
        return self._then.fit if self._then else Fit()

    def warm(self) -> None:
        if self._then:
            self._then.warm()

    def complete(self, chat: Chat, *, limits: CallLimits, on_chunk: Callable[[str], None]) -> Reply:
        if self._given < len(self._replies):
            reply = self._replies[self._given]
            self._given += 1
            on_chunk(reply.text)
            return replace(reply, first_token=0.0)
        if self._then:
            return self._then.complete(chat, limits=limits, on_chunk=on_chunk)
        raise ModelUnreachable(
            f"The recording holds {len(self._replies)} replies, and the run asks for another one. "
            "It was made with other code, settings or checks; run it again with a live model (--model)."
        )


class Recorder(Around):
    """Hands each reply, with the hash of its prompt, to `on_reply` before anybody else sees it: what was billed is
    kept even if the next line fails."""

    def __init__(self, model: Model, on_reply: Callable[[Reply, str], None]) -> None:
        super().__init__(model)
        self._on_reply = on_reply

    def complete(self, chat: Chat, *, limits: CallLimits, on_chunk: Callable[[str], None]) -> Reply:
        reply = self._model.complete(chat, limits=limits, on_chunk=on_chunk)
        self._on_reply(reply, prompt_sha256(chat))
        return reply
