"""Models that take turns at the answers to one prompt; whatever else is asked goes to the first."""

from __future__ import annotations

from collections.abc import Callable

from greenloop.model.around import Among
from greenloop.model.fitting import reworded
from greenloop.ports import CallLimits, Chat, Fit, Reply


class Several(Among):
    """The first draw is the first model's, the second the second's, and so on round and round."""

    @property
    def fit(self) -> Fit:
        return self._models[0].fit

    def pass_on(self) -> bool:
        """Only the first one is asked when the draws are over."""
        return self._models[0].pass_on()

    def warm(self) -> None:
        for model in self._models:
            model.warm()

    def complete(self, chat: Chat, *, limits: CallLimits, on_chunk: Callable[[str], None]) -> Reply:
        model = self._models[max(limits.draw - 1, 0) % len(self._models)]
        chat, limits = reworded(chat, limits, self.fit, model.fit)
        return model.complete(chat, limits=limits, on_chunk=on_chunk)
