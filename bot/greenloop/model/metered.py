"""An embedding model whose calls count as a model's do: held in the budget and the ledger before, noted after.

It may use a fourth of the run's tokens, so that there is something left to answer with. What has no vector then is
found by its words, and gets one in the next run.
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from time import monotonic
from typing import TYPE_CHECKING

from greenloop.domain import Request, Usage
from greenloop.errors import ModelUnreachable, OutOfBudget
from greenloop.model.accounted import book
from greenloop.model.audit import Audit, Call, database
from greenloop.model.budget import Budget, estimate_tokens, fitting, most_tokens
from greenloop.ports import Chat, ChatMessage, Embedder
from greenloop.records.ledger import Amount, Ledger, Room
from greenloop.records.places import Places
from greenloop.settings import Settings

if TYPE_CHECKING:
    from greenloop.model.embeddings import Embeddings
    from greenloop.model.own_embeddings import OwnEmbeddings

VECTORS = "vectors"  # how such a call ends in the audit
_PART = 4
_ENOUGH = (
    "vectors may take a fourth of this run's tokens ({most} of `max_tokens`), and that is used up. The next run goes "
    "on with them; `greenloop index` makes all of them at once, outside of any run."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """Whose calls they are, and where they are noted."""

    request: Request
    audit: Audit
    ledger: Ledger | None = None
    clock: Callable[[], float] = monotonic
    now: Callable[[], str] = lambda: datetime.now(UTC).isoformat(timespec="milliseconds")


def meter_of(request: Request, settings: Settings, places: Places) -> Meter:
    """On a machine of one's own."""
    return Meter(request=request, audit=Audit(database(places.state)), ledger=book(request, settings, places))


def metered(settings: Settings, budget: Budget | None, meter: Meter | None) -> Embedder | None:
    """What the settings name, counted; None when they name none. Raises `Misconfigured`. Without a `budget` nothing but
    the ledger bounds it."""
    if not settings.embedding_model:
        return None
    from greenloop.model.embeddings import open_embedder  # noqa: PLC0415 - most runs have none

    made = open_embedder(settings)
    if made is None:
        return None
    return Metered(made, budget, meter, most=settings.max_tokens // _PART)


class Metered:
    """Implements `ports.Embedder`. Any thread may use it."""

    def __init__(
        self, inner: Embeddings | OwnEmbeddings, budget: Budget | None, meter: Meter | None, *, most: int
    ) -> None:
        self._inner, self._budget, self._meter, self._most = inner, budget, meter, most
        self._used = 0
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        return self._inner.name

    def embed(self, texts: Sequence[str]) -> Iterator[array[float]]:
        """Raises `ModelUnreachable`, also where no budget is left for it: the search goes on without."""
        from greenloop.model.embeddings import BATCH  # noqa: PLC0415 - as above

        chat = _chat(texts)
        try:
            held = self._hold(chat)
        except OutOfBudget as error:
            raise ModelUnreachable(str(error)) from None
        used, began = Usage(), self._meter.clock() if self._meter else 0.0
        outcome = "failed"
        try:
            for start in range(0, len(texts), BATCH):
                made, usage, trouble = self._batch(texts[start : start + BATCH])
                used += usage
                if trouble is not None:
                    raise trouble
                yield from made
            outcome = VECTORS
        finally:
            self._settle(chat, held, used, began, outcome)

    def _hold(self, chat: Chat) -> str:
        def fit(rooms: tuple[Room, ...]) -> Amount:
            into = most_tokens(chat)
            return Amount.of(into + fitting(rooms, into, 0, 0, None), None)

        ledger = self._meter.ledger if self._meter else None
        return ledger.hold(fit) if ledger else ""

    def _batch(self, texts: Sequence[str]) -> tuple[list[array[float]], Usage, ModelUnreachable | None]:
        """One call, with its tokens set aside before it. A failure comes with what it may have cost."""
        chat = _chat(texts)
        most = most_tokens(chat)
        if self._budget is None:
            return self._asked(texts, most)
        with self._lock:
            if self._used + most > self._most:
                return [], Usage(), ModelUnreachable(_ENOUGH.format(most=self._most))
            self._used += most
        try:
            reservation = self._budget.reserve(chat, None, 0)
        except OutOfBudget as error:
            return [], Usage(), ModelUnreachable(str(error))
        usage = Usage(input=most, cost=None, estimated=True)  # of a call that ended otherwise
        try:
            made, usage, trouble = self._asked(texts, most)
        finally:
            self._budget.settle(reservation, usage)
            with self._lock:
                self._used += usage.input - most
        return made, usage, trouble

    def _asked(self, texts: Sequence[str], most: int) -> tuple[list[array[float]], Usage, ModelUnreachable | None]:
        cost = 0.0 if self._inner.local else None
        try:
            made, told = self._inner.batch(texts)
        except ModelUnreachable as error:
            spent = Usage(input=most, cost=cost, estimated=True) if error.spent else Usage()
            return [], spent, error
        counted = told or min(most, sum(map(estimate_tokens, texts)))
        return made, Usage(input=counted, cost=cost, estimated=not told), None

    def _settle(self, chat: Chat, held: str, used: Usage, began: float, outcome: str) -> None:
        meter = self._meter
        if meter is None:
            return
        if meter.ledger is not None:
            meter.ledger.settle(held, Amount.of(used.input, used.cost))
        meter.audit.add(
            Call(
                at=meter.now(),
                requester=meter.request.actor,
                repository=meter.request.repository,
                run=meter.request.key,
                model=self.name,
                input=used.input,
                cost=used.cost,
                estimated=used.estimated,
                seconds=round(meter.clock() - began, 3),
                outcome=outcome,
                prompt=sha256("\0".join(m.text for m in chat).encode(errors="replace")).hexdigest(),
            )
        )


def _chat(texts: Sequence[str]) -> Chat:
    return tuple(ChatMessage(role="user", text=text) for text in texts)
