"""A model that says what a test wants it to, in process: for what wraps a model."""

from __future__ import annotations

from collections.abc import Callable

from greenloop.domain import Usage
from greenloop.ports import CallLimits, Chat, Fit, Price, Reply


class Scripted:
    """Gives these replies in order and counts how often it is asked."""

    def __init__(self, *replies: Reply | BaseException, name: str = "m", price: Price | None = None) -> None:
        self.name, self.price, self._replies, self.asked = name, price, list(replies), 0
        self.fit = Fit()
        self.chats: list[Chat] = []
        self.limits: list[CallLimits] = []

    def warm(self) -> None: ...

    def pass_on(self) -> bool:
        return False

    def complete(self, chat: Chat, *, limits: CallLimits, on_chunk: Callable[[str], None]) -> Reply:
        self.chats.append(chat)
        self.asked += 1
        self.limits.append(limits)
        reply = self._replies.pop(0)
        if isinstance(reply, BaseException):
            raise reply
        on_chunk(reply.text)
        return reply


def reply(text: str = "an answer", finish: str = "stop", **fields: object) -> Reply:
    usage = Usage(calls=1, input=11, output=7, cached=4, cost=None)
    return Reply(text=text, finish=finish, model="m", first_token=0.5, **{"usage": usage, **fields})  # type: ignore[arg-type]
