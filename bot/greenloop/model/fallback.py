"""The next model when one cannot be had. Health that outlives a call, keys and limits are not in here."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from greenloop.errors import ModelUnreachable
from greenloop.ports import CallLimits, Chat, Model, Price, Reply


class Fallback:
    """The first of `models` that answers; the run stays with it. A call that may have been billed is not made again
    elsewhere: its failure is raised."""

    def __init__(self, models: Sequence[Model]) -> None:
        if not models:
            raise ValueError("there is no model")
        self._models = list(models)

    @property
    def name(self) -> str:
        return self._models[0].name

    @property
    def price(self) -> Price | None:
        """The dearest that may be paid; None when one of them has no known price."""
        prices = [p for p in (model.price for model in self._models) if p is not None]
        if len(prices) < len(self._models):
            return None
        return max(prices, key=lambda price: price.input + price.output)

    def warm(self) -> None:
        self._models[0].warm()

    def complete(self, chat: Chat, *, limits: CallLimits, on_chunk: Callable[[str], None]) -> Reply:
        while True:
            try:
                return self._models[0].complete(chat, limits=limits, on_chunk=on_chunk)
            except ModelUnreachable as error:
                if error.spent or len(self._models) == 1:
                    raise
                self._models.pop(0)
