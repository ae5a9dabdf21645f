"""Models that need no provider: one that plays recorded answers, and one that records another's."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Self

from greenloop.errors import ModelUnreachable
from greenloop.model.around import Around
from greenloop.ports import CallLimits, Chat, Fit, Model, Price, Reply
from greenloop.records.recording import Entry, prompt_sha256, replies, unanswered

_NONE: Mapping[int, str] = MappingProxyType({})


class Replay:
    """Gives these replies in order, whatever is asked; then goes on with `then`, as a resumed run does. Each draw of
    several at once gets its own, in whatever order they ask; those that got no answer (`missing`) get none again."""

    def __init__(
        self, replies: Iterable[Reply], *, name: str, then: Model | None = None, missing: Mapping[int, str] = _NONE
    ) -> None:
        self._left: defaultdict[int, deque[Reply]] = defaultdict(deque)
        for reply in replies:
            self._left[reply.draw].append(reply)
        self._held = sum(map(len, self._left.values()))
        self._missing = missing
        self._lock = threading.Lock()
        self._name = name
        self._then = then

    @classmethod
    def of(cls, entries: Iterable[Entry], *, name: str, then: Model | None = None) -> Self:
        """What a record holds."""
        known = tuple(entries)
        return cls(replies(known), name=name, then=then, missing=unanswered(known))

    @property
    def name(self) -> str:
        return self._name

    @property
    def price(self) -> Price | None:
        return self._then.price if self._then else None

    @property
    def fit(self) -> Fit:
        return self._then.fit if self._then else Fit()

    def pass_on(self) -> bool:
        """A record that goes on tells that the run did; who is asked behind it goes on with it."""
        with self._lock:
            more = any(self._left.values())
        passed = self._then.pass_on() if self._then else False
        return more or passed

    def warm(self) -> None:
        if self._then:
            self._then.warm()

    def complete(self, chat: Chat, *, limits: CallLimits, on_chunk: Callable[[str], None]) -> Reply:
        with self._lock:
            left = self._left[limits.draw]
            reply = left.popleft() if left else None
        if reply is not None:
            on_chunk(reply.text)
            return replace(reply, first_token=0.0)
        if limits.draw in self._missing:
            raise ModelUnreachable(self._missing[limits.draw])
        if self._then:
            return self._then.complete(chat, limits=limits, on_chunk=on_chunk)
        raise ModelUnreachable(
            f"The recording holds {self._held} replies, and the run asks for another one. "
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
