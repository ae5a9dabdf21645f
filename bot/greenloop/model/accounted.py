"""A model whose calls are held in a ledger before they are made, and settled there after them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from greenloop.domain import Request
from greenloop.errors import ModelUnreachable
from greenloop.model.around import Around
from greenloop.model.audit import database
from greenloop.model.book import Book
from greenloop.model.budget import cost_of, fitting, most_tokens
from greenloop.ports import CallLimits, Chat, Model, Reply
from greenloop.records.ledger import Amount, Ledger, Room, account
from greenloop.records.places import Places
from greenloop.settings import Settings


def book(request: Request, settings: Settings, places: Places) -> Ledger | None:
    """On a machine of one's own: the ledger, if there are limits by day and month."""
    about = account(settings, requester=request.actor, repository=request.repository, run=request.key)
    return Book(database(places.state), about) if about.limited else None


def within(model: Model, ledger: Ledger | None) -> Model:
    return model if ledger is None else Accounted(model, ledger)


class Accounted(Around):
    """An answer that comes from elsewhere, a recording or the store, does not get here and is not counted."""

    def __init__(self, model: Model, ledger: Ledger) -> None:
        super().__init__(model)
        self._ledger = ledger

    def complete(self, chat: Chat, *, limits: CallLimits, on_chunk: Callable[[str], None]) -> Reply:
        price, wanted = self.price, limits.max_output
        most = Amount()
        held: list[str] = []

        def hold(asked: Chat) -> int:
            into, out = most_tokens(asked), 0

            def fit(rooms: tuple[Room, ...]) -> Amount:
                nonlocal out
                out = fitting(rooms, into, wanted, wanted, price)
                return Amount.of(into + out, cost_of(price, into=into, out=out))

            nonlocal most
            held.append(self._ledger.hold(fit))
            most += Amount.of(into + out, cost_of(price, into=into, out=out))
            return out

        def more(asked: Chat, above: Callable[[Chat], int]) -> int:
            return min(above(asked), hold(asked))

        limits = replace(limits, max_output=hold(chat), more=limits.more and partial(more, above=limits.more))
        spent: Amount | None = None  # however else a call ends, all of it may have been billed
        try:
            reply = self._model.complete(chat, limits=limits, on_chunk=on_chunk)
            used = reply.usage
            cost = cost_of(price, into=used.input, out=used.output, cached=min(used.cached, used.input))
            spent = Amount.of(used.input + used.output, cost if used.cost is None else used.cost)
        except ModelUnreachable as error:
            spent = None if error.spent else Amount()
            raise
        finally:
            for number, key in enumerate(held):  # all of it under the first, then the others are free again
                self._ledger.settle(key, Amount() if number else most if spent is None else spent)
        return reply
